/* SPDX-License-Identifier: Apache-2.0 */
/* Names, the ends of the data, and headers with much in them; what is odd but right. */
#include "hostile.h"

#include <time.h>

/* ---- 17, 24, 25, 27, 30 to 33, 37, 42 */

/* The names are the same after unescaping; the message names one of the two. */
static void names_twice(void **state) {
    (void)state;
    static const char *const twins[][3] = {
        {"a", "a", "\"a\""},
        {"a", "\\u0061", "\"a\""},
        {"\\u0061", "\\u0061", "\"a\""},
        {"/", "\\/", "\"/\""},
        {"\\n", "\\u000a", "\"?\""},
        {"\xc3\xa4", "\\u00e4", "\"\xc3\xa4\""},
        {"\\u00E4", "\\u00e4", "\"\xc3\xa4\""},
        {"\xf0\x9f\x98\x80", "\\ud83d\\ude00", "\"\xf0\x9f\x98\x80\""},
        {"\xf0\x90\x80\x80", "\\ud800\\udc00", "\"\xf0\x90\x80\x80\""},
        {"\xf4\x8f\xbf\xbf", "\\udbff\\udfff", "\"\xf4\x8f\xbf\xbf\""},
        {"", "", "\"\""},
        {"layer.weight", "layer\\u002eweight", "\"layer.weight\""},
    };
    for (size_t k = 0; k < sizeof twins / sizeof *twins; k++) {
        char header[400], told[100];
        size_t size;
        snprintf(header, sizeof header, "{\"%s\":" DATA("0", "8") ",\"%s\":" DATA("8", "16") "}",
                 twins[k][0], twins[k][1]);
        char *bytes = file_of(header, strlen(header), 16, &size);
        refuse(17, bytes, size, "x: byte ");
        snprintf(told, sizeof told, "two tensors have the name %s", twins[k][2]);
        assert_non_null(strstr(ravine_errmsg(), told));
        free(bytes);
        snprintf(header, sizeof header, "{\"__metadata__\":{\"%s\":\"1\",\"%s\":\"2\"}}",
                 twins[k][0], twins[k][1]);
        bytes = file_of(header, strlen(header), 0, &size);
        refuse(17, bytes, size, "x: byte ");
        snprintf(told, sizeof told, "two texts have the key %s", twins[k][2]);
        assert_non_null(strstr(ravine_errmsg(), told));
        free(bytes);
    }
}

static void ends_of_the_data(void **state) {
    (void)state;
    static const char *const tails[] = {"PK\3\4",   "\177ELF",  "<html>", "HTTP/1.1 200 OK",
                                        "\n",       " ",        "{}",     "0123456789abcdef",
                                        "%PDF-1.4", "#!/bin/sh"};
    const size_t header = strlen(GOOD), end = 8 + header + 8;
    char told[200];
    size_t size;
    for (size_t k = 0; k < sizeof tails / sizeof *tails; k++) {
        char *bytes = file_of(GOOD, header, 8 + strlen(tails[k]), &size);
        memcpy(bytes + end, tails[k], strlen(tails[k]));
        snprintf(told, sizeof told,
                 "x: byte %zu: the tensors end here, but the file has %zu bytes "
                 "more",
                 end, strlen(tails[k]));
        refuse(25, bytes, size, told);
        free(bytes);
    }
    refuse(25, "\2\0\0\0\0\0\0\0{}x", 11, "x: byte 10: the tensors end here, but the file has 1 ");
    static const long long ends[] = {9, 12, 16, 100, 1000000, 4294967304, 1ll << 40, INT64_MAX / 8};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"w\":{\"dtype\":\"U8\",\"shape\":[%lld],\"data_offsets\":[0,%lld]}}", ends[k],
                 ends[k]);
        char *bytes = file_of(text, strlen(text), 8, &size);
        snprintf(told, sizeof told,
                 "x: byte %zu: the file ends here, but tensor \"w\" goes on to "
                 "byte %llu",
                 size, (unsigned long long)strlen(text) + 8 + (unsigned long long)ends[k]);
        refuse(24, bytes, size, told);
        free(bytes);
    }
}

/* A header of `count` times what format makes of 0, 1, ...; for free(). */
static char *many(const char *format, int count, size_t *length) {
    char *header = malloc((size_t)count * 100 + 10);
    assert_non_null(header);
    *length = 1;
    header[0] = '{';
    for (int k = 0; k < count; k++) {
        if (k) header[(*length)++] = ',';
        *length += (size_t)sprintf(header + *length, format, k);
    }
    header[(*length)++] = '}';
    return header;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void many_tensors(void **state) {
    (void)state;
    static const int counts[] = {2, 3, 10, 100, 1000, 10000, 50000, 100000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        size_t length, size;
        const double begin = now();
        char *header = many("\"t%d\":" DATA("0", "8"), counts[k], &length);
        char *bytes = file_of(header, length, 8, &size);
        refuse(30, bytes, size, "x: byte ");
        assert_non_null(strstr(ravine_errmsg(), "it overlaps what ends at 8"));
        free(bytes);
        free(header);
        /* Empty tensors may be as many as there are, but not with one name. */
        header = many("\"t%06d\":" F32("0", "0", "0"), counts[k], &length);
        header[length] = '\0';
        accept_header(header, 0);
        memcpy(strstr(header + 5, "\"t00000"), "\"t000000", 8);
        bytes = file_of(header, length, 0, &size);
        refuse(31, bytes, size, "x: byte ");
        assert_non_null(strstr(ravine_errmsg(), "two tensors have the name \"t000000\""));
        free(bytes);
        free(header);
        assert_true(now() - begin < 10); /* quadratic: minutes */
    }
}

static void large_headers(void **state) {
    (void)state;
    static const size_t sizes[] = {100, 1000, 4096, 65536, 1000000, 3000000, 99999999, 100000000};
    const size_t n = getenv("RAVINE_TEST_LONG") ? 8 : 6;
    char *header = malloc(sizes[7] + 1), told[100];
    assert_non_null(header);
    for (size_t k = 0; k < n; k++) {
        size_t size;
        memset(header, ' ', sizes[k]);
        char *bytes = file_of(header, sizes[k], 0, &size);
        refuse(32, bytes, size, "x: byte 8: " BEGIN "byte 0x20");
        bytes[8] = '{';
        snprintf(told, sizeof told, "x: byte %zu: expected a string, but the header ends here",
                 size);
        refuse(32, bytes, size, told);
        memset(bytes + 9, 'x', sizes[k] - 1);
        bytes[9] = '"';
        snprintf(told, sizeof told, "x: byte %zu: expected '\"', but the header ends here", size);
        refuse(33, bytes, size, told);
        memcpy(bytes + size - 2, "\"}", 2);
        snprintf(told, sizeof told, "x: byte %zu: expected ':', found '}'", size - 1);
        refuse(33, bytes, size, told);
        free(bytes);
    }
    free(header);
}

static void high_ranks(void **state) {
    (void)state;
    static const int ranks[] = {65, 66, 100, 1000, 10000, 100000, 1000000, 2000000};
    for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
        char *header = malloc(2 * (size_t)ranks[k] + 100);
        assert_non_null(header);
        size_t length = (size_t)sprintf(header, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1");
        for (int d = 1; d < ranks[k]; d++) {
            if (d == 65) header[length++] = '@';
            memcpy(header + length, ",1", 2);
            length += 2;
        }
        if (ranks[k] == 65) header[length++] = '@';
        length += (size_t)sprintf(header + length, "],\"data_offsets\":[0,4]}}");
        refuse_header(27, header, length, 4, "more than 64 dimensions");
        free(header);
    }
}

/* Names may be anything; what a message shows of them is harmless (refuse() looks at every byte).
 */
static void hostile_names(void **state) {
    (void)state;
    static const char *const names[] = {"../../etc/passwd", "/../",
                                        "a/../../b",        "\\n\\n",
                                        "\\u001b[31m",      "\\u001b]0;x\\u0007",
                                        "\\u202e",          "<script>alert(1)</script>",
                                        "%s%n%s%n",         "\\u0008\\u0008",
                                        "\\u007f",          "con",
                                        "__proto__",        "${x}",
                                        "'; drop table"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char header[300];
        snprintf(header, sizeof header, "{\"%s\":" DATA("0", "8") "}", names[k]);
        accept_header(header, 8);
        snprintf(header, sizeof header, "{@\"%s\":" DATA("1", "9") "}", names[k]);
        refuse_header(37, header, strlen(header), 9, "tensor \"");
    }
}

/* A long name is cut, as it stands in the file and as it is meant. */
static void long_names(void **state) {
    (void)state;
    enum { LONGEST = 200 };
    char header[LONGEST + 100], name[LONGEST + 1], told[100];
    for (int length = 50; length <= LONGEST; length++) {
        memset(name, 'x', (size_t)length);
        name[length] = '\0';
        snprintf(told, sizeof told, "unknown field \"%.59s%s\";", name, length > 59 ? "..." : "");
        snprintf(header, sizeof header, "{\"w\":{\"@%s\":1}}", name);
        refuse_header(14, header, strlen(header), 0, told);
    }
}

/* What looks odd and is right. */
static void odd_but_right(void **state) {
    (void)state;
    accept_header("{}", 0);
    accept_header("{}      ", 0);
    accept_header("{ \t\r\n }", 0);
    accept_header("{\"__metadata__\":{}}", 0);
    accept_header("{\"__metadata__\" : { \"a\" : \"b\" , \"c\" : \"\" } }", 0);
    accept_header(
        "{\"w\":" DATA(
            "0",
            "8") ",\"__metadata__\":{\"a\":\"\\u0041\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"}}",
        8);
    accept_header(
        "{\"w\" : { \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] , \"dtype\" : \"F32\" } }  ",
        8);
    accept_header(
        "{\"w\":{\"dt\\u0079pe\":\"F\\u0033\\u0032\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
    accept_header("{\"b\":" DATA("8", "16") ",\"a\":" DATA("0", "8") "}", 16);
    accept_header(
        "{\"a\":" F32("0", "0", "0") ",\"b\":" DATA("0", "8") ",\"c\":" F32("1,0", "8", "8") "}",
        8);
    accept_header("{\"a\":" F32("", "0", "4") "}", 4);
    accept_header("{\"\":" F32("", "0", "4") "}", 4);
    accept_header("{\"a\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3);
    accept_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":"
                  "\"F64\",\"shape\":[1],"
                  "\"data_offsets\":[1,9]}}",
                  9); /* 42: not aligned, but right; it is copied, not mapped */
    accept_header("{\"a\":" F32("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                                "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
                                "0", "4") "}",
                  4);
#define RAVINE_X(NAME, value, bits, name)                                                          \
    accept_header("{\"a\":{\"dtype\":\"" name "\",\"shape\":[8],\"data_offsets\":[0," #bits "]}}", \
                  bits);
    RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
}

int hostile_tensors(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_twice),  cmocka_unit_test(ends_of_the_data),
        cmocka_unit_test(many_tensors), cmocka_unit_test(large_headers),
        cmocka_unit_test(high_ranks),   cmocka_unit_test(hostile_names),
        cmocka_unit_test(long_names),   cmocka_unit_test(odd_but_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
