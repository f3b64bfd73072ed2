/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor on a log says what it says when it is told the same steps directly. */
#include "io/failure.h"
#include "report/report.h"
#include "run/diagnosis.h"
#include "run/run_log.h"
#include "support/scratch.h"

#include <math.h>

enum { STEPS = 600, GROUPS = 2 };

static const char header_text[] =
    "{\"type\":\"header\",\"format\":1,\"total_steps\":600,\"groups\":[{\"name\":\"</b>first\"},"
    "{\"name\":\"second\"}],\"config\":{\"optimizer\":\"sgd lr=0.5\",\"doctor\":{\"window\":64}}}";

/* A number that no other step, column or group has, and that a double does not hold exactly. */
static double distinct(int64_t step, int column) {
    return (double)(step * 100 + column) / 3e4;
}

/* A run that bounces: the same loss, all signs flip, each step ends as high as it began. */
typedef struct told {
    ravine_step_stats all, group[GROUPS];
    double loss, path_efficiency;
} told;

static told make_step(int64_t step) {
    told t = {.loss = 1 + 1e-6 * (double)(step % 7), .path_efficiency = 0.005};
    t.all = (ravine_step_stats){.size = sizeof t.all,
                                .group = -1,
                                .step = step,
                                .attempts = step,
                                .lr = 0.5,
                                .grad_norm = 2 + 1e-3 * (double)(step % 3),
                                .update_norm = 1,
                                .param_norm = 10,
                                .clip = 1,
                                .nonfinite_param = -1,
                                .nonfinite_index = -1,
                                .grad_dot_update = -2,
                                .line_position = 1 - 1e-12 * (double)(step % 5),
                                .sign_change_rate = 0.98,
                                .sign_change_rate_lag2 = 0.01,
                                .momentum_norm = NAN,
                                .sigma_ratio = NAN,
                                .eps_share = NAN,
                                .zero_share = 0,
                                .underflow_share = 0,
                                .update_max = 0.5};
    for (int g = 0; g < GROUPS; g++) {
        t.group[g] = t.all;
        t.group[g].group = g;
        t.group[g].grad_norm = sqrt(2);
        /* What the log does not hold of a group. */
        t.group[g].grad_dot_update = t.group[g].line_position = t.group[g].sign_change_rate_lag2 =
            NAN;
        t.group[g].underflow_share = t.group[g].update_max = NAN;
    }
    return t;
}

static void write_step(run_log *log, const told *t, bool statistics) {
    double list[RUN_GROUP_KEYS][GROUPS];
    run_log_integer(log, "step", t->all.step);
    run_log_number(log, "loss", t->loss);
    run_log_number(log, "lr", t->all.lr);
    run_log_number(log, "grad_norm", t->all.grad_norm);
    run_log_number(log, "update_norm", t->all.update_norm);
    run_log_number(log, "param_norm", t->all.param_norm);
    run_log_number(log, "clip", t->all.clip);
    run_log_integer(log, "nonfinite", t->all.nonfinite);
    if (statistics) {
        run_log_number(log, "path_efficiency", t->path_efficiency);
#define RAVINE_X(name, meaning) run_log_number(log, #name, t->all.name);
        RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
#define WRITE(NAME, key, field, digits)                                             \
    for (int g = 0; g < GROUPS; g++) list[RUN_GROUP_##NAME][g] = t->group[g].field; \
    run_log_numbers(log, key, list[RUN_GROUP_##NAME], GROUPS);
        RUN_GROUP_LIST(WRITE)
#undef WRITE
    }
    run_log_end(log);
}

static void write_log(int64_t every, bool statistics) {
    json_t *header = json_loads(header_text, 0, NULL);
    run_log *log;
    assert_int_equal(run_log_create(&log, scratch_path("run.jsonl"), header), 0);
    json_decref(header);
    for (int64_t step = 1; step <= STEPS; step += every) {
        const told t = make_step(step);
        write_step(log, &t, statistics);
    }
    assert_int_equal(run_log_close(log), 0);
}

/* The same steps, told without a log. */
static ravine_diagnosis diagnose_directly(int64_t until) {
    static const char *const names[GROUPS] = {"</b>first", "second"};
    ravine_doctor_options options;
    ravine_doctor_options_init(&options);
    options.window = 64;
    ravine_doctor *d;
    ravine_config config;
    assert_int_equal(ravine_config_parse(&config, "sgd lr=0.5"), 0);
    assert_int_equal(ravine_doctor_create(&d, &options, NULL), 0);
    for (int64_t step = 1; step <= until; step++) {
        const told t = make_step(step);
        const ravine_observation seen = {.size = sizeof seen,
                                         .nparts = GROUPS,
                                         .loss = t.loss,
                                         .path_efficiency = t.path_efficiency,
                                         .stats = &t.all,
                                         .part_stats = t.group,
                                         .part_name = names,
                                         .config = &config};
        assert_int_equal(ravine_doctor_feed(d, &seen), 0);
    }
    ravine_diagnosis found = {.size = sizeof found};
    assert_int_equal(ravine_doctor_diagnose(d, &found), 0);
    ravine_doctor_destroy(d);
    return found;
}

static ravine_diagnosis diagnose_log(int64_t until) {
    run_data run;
    run_doctor d = {.until = until};
    const run_listener listener = run_doctor_listener(&d);
    assert_int_equal(run_read(&run, scratch_folder, &listener), 0);
    ravine_diagnosis found = {0};
    assert_int_equal(run_doctor_diagnose(&d, &run, &found), 0);
    run_doctor_free(&d);
    run_free(&run);
    return found;
}

static void test_the_same_as_told_directly(void **state) {
    (void)state;
    write_log(1, true);
    const int64_t until[] = {STEPS, 300, 1};
    for (size_t k = 0; k < 3; k++) {
        const ravine_diagnosis direct = diagnose_directly(until[k]),
                               read = diagnose_log(k ? until[k] : INT64_MAX);
        assert_int_equal(read.verdict, direct.verdict);
        assert_int_equal(read.step, until[k]);
        assert_true(read.confidence == direct.confidence);
        assert_int_equal(read.since, direct.since);
        assert_int_equal(read.nevidence, direct.nevidence);
        for (int e = 0; e < direct.nevidence; e++) {
            assert_string_equal(read.evidence[e].name, direct.evidence[e].name);
            assert_string_equal(read.evidence[e].text, direct.evidence[e].text);
        }
        assert_int_equal(read.ncannot_tell, direct.ncannot_tell); /* nothing is missing */
    }
    assert_int_equal(diagnose_log(STEPS).verdict, RAVINE_VERDICT_BOUNCING);
}

static bool says(const ravine_diagnosis *d, const char *part) {
    for (int k = 0; k < d->ncannot_tell; k++)
        if (strstr(d->cannot_tell[k], part)) return true;
    return false;
}

static void test_what_is_missing_is_said(void **state) {
    (void)state;
    write_log(10, false);
    const ravine_diagnosis d = diagnose_log(INT64_MAX);
    assert_int_equal(d.step, 591);
    assert_int_not_equal(d.verdict, RAVINE_VERDICT_BOUNCING); /* signs are not known */
    assert_true(says(&d, "how often signs change"));
    assert_true(says(&d, "the log holds one in 10"));
}

static void test_no_step(void **state) {
    (void)state;
    scratch_write("run.jsonl", header_text, sizeof header_text - 1);
    run_data run;
    run_doctor d = {.until = INT64_MAX};
    const run_listener listener = run_doctor_listener(&d);
    assert_int_equal(run_read(&run, scratch_folder, &listener), 0);
    ravine_diagnosis found;
    assert_int_equal(run_doctor_diagnose(&d, &run, &found), 3);
    run_doctor_free(&d);
    run_free(&run);
}

/* ---- the reader ---- */

typedef struct heard {
    int64_t steps;
    double last[RUN_GROUP_KEYS][GROUPS];
} heard;

static int hear(void *context, const run_data *run, const run_line *line) {
    heard *h = context;
    assert_int_equal(run->nsteps, h->steps++);
    for (int k = 0; k < RUN_GROUP_KEYS; k++) {
        assert_int_equal(line->ngroups[k], GROUPS);
        memcpy(h->last[k], line->group[k], sizeof h->last[k]);
    }
    return 0;
}

static int refuse(void *context, const run_data *run, const run_line *line) {
    (void)context, (void)line;
    return run->nsteps == 2 ? 42 : 0;
}

static void test_every_number_is_read_back(void **state) {
    (void)state;
    json_t *header = json_loads(header_text, 0, NULL);
    run_log *log;
    assert_int_equal(run_log_create(&log, scratch_path("run.jsonl"), header), 0);
    json_decref(header);
    for (int64_t step = 1; step <= 3; step++) { /* keys in the opposite order: they are names */
        int column = RUN_COLUMNS;
        double list[GROUPS];
#define WRITE(NAME, key, field, digits)                                                        \
    for (int g = 0; g < GROUPS; g++) list[g] = distinct(step, 50 + RUN_GROUP_##NAME * 10 + g); \
    run_log_numbers(log, key, list, GROUPS);
        RUN_GROUP_LIST(WRITE)
#undef WRITE
        static const char *const names[] = {
#define RAVINE_X(name, meaning) #name,
            RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
        };
        for (size_t k = sizeof names / sizeof *names; k-- > 0;)
            run_log_number(log, names[k], distinct(step, --column));
        run_log_number(log, "path_efficiency", distinct(step, RUN_PATH_EFFICIENCY));
        run_log_number(log, "update_norm", distinct(step, RUN_UPDATE_NORM));
        run_log_integer(log, "step", step);
        run_log_end(log);
    }
    assert_int_equal(run_log_close(log), 0);
    heard h = {0};
    run_data run;
    assert_int_equal(run_read(&run, scratch_folder, &(run_listener){hear, &h, NULL}), 0);
    assert_int_equal(run.nsteps, 3);
    assert_int_equal(h.steps, 3);
    for (int k = 0; k < 3; k++) {
        assert_true(run.column[RUN_PATH_EFFICIENCY][k] == distinct(k + 1, RUN_PATH_EFFICIENCY));
        assert_true(run.column[RUN_UPDATE_NORM][k] == distinct(k + 1, RUN_UPDATE_NORM));
        assert_true(isnan(run.column[RUN_CLIP][k]));
#define RAVINE_X(name, meaning) \
    assert_true(run.column[RUN_STATISTIC_##name][k] == distinct(k + 1, RUN_STATISTIC_##name));
        RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    }
    for (int k = 0; k < RUN_GROUP_KEYS; k++)
        for (int g = 0; g < GROUPS; g++) assert_true(h.last[k][g] == distinct(3, 50 + k * 10 + g));
    run_free(&run);
    assert_int_equal(run_read(&run, scratch_folder, &(run_listener){refuse, NULL, NULL}), 42);
    run_free(&run);
}

/* ---- the page ---- */

static void test_page(void **state) {
    (void)state;
    write_log(1, true);
    report r = {0};
    assert_int_equal(report_add(&r, scratch_folder), 0);
    r.run->found.diagnosis.verdict =
        RAVINE_VERDICT_DEAD; /* whose section has the table of the groups */
    ravine_probe *probe = &r.run->found.probe;
    probe->size = sizeof *probe;
    probe->along_update.count = 5;
    for (int k = 0; k < 5; k++) {
        probe->along_update.offset[k] = k - 2;
        probe->along_update.loss[k] = k * k;
    }
    page p = {0};
    assert_int_equal(report_page(&r, &p), 0);
    assert_non_null(strstr(p.text, "<section id=\"verdict\">"));
    assert_non_null(strstr(p.text, ">DEAD</h2>"));
    assert_non_null(strstr(p.text, "&lt;/b&gt;first"));
    assert_null(strstr(p.text, "</b>first"));
    assert_non_null(strstr(p.text, "along the last update"));
    assert_null(strstr(p.text, "along the least curvature")); /* it was not looked at */
    char *script = strstr(p.text, "<script");
    assert_non_null(script);
    *script = '\0';
    assert_null(strstr(p.text, "{{")); /* every hole is filled */
    page_free(&p);
    report_free(&r);
}

/* ---- what was found, in the log ---- */

static examination made_up(void) {
    examination e = {.tried_steps = 300};
    ravine_diagnosis *d = &e.diagnosis;
    *d = (ravine_diagnosis){.size = sizeof *d,
                            .verdict = RAVINE_VERDICT_BOUNCING,
                            .confidence = 0.75,
                            .step = 1000,
                            .since = 8,
                            .nevidence = 2,
                            .ncures = 2,
                            .nalso = 1,
                            .ncannot_tell = 1,
                            .not_text = "a critical point",
                            .also = {RAVINE_VERDICT_CRAWLING},
                            .cannot_tell = {"the weather"}};
    d->evidence[0] = (ravine_evidence){"sign_change_rate", 0.98, "signs flip"};
    d->evidence[1] = (ravine_evidence){"lost", NAN, "nothing"};
    d->cure[0] = (ravine_cure){.action = RAVINE_CURE_ESCAPE,
                               .tried = 1,
                               .kind = 2,
                               .old_value = 5,
                               .new_value = NAN,
                               .text = "lower lr",
                               .optimizer = "sgd lr=1",
                               .schedule = "cosine(9) lr=1",
                               .escape = -0.5,
                               .loss_ratio = 1.0 / 3};
    d->cure[1] =
        (ravine_cure){.tried = 1, .text = "raise lr", .escape = NAN, .loss_ratio = INFINITY};
    d->cure[1].old_value = 0.1;
    e.probe = (ravine_probe){.size = sizeof e.probe,
                             .step = 900,
                             .loss = 0.1,
                             .lambda_max = 1e300,
                             .critical_lr = INFINITY,
                             .along_min = {.count = 2, .offset = {-1, 1}, .loss = {0.5, NAN}}};
    return e;
}

static void assert_same_examination(const examination *a, const examination *b) {
    const ravine_diagnosis *d = &a->diagnosis, *f = &b->diagnosis;
    assert_int_equal(a->tried_steps, b->tried_steps);
    assert_true(d->size == f->size && d->verdict == f->verdict && d->confidence == f->confidence);
    assert_true(d->step == f->step && d->since == f->since && d->nevidence == f->nevidence);
    for (int k = 0; k < d->nevidence; k++) {
        assert_string_equal(d->evidence[k].name, f->evidence[k].name);
        assert_string_equal(d->evidence[k].text, f->evidence[k].text);
        const double x = d->evidence[k].value, y = f->evidence[k].value;
        assert_true(x == y || (isnan(x) && isnan(y)));
    }
    assert_int_equal(d->ncures, f->ncures);
    for (int k = 0; k < d->ncures; k++) {
        const ravine_cure *c = &d->cure[k], *e = &f->cure[k];
        assert_true(c->action == e->action && c->tried == e->tried);
        assert_true(c->loss_ratio == e->loss_ratio);
        assert_true(c->kind == e->kind && c->old_value == e->old_value);
        assert_true(c->new_value == e->new_value || isnan(c->new_value));
        assert_true(c->escape == e->escape || (isnan(c->escape) && isnan(e->escape)));
        assert_string_equal(c->text, e->text);
        assert_string_equal(c->optimizer, e->optimizer);
        assert_string_equal(c->schedule, e->schedule);
    }
    assert_string_equal(d->not_text, f->not_text);
    assert_true(d->nalso == f->nalso && d->also[0] == f->also[0]);
    assert_int_equal(d->ncannot_tell, f->ncannot_tell);
    assert_string_equal(d->cannot_tell[0], f->cannot_tell[0]);
    assert_true(a->probe.size == b->probe.size && a->probe.step == b->probe.step);
    assert_true(a->probe.loss == b->probe.loss && a->probe.lambda_max == b->probe.lambda_max);
}

/* It comes back from the line, but for what JSON has no word for. */
static void test_examination_reads_back(void **state) {
    (void)state;
    const examination e = made_up();
    examination back;
    json_t *line = examination_json(&e);
    assert_string_equal(json_string_value(json_object_get(line, "type")), "doctor");
    assert_true(examination_read(&back, line));
    assert_same_examination(&e, &back);
    assert_true(isnan(back.probe.critical_lr) && isnan(back.probe.signal));
    assert_int_equal(back.probe.along_min.count, 1); /* a point without a loss is not drawn */
    assert_int_equal(back.probe.along_update.count, 0);
    json_decref(line);

    examination bare = e;
    bare.probe.size = 0;
    line = examination_json(&bare);
    assert_true(json_is_null(json_object_get(line, "probe")));
    assert_true(examination_read(&back, line));
    assert_int_equal(back.probe.size, 0);
    json_decref(line);
}

/* Lists that are longer than there is room, texts that are, and what is no such line. */
static void test_hostile_examinations(void **state) {
    (void)state;
    static const char *const none[] = {
        "{}",
        "{\"verdict\":\"bouncing\",\"step\":-1,\"tried_steps\":0,\"confidence\":1}",
        "{\"verdict\":\"bouncing\",\"step\":9007199254740993,\"tried_steps\":0,\"confidence\":1}",
        "{\"verdict\":\"perfect\",\"step\":1,\"tried_steps\":0,\"confidence\":1}",
        "{\"verdict\":\"bouncing\",\"step\":1,\"tried_steps\":0,\"confidence\":2}",
        "{\"verdict\":\"bouncing\",\"step\":1,\"tried_steps\":null,\"confidence\":1}",
    };
    examination e;
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        json_t *line = json_loads(none[k], 0, NULL);
        assert_non_null(line);
        assert_false(examination_read(&e, line));
        assert_int_equal(e.diagnosis.size, 0);
        json_decref(line);
    }
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    json_t *line =
        json_pack("{ss si si si}", "verdict", "dead", "step", 1, "tried_steps", 1, "confidence", 1);
    json_t *items = json_array(), *numbers = json_array();
    for (int k = 0; k < 1000; k++) {
        json_array_append_new(
            items, json_pack("{ss ss ss}", "text", text, "name", text, "action", "unheard of"));
        json_array_append_new(numbers, json_integer(k));
    }
    static const char *const keys[] = {"evidence", "cures", "also", "cannot_tell"};
    for (int k = 0; k < 4; k++) json_object_set(line, keys[k], items);
    json_object_set_new(line, "probe",
                        json_pack("{s{sO sO}}", "along_max", "offset", numbers, "loss", numbers));
    assert_true(examination_read(&e, line));
    assert_int_equal(e.diagnosis.nevidence, RAVINE_EVIDENCE_MAX);
    assert_int_equal(e.diagnosis.ncures, RAVINE_CURES_MAX);
    assert_int_equal(e.diagnosis.cure[0].action, RAVINE_CURE_ADVICE);
    assert_int_equal(strlen(e.diagnosis.cure[0].text), sizeof e.diagnosis.cure[0].text - 1);
    assert_int_equal(e.diagnosis.nalso, 0);
    assert_int_equal(e.probe.along_max.count, RAVINE_SLICE_MAX);
    json_decref(items);
    json_decref(numbers);
    json_decref(line);
}

/* The page is that of the examination as long as no step follows it. */
static void test_examination_in_a_log(void **state) {
    (void)state;
    write_log(1, true);
    const examination e = made_up();
    json_t *line = examination_json(&e);
    run_log *log;
    run_data run;
    assert_int_equal(run_read(&run, scratch_folder, NULL), 0);
    assert_null(run.examination);
    assert_int_equal(run_log_open(&log, scratch_path("run.jsonl")), 0);
    assert_int_equal(run_log_append(log, run.bytes - 1), FAILURE_INPUT);
    assert_told("when it was read");
    assert_int_equal(run_log_append(log, run.bytes), 0);
    assert_int_equal(run_log_object(log, line), 0);
    json_decref(line);
    report r = {0};
    assert_int_equal(report_add(&r, scratch_folder), 0);
    assert_same_examination(&r.run->found, &e);
    page p = {0};
    assert_int_equal(report_page(&r, &p), 0);
    assert_non_null(strstr(p.text, "tried: after 300 steps the loss is 0.333"));
    page_free(&p);
    report_free(&r);
    run_log_integer(log, "step", 1000000);
    run_log_end(log);
    assert_int_equal(run_log_close(log), 0);
    assert_int_equal(report_add(&r, scratch_folder), 0);
    assert_null(r.run->data.examination);
    assert_int_equal(r.run->found.tried_steps, 0);
    report_free(&r);
    run_free(&run);
}

static void test_words(void **state) {
    (void)state;
    char text[DIAGNOSIS_TEXT_SIZE];
    assert_string_equal(diagnosis_name(RAVINE_VERDICT_LOCAL_MINIMUM, text), "LOCAL MINIMUM");
    assert_string_equal(diagnosis_confidence(0.8).en, "high");
    assert_string_equal(diagnosis_confidence(0.79).en, "medium");
    assert_string_equal(diagnosis_confidence(0.49).en, "low");
    phrase trial;
    const char *said = trial.in[PAGE_ENGLISH];
    ravine_cure cure = {.action = RAVINE_CURE_SETTINGS, .tried = 1, .loss_ratio = 0.25};
    diagnosis_trial(&cure, 300, &trial);
    assert_string_equal(said, "tried: after 300 steps the loss is 0.25 of the unchanged run's");
    cure.loss_ratio = 2;
    diagnosis_trial(&cure, 300, &trial);
    assert_non_null(strstr(said, "tried, and it did harm: "));
    cure.loss_ratio = 1.02;
    diagnosis_trial(&cure, 300, &trial);
    assert_non_null(strstr(said, "tried, no effect: "));
    cure.tried = 0;
    diagnosis_trial(&cure, 0, &trial);
    assert_string_equal(said, "untried");
    ravine_diagnosis d = {.ncannot_tell = 0};
    for (int k = 0; k < RAVINE_CANNOT_MAX + 2; k++) diagnosis_cannot_tell(&d, "number %d", k);
    assert_int_equal(d.ncannot_tell, RAVINE_CANNOT_MAX);
    assert_string_equal(d.cannot_tell[RAVINE_CANNOT_MAX - 1], "number 5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_the_same_as_told_directly),
        SCRATCH_TEST(test_what_is_missing_is_said),
        SCRATCH_TEST(test_no_step),
        SCRATCH_TEST(test_every_number_is_read_back),
        SCRATCH_TEST(test_page),
        cmocka_unit_test(test_examination_reads_back),
        cmocka_unit_test(test_hostile_examinations),
        SCRATCH_TEST(test_examination_in_a_log),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
