/* SPDX-License-Identifier: Apache-2.0 */
/* Offline runs of W&B: records in one piece and in several, both forms of a value, folders, and
 * files that are cut, damaged or made to do harm. tests/python reads those that wandb wrote. */
#include "support/forge.h"
#include "support/scratch.h"

#include "io/failure.h"
#include "logs/log.h"

#include <math.h>
#include <sys/stat.h>

enum { WHOLE = 1, FIRST, MIDDLE, LAST };
enum { BLOCK = 32768, HEAD = 7 };

static log_data log_;

/* ---- records --------------------------------------------------------------------------------- */

static void begin(forge *file) {
    *file = (forge){0};
    forge_raw(file, ":W&B\xe1\xbe\0", HEAD);
}

static void add_json(forge *history, const char *key, const char *json) {
    static forge item;
    item = (forge){0};
    forge_text(&item, 1, key);
    forge_text(&item, 16, json);
    forge_message(history, 1, &item);
}

/* As a record of a history: field 2. */
static void add_history(forge *file, const forge *history) {
    static forge record;
    record = (forge){0};
    forge_integer(&record, 1, 7);
    forge_message(&record, 2, history);
    forge_piece(file, WHOLE, record.bytes, record.size);
}

static void add_loss(forge *file, int step, const char *loss) {
    static forge history;
    char text[16];
    history = (forge){0};
    snprintf(text, sizeof text, "%d", step);
    add_json(&history, "_step", text);
    add_json(&history, "loss", loss);
    add_history(file, &history);
}

static void two(forge *file) {
    begin(file);
    add_loss(file, 1, "3");
    add_loss(file, 2, "2");
}

static const char *write_file(const char *name, const forge *file) {
    return scratch_write(name, file->bytes, file->size);
}

static void read_ok(const char *path, const char *run, size_t points) {
    const log_choice choice = {.run = run};
    if (log_read(&log_, path, &choice)) fail_msg("%s", failure_text());
    assert_string_equal(log_.format, "W&B run");
    assert_int_equal(log_.npoints, points);
}

static double loss_at(size_t k) {
    return log_.point[k].value[LOG_LOSS];
}

/* ---- what is right --------------------------------------------------------------------------- */

/* Values as JSON; a NaN bare and in quotes. */
static void json_values(void **state) {
    (void)state;
    static forge file;
    two(&file);
    add_loss(&file, 3, "NaN");
    add_loss(&file, 4, "\"Infinity\"");
    add_loss(&file, 5, "1e-3");
    read_ok(write_file("run-a.wandb", &file), NULL, 5);
    assert_true(loss_at(1) == 2);
    assert_true(isnan(loss_at(2)) && log_.point[2].told & 1u << LOG_LOSS);
    assert_true(loss_at(3) == INFINITY);
    assert_true(loss_at(4) == 1e-3);
    log_free(&log_);
}

/* Values of their own types, nested keys, and the step of the record. */
static void own_types(void **state) {
    (void)state;
    static forge file, history, item, step;
    begin(&file);
    for (int k = 1; k <= 3; k++) {
        history = item = step = (forge){0};
        forge_text(&item, 2, "train");
        forge_text(&item, 2, "loss");
        if (k < 3) forge_double(&item, 6, 0.5 * k);
        if (k == 3) forge_integer(&item, 5, 13); /* -7 */
        forge_message(&history, 1, &item);
        add_json(&history, "media", "{\"_type\": \"image\"}");
        add_json(&history, "list", "[1, 2]");
        forge_integer(&step, 1, (uint64_t)k);
        forge_message(&history, 2, &step);
        add_history(&file, &history);
    }
    read_ok(write_file("run-a.wandb", &file), NULL, 3);
    assert_string_equal(log_.taken[LOG_LOSS], "train.loss");
    assert_string_equal(log_.taken[LOG_STEP], "_step");
    assert_true(loss_at(1) == 1 && loss_at(2) == -7);
    assert_true(log_.point[2].value[LOG_STEP] == 3);
    log_free(&log_);
}

/* A record up to `spare` bytes before the end of the block, and zeros there. */
static void fill_block(forge *file, size_t spare) {
    static forge record;
    const size_t size = BLOCK - file->size % BLOCK - HEAD - spare;
    record = (forge){0};
    if (size % 2) forge_raw(&record, "\x08\x81\x00", 3);
    while (record.size < size) forge_raw(&record, "\x08\x01", 2);
    forge_piece(file, WHOLE, record.bytes, record.size);
    while (spare--) forge_number(file, 0, 1);
}

/* A record that is longer than what is left of a block, and blocks whose last bytes hold no head or
 * a head alone. */
static void blocks(void **state) {
    (void)state;
    static forge file, record;
    static char text[2 * BLOCK];
    begin(&file);
    add_loss(&file, 1, "3");
    record = (forge){0};
    memset(text, 'x', sizeof text - 1);
    forge_text(&record, 4, text); /* the output of a program */
    const size_t first = BLOCK - file.size - HEAD, second = first + BLOCK - HEAD;
    forge_piece(&file, FIRST, record.bytes, first);
    forge_piece(&file, MIDDLE, record.bytes + first, BLOCK - HEAD);
    forge_piece(&file, LAST, record.bytes + second, record.size - second);
    fill_block(&file, 0);
    add_loss(&file, 2, "2");
    fill_block(&file, HEAD - 1);
    add_loss(&file, 3, "1");
    read_ok(write_file("run-a.wandb", &file), NULL, 3);
    assert_int_equal(log_.nnotes, 0);
    log_free(&log_);
}

static void no_fields(void **state) {
    (void)state;
    static forge file;
    begin(&file);
    forge_piece(&file, WHOLE, "", 0);
    forge_piece(&file, FIRST, "", 0);
    forge_piece(&file, LAST, "", 0);
    add_loss(&file, 1, "3");
    add_loss(&file, 2, "2");
    read_ok(write_file("run-a.wandb", &file), NULL, 2);
    assert_int_equal(log_.nnotes, 0);
    log_free(&log_);
}

static void folders(void **state) {
    (void)state;
    static forge file;
    two(&file);
    mkdir(scratch_path("wandb"), 0777);
    mkdir(scratch_path("wandb/offline-run-1-aaaa"), 0777);
    write_file("wandb/offline-run-1-aaaa/run-aaaa.wandb", &file);
    assert_int_equal(symlink("offline-run-1-aaaa", scratch_path("wandb/latest-run")), 0);
    read_ok(scratch_path("wandb/offline-run-1-aaaa"), NULL, 2);
    log_free(&log_);
    read_ok(scratch_path("wandb"), NULL, 2);
    log_free(&log_);
    mkdir(scratch_path("wandb/run-2-bbbb"), 0777);
    add_loss(&file, 3, "1");
    write_file("wandb/run-2-bbbb/run-bbbb.wandb", &file);
    assert_int_equal(log_read(&log_, scratch_path("wandb"), NULL), FAILURE_USAGE);
    assert_told("2 runs in it", "--run", "offline-run-1-aaaa/run-aaaa.wandb");
    log_free(&log_);
    read_ok(scratch_path("wandb"), "run-2-bbbb", 3);
    log_free(&log_);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void refused(const forge *file, size_t size, const char *text) {
    const char *path = scratch_write("run-a.wandb", file->bytes, size);
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_INPUT);
    assert_told(path, text);
    log_free(&log_);
}

/* The two losses before it are told, and a note has `text` in it. */
static void told_in_part(const forge *file, size_t size, const char *text) {
    read_ok(scratch_write("run-a.wandb", file->bytes, size), NULL, 2);
    assert_int_equal(log_.nnotes, 1);
    if (!strstr(log_.note[0], text)) fail_msg("%s", log_.note[0]);
    log_free(&log_);
}

static void damaged_first(void **state) {
    (void)state;
    static forge file;
    two(&file);
    refused(&file, 0, "the file is empty");
    refused(&file, 6, "no format of a log");
    refused(&file, 7, "without a history");
    refused(&file, 8, "its first record is cut");
    refused(&file, 20, "its first record is cut");
    file.bytes[0] = ';';
    refused(&file, file.size, "no format of a log");
    two(&file);
    file.bytes[4] ^= 1;
    refused(&file, file.size, "no format of a log");
    two(&file);
    file.bytes[6] = 1;
    refused(&file, file.size, "version 1 of its format; 0 is known");
    two(&file);
    file.bytes[HEAD] ^= 1;
    refused(&file, file.size, "its first record has a wrong check");
    begin(&file);
    add_loss(&file, 1, "3");
    refused(&file, file.size, "1 value");
}

/* Every length, and every byte with another bit, of the third record. */
static void damaged_later(void **state) {
    (void)state;
    static forge file, good;
    two(&good);
    file = good;
    add_loss(&file, 3, "1");
    for (size_t size = good.size + 1; size < file.size; size++) told_in_part(&file, size, "is cut");
    for (size_t at = good.size; at < file.size; at++) {
        file = good;
        add_loss(&file, 3, "1");
        file.bytes[at] ^= 64;
        told_in_part(&file, file.size,
                     at == good.size + 5   ? "is cut"
                     : at == good.size + 4 ? "is cut"
                                           : "wrong check");
    }
}

static void wrong_piece(unsigned type, const char *bytes, size_t size, const char *text) {
    static forge file;
    two(&file);
    forge_piece(&file, type, bytes, size);
    told_in_part(&file, file.size, text);
}

static void wrong_pieces(void **state) {
    (void)state;
    static forge file;
    wrong_piece(0, "", 0, "is of no known type");
    wrong_piece(5, "", 0, "is of no known type");
    wrong_piece(255, "", 0, "is of no known type");
    wrong_piece(MIDDLE, "", 0, "has no beginning");
    wrong_piece(LAST, "", 0, "has no beginning");
    wrong_piece(WHOLE, "\x0b", 1, "is no record of W&B");                  /* a group */
    wrong_piece(WHOLE, "\x12\x7f", 2, "is no record of W&B");              /* beyond the end */
    wrong_piece(WHOLE, "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, /* 2^64 - 1 bytes */
                "is no record of W&B");
    wrong_piece(WHOLE, "\x00", 1, "is no record of W&B");
    for (unsigned type = WHOLE; type <= FIRST; type++) {
        two(&file);
        forge_piece(&file, FIRST, "\x08", 1);
        forge_piece(&file, type, "\x08", 1);
        told_in_part(&file, file.size, "has no end");
    }
    two(&file);
    forge_raw(&file, "\0\0\0\0\xff\xff\x01", HEAD);
    told_in_part(&file, file.size, "is longer than its block");
}

/* Histories whose items are none: passed over. */
static void wrong_items(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } items[] = {
        {"", 0},
        {"\x0a\x7f", 2},     /* a key beyond the end */
        {"\x0a\x04loss", 6}, /* no value */
        {"\x82\x01\x01"
         "1",
         4}, /* no key */
        {"\x0a\x04lo\0s\x82\x01\x01"
         "1",
         10},                            /* a zero in the key */
        {"\x0a\x04loss\x0b", 7},         /* a group */
        {"\x0a\x04loss\x82\x01\x00", 9}, /* an empty value */
        {"\x0a\x04loss\x82\x01\x04"
         "true",
         13},                               /* no number */
        {"\x0a\x04loss\x82\x01\x02[1", 11}, /* a list */
        {"\x0a\x04loss\x20\x01", 8},        /* yes or no */
    };
    for (size_t k = 0; k < sizeof items / sizeof *items; k++) {
        static forge file, history;
        two(&file);
        history = (forge){0};
        forge_bytes(&history, 1, items[k].bytes, items[k].size);
        add_history(&file, &history);
        read_ok(write_file("run-a.wandb", &file), NULL, 2);
        log_free(&log_);
    }
}

/* Pieces without end would fill the memory. */
static void endless(void **state) {
    (void)state;
    static forge block;
    static unsigned char data[BLOCK];
    const char *path = scratch_path("run-a.wandb");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int k = 0; k < 2060; k++) {
        begin(&block);
        if (k) block.size = 0;
        forge_piece(&block, k ? MIDDLE : FIRST, data, BLOCK - HEAD - block.size);
        assert_int_equal(fwrite(block.bytes, 1, block.size, file), BLOCK);
    }
    fclose(file);
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_INPUT);
    assert_told("is longer than 67108864 bytes");
    log_free(&log_);
}

static void limits(void **state) {
    (void)state;
    static forge file, history;
    char key[300];
    two(&file);
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    history = (forge){0};
    add_json(&history, key, "1");
    add_history(&file, &history); /* passed over */
    read_ok(write_file("run-a.wandb", &file), NULL, 2);
    log_free(&log_);
    begin(&file);
    for (int k = 0; k < 4100; k++) {
        if (file.size % BLOCK > BLOCK - 200) fill_block(&file, 0);
        history = (forge){0};
        snprintf(key, sizeof key, "t%d", k);
        add_json(&history, key, "1");
        add_history(&file, &history);
    }
    refused(&file, file.size, "more than 4096 names, the limit");
    two(&file);
    add_loss(&file, -3, "1");
    refused(&file, file.size, "a step is from 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(json_values),   SCRATCH_TEST(own_types),    SCRATCH_TEST(blocks),
        SCRATCH_TEST(folders),       SCRATCH_TEST(no_fields),    SCRATCH_TEST(damaged_first),
        SCRATCH_TEST(damaged_later), SCRATCH_TEST(wrong_pieces), SCRATCH_TEST(wrong_items),
        SCRATCH_TEST(endless),       SCRATCH_TEST(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
