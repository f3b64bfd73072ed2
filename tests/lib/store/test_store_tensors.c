/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors written and read back: the bytes of the file by hand, every dtype, what is refused. The
 * safetensors package of others reads such files in tests/python. */
#include "support/scratch.h"

#include "store/safetensors.h"
#include "support/counting.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_says(const char *text) {
    if (strstr(ravine_errmsg(), text) == NULL)
        fail_msg("the message '%s' does not say '%s'", ravine_errmsg(), text);
}

static float f[6] = {1, -2, 0.5f, HUGE_VALF, -0.0f, 1e-45f};
static double d[2] = {1.0 / 3.0, 5e-324};
static const int64_t shape_f[] = {2, 3}, shape_d[] = {2}, shape_empty[] = {3, 0};

/* CRC32C bit by bit, from its definition. */
static uint32_t crc_of(const void *bytes, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t k = 0; k < size; k++) {
        crc ^= ((const unsigned char *)bytes)[k];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void bytes_of_a_file(void **state) {
    (void)state;
    const ravine_tensor tensors[] = {{"layer.weight", RAVINE_F32, 2, shape_f, f},
                                     {"d\"\xc3\xa4", RAVINE_F64, 1, shape_d, d},
                                     {"empty", RAVINE_F32, 2, shape_empty, NULL},
                                     {"scalar", RAVINE_F32, 0, NULL, f + 2}};
    const ravine_text texts[] = {{"format", "pt"}, {"note", "two\nlines\\"}};
    const char *path = scratch_path("x.safetensors");
    assert_int_equal(ravine_safetensors_write(path, tensors, 4, texts, 2, NULL), RAVINE_OK);
    char expected[1000];
    const int length =
        snprintf(expected, sizeof expected,
                 "{\"__metadata__\":{\"ravine.crc32c\":\"00000000\",\"format\":\"pt\","
                 "\"note\":\"two\\u000alines\\\\\",\"ravine.crc32c.layer.weight\":\"%08x\","
                 "\"ravine.crc32c.d\\\"\xc3\xa4\":\"%08x\",\"ravine.crc32c.empty\":\"00000000\","
                 "\"ravine.crc32c.scalar\":\"%08x\"},"
                 "\"d\\\"\xc3\xa4\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},"
                 "\"layer.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
                 "\"empty\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[40,40]},"
                 "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[40,44]}}",
                 crc_of(f, sizeof f), crc_of(d, sizeof d), crc_of(f + 2, 4));
    size_t size;
    char *bytes = scratch_read(path, &size), digits[9];
    const uint64_t padded = ((uint64_t)length + 7) / 8 * 8;
    memset(expected + length, ' ', 8);
    assert_int_equal(size, 8 + padded + 44);
    assert_memory_equal(bytes, &padded, 8);
    /* The header's checksum, of the header with zeros in its place. */
    char *place = bytes + 8 + strlen("{\"__metadata__\":{\"ravine.crc32c\":\"");
    memcpy(digits, place, 8);
    digits[8] = '\0';
    memset(place, '0', 8);
    assert_int_equal(strtoul(digits, NULL, 16), crc_of(bytes, 8 + padded));
    assert_memory_equal(bytes + 8, expected, padded);
    assert_memory_equal(bytes + 8 + padded, d, sizeof d);
    assert_memory_equal(bytes + 8 + padded + 16, f, sizeof f);
    assert_memory_equal(bytes + 8 + padded + 40, f + 2, 4);
    free(bytes);
}

static void read_back(void **state) {
    (void)state;
    const ravine_tensor tensors[] = {{"w", RAVINE_F32, 2, shape_f, f},
                                     {"odd \"\n\x01\xf0\x9f\x98\x80", RAVINE_F64, 1, shape_d, d},
                                     {"empty", RAVINE_F32, 2, shape_empty, NULL}};
    const ravine_text texts[] = {{"b", "two\nlines"}, {"a\t", ""}, {"", "empty"}};
    const char *path = scratch_path("x.safetensors");
    const ravine_safetensors_options options = {.size = sizeof options, .verify = 1};
    assert_int_equal(ravine_safetensors_write(path, tensors, 3, texts, 3, &options), RAVINE_OK);
    ravine_checkpoint *c;
    assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
    assert_int_equal(ravine_checkpoint_tensor_count(c), 3);
    float got[6];
    int64_t ends = -1;
    for (int k = 0; k < 3; k++) {
        const ravine_tensor *wanted = &tensors[k];
        const int64_t i = ravine_checkpoint_find(c, wanted->name);
        ravine_tensor t;
        int64_t begin, end;
        int32_t checked;
        assert_int_equal(ravine_checkpoint_tensor(c, i, &t), RAVINE_OK);
        assert_string_equal(t.name, wanted->name);
        assert_int_equal(t.dtype, wanted->dtype);
        assert_int_equal(t.ndim, wanted->ndim);
        assert_memory_equal(t.shape, wanted->shape, (size_t)t.ndim * sizeof *t.shape);
        assert_null(t.data);
        assert_int_equal(ravine_checkpoint_range(c, i, &begin, &end, &checked), RAVINE_OK);
        assert_int_equal(end - begin, ravine_tensor_bytes(wanted));
        assert_int_equal(begin % 8, 0);
        assert_true(checked);
        if (end > ends) ends = end;
        assert_int_equal(ravine_checkpoint_read(c, i, got, end - begin), RAVINE_OK);
        if (end > begin) assert_memory_equal(got, wanted->data, (size_t)(end - begin));
    }
    assert_int_equal(ravine_checkpoint_find(c, "none"), -1);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(ends, facts.st_size);
    for (int k = 0; k < 3; k++)
        assert_string_equal(ravine_checkpoint_find_text(c, texts[k].key), texts[k].value);
    assert_null(ravine_checkpoint_find_text(c, "c"));
    int64_t ntexts = 0;
    for (ravine_text text; ravine_checkpoint_text(c, ntexts, &text);) ntexts++;
    assert_int_equal(ntexts, 3 + 1 + 3);
    assert_int_equal(ravine_checkpoint_verify(c), RAVINE_OK);
    ravine_checkpoint_close(c);
}

/* Every dtype, in a file that has all of them in the wrong order: wide ones come first, so each
 * begins at a multiple of its own size. */
static void every_dtype(void **state) {
    (void)state;
    enum { DTYPES = RAVINE_F8_E5M2FNUZ };
    static const int64_t eight[] = {8};
    static unsigned char data[DTYPES][64];
    ravine_tensor tensors[DTYPES];
    char names[DTYPES][16];
    for (int k = 0; k < DTYPES; k++) {
        snprintf(names[k], sizeof names[k], "%d", k);
        memset(data[k], k + 1, sizeof data[k]);
        tensors[k] = (ravine_tensor){names[k], DTYPES - k, 1, eight, data[k]};
    }
    const char *path = scratch_path("x.safetensors");
    assert_int_equal(ravine_safetensors_write(path, tensors, DTYPES, NULL, 0, NULL), RAVINE_OK);
    ravine_checkpoint *c;
    assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
    for (int k = 0; k < DTYPES; k++) {
        unsigned char got[64];
        int64_t begin, end;
        ravine_tensor t;
        const int64_t i = ravine_checkpoint_find(c, names[k]);
        assert_int_equal(ravine_checkpoint_tensor(c, i, &t), RAVINE_OK);
        assert_int_equal(t.dtype, DTYPES - k);
        assert_int_equal(ravine_checkpoint_range(c, i, &begin, &end, NULL), RAVINE_OK);
        assert_int_equal(end - begin, ravine_dtype_bits(t.dtype));
        if (ravine_dtype_bits(t.dtype) >= 8)
            assert_int_equal(begin % (ravine_dtype_bits(t.dtype) / 8), 0);
        assert_int_equal(ravine_checkpoint_read(c, i, got, end - begin), RAVINE_OK);
        assert_memory_equal(got, data[k], (size_t)(end - begin));
    }
    ravine_checkpoint_close(c);
    assert_null(ravine_dtype_name(0));
    assert_null(ravine_dtype_name(DTYPES + 1));
    assert_int_equal(ravine_dtype_bits(-1), 0);
}

static void nothing_at_all(void **state) {
    (void)state;
    const char *path = scratch_path("x.safetensors");
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, NULL, 0, NULL), RAVINE_OK);
    ravine_checkpoint *c;
    assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
    assert_int_equal(ravine_checkpoint_tensor_count(c), 0);
    ravine_checkpoint_close(c);
    ravine_checkpoint_close(NULL);
}

static void refused_tensors(void **state) {
    (void)state;
    static const int64_t negative[] = {2, -1}, huge[] = {INT64_MAX, 2}, odd[] = {3},
                         wide[] = {INT64_MAX / 64};
    const struct {
        ravine_tensor tensor[2];
        ravine_status status;
        const char *told;
    } cases[] = {
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"a", RAVINE_F64, 1, shape_d, d}},
         RAVINE_E_ARG,
         "two tensors have the name \"a\""},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"__metadata__", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_ARG,
         "the name of tensor 1 is __metadata__"},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"\xff", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_ARG,
         "the name of tensor 1 is not UTF-8"},
        {{{NULL, RAVINE_F32, 2, shape_f, f}, {"a", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_ARG,
         "the name of tensor 0 is NULL"},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"b", 0, 2, shape_f, f}},
         RAVINE_E_RANGE,
         "\"b\" has dtype 0"},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"b", RAVINE_F4, 1, odd, f}},
         RAVINE_E_RANGE,
         "no whole number of bytes"},
        {{{"a", RAVINE_F32, 2, negative, f}, {"b", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_RANGE,
         "\"a\" has dtype 1"},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"b", RAVINE_F64, 2, huge, f}},
         RAVINE_E_RANGE,
         "\"b\""},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"b", RAVINE_F64, 65, huge, f}},
         RAVINE_E_RANGE,
         "ndim of \"b\" is 65; it must be in [0, 64]"},
        {{{"a", RAVINE_F32, 2, shape_f, f}, {"b", RAVINE_F64, -1, huge, f}},
         RAVINE_E_RANGE,
         "ndim of \"b\" is -1"},
        {{{"a", RAVINE_F32, 2, NULL, f}, {"b", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_RANGE,
         "ndim of \"a\" is 2; it must be in [0, 64], with a shape"},
        {{{"a", RAVINE_F32, 2, shape_f, NULL}, {"b", RAVINE_F32, 2, shape_f, f}},
         RAVINE_E_ARG,
         "the data of \"a\" are NULL"},
        {{{"a", RAVINE_F32, 1, wide, f}, {"b", RAVINE_F32, 2, shape_f, NULL}},
         RAVINE_E_ARG,
         "\"b\""},
    };
    const char *path = scratch_write("x.safetensors", "old", 3);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(ravine_safetensors_write(path, cases[k].tensor, 2, NULL, 0, NULL),
                         cases[k].status);
        assert_says(cases[k].told);
    }
    static const int64_t most[] = {INT64_MAX / 8};
    ravine_tensor many[9];
    char names[9][16];
    for (int k = 0; k < 9; k++) {
        snprintf(names[k], sizeof names[k], "%d", k);
        many[k] = (ravine_tensor){names[k], RAVINE_U8, 1, most, f};
    }
    assert_int_equal(ravine_safetensors_write(path, many, 9, NULL, 0, NULL), RAVINE_E_RANGE);
    assert_says("the tensors have more than 9223372036854775807 bytes");
    assert_int_equal(ravine_safetensors_write(path, many, 8, NULL, 0, NULL), RAVINE_E_RANGE);
    assert_says("it would have more than 9223372036854775807 bytes");
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_int_equal(scratch_count(), 1);
}

/* Of three, the first and the last have the same name. */
static void refused_twins(void **state) {
    (void)state;
    const char *path = scratch_path("x");
    const ravine_tensor tensors[] = {{"b", RAVINE_F32, 2, shape_f, f},
                                     {"a", RAVINE_F32, 2, shape_f, f},
                                     {"b", RAVINE_F32, 2, shape_f, f}};
    const ravine_text texts[] = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
    assert_int_equal(ravine_safetensors_write(path, tensors, 3, NULL, 0, NULL), RAVINE_E_ARG);
    assert_says("two tensors have the name \"b\"");
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, texts, 3, NULL), RAVINE_E_ARG);
    assert_says("two texts have the key \"b\"");
    assert_int_equal(scratch_count(), 0);
}

static void refused_texts(void **state) {
    (void)state;
    const struct {
        ravine_text text[2];
        const char *told;
    } cases[] = {
        {{{"a", "b"}, {"a", "c"}}, "two texts have the key \"a\""},
        {{{"a", "b"}, {NULL, "c"}}, "text 1 is NULL or not UTF-8"},
        {{{"a", NULL}, {"b", "c"}}, "text 0 is NULL or not UTF-8"},
        {{{"a", "\xc0\x80"}, {"b", "c"}}, "text 0 is NULL or not UTF-8"},
        {{{"\x80", "a"}, {"b", "c"}}, "text 0 is NULL or not UTF-8"},
        {{{"ravine.crc32c", "a"}, {"b", "c"}}, "are the checksums"},
        {{{"a", "b"}, {"ravine.crc32c.w", "c"}}, "the key of text 1 is \"ravine.crc32c.w\""},
    };
    const char *path = scratch_path("x.safetensors");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(ravine_safetensors_write(path, NULL, 0, cases[k].text, 2, NULL),
                         RAVINE_E_ARG);
        assert_says(cases[k].told);
    }
    assert_int_equal(ravine_safetensors_write(NULL, NULL, 0, NULL, 0, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_safetensors_write(path, NULL, -1, NULL, 0, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_safetensors_write(path, NULL, 1, NULL, 0, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, NULL, 1, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, NULL, -1, NULL), RAVINE_E_ARG);
    const ravine_env bad = {.size = 1};
    const ravine_safetensors_options options = {.size = sizeof options, .env = &bad};
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, NULL, 0, &options), RAVINE_E_ARG);
    assert_int_equal(scratch_count(), 0);
}

/* 100,000,000 bytes of header are what readers take. */
static void header_too_long(void **state) {
    (void)state;
    const size_t length = 100000000;
    char *value = malloc(length + 1);
    assert_non_null(value);
    memset(value, 'x', length);
    value[length] = '\0';
    const ravine_text text = {"a", value};
    assert_int_equal(ravine_safetensors_write(scratch_path("x"), NULL, 0, &text, 1, NULL),
                     RAVINE_E_RANGE);
    assert_says("its header has 1000000");
    assert_says("the limit is 100000000");
    assert_int_equal(scratch_count(), 0);
    free(value);
}

static void wrong_calls(void **state) {
    (void)state;
    const ravine_tensor tensor = {"w", RAVINE_F32, 2, shape_f, f};
    const char *path = scratch_path("x");
    assert_int_equal(ravine_safetensors_write(path, &tensor, 1, NULL, 0, NULL), RAVINE_OK);
    ravine_checkpoint *c, *const untouched = (ravine_checkpoint *)f;
    const ravine_env bad = {.size = 1};
    assert_int_equal(ravine_checkpoint_open(NULL, path, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_open(&c, NULL, NULL), RAVINE_E_ARG);
    c = untouched;
    assert_int_equal(ravine_checkpoint_open(&c, path, &bad), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_open(&c, scratch_path("none"), NULL), RAVINE_E_IO);
    assert_ptr_equal(c, untouched);
    assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
    ravine_tensor t;
    ravine_text text;
    float got[7];
    assert_int_equal(ravine_checkpoint_tensor(c, 1, &t), RAVINE_E_RANGE);
    assert_says("tensor 1 of ");
    assert_int_equal(ravine_checkpoint_tensor(c, -1, &t), RAVINE_E_RANGE);
    assert_int_equal(ravine_checkpoint_tensor(c, 0, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_tensor(NULL, 0, &t), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_range(c, 1, NULL, NULL, NULL), RAVINE_E_RANGE);
    assert_int_equal(ravine_checkpoint_range(c, 0, NULL, NULL, NULL), RAVINE_OK);
    assert_int_equal(ravine_checkpoint_read(c, 0, got, 23), RAVINE_E_ARG);
    assert_says("tensor \"w\" has 24");
    assert_int_equal(ravine_checkpoint_read(c, 0, got, 25), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_read(c, 0, NULL, 24), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_read(c, 1, got, 24), RAVINE_E_RANGE);
    assert_int_equal(ravine_checkpoint_verify(NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_tensor_count(NULL), 0);
    assert_int_equal(ravine_checkpoint_find(NULL, "w"), -1);
    assert_int_equal(ravine_checkpoint_find(c, NULL), -1);
    assert_int_equal(ravine_checkpoint_text(c, -1, &text), 0);
    assert_int_equal(ravine_checkpoint_text(c, 100, &text), 0);
    assert_int_equal(ravine_checkpoint_text(c, 0, NULL), 0);
    assert_int_equal(ravine_checkpoint_text(NULL, 0, &text), 0);
    assert_null(ravine_checkpoint_find_text(NULL, "a"));
    assert_null(ravine_checkpoint_find_text(c, NULL));
    ravine_checkpoint_close(c);
}

/* Every byte comes from the caller's allocator, and goes back. */
static void memory_of_the_caller(void **state) {
    (void)state;
    ravine_env env;
    counting books;
    ravine_env_init(&env);
    counting_env(&env, &books);
    const ravine_tensor tensors[] = {{"w", RAVINE_F32, 2, shape_f, f},
                                     {"d", RAVINE_F64, 1, shape_d, d}};
    const ravine_safetensors_options options = {.size = sizeof options, .env = &env};
    const char *path = scratch_path("x");
    assert_int_equal(ravine_safetensors_write(path, tensors, 2, NULL, 0, &options), RAVINE_OK);
    assert_int_equal(books.live_bytes, 0);
    const int64_t writing = books.calls;
    assert_true(writing > 0);
    ravine_checkpoint *c;
    assert_int_equal(ravine_checkpoint_open(&c, path, &env), RAVINE_OK);
    assert_true(books.live_bytes > 0);
    ravine_checkpoint_close(c);
    assert_int_equal(books.live_bytes, 0);
    assert_true(books.calls > writing);
    assert_int_equal(books.misuse, 0);
}

/* A link that stands at the path is followed, or replaced where the options say so. */
static void links(void **state) {
    (void)state;
    char target[512], link[512];
    snprintf(target, sizeof target, "%s", scratch_path("target"));
    snprintf(link, sizeof link, "%s", scratch_path("link"));
    for (int over = 0; over < 2; over++) {
        struct stat facts;
        const ravine_safetensors_options options = {.size = sizeof options, .over_links = over};
        assert_int_equal(ravine_safetensors_write(target, NULL, 0, NULL, 0, NULL), RAVINE_OK);
        assert_int_equal(symlink(target, link), 0);
        const ravine_text text = {"which", over ? "own" : "through the link"};
        assert_int_equal(ravine_safetensors_write(link, NULL, 0, &text, 1, &options), RAVINE_OK);
        assert_int_equal(lstat(link, &facts), 0);
        assert_int_equal(S_ISLNK(facts.st_mode), !over);
        ravine_checkpoint *c;
        assert_int_equal(ravine_checkpoint_open(&c, target, NULL), RAVINE_OK);
        assert_int_equal(ravine_checkpoint_find_text(c, "which") != NULL, !over);
        ravine_checkpoint_close(c);
        unlink(link);
    }
}

/* Options whose size nobody set: nothing is written. */
static void options_without_size(void **state) {
    (void)state;
    const ravine_safetensors_options options = {.verify = 1};
    const char *path = scratch_path("x");
    assert_int_equal(ravine_safetensors_write(path, NULL, 0, NULL, 0, &options), RAVINE_E_ARG);
    assert_non_null(strstr(ravine_errmsg(), "sizeof(ravine_safetensors_options)"));
    assert_int_equal(access(path, F_OK), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(bytes_of_a_file), SCRATCH_TEST(read_back),
        SCRATCH_TEST(every_dtype),     SCRATCH_TEST(nothing_at_all),
        SCRATCH_TEST(refused_tensors), SCRATCH_TEST(refused_twins),
        SCRATCH_TEST(refused_texts),   SCRATCH_TEST(header_too_long),
        SCRATCH_TEST(wrong_calls),     SCRATCH_TEST(memory_of_the_caller),
        SCRATCH_TEST(links),           SCRATCH_TEST(options_without_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
