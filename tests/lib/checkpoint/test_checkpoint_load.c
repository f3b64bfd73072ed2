/* SPDX-License-Identifier: Apache-2.0 */
/* What ravine_load takes and what it refuses, with every difference told at once. */
#include "support/small.h"

#include "store/safetensors.h"

enum { LINES_MAX = 64, LINE_MAX = 400 };

/* ---- lines that are told ---- */

typedef struct lines {
    int count;
    char text[LINES_MAX][LINE_MAX];
} lines;

static void note(void *context, const char *line) {
    lines *l = context;
    assert_true(l->count < LINES_MAX);
    snprintf(l->text[l->count++], LINE_MAX, "%s", line);
}

static bool told(const lines *l, const char *text) {
    for (int k = 0; k < l->count; k++)
        if (!strcmp(l->text[k], text)) return true;
    return false;
}

static void assert_told(const lines *l, const char *text) {
    if (told(l, text)) return;
    for (int k = 0; k < l->count; k++) print_error("told: %s\n", l->text[k]);
    fail_msg("\"%s\" is not told", text);
}

static ravine_status load(small *s, lines *l, bool partial) {
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.partial = partial;
    options.tell = note;
    options.context = l;
    l->count = 0;
    return ravine_load(s->o, path, &options);
}

/* Loading is refused and changes nothing. */
static void assert_refused(small *s, lines *l, ravine_status expected) {
    const sight before = look(s);
    assert_int_equal(load(s, l, false), expected);
    const sight after = look(s);
    assert_memory_equal(&before, &after, sizeof before);
}

/* ---- tests ---- */

static void test_differences(void **state) {
    (void)state;
    small s;
    lines l;
    save_three();

    create(&s, "adam lr=0.02 eps_form=inside", NULL);
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_int_equal(l.count, 1);
    assert_told(&l, "group 0: adamw in the file, adam here");
    assert_says(ravine_errmsg(), "does not fit: group 0: adamw in the file, adam here");
    ravine_destroy(s.o);

    /* every one at once */
    create(&s, "adamw lr=0.02 eps_form=inside amsgrad=true", NULL);
    ravine_schedule lr;
    ravine_config c;
    ravine_options options;
    done(ravine_schedule_parse(&lr, "warmup(4) lr=1e-2"));
    done(ravine_set_schedule(s.o, 0, RAVINE_WEIGHT_DECAY, &lr));
    done(ravine_config_parse(&c, "sgd"));
    done(ravine_add_group(s.o, &c, NULL));
    ravine_options_init(&options);
    options.clip_norm = 2;
    done(ravine_set_options(s.o, &options));
    float more[LENGTH] = {0};
    add(&s, "more", more, NULL, 0);
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_told(&l, "lr of group 0: 0.01 in the file, 0.02 here");
    assert_told(&l, "eps_form of group 0: outside in the file, inside here");
    assert_told(&l, "amsgrad of group 0: false in the file, true here");
    assert_told(&l, "schedule of weight_decay of group 0: no schedule in the file, "
                    "linear(4, from=0.0025, to=0.01) here");
    assert_told(&l, "group.1: nothing in the file, sgd lr=0.001 momentum=0 dampening=0 "
                    "weight_decay=0 decay_form=coupled clip_value=inf ema_decay=0 nesterov=false "
                    "lr_in_momentum=false maximize=false here");
    assert_told(&l, "groups: 1 in the file, 2 here");
    assert_told(&l, "options: nonfinite=hold zero_grad=0 clip_norm=inf grad_scale=1 in the file, "
                    "nonfinite=hold zero_grad=0 clip_norm=2 grad_scale=1 here");
    assert_told(&l, "state.w.max_exp_avg_sq: is not in the file");
    assert_told(&l, "more: is not in the file");
    assert_told(&l, "state.more.exp_avg: is not in the file");
    assert_told(&l, "state.more.step: is not in the file");
    assert_told(&l, "more: group nothing in the file, 0 here");
    ravine_destroy(s.o);

    /* a schedule of the file that is not here */
    create(&s, "adamw lr=0.01", NULL);
    done(ravine_set_schedule(s.o, 0, RAVINE_LR, &lr));
    done(ravine_save(s.o, path, NULL));
    done(ravine_set(s.o, 0, RAVINE_LR, 0.01));
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_int_equal(l.count, 1);
    assert_told(&l, "schedule of lr of group 0: linear(4, from=0.0025, to=0.01) in the file, "
                    "no schedule here");
    /* or is another one */
    done(ravine_schedule_parse(&lr, "warmup(8) lr=1e-2"));
    done(ravine_set_schedule(s.o, 0, RAVINE_LR, &lr));
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_int_equal(l.count, 1);
    assert_told(&l, "schedule of lr of group 0: linear(4, from=0.0025, to=0.01) in the file, "
                    "linear(8, from=0.00125, to=0.01) here");
    ravine_destroy(s.o);
}

static void test_shapes_and_types(void **state) {
    (void)state;
    lines l;
    small s;
    save_three();
    ravine_config c;
    double wide[LENGTH] = {0};
    float flat[LENGTH] = {0};
    done(ravine_config_parse(&c, "adamw lr=0.01"));
    done(ravine_create(&s.o, &c, NULL));
    const ravine_param p[] = {{.size = sizeof *p, .dtype = 1, .name = "w", .data = flat, .len = 4},
                              {.size = sizeof *p, .dtype = 2, .name = "x", .data = wide, .len = 4}};
    done(ravine_add(s.o, p, 2));
    assert_int_equal(load(&s, &l, false), RAVINE_E_FORMAT);
    assert_told(&l, "w: shape [2, 2] in the file, [4] here");
    assert_told(&l, "state.w.exp_avg_sq: shape [2, 2] in the file, [4] here");
    assert_told(&l, "x: is not in the file");
    assert_told(&l, "b: is in the file, there is no place for it");
    assert_told(&l, "state.b.step: is in the file, there is no place for it");
    assert_says(ravine_errmsg(), "run.safetensors does not fit: ");
    assert_says(ravine_errmsg(), " more");
    ravine_destroy(s.o);

    static const int64_t row[] = {1, 4}; /* as many sides, but others */
    const ravine_param other[] = {
        {.size = sizeof *other, .dtype = RAVINE_F64, .name = "b", .data = wide, .len = 4},
        {.size = sizeof *other,
         .dtype = RAVINE_F32,
         .name = "w",
         .data = flat,
         .len = 4,
         .shape = row,
         .ndim = 2}};
    done(ravine_create(&s.o, &c, NULL));
    done(ravine_add(s.o, other, 2));
    assert_int_equal(load(&s, &l, false), RAVINE_E_FORMAT);
    assert_told(&l, "b: F32 in the file, F64 here");
    assert_told(&l, "w: shape [2, 2] in the file, [1, 4] here");
    ravine_destroy(s.o);
}

/* A parameter that has become one of another group has other settings. */
static void test_groups_of_parameters(void **state) {
    (void)state;
    small s;
    lines l;
    ravine_config c;
    float w[LENGTH] = {0}, b[LENGTH] = {0};
    done(ravine_config_parse(&c, "adamw"));
    for (int turn = 0; turn < 2; turn++) {
        const ravine_param p[] = {
            {.size = sizeof *p, .dtype = 1, .name = "w", .data = w, .len = LENGTH, .group = turn},
            {.size = sizeof *p, .dtype = 1, .name = "b", .data = b, .len = LENGTH, .group = 1}};
        done(ravine_create(&s.o, &c, NULL));
        done(ravine_add_group(s.o, &c, NULL));
        done(ravine_add(s.o, p, 2));
        if (turn == 0) done(ravine_save(s.o, path, NULL));
        if (turn == 0) ravine_destroy(s.o);
    }
    assert_int_equal(load(&s, &l, false), RAVINE_E_FORMAT);
    assert_int_equal(l.count, 1);
    assert_told(&l, "w: group 0 in the file, 1 here");
    ravine_destroy(s.o);
}

static void test_partial(void **state) {
    (void)state;
    small s;
    lines l;
    save_three();
    create(&s, "adamw lr=0.5 amsgrad=true", NULL); /* its state is another */
    const sight before = look(&s);
    done(load(&s, &l, true));
    const sight after = look(&s);
    assert_told(&l, "lr of group 0: 0.01 in the file, 0.5 here");
    assert_told(&l, "state.w.max_exp_avg_sq: is not in the file");
    assert_told(&l, "w: taken");
    assert_false(told(&l, "state.w.exp_avg: taken"));
    assert_told(&l, "steps: 3, attempts: 3");
    assert_true(after.w[1] != before.w[1] && after.b[1] != before.b[1]);
    assert_memory_equal(after.state, before.state, sizeof before.state);
    assert_int_equal(after.step_count[0], 0);
    assert_int_equal(after.steps, 3);
    ravine_destroy(s.o);

    create(&s, "adam lr=0.5", NULL); /* another rule with the same state */
    done(load(&s, &l, true));
    assert_told(&l, "state.w.exp_avg: taken");
    assert_told(&l, "group 0: adamw in the file, adam here");
    assert_int_equal(ravine_step_count(s.o, 0), 3);
    ravine_destroy(s.o);

    /* damage in a tensor that nobody takes: the last of the file, behind all others */
    ravine_config c;
    float w[LENGTH] = {0};
    const int64_t square[] = {2, 2};
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "w",
                            .data = w,
                            .len = LENGTH,
                            .shape = square,
                            .ndim = 2};
    done(ravine_config_parse(&c, "adamw"));
    done(ravine_create(&s.o, &c, NULL));
    done(ravine_add(s.o, &p, 1));
    done(load(&s, &l, true));
    assert_true(w[1] != 0);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, -1, SEEK_END);
    fputc(77, file);
    fclose(file);
    w[1] = 0;
    assert_int_equal(load(&s, &l, true), RAVINE_E_FORMAT);
    assert_says(ravine_errmsg(), "state.b.exp_avg_sq");
    assert_true(w[1] == 0);
    ravine_destroy(s.o);
}

/* A file without any text of ours: a model of somebody else. */
static void test_file_of_others(void **state) {
    (void)state;
    static const char header[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}} ";
    const uint64_t length = sizeof header - 1;
    const float data[LENGTH] = {5, 6, 7, 8};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(&length, sizeof length, 1, file);
    fwrite(header, length, 1, file);
    fwrite(data, sizeof data, 1, file);
    fclose(file);
    small s;
    lines l;
    create(&s, "adam", NULL);
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_says(ravine_errmsg(), "is no checkpoint of Ravine: it has no ravine.format");
    done(load(&s, &l, true));
    assert_memory_equal(s.w, data, sizeof data);
    assert_true(s.b[1] == -1);
    ravine_destroy(s.o);
}

/* The caller's own tensors and texts, and files and loads without parameters. */
static void test_own(void **state) {
    (void)state;
    const int64_t shape[] = {3}, none[] = {0};
    double mean[3] = {1, 2, 3};
    int64_t cursor = 17;
    ravine_tensor own[] = {{"norm.mean", RAVINE_F64, 1, shape, mean},
                           {"cursor", RAVINE_I64, 0, NULL, &cursor},
                           {"empty", RAVINE_F32, 1, none, NULL}};
    enum { OWN = sizeof own / sizeof *own };
    const ravine_text texts[] = {{"data", "the \"first\" half"}};
    ravine_save_options save;
    ravine_load_options options;
    small s;
    lines l;
    create(&s, "adamw lr=0.01", NULL);
    train(&s, 2);
    ravine_save_options_init(&save);
    save.without_params = 1;
    save.verify = 1;
    save.tensors = own;
    save.ntensors = OWN;
    save.texts = texts;
    save.ntexts = 1;
    done(ravine_save(s.o, path, &save));
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_told(&l, "w: is not in the file");
    assert_told(&l, "cursor: is in the file, there is no place for it");

    ravine_checkpoint *file;
    done(ravine_checkpoint_open(&file, path, NULL));
    assert_string_equal(ravine_checkpoint_find_text(file, "data"), texts[0].value);
    assert_string_equal(ravine_checkpoint_find_text(file, "ravine.steps"), "2");
    ravine_checkpoint_close(file);

    ravine_load_options_init(&options);
    options.without_params = 1;
    options.tensors = own;
    options.ntensors = OWN;
    memset(mean, 0, sizeof mean);
    cursor = 0;
    s.w[1] = 99;
    train(&s, 1);
    const float w = s.w[1];
    done(ravine_load(s.o, path, &options));
    assert_true(mean[2] == 3 && cursor == 17 && s.w[1] == w);
    assert_int_equal(ravine_steps(s.o), 2);

    own[1].dtype = RAVINE_F64;
    assert_int_equal(ravine_load(s.o, path, &options), RAVINE_E_FORMAT);
    assert_says(ravine_errmsg(), "cursor: I64 in the file, F64 here");
    ravine_destroy(s.o);
}

static void assert_save_fails(const small *s, const ravine_save_options *options,
                              ravine_status status, const char *part) {
    assert_int_equal(ravine_save(s->o, path, options), status);
    assert_says(ravine_errmsg(), part);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_arguments(void **state) {
    (void)state;
    small s;
    float number = 0;
    ravine_tensor own = {.name = "state.w.exp_avg", .dtype = RAVINE_F32, .data = &number};
    ravine_text text = {"ravine.steps", "7"};
    ravine_save_options save;
    create(&s, "adamw", NULL);
    ravine_save_options_init(&save);
    unlink(path);
    save.tensors = &own;
    save.ntensors = 1;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "tensor 0 of the options: its name begins with");
    own.name = "w";
    assert_save_fails(&s, &save, RAVINE_E_ARG, "w");
    own.name = NULL;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "its name is NULL");
    own.name = "x";
    own.data = NULL;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "its data are NULL");
    own.dtype = 99;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "dtype");
    static const int32_t ranks[] = {2, -1, 65}; /* the first has no shape */
    for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
        own.ndim = ranks[k];
        assert_save_fails(&s, &save, RAVINE_E_ARG, "ndim is out of bounds, or it has no shape");
    }
    save.tensors = NULL;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "there are none");
    save.ntensors = -1;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "there are none");
    save.ntensors = 0;
    save.texts = &text;
    save.ntexts = 1;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "text 0 of the options: its key begins with");
    text.value = NULL;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "its key or its value is NULL");
    text = (ravine_text){NULL, "7"};
    assert_save_fails(&s, &save, RAVINE_E_ARG, "its key or its value is NULL");
    save.texts = NULL;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "there are none");
    save.ntexts = -1;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "there are none");
    save.size = 3;
    assert_save_fails(&s, &save, RAVINE_E_ARG, "ravine_save_options_init");
    assert_int_equal(ravine_save(NULL, path, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_save(s.o, NULL, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_load(NULL, path, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_load(s.o, path, NULL), RAVINE_E_IO);
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.size = 0;
    assert_int_equal(ravine_load(s.o, path, &options), RAVINE_E_ARG);
    done(ravine_save(s.o, path, NULL)); /* for tear_down */
    ravine_destroy(s.o);
}

/* Writes the file of save_three again, whole, with another text (NULL: without it) and another
 * step_count of every parameter. */
static void rewrite(const char *key, const char *value, int64_t step_count) {
    enum { TENSORS = 8, TEXTS = 32 };
    ravine_checkpoint *file;
    ravine_tensor tensors[TENSORS];
    ravine_text texts[TEXTS], t;
    int64_t data[TENSORS][2], ntexts = 0;
    save_three();
    done(ravine_checkpoint_open(&file, path, NULL));
    assert_int_equal(ravine_checkpoint_tensor_count(file), TENSORS);
    for (int64_t n = 0; n < TENSORS; n++) {
        done(ravine_checkpoint_tensor(file, n, &tensors[n]));
        const bool is_step_count = tensors[n].dtype == RAVINE_I64;
        done(ravine_checkpoint_read(file, n, data[n], is_step_count ? 8 : 16));
        if (is_step_count) data[n][0] = step_count;
        tensors[n].data = data[n];
    }
    for (int64_t n = 0; ravine_checkpoint_text(file, n, &t); n++) {
        const bool is_meant = !strcmp(t.key, key);
        if (strstr(t.key, SAFETENSORS_CRC) || (is_meant && !value)) continue;
        if (is_meant) t.value = value;
        assert_true(ntexts < TEXTS);
        texts[ntexts++] = t;
    }
    done(ravine_safetensors_write(path, tensors, TENSORS, texts, ntexts, NULL));
    ravine_checkpoint_close(file);
}

/* Files that are whole, with texts or numbers that cannot be. */
static void test_bad_texts(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *told;
    } bad[] = {
        {"ravine.steps", "-1", "ravine.steps is \"-1\"; it must be a whole number"},
        {"ravine.steps", "1x", "ravine.steps is \"1x\""},
        {"ravine.steps", " 3", "ravine.steps is \" 3\""},
        {"ravine.steps", "", "ravine.steps is \"\""},
        {"ravine.steps", "9223372036854775808", "ravine.steps is \"9223372036854775808\""},
        {"ravine.steps", "92233720368547758070", "ravine.steps is \"92233720368547758070\""},
        {"ravine.steps", "9007199254740993", "it must be a whole number of at most 2^53"},
        {"ravine.attempts", "9223372036854775807", "it must be a whole number of at most 2^53"},
        {"ravine.attempts", NULL, "ravine.attempts is missing; it must be a whole number"},
        {"ravine.format", "2", "ravine.format is \"2\"; this library reads 1"},
        {"ravine.format", NULL, "it has no ravine.format"},
        {"ravine.groups", "7", "groups: 7 in the file, 1 here"},
        {"ravine.group.0", NULL, "group.0: nothing in the file"},
        {"ravine.group.0", "shampoo lr=1", "group 0: the file has what is not known here: "},
        {"ravine.group_of.b", "1", "b: group 1 in the file, 0 here"},
    };
    small s;
    lines l;
    create(&s, "adamw lr=0.01", NULL);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        rewrite(bad[k].key, bad[k].value, 3);
        assert_refused(&s, &l, RAVINE_E_FORMAT);
        assert_says(ravine_errmsg(), bad[k].told);
    }
    rewrite("", NULL, -1);
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_says(ravine_errmsg(), ".step is -1; it must be in [0, 2^53]");
    rewrite("", NULL, INT64_MAX);
    assert_refused(&s, &l, RAVINE_E_FORMAT);
    assert_says(ravine_errmsg(), ".step is 9223372036854775807; it must be in [0, 2^53]");
    /* the same number in other words is no difference */
    rewrite("ravine.group.0", "adamw lr=1e-2", 4);
    done(load(&s, &l, false));
    assert_int_equal(ravine_step_count(s.o, 1), 4);
    ravine_destroy(s.o);
}

/* A load that leaves the parameters alone does not miss them in the file. */
static void test_without_params(void **state) {
    (void)state;
    small s;
    ravine_load_options options;
    save_three();
    create(&s, "adamw lr=0.01", NULL);
    ravine_load_options_init(&options);
    options.without_params = 1;
    done(ravine_load(s.o, path, &options));
    assert_true(s.w[1] == 1);
    assert_int_equal(ravine_steps(s.o), 3);
    options.partial = 1; /* told to nobody */
    options.without_params = 0;
    done(ravine_load(s.o, path, &options));
    assert_true(s.w[1] != 1);

    ravine_tensor nameless = {.name = NULL};
    options.tensors = &nameless;
    options.ntensors = 1;
    assert_int_equal(ravine_load(s.o, path, &options), RAVINE_E_ARG);
    assert_says(ravine_errmsg(), "its name is NULL");
    assert_int_equal(ravine_load(s.o, NULL, &options), RAVINE_E_ARG);
    ravine_destroy(s.o);

    /* nor does it wonder at the one that is the first tensor of the file */
    double wide = 2;
    ravine_config c;
    const ravine_param p = {
        .size = sizeof p, .dtype = RAVINE_F64, .name = "x", .data = &wide, .len = 1};
    done(ravine_config_parse(&c, "sgd"));
    done(ravine_create(&s.o, &c, NULL));
    done(ravine_add(s.o, &p, 1));
    done(ravine_save(s.o, path, NULL));
    ravine_load_options_init(&options);
    options.without_params = 1;
    done(ravine_load(s.o, path, &options));
    ravine_destroy(s.o);
}

/* A shape too long for a line is cut. */
static void test_long_shape(void **state) {
    (void)state;
    enum { SIDES = 60 };
    int64_t ones[SIDES];
    double number = 1;
    small s;
    lines l;
    ravine_save_options save;
    ravine_load_options options;
    for (int k = 0; k < SIDES; k++) ones[k] = 1;
    ravine_tensor own = {"own", RAVINE_F64, SIDES, ones, &number};
    create(&s, "adamw", NULL);
    ravine_save_options_init(&save);
    save.tensors = &own;
    save.ntensors = 1;
    done(ravine_save(s.o, path, &save));
    own.ndim = 1;
    ravine_load_options_init(&options);
    options.tensors = &own;
    options.ntensors = 1;
    options.tell = note;
    options.context = &l;
    l.count = 0;
    assert_int_equal(ravine_load(s.o, path, &options), RAVINE_E_FORMAT);
    assert_int_equal(l.count, 1);
    assert_says(l.text[0], "own: shape [1, 1, 1, ");
    assert_says(l.text[0], " in the file, [1] here");
    ravine_destroy(s.o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SMALL_TEST(test_differences),
        SMALL_TEST(test_shapes_and_types),
        SMALL_TEST(test_groups_of_parameters),
        SMALL_TEST(test_partial),
        SMALL_TEST(test_file_of_others),
        SMALL_TEST(test_own),
        SMALL_TEST(test_arguments),
        SMALL_TEST(test_bad_texts),
        SMALL_TEST(test_without_params),
        SMALL_TEST(test_long_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
