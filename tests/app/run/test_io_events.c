/* SPDX-License-Identifier: Apache-2.0 */
/* TensorBoard events, read back by an independent reader of a few lines. The real Python package
 * reads them in tests/python. */
#include "support/scratch.h"

#include "io/failure.h"
#include "run/tfevents.h"

#include <math.h>
#include <time.h>

/* ---- TensorBoard events
 * -------------------------------------------------------------------------- */

static uint64_t little_endian(const unsigned char *p, int size) {
    uint64_t value = 0;
    for (int k = size - 1; k >= 0; k--) value = value << 8 | p[k];
    return value;
}

/* CRC32C bit by bit from its definition, and TensorFlow's mask. */
static uint32_t masked(const unsigned char *bytes, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t k = 0; k < size; k++) {
        crc ^= bytes[k];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* The data of the record at *p, which moves behind it. */
static const unsigned char *next_record(const unsigned char **p, const unsigned char *end,
                                        size_t *size) {
    assert_true(end - *p >= 16);
    *size = little_endian(*p, 8);
    assert_true(*size <= (size_t)(end - *p) - 16);
    const unsigned char *data = *p + 12;
    assert_int_equal(little_endian(*p + 8, 4), masked(*p, 8));
    assert_int_equal(little_endian(data + *size, 4), masked(data, *size));
    *p = data + *size + 4;
    return data;
}

static double wall_time(const unsigned char *event) {
    uint64_t bits = little_endian(event + 1, 8);
    double time;
    memcpy(&time, &bits, sizeof time);
    assert_int_equal(event[0], 0x09); /* field 1, 64 bits */
    return time;
}

/* The only file of the folder, whose name is as TensorBoard looks for it. */
static const char *event_file(void) {
    static char name[300];
    DIR *folder = opendir(scratch_folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(folder);
    long long seconds;
    int digits = 0;
    assert_int_equal(sscanf(name, "events.out.tfevents.%10lld.%n", &seconds, &digits), 1);
    assert_true(digits > 0);
    assert_true(llabs(seconds - (long long)time(NULL)) <= 60);
    const char *pid = strrchr(name, '.');
    assert_int_equal(atol(pid + 1), getpid());
    return scratch_path(name);
}

static void events_read_back(void **state) {
    (void)state;
    tfevents *events;
    const tfevents_scalar scalars[] = {{"a", 0.5}, {"train/loss", NAN}};
    double before = (double)time(NULL);
    assert_int_equal(tfevents_create(&events, scratch_folder), 0);
    assert_int_equal(tfevents_write(events, 300, scalars, 2), 0);
    assert_int_equal(tfevents_write(events, INT64_MAX, scalars, 0), 0);
    assert_int_equal(tfevents_close(events), 0);
    size_t size, length;
    char *bytes = scratch_read(event_file(), &size);
    const unsigned char *p = (unsigned char *)bytes, *end = p + size;

    const unsigned char *event = next_record(&p, end, &length);
    double stamp = wall_time(event);
    assert_true(stamp >= before && stamp <= before + 60);
    assert_int_equal(length, 9 + 15);
    assert_memory_equal(event + 9,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);

    event = next_record(&p, end, &length);
    assert_true(wall_time(event) >= stamp);
    /* step: 300 = 2 * 128 + 44; summary of 29 bytes: values of 8 and 17 bytes */
    static const char expected[] = "\x10\xac\x02"
                                   "\x2a\x1d"
                                   "\x0a\x08"
                                   "\x0a\x01"
                                   "a"
                                   "\x15\x00\x00\x00\x3f"
                                   "\x0a\x11"
                                   "\x0a\x0a"
                                   "train/loss"
                                   "\x15";
    assert_int_equal(length, 9 + sizeof expected - 1 + 4);
    assert_memory_equal(event + 9, expected, sizeof expected - 1);
    uint32_t bits = (uint32_t)little_endian(event + length - 4, 4);
    float last;
    memcpy(&last, &bits, sizeof last);
    assert_true(isnan(last));

    event = next_record(&p, end, &length);
    assert_int_equal(length, 9 + 10 + 2);
    assert_memory_equal(event + 9,
                        "\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
                        "\x2a\x00",
                        12);
    assert_ptr_equal(p, end);
    free(bytes);
}

static void events_without_a_folder(void **state) {
    (void)state;
    tfevents *events;
    assert_int_equal(tfevents_create(&events, scratch_path("none")), EXIT_INPUT);
    assert_told("none/events.out.tfevents.", "No such file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(events_read_back),
        SCRATCH_TEST(events_without_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
