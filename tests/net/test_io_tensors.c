/* safetensors and TensorBoard events, read back by independent readers of a few lines. The real
 * Python packages read them in tests/python. */
#include "net/scratch.h"

#include "io/crc32c.h"
#include "io/failure.h"
#include "io/safetensors.h"
#include "io/tfevents.h"

#include <jansson.h>
#include <math.h>
#include <time.h>

/* ---- safetensors ----------------------------------------------------------------------------- */

static const float f[6] = {1, -2, 0.5f, HUGE_VALF, -0.0f, 1e-45f};
static const double d[2] = {1.0 / 3.0, 5e-324};
static const int64_t shape_f[] = {2, 3}, shape_d[] = {2}, shape_empty[] = {3, 0};

static json_t *header_of(const char *bytes, size_t size, const char **data) {
    uint64_t length = 0;
    assert_true(size >= 8);
    for (int k = 7; k >= 0; k--) length = length << 8 | (unsigned char)bytes[k];
    assert_true(length <= size - 8);
    assert_int_equal(length % 8, 0);
    *data = bytes + 8 + length;
    json_t *header = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(header);
    return header;
}

static void assert_json(const json_t *value, const char *expected) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void tensors_read_back(void **state) {
    (void)state;
    const safetensors_tensor tensors[] = {{"layer.weight", RAVINE_F32, f, shape_f, 2},
                                          {"d\"\xc3\xa4", RAVINE_F64, d, shape_d, 1},
                                          {"empty", RAVINE_F32, f, shape_empty, 2},
                                          {"scalar", RAVINE_F32, f + 2, NULL, 0}};
    const safetensors_text metadata[] = {{"format", "pt"}, {"note", "two\nlines"}};
    const char *path = scratch_path("x.safetensors"), *data;
    assert_int_equal(safetensors_write(path, tensors, 4, metadata, 2), 0);
    size_t size;
    char *bytes = scratch_read(path, &size);
    json_t *header = header_of(bytes, size, &data);
    assert_int_equal(json_object_size(header), 5);
    assert_json(json_object_get(header, "__metadata__"),
                "{\"format\":\"pt\",\"note\":\"two\\nlines\"}");
    assert_json(json_object_get(header, "d\"\xc3\xa4"),
                "{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}");
    assert_json(json_object_get(header, "layer.weight"),
                "{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]}");
    assert_json(json_object_get(header, "empty"),
                "{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[40,40]}");
    assert_json(json_object_get(header, "scalar"),
                "{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[40,44]}");
    assert_int_equal(size - (size_t)(data - bytes), 44);
    assert_memory_equal(data, d, sizeof d);
    assert_memory_equal(data + 16, f, sizeof f);
    assert_memory_equal(data + 40, f + 2, sizeof *f);
    json_decref(header);
    free(bytes);
}

static void no_tensors(void **state) {
    (void)state;
    const char *path = scratch_path("x.safetensors");
    assert_int_equal(safetensors_write(path, NULL, 0, NULL, 0), 0);
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_int_equal(size, 16);
    assert_memory_equal(bytes, "\10\0\0\0\0\0\0\0{}      ", 16);
    free(bytes);
}

static void tensors_that_are_refused(void **state) {
    (void)state;
    static const int64_t negative[] = {2, -1}, huge[] = {INT64_MAX, 2};
    static const struct {
        safetensors_tensor tensor[2];
        const char *told;
    } cases[] = {
        {{{"a", RAVINE_F32, f, shape_f, 2}, {"a", RAVINE_F64, d, shape_d, 1}}, "name a is taken"},
        {{{"a", RAVINE_F32, f, shape_f, 2}, {"__metadata__", RAVINE_F32, f, shape_f, 2}}, "taken"},
        {{{"a", RAVINE_F32, f, shape_f, 2}, {"\xff", RAVINE_F32, f, shape_f, 2}}, "not UTF-8"},
        {{{"a", RAVINE_F32, f, shape_f, 2}, {"b", RAVINE_BF16, f, shape_f, 2}}, "float32"},
        {{{"a", RAVINE_F32, f, negative, 2}, {"b", RAVINE_F32, f, shape_f, 2}}, "tensor a"},
        {{{"a", RAVINE_F32, f, shape_f, 2}, {"b", RAVINE_F64, f, huge, 2}}, "tensor b"},
    };
    const char *path = scratch_write("x.safetensors", "old", 3);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(safetensors_write(path, cases[k].tensor, 2, NULL, 0), EXIT_INPUT);
        assert_told(path, cases[k].told);
    }
    assert_int_equal(safetensors_write(scratch_path("no/x"), NULL, 0, NULL, 0), EXIT_INPUT);
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_int_equal(scratch_count(), 1);
}

/* ---- CRC32C: RFC 3720, B.4, and the check value of the catalogues
 * -------------------------------- */

static void crc_vectors(void **state) {
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)k;
    assert_int_equal(crc32c(bytes, sizeof bytes), 0x46dd794e);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)(31 - k);
    assert_int_equal(crc32c(bytes, sizeof bytes), 0x113fdb5c);
    static const unsigned char read_command[48] = {
        [0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
        [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    assert_int_equal(crc32c(read_command, sizeof read_command), 0xd9963a56);
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c("", 0), 0);
}

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
        SCRATCH_TEST(tensors_read_back),        SCRATCH_TEST(no_tensors),
        SCRATCH_TEST(tensors_that_are_refused), cmocka_unit_test(crc_vectors),
        SCRATCH_TEST(events_read_back),         SCRATCH_TEST(events_without_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
