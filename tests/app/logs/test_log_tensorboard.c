/* SPDX-License-Identifier: Apache-2.0 */
/* TensorBoard's event files: both forms of a number, folders of a run and of several, and files
 * that are cut, damaged or made to do harm. tests/python reads those that real libraries wrote. */
#include "support/forge.h"
#include "support/scratch.h"

#include "io/failure.h"
#include "logs/log.h"

#include <math.h>
#include <sys/stat.h>

static log_data log_;

/* ---- events ---------------------------------------------------------------------------------- */

static void add_event(forge *file, double time, uint64_t step, const char *tag, const forge *rest) {
    static forge value, summary, event;
    value = summary = event = (forge){0};
    if (tag) forge_text(&value, 1, tag);
    forge_raw(&value, rest->bytes, rest->size);
    forge_message(&summary, 1, &value);
    forge_double(&event, 1, time);
    if (step) forge_integer(&event, 2, step);
    forge_message(&event, 5, &summary);
    forge_tf_record(file, &event);
}

static void add_simple(forge *file, uint64_t step, const char *tag, float number) {
    static forge value;
    value = (forge){0};
    forge_float(&value, 2, number);
    add_event(file, 1e9 + (double)step, step, tag, &value);
}

/* dims: how many; the number in the field `where`, of the type `dtype`. */
static void add_tensor(forge *file, uint64_t step, const char *tag, uint64_t dtype, int dims,
                       uint64_t where, const void *bytes, size_t size) {
    static forge tensor, shape, value;
    tensor = shape = value = (forge){0};
    for (int k = 0; k < dims; k++) forge_bytes(&shape, 2, "\x08\x01", 2);
    forge_integer(&tensor, 1, dtype);
    forge_message(&tensor, 2, &shape);
    if (size) forge_bytes(&tensor, where, bytes, size);
    forge_message(&value, 8, &tensor);
    add_event(file, 1e9 + (double)step, step, tag, &value);
}

static void begin(forge *file) {
    static forge event;
    *file = event = (forge){0};
    forge_double(&event, 1, 1e9);
    forge_text(&event, 3, "brain.Event:2");
    forge_tf_record(file, &event);
}

/* Losses 3, 2, 1 of steps 1, 2, 3. */
static void three(forge *file) {
    begin(file);
    for (int k = 1; k <= 3; k++) add_simple(file, (uint64_t)k, "loss", (float)(4 - k));
}

static const char *write_file(const char *name, const forge *file) {
    return scratch_write(name, file->bytes, file->size);
}

static void read_ok(const char *path, const char *run, size_t points) {
    const log_choice choice = {.run = run};
    if (log_read(&log_, path, &choice)) fail_msg("%s", failure_text());
    assert_string_equal(log_.format, "TensorBoard events");
    assert_int_equal(log_.npoints, points);
}

static double value_at(size_t k, log_quantity q) {
    return log_.point[k].value[q];
}

/* ---- what is right --------------------------------------------------------------------------- */

static void simple_values(void **state) {
    (void)state;
    static forge file;
    three(&file);
    add_simple(&file, 4, "loss", NAN);
    read_ok(write_file("events.out.tfevents.1", &file), NULL, 4);
    for (size_t k = 0; k < 3; k++) {
        assert_true(value_at(k, LOG_STEP) == (double)k + 1);
        assert_true(value_at(k, LOG_LOSS) == 3 - (double)k);
        assert_true(value_at(k, LOG_SECONDS) == 1e9 + (double)k + 1);
    }
    assert_true(isnan(value_at(3, LOG_LOSS)));
    assert_true(log_.point[3].told & 1u << LOG_LOSS);
    log_free(&log_);
}

static void tensors(void **state) {
    (void)state;
    static forge file;
    const float one = 1.5f;
    const double two = 2.5;
    begin(&file);
    add_tensor(&file, 1, "loss", 1, 0, 4, &one, 4); /* tensor_content */
    add_tensor(&file, 2, "loss", 1, 0, 5, &one, 4); /* float_val */
    add_tensor(&file, 3, "loss", 2, 0, 4, &two, 8);
    add_tensor(&file, 4, "loss", 2, 0, 6, &two, 8); /* double_val */
    add_tensor(&file, 5, "loss", 1, 0, 4, NULL, 0); /* zero */
    read_ok(write_file("events.out.tfevents.1", &file), NULL, 5);
    const double wanted[] = {1.5, 1.5, 2.5, 2.5, 0};
    for (size_t k = 0; k < 5; k++) assert_true(value_at(k, LOG_LOSS) == wanted[k]);
    log_free(&log_);
}

/* Histograms, texts, several numbers: passed over. */
static void others(void **state) {
    (void)state;
    static forge file, rest;
    const float pair[2] = {1, 2};
    three(&file);
    add_tensor(&file, 4, "loss", 1, 1, 4, pair, 8);
    add_tensor(&file, 5, "loss", 7, 0, 8, "words", 5);
    add_tensor(&file, 6, "loss", 1, 0, 4, pair, 3);
    add_tensor(&file, 7, "loss", 1, 0, 5, pair, 8);
    rest = (forge){0};
    forge_integer(&rest, 2, 7); /* a simple_value of another type */
    add_event(&file, 1, 8, "loss", &rest);
    rest = (forge){0};
    forge_bytes(&rest, 5, "histogram", 9);
    add_event(&file, 1, 9, "loss", &rest);
    read_ok(write_file("events.out.tfevents.1", &file), NULL, 3);
    log_free(&log_);
}

/* A training that was started twice, and its held-out loss in a folder. */
static void several_files(void **state) {
    (void)state;
    static forge file;
    three(&file);
    mkdir(scratch_path("run"), 0777);
    mkdir(scratch_path("run/validation"), 0777);
    write_file("run/events.out.tfevents.1000000001.host", &file);
    begin(&file);
    add_simple(&file, 2, "loss", 0.75f);
    add_simple(&file, 4, "loss", 0.5f);
    write_file("run/events.out.tfevents.1000000002.host", &file);
    begin(&file);
    add_simple(&file, 2, "loss", 9);
    add_simple(&file, 4, "loss", 8);
    write_file("run/validation/events.out.tfevents.1000000001.host", &file);
    read_ok(scratch_path("run"), NULL, 3);
    assert_true(value_at(1, LOG_LOSS) == 0.75);
    assert_true(value_at(1, LOG_VALIDATION) == 9);
    assert_true(value_at(2, LOG_VALIDATION) == 8);
    assert_true(log_.resumed == 2);
    log_free(&log_);
}

/* Keras: train/ and validation/, and nothing beside them. */
static void parts_alone(void **state) {
    (void)state;
    static forge file;
    three(&file);
    mkdir(scratch_path("train"), 0777);
    mkdir(scratch_path("validation"), 0777);
    write_file("train/events.out.tfevents.1.v2", &file);
    write_file("validation/events.out.tfevents.1.v2", &file);
    read_ok(scratch_folder, NULL, 3);
    assert_string_equal(log_.taken[LOG_LOSS], "loss");
    assert_string_equal(log_.taken[LOG_VALIDATION], "validation/loss");
    log_free(&log_);
}

/* add_scalars("Loss/a", {"train": ..., "val": ...}) of PyTorch. */
static void curves(void **state) {
    (void)state;
    static forge file;
    begin(&file);
    write_file("events.out.tfevents.1", &file);
    mkdir(scratch_path("Loss_a_train"), 0777);
    mkdir(scratch_path("Loss_a_val"), 0777);
    mkdir(scratch_path("1795913197.23"), 0777); /* of add_hparams */
    begin(&file);
    for (int k = 1; k <= 3; k++) add_simple(&file, (uint64_t)k, "Loss/a", (float)k);
    write_file("Loss_a_train/events.out.tfevents.1", &file);
    write_file("Loss_a_val/events.out.tfevents.1", &file);
    write_file("1795913197.23/events.out.tfevents.1", &file);
    const log_choice choice = {
        .key = {[LOG_LOSS] = "train/Loss/a", [LOG_VALIDATION] = "val/Loss/a"}};
    if (log_read(&log_, scratch_folder, &choice)) fail_msg("%s", failure_text());
    assert_int_equal(log_.npoints, 3);
    log_free(&log_);
}

static void several_runs(void **state) {
    (void)state;
    static forge file;
    three(&file);
    mkdir(scratch_path("a"), 0777);
    mkdir(scratch_path("b"), 0777);
    mkdir(scratch_path("b/train"), 0777);
    write_file("a/events.out.tfevents.1", &file);
    begin(&file);
    add_simple(&file, 1, "loss", 7);
    add_simple(&file, 2, "loss", 6);
    write_file("b/train/events.out.tfevents.1", &file);
    assert_int_equal(log_read(&log_, scratch_folder, NULL), FAILURE_USAGE);
    assert_told("2 runs in it", "--run", "a, b");
    log_free(&log_);
    read_ok(scratch_folder, "b", 2);
    assert_true(value_at(0, LOG_LOSS) == 7);
    log_free(&log_);
    assert_int_equal(log_read(&log_, scratch_folder, &(log_choice){.run = "c"}), FAILURE_USAGE);
    assert_told("--run c is no run of it", "a, b");
    log_free(&log_);
}

/* The loss of each batch, the held-out one of each epoch, both as "step". */
static void other_axis(void **state) {
    (void)state;
    static forge file;
    static forge value;
    begin(&file);
    for (int k = 1; k <= 100; k++) {
        add_simple(&file, (uint64_t)k, "train/loss", 1);
        if (k % 25) continue;
        value = (forge){0};
        forge_float(&value, 2, (float)k);
        add_event(&file, 1e9 + k + 0.5, (uint64_t)k / 25, "val/loss", &value);
    }
    read_ok(write_file("events.out.tfevents.1", &file), NULL, 100);
    for (size_t k = 0; k < 100; k++) {
        const double held = value_at(k, LOG_VALIDATION);
        assert_true((k + 1) % 25 ? isnan(held) : held == (double)k + 1);
    }
    assert_non_null(strstr(log_.note[0], "placed by its times"));
    log_free(&log_);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

/* Refused, in one line that has `text` in it. */
static void refused(const forge *file, size_t size, const char *text) {
    const char *path = scratch_write("events.out.tfevents.1", file->bytes, size);
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_INPUT);
    assert_told(path, text);
    log_free(&log_);
}

/* The first two losses are told, and a note has `text` in it. */
static void told_in_part(const forge *file, size_t size, const char *text) {
    const char *path = scratch_write("events.out.tfevents.1", file->bytes, size);
    read_ok(path, NULL, 2);
    assert_int_equal(log_.nnotes, 1);
    if (!strstr(log_.note[0], text)) fail_msg("%s", log_.note[0]);
    log_free(&log_);
}

static void refused_rest(const void *bytes, size_t size, const char *tag) {
    static forge file, rest;
    begin(&file);
    rest = (forge){0};
    forge_raw(&rest, bytes, size);
    for (uint64_t k = 1; k <= 3; k++) add_event(&file, 1e9, k, tag, &rest);
    refused(&file, file.size, "events without a number");
}

static void damaged_first(void **state) {
    (void)state;
    static forge file, data;
    unsigned char wrong[12];
    three(&file);
    refused(&file, 0, "the file is empty");
    refused(&file, 1, "no format of a log");
    refused(&file, 11, "no format of a log");
    refused(&file, 12, "its first record is cut");
    refused(&file, 20, "its first record is cut");
    file.bytes[0] ^= 1;
    refused(&file, file.size, "no format of a log");
    three(&file);
    file.bytes[12] ^= 1;
    refused(&file, file.size, "its first record has a wrong check");
    for (int huge = 0; huge < 3; huge++) { /* 2^63, 2^64 - 1, 2^64 - 13 */
        memset(wrong, huge ? 255 : 0, 8);
        wrong[7] = huge ? 255 : 128;
        if (huge == 2) wrong[0] = 0xf3;
        const uint32_t check = ravine_crc32c_masked(wrong, 8);
        memcpy(wrong + 8, &check, 4);
        three(&file);
        memcpy(file.bytes, wrong, 12);
        refused(&file, file.size, "its first record is cut");
    }
    file = data = (forge){0};
    forge_raw(&data, "no message", 10);
    forge_tf_record(&file, &data);
    refused(&file, file.size, "its first record holds no event");
    file = data = (forge){0};
    forge_tf_record(&file, &data);
    refused(&file, file.size, "events without a number");
    begin(&file);
    refused(&file, file.size, "events without a number");
    add_simple(&file, 1, "loss", 1);
    refused(&file, file.size, "1 value");
}

static void damaged_later(void **state) {
    (void)state;
    static forge file, good;
    begin(&good);
    add_simple(&good, 1, "loss", 3);
    add_simple(&good, 2, "loss", 2);
    three(&file);
    for (size_t size = good.size + 1; size < file.size; size++) told_in_part(&file, size, "is cut");
    for (size_t at = good.size; at < file.size; at++) {
        three(&file);
        file.bytes[at] ^= 64;
        told_in_part(&file, file.size, at < good.size + 12 ? "check of its length" : "wrong check");
    }
}

/* Records whose checks are right, and whose data are none. */
static void no_events(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {
        {"\x0b", 1},                                              /* a group */
        {"\x00\x00", 2},                                          /* field 0 */
        {"\x2a\x7f", 2},                                          /* a summary beyond the end */
        {"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* of 2^64 - 1 bytes */
        {"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a step without end */
        {"\x09\x00", 2},                                          /* a time of one byte */
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        static forge file, data;
        begin(&file);
        add_simple(&file, 1, "loss", 3);
        add_simple(&file, 2, "loss", 2);
        data = (forge){0};
        forge_raw(&data, wrong[k].bytes, wrong[k].size);
        forge_tf_record(&file, &data);
        told_in_part(&file, file.size, "holds no event");
    }
}

static void no_numbers(void **state) {
    (void)state;
    static forge file, rest;
    static char long_tag[400];
    const float one = 1;
    rest = file = (forge){0};
    forge_float(&rest, 2, one);
    memset(long_tag, 'a', sizeof long_tag - 1);
    refused_rest(rest.bytes, rest.size, NULL);
    refused_rest(rest.bytes, rest.size, "");
    refused_rest(rest.bytes, rest.size, long_tag);
    refused_rest("\x15\x00\x00", 3, "loss");     /* three bytes of a number */
    refused_rest("\x42\x7f", 2, "loss");         /* a tensor beyond the end */
    refused_rest("\x42\x02\x12\x05", 4, "loss"); /* its shape beyond the end */
    refused_rest("\x42\x00", 2, "loss");         /* of no type */
    rest = (forge){0};
    forge_bytes(&rest, 1, "lo\0ss", 5);
    forge_float(&rest, 2, one);
    refused_rest(rest.bytes, rest.size, NULL);
}

static void limits(void **state) {
    (void)state;
    static forge file;
    char tag[16];
    begin(&file);
    add_simple(&file, UINT64_MAX, "loss", 1);
    add_simple(&file, 2, "loss", 1);
    refused(&file, file.size, "a step is from 0");
    begin(&file);
    add_simple(&file, UINT64_C(1) << 60, "loss", 1);
    add_simple(&file, UINT64_C(1) << 61, "loss", 1);
    refused(&file, file.size, "a step is from 0");
    begin(&file);
    for (int k = 0; k < 4100; k++) {
        snprintf(tag, sizeof tag, "t%d", k);
        add_simple(&file, 1, tag, 1);
    }
    refused(&file, file.size, "more than 4096 names, the limit");
}

/* A record that would need as much memory as the file has bytes: a hole of them. */
static void huge_record(void **state) {
    (void)state;
    static forge file;
    unsigned char head[8] = {0};
    const uint64_t size = (UINT64_C(1) << 28) + 1;
    memcpy(head, &size, 8);
    begin(&file);
    forge_raw(&file, head, 8);
    forge_number(&file, ravine_crc32c_masked(head, 8), 4);
    const char *path = write_file("events.out.tfevents.1", &file);
    assert_int_equal(truncate(path, (off_t)(file.size + size + 4)), 0);
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_INPUT);
    assert_told("has 268435461 bytes, the limit is 268435456");
    log_free(&log_);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(simple_values), SCRATCH_TEST(tensors),     SCRATCH_TEST(others),
        SCRATCH_TEST(several_files), SCRATCH_TEST(parts_alone), SCRATCH_TEST(curves),
        SCRATCH_TEST(several_runs),  SCRATCH_TEST(other_axis),  SCRATCH_TEST(damaged_first),
        SCRATCH_TEST(damaged_later), SCRATCH_TEST(no_events),   SCRATCH_TEST(no_numbers),
        SCRATCH_TEST(limits),        SCRATCH_TEST(huge_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
