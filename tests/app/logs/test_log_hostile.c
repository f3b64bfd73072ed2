/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and damaged logs: each ends in one clear line, or is read as far as it is whole. */
#include "logs.h"

typedef struct hostile {
    const char *name, *content;
    size_t size;
    const char *part; /* of the message; NULL: it is taken */
    size_t points;
    const char *note; /* part of one, or NULL */
} hostile;

static const hostile files[] = {
#define REFUSED(name, content, part)      {name, content, sizeof content - 1, part, 0, NULL},
#define TAKEN(name, content, count, note) {name, content, sizeof content - 1, NULL, count, note},
#include "hostile.def"
#undef REFUSED
#undef TAKEN
};

static bool refuses(const hostile *h, const char *path) {
    log_data log;
    const int status = log_read(&log, path, NULL);
    log_free(&log);
    return status == FAILURE_INPUT && strstr(failure_text(), path) &&
           strstr(failure_text(), h->part) && !strchr(failure_text(), '\n');
}

static bool takes(const hostile *h, const char *path) {
    log_data log;
    const bool right = log_read(&log, path, NULL) == 0 && log.npoints == h->points &&
                       (!h->note || has_note(&log, h->note));
    ravine_diagnosis d;
    const bool told = right && log_diagnose(&log, INT64_MAX, &d) == 0;
    log_free(&log);
    return told;
}

static void each(void **unused) {
    (void)unused;
    int wrong = 0;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        const hostile *h = &files[k];
        const char *path = scratch_write(h->name, h->content, h->size);
        if (h->part ? refuses(h, path) : takes(h, path)) continue;
        print_error("%zu: %s: '%s'\n  wanted '%s'\n  said '%s'\n", k, h->name, h->content,
                    h->part ? h->part : "to take it", failure_text());
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* 20 at least of each format. */
static void enough(void **unused) {
    (void)unused;
    static const char *const endings[] = {".json", ".jsonl", ".csv"};
    for (int e = 0; e < 3; e++) {
        int count = 0;
        for (size_t k = 0; k < sizeof files / sizeof *files; k++)
            count += !strcmp(strrchr(files[k].name, '.'), endings[e]);
        assert_true(count >= 20);
    }
}

/* ---- what is too much ---- */

/* `count` times a text with its number in it. */
static const char *write_many(const char *name, const char *head, const char *format, int count,
                              const char *tail) {
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(head, file);
    for (int k = 0; k < count; k++) fprintf(file, format, k);
    fputs(tail, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void assert_refused(const char *path, const char *part) {
    log_data log;
    assert_int_equal(log_read(&log, path, NULL), FAILURE_INPUT);
    assert_told(path, part);
    log_free(&log);
}

static void limits(void **unused) {
    (void)unused;
    assert_refused(write_many("x.csv", "step,loss", ",c%d", 12000, "\n"), "10000");
    assert_refused(write_many("x.jsonl", "{\"loss\": 1", ", \"k%d\": 1", 5000, "}\n{}\n"),
                   "more than 4096 names, the limit");
    assert_refused(write_many("x.jsonl", "{\"a", "%d", 400, "\": 1}\n{\"loss\": 1}\n"),
                   "is longer than 256 bytes");
    assert_refused(write_many("x.jsonl", "", "[", 5000, "\n"), "maximum parsing depth");
    const char *path = write_many("trainer_state.json", "{\"log_history\": []", "%d", 0, "}");
    assert_int_equal(truncate(path, LOG_TREE_MAX + 1), 0); /* a file with a hole */
    assert_refused(path, "67108864");
}

/* A cell of a megabyte is a word. */
static void long_cell(void **unused) {
    (void)unused;
    log_data log;
    const char *path = write_many("x.csv", "step,note,loss\n1,", "%d", 200000, ",2\n2,,1\n");
    assert_int_equal(log_read(&log, path, NULL), 0);
    assert_int_equal(log.npoints, 2);
    log_free(&log);
}

static void no_file(void **unused) {
    (void)unused;
    log_data log;
    assert_int_equal(log_read(&log, scratch_path("none"), NULL), FAILURE_INPUT);
    assert_told("none: No such file");
    log_free(&log);
    assert_int_equal(log_read(&log, "/dev/null", NULL), FAILURE_INPUT);
    assert_told("no regular file");
    log_free(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(each),      cmocka_unit_test(enough), SCRATCH_TEST(limits),
        SCRATCH_TEST(long_cell), SCRATCH_TEST(no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
