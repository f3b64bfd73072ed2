/* SPDX-License-Identifier: Apache-2.0 */
/* A program of another release: every public struct that may grow stands between guard bytes, and
 * goes through the functions that read or write it. It is compiled with older or newer headers than
 * the library's (tests/packaging/abi/check); with -DNEWER they are newer. */
#include <ravine.h>
#include <ravine_checkpoint.h>
#include <ravine_doctor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                    \
    do {                                                                                      \
        if (condition) break;                                                                 \
        printf("line %d: %s; the last message: %s\n", __LINE__, #condition, ravine_errmsg()); \
        exit(1);                                                                              \
    } while (0)

enum { GUARD = 64, LEN = 32, STEPS = 40 };

/* `name`, of a type, between bytes that nobody may change; filled with such bytes itself. */
#define GUARDED(type, name)                               \
    static struct {                                       \
        unsigned char before[GUARD];                      \
        type value;                                       \
        unsigned char after[GUARD];                       \
    } guarded_##name;                                     \
    memset(&guarded_##name, 0xA5, sizeof guarded_##name); \
    type *const name = &guarded_##name.value

static int is_intact(const unsigned char *bytes) {
    for (int k = 0; k < GUARD; k++)
        if (bytes[k] != 0xA5) return 0;
    return 1;
}

#define REQUIRE_INTACT(type, name)                                                \
    REQUIRE(is_intact(guarded_##name.before) && is_intact(guarded_##name.after)); \
    REQUIRE(name->size == sizeof(type))

/* Set by hand; the rest is zero, as after = {.size = sizeof ...}. */
#define BY_HAND(type, name)        \
    memset(name, 0, sizeof *name); \
    name->size = sizeof(type)

/* What a newer header has beyond the library's: zero is no wish, and what is not known is zero. */
#ifdef NEWER
#define REFUSES(name, call)                            \
    name->newer = 1;                                   \
    REQUIRE((call) == RAVINE_E_UNSUPPORTED);           \
    REQUIRE(strstr(ravine_errmsg(), "needs a newer")); \
    name->newer = 0
#define REQUIRE_ZERO(name) REQUIRE(name->newer == 0)
#else
#define REFUSES(name, call)
#define REQUIRE_ZERO(name)
#endif

/* ---- numbers and names that never change ------------------------------------------------------
 */

static void look_at_setting(int setting, int number, const char *name, ravine_setting_kind kind) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    REQUIRE(setting == number);
    if (!info) return; /* of a newer header */
    REQUIRE(!strcmp(info->name, name) && info->kind == kind);
}

/* The text form begins with the name of the shape. */
static void look_at_shape(int shape, const char *name, const char *parameters, int has_to) {
    char text[400];
    ravine_schedule s;
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    s.nsegments = 1;
    s.segment[0].shape = shape;
    s.segment[0].steps = 7;
    s.segment[0].from = 1;
    s.segment[0].to = has_to ? 2 : 0;
    if (*parameters) s.segment[0].parameter[0] = 1;
    if (strchr(parameters, ' ')) s.segment[0].parameter[1] = 1;
    REQUIRE(ravine_schedule_format(&s, text, sizeof text, NULL) == RAVINE_OK);
    REQUIRE(!strncmp(text, name, strlen(name)) && text[strlen(name)] == '(');
}

static void look_at_numbers(void) {
#define RAVINE_X(NAME, number, word, type, bounds, sentence) \
    look_at_setting(RAVINE_##NAME, number, #word, RAVINE_KIND_##type);
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
#define RAVINE_X(NAME, number, word, parameters, formula) \
    look_at_shape(RAVINE_SHAPE_##NAME, #word, parameters, strstr(formula, "to") != NULL);
    RAVINE_SHAPE_LIST(RAVINE_X)
#undef RAVINE_X
#define RAVINE_X(name, value, text) REQUIRE(!strcmp(ravine_status_text(name), text));
    RAVINE_STATUS_LIST(RAVINE_X)
#undef RAVINE_X
#define RAVINE_X(NAME, value, bits, name) \
    REQUIRE(!strcmp(ravine_dtype_name(value), name) && ravine_dtype_bits(RAVINE_##NAME) == bits);
    RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
#define RAVINE_X(NAME, value, severity, word, meaning)                   \
    REQUIRE(!strcmp(ravine_verdict_word(RAVINE_VERDICT_##NAME), word) && \
            ravine_verdict_severity(RAVINE_VERDICT_##NAME) == RAVINE_SEVERITY_##severity);
    RAVINE_VERDICT_LIST(RAVINE_X)
#undef RAVINE_X
#define RAVINE_X(NAME, value, word, meaning) \
    REQUIRE(!strcmp(ravine_warning_word(RAVINE_WARNING_##NAME), word));
    RAVINE_WARNING_LIST(RAVINE_X)
#undef RAVINE_X
    static const struct {
        int rule;
        const char *name;
    } rules[] = {
        {RAVINE_SGD, "sgd"},
        {RAVINE_ADAGRAD, "adagrad"},
        {RAVINE_ADAGRAD_MEAN, "adagrad_mean"},
        {RAVINE_RMSPROP, "rmsprop"},
        {RAVINE_ADADELTA, "adadelta"},
        {RAVINE_ADAM, "adam"},
        {RAVINE_ADAMW, "adamw"},
        {RAVINE_ADAMAX, "adamax"},
        {RAVINE_NADAM, "nadam"},
        {RAVINE_RADAM, "radam"},
        {RAVINE_ASGD, "asgd"},
        {RAVINE_RPROP, "rprop"},
        {RAVINE_LION, "lion"},
        {RAVINE_SIGNUM, "signum"},
        {RAVINE_ADABELIEF, "adabelief"},
        {RAVINE_YOGI, "yogi"},
        {RAVINE_ADAN, "adan"},
        {RAVINE_ADOPT, "adopt"},
    };
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
        REQUIRE(!strcmp(ravine_rule_describe(rules[k].rule)->name, rules[k].name));
    REQUIRE(!strcmp(ravine_setting_describe(RAVINE_EPS_FORM)->choice[RAVINE_EPS_INSIDE], "inside"));
    REQUIRE(!strcmp(ravine_setting_describe(RAVINE_DECAY_FORM)->choice[RAVINE_DECAY_PROXIMAL],
                    "proximal"));
    REQUIRE(!strcmp(ravine_setting_describe(RAVINE_INITIAL_FORM)->choice[RAVINE_INITIAL_GRADIENT],
                    "gradient"));
}

/* ---- values -----------------------------------------------------------------------------------
 */

static void make_configs(ravine_config *parsed) {
    GUARDED(ravine_config, c);
    char text[400];
    REQUIRE(ravine_config_init(c, RAVINE_ADAMW) == RAVINE_OK);
    REQUIRE_INTACT(ravine_config, c);
    REQUIRE_ZERO(c);
    REQUIRE(c->lr == 1e-3 && c->beta2 == 0.999 && c->decay_form == RAVINE_DECAY_DECOUPLED);
    REQUIRE(ravine_config_set(c, "amsgrad", "true") == RAVINE_OK && c->amsgrad == 1);
    REQUIRE(ravine_config_get(c, RAVINE_AMSGRAD) == 1);
    REQUIRE(ravine_config_check(c) == RAVINE_OK);
    REFUSES(c, ravine_config_check(c));
    REQUIRE(ravine_config_format(c, 0, text, sizeof text, NULL) == RAVINE_OK);
    REQUIRE(!strcmp(text, "adamw lr=0.001 amsgrad=true"));
    REQUIRE(ravine_config_parse(c, "adamw lr=0.01 weight_decay=0.1") == RAVINE_OK);
    REQUIRE_INTACT(ravine_config, c);
    REQUIRE(c->lr == 0.01 && c->weight_decay == 0.1);
    /* A setting that the library has and this program has not: it can be named, but has no place.
     */
    const int newer = ravine_setting_find("newer");
    if (newer >= RAVINE_SETTING_COUNT) {
        REQUIRE(ravine_config_get(c, newer) == 0);
        REQUIRE(ravine_config_set(c, "newer", "1") == RAVINE_E_UNSUPPORTED);
        REQUIRE(strstr(ravine_errmsg(), "no place for newer"));
        REQUIRE(ravine_config_parse(c, "adamw newer=1") == RAVINE_E_UNSUPPORTED);
        REQUIRE(ravine_config_parse(c, "adamw lr=0.01 weight_decay=0.1 newer=0") == RAVINE_OK);
        REQUIRE_INTACT(ravine_config, c);
    }
    REQUIRE(ravine_effective_lr(c, 0.5, 1) == 0.5 && ravine_stability_limit(c, 0.01, 9) > 0);
    *parsed = *c;
}

static void make_schedules(ravine_schedule *parsed) {
    GUARDED(ravine_schedule, s);
    GUARDED(ravine_schedule_facts, facts);
    GUARDED(ravine_plateau, p);
    double scale = 0;
    REQUIRE(ravine_schedule_constant(s, 0.5) == RAVINE_OK);
    REQUIRE_INTACT(ravine_schedule, s);
    REQUIRE(ravine_schedule_parse(s, "linear(10, from=0.1, to=0.01)") == RAVINE_OK);
    REQUIRE_INTACT(ravine_schedule, s);
    REFUSES(s, ravine_schedule_check(s));
    REQUIRE(ravine_schedule_check(s) == RAVINE_OK && ravine_schedule_at(s, 0) == 0.1);
    REQUIRE(ravine_schedule_describe(s, facts) == RAVINE_OK);
    REQUIRE_INTACT(ravine_schedule_facts, facts);
    REQUIRE_ZERO(facts);
    REQUIRE(facts->first == 0.1 && facts->last == 0.01 && facts->total == 10);
    ravine_plateau_init(p);
    REQUIRE_INTACT(ravine_plateau, p);
    REQUIRE(p->factor == 0.1 && p->patience == 10);
    p->patience = 0;
    for (int k = 0; k < 2; k++) REQUIRE(ravine_plateau_tell(p, 1, &scale) == RAVINE_OK);
    REFUSES(p, ravine_plateau_tell(p, 1, &scale));
    REQUIRE_INTACT(ravine_plateau, p);
    REQUIRE(scale == 0.1 && p->told == 2);
    *parsed = *s;
}

/* ---- an optimizer ------------------------------------------------------------------------------
 */

static double x[2][LEN], g[2][LEN];

/* Half the squared distance to 1, and the gradients. */
static double bowl(void) {
    double loss = 0;
    for (int i = 0; i < 2 * LEN; i++) {
        g[i / LEN][i % LEN] = x[i / LEN][i % LEN] - 1;
        loss += g[i / LEN][i % LEN] * g[i / LEN][i % LEN] / 2;
    }
    return loss;
}

static int evaluate(void *context, int64_t batch, int32_t gradient, double *loss) {
    (void)context, (void)batch, (void)gradient;
    *loss = bowl();
    return 0;
}

static ravine_optimizer *make_optimizer(const ravine_config *c, const ravine_schedule *s) {
    GUARDED(ravine_env, env);
    GUARDED(ravine_options, options);
    GUARDED(ravine_param, view);
    ravine_param p[2];
    ravine_optimizer *o = NULL;
    int32_t group;
    int64_t bytes = 0;
    ravine_env_init(env);
    REQUIRE_INTACT(ravine_env, env);
    env->threads = 1;
    env->statistics = 1;
    REFUSES(env, ravine_create(&o, c, env));
    REQUIRE(ravine_create(&o, c, env) == RAVINE_OK);
    REQUIRE(ravine_add_group(o, c, &group) == RAVINE_OK && group == 1);
    memset(p, 0, sizeof p);
    for (int k = 0; k < 2; k++) {
        p[k].size = sizeof p[k];
        p[k].dtype = RAVINE_F64;
        p[k].group = k;
        p[k].name = k ? "b" : "a";
        p[k].data = x[k];
        p[k].grad = g[k];
        p[k].len = LEN;
    }
    ravine_param *second = &p[1];
    REFUSES(second, ravine_add(o, p, 2));
    (void)second;
    REQUIRE(ravine_state_bytes(o, p, 2, &bytes) == RAVINE_OK && bytes > 0);
    REQUIRE(ravine_add(o, p, 2) == RAVINE_OK && ravine_param_count(o) == 2);
    REQUIRE(ravine_param_view(o, 1, view) == RAVINE_OK);
    REQUIRE_INTACT(ravine_param, view);
    REQUIRE(!strcmp(view->name, "b") && view->group == 1 && view->data == x[1]);
    REQUIRE(ravine_state_view(o, "a", "exp_avg", view) == RAVINE_OK && view->len == LEN);
    REQUIRE_INTACT(ravine_param, view);
    REQUIRE_ZERO(view);
    ravine_options_init(options);
    REQUIRE_INTACT(ravine_options, options);
    REQUIRE(options->grad_scale == 1);
    options->clip_norm = 100;
    REFUSES(options, ravine_set_options(o, options));
    REQUIRE(ravine_set_options(o, options) == RAVINE_OK);
    char text[200];
    REFUSES(options, ravine_options_format(options, text, sizeof text, NULL));
    REQUIRE(ravine_options_format(options, text, sizeof text, NULL) == RAVINE_OK);
    REQUIRE(!strcmp(text, "nonfinite=hold zero_grad=0 clip_norm=100 grad_scale=1"));
    REQUIRE(ravine_set_schedule(o, -1, RAVINE_LR, s) == RAVINE_OK);
    return o;
}

/* ---- the doctor --------------------------------------------------------------------------------
 */

static void look_at_doctor(ravine_doctor *d, ravine_optimizer *o) {
    GUARDED(ravine_warning, warning);
    GUARDED(ravine_diagnosis, diagnosis);
    GUARDED(ravine_problem, problem);
    GUARDED(ravine_probe_options, options);
    GUARDED(ravine_probe, probe);
    BY_HAND(ravine_warning, warning);
    REQUIRE(ravine_doctor_warning(d, warning) == RAVINE_OK);
    REQUIRE_INTACT(ravine_warning, warning);
    BY_HAND(ravine_problem, problem);
    problem->evaluate = evaluate;
    BY_HAND(ravine_probe, probe);
    ravine_probe_options_init(options);
    REQUIRE_INTACT(ravine_probe_options, options);
    REQUIRE(options->lanczos == 20);
    REFUSES(options, ravine_probe_run(o, problem, options, probe));
    REFUSES(problem, ravine_probe_run(o, problem, options, probe));
    REQUIRE(ravine_probe_run(o, problem, options, probe) == RAVINE_OK);
    REQUIRE_INTACT(ravine_probe, probe);
    REQUIRE(probe->lambda_max > 0.99 && probe->lambda_max < 1.01);
    REFUSES(probe, ravine_doctor_take_probe(d, probe));
    REQUIRE(ravine_doctor_take_probe(d, probe) == RAVINE_OK);
    BY_HAND(ravine_diagnosis, diagnosis);
    REQUIRE(ravine_doctor_diagnose(d, diagnosis) == RAVINE_OK);
    REQUIRE_INTACT(ravine_diagnosis, diagnosis);
    REQUIRE(diagnosis->step == ravine_steps(o) && diagnosis->nevidence > 0);
    static char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    REQUIRE(ravine_diagnosis_format(diagnosis, text, sizeof text, NULL) == RAVINE_OK);
    REQUIRE(ravine_try_cures(o, problem, 3, diagnosis) == RAVINE_OK);
    REFUSES(diagnosis, ravine_try_cures(o, problem, 3, diagnosis));
    REQUIRE_INTACT(ravine_diagnosis, diagnosis);
}

/* The same run by numbers: statistics of the whole and of two groups. */
static void feed(ravine_doctor *d, double loss, const ravine_step_stats *stats,
                 const ravine_step_stats groups[2], const ravine_config *c) {
    GUARDED(ravine_observation, observation);
    BY_HAND(ravine_observation, observation);
    observation->nparts = 2;
    observation->loss = loss;
    observation->stats = stats;
    observation->part_stats = groups;
    observation->config = c;
    REFUSES(observation, ravine_doctor_feed(d, observation));
    REQUIRE(ravine_doctor_feed(d, observation) == RAVINE_OK);
    REQUIRE_INTACT(ravine_observation, observation);
}

/* And by copies of numbers. */
static void sample(ravine_doctor *d, const ravine_step_stats *stats) {
    static double x[LEN], notes[RAVINE_SAMPLES_NOTES * LEN];
    GUARDED(ravine_observation, observation);
    GUARDED(ravine_samples, samples);
    BY_HAND(ravine_observation, observation);
    BY_HAND(ravine_samples, samples);
    observation->nparts = 1;
    observation->loss = 1;
    observation->stats = stats;
    samples->dtype = RAVINE_F64;
    samples->elements = samples->len = LEN;
    samples->pitch = RAVINE_SAMPLES_CHUNK;
    samples->data = samples->gradient = x;
    samples->gradient_scale = 1;
    samples->notes = notes;
    REFUSES(samples, ravine_samples_take(samples, 1));
    REQUIRE(ravine_samples_take(samples, 1) == RAVINE_OK);
    REFUSES(samples, ravine_doctor_observe_samples(d, observation, samples));
    REQUIRE(ravine_doctor_observe_samples(d, observation, samples) == RAVINE_OK);
    REQUIRE_INTACT(ravine_samples, samples);
    REQUIRE(samples->steps == 1);
}

static void train(ravine_optimizer *o, const ravine_config *c) {
    GUARDED(ravine_doctor_options, options);
    GUARDED(ravine_step_stats, stats);
    ravine_step_stats groups[2];
    ravine_doctor *d, *fed, *sampled;
    double first = 0, loss = 0;
    ravine_doctor_options_init(options);
    REQUIRE_INTACT(ravine_doctor_options, options);
    REQUIRE(options->window == 256);
    options->window = 16;
    REFUSES(options, ravine_doctor_create(&d, options, NULL));
    REQUIRE(ravine_doctor_create(&d, options, NULL) == RAVINE_OK);
    REQUIRE(ravine_doctor_create(&fed, options, NULL) == RAVINE_OK);
    REQUIRE(ravine_doctor_create(&sampled, options, NULL) == RAVINE_OK);
    for (int k = 0; k < STEPS; k++) {
        loss = bowl();
        if (k == 0) first = loss;
        BY_HAND(ravine_step_stats, stats);
        REQUIRE(ravine_step(o, stats) == RAVINE_OK);
        REQUIRE_INTACT(ravine_step_stats, stats);
        REQUIRE_ZERO(stats);
        REQUIRE(stats->step == k + 1 && stats->param_norm > 0 && stats->update_max >= 0);
        memset(groups, 0, sizeof groups);
        for (int i = 0; i < 2; i++) {
            groups[i].size = sizeof groups[i];
            REQUIRE(ravine_group_stats(o, i, &groups[i]) == RAVINE_OK);
            REQUIRE(groups[i].group == i);
        }
        REQUIRE(ravine_doctor_observe(d, o, loss) == RAVINE_OK);
        feed(fed, loss, stats, groups, c);
        REQUIRE(ravine_param_stats(o, 1, stats) == RAVINE_OK && stats->group == 1);
        REQUIRE_INTACT(ravine_step_stats, stats);
    }
    REQUIRE(loss < first / 2);
    look_at_doctor(d, o);
    look_at_doctor(fed, o);
    sample(sampled, stats);
    ravine_doctor_destroy(d);
    ravine_doctor_destroy(fed);
    ravine_doctor_destroy(sampled);
}

/* ---- files -------------------------------------------------------------------------------------
 */

static void save_and_load(ravine_optimizer *o, const char *folder) {
    GUARDED(ravine_save_options, save);
    GUARDED(ravine_load_options, load);
    GUARDED(ravine_saver_options, options);
    GUARDED(ravine_safetensors_options, how);
    char path[400];
    ravine_saver *saver;
    const double before = x[1][LEN - 1];
    ravine_save_options_init(save);
    REQUIRE_INTACT(ravine_save_options, save);
    ravine_load_options_init(load);
    REQUIRE_INTACT(ravine_load_options, load);
    ravine_saver_options_init(options);
    REQUIRE_INTACT(ravine_saver_options, options);
    REQUIRE(options->keep == 3);
    snprintf(path, sizeof path, "%s/one.safetensors", folder);
    REFUSES(save, ravine_save(o, path, save));
    REQUIRE(ravine_save(o, path, save) == RAVINE_OK);
    x[1][LEN - 1] = 77;
    REFUSES(load, ravine_load(o, path, load));
    REQUIRE(ravine_load(o, path, load) == RAVINE_OK && x[1][LEN - 1] == before);
    REFUSES(options, ravine_saver_create(&saver, folder, options, NULL));
    REQUIRE(ravine_saver_create(&saver, folder, options, NULL) == RAVINE_OK);
    REFUSES(save, ravine_saver_save(saver, o, save, 1));
    REQUIRE(ravine_saver_save(saver, o, save, 1) == RAVINE_OK);
    REQUIRE(ravine_saver_wait(saver) == RAVINE_OK);
    ravine_saver_destroy(saver);
    REQUIRE(ravine_checkpoint_latest(folder, path, sizeof path, NULL) == RAVINE_OK);
    *how = (ravine_safetensors_options){.size = sizeof *how, .verify = 1};
    REFUSES(how, ravine_safetensors_write(path, NULL, 0, NULL, 0, how));
    REQUIRE(ravine_safetensors_write(path, NULL, 0, NULL, 0, how) == RAVINE_OK);
    REQUIRE_INTACT(ravine_safetensors_options, how);
}

/* Sizes that no release has: refused, and nothing written. */
static void wrong_sizes(ravine_optimizer *o) {
    GUARDED(ravine_step_stats, stats);
    GUARDED(ravine_env, env);
    static const uint32_t wrong[] = {0, 1, 8, 1u << 20, UINT32_MAX};
    for (int k = 0; k < 5; k++) {
        stats->size = wrong[k];
        REQUIRE(ravine_step(o, stats) == RAVINE_E_ARG);
        REQUIRE(strstr(ravine_errmsg(), "set it to sizeof(ravine_step_stats)"));
        env->size = wrong[k];
        ravine_doctor *d;
        REQUIRE(ravine_doctor_create(&d, NULL, env) == RAVINE_E_ARG);
        REQUIRE(strstr(ravine_errmsg(), "use ravine_env_init"));
    }
}

int main(int argc, char **argv) {
    ravine_config c;
    ravine_schedule s;
    REQUIRE(argc == 2);
    look_at_numbers();
    make_configs(&c);
    make_schedules(&s);
    ravine_optimizer *o = make_optimizer(&c, &s);
    train(o, &c);
    save_and_load(o, argv[1]);
    wrong_sizes(o);
    ravine_destroy(o);
    puts("works");
    return 0;
}
