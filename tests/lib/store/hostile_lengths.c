/* SPDX-License-Identifier: Apache-2.0 */
/* The length in front, how the header begins, characters and depth. */
#include "hostile.h"

/* ---- 1 to 6, 41: the length in front */

static void lengths(void **state) {
    (void)state;
    char bytes[64] = {0}, told[200];
    for (size_t size = 0; size < 8; size++) {
        snprintf(told, sizeof told, "x: byte %zu: the file ends here; its header's length", size);
        refuse(1, bytes, size, told);
    }
    for (size_t size = 8; size < 16; size++)
        refuse(2, bytes, size,
               "x: byte 8: expected '{' as the first byte of the header, but the "
               "header ends here");
    put_length(bytes, 1);
    static const char ones[] = "}[ \"0n\n\xff";
    for (const char *one = ones; *one; one++) {
        bytes[8] = *one;
        refuse(2, bytes, 9, "x: byte 8: expected '{' as the first byte of the header, found ");
    }
    bytes[8] = '{';
    refuse(2, bytes, 9, "x: byte 9: expected a string, but the header ends here");
    static const uint64_t wrapping[] = {UINT64_MAX,     UINT64_MAX - 1, UINT64_MAX - 6,
                                        UINT64_MAX - 7, UINT64_MAX - 8, UINT64_MAX - 9,
                                        INT64_MAX,      1ull << 63,     (1ull << 63) + 8,
                                        1ull << 32,     1ull << 40,     1ull << 62};
    for (size_t k = 0; k < sizeof wrapping / sizeof *wrapping; k++) {
        put_length(bytes, wrapping[k]);
        snprintf(told, sizeof told, "x: byte 0: the header has %llu bytes, the limit is 100000000",
                 (unsigned long long)wrapping[k]);
        refuse(3, bytes, sizeof bytes, told);
    }
    static const uint64_t above[] = {100000001, 100000002, 100000008,  134217728,
                                     200000000, 999999999, 1000000000, 4294967295};
    for (size_t k = 0; k < sizeof above / sizeof *above; k++) {
        put_length(bytes, above[k]);
        refuse(4, bytes, sizeof bytes, "x: byte 0: the header has ");
    }
    static const uint64_t longer[] = {57, 58, 64, 65, 100, 1000, 99999999, 100000000};
    for (size_t k = 0; k < sizeof longer / sizeof *longer; k++) {
        put_length(bytes, longer[k]);
        snprintf(told, sizeof told,
                 "x: byte 64: the file ends here, but its header goes on to byte "
                 "%llu",
                 (unsigned long long)longer[k] + 8);
        refuse(5, bytes, sizeof bytes, told);
    }
}

static void truncated(void **state) {
    (void)state;
    size_t size;
    const size_t header = strlen(GOOD);
    char *bytes = file_of(GOOD, header, 8, &size), told[200];
    for (size_t cut = 8; cut < size; cut++) {
        if (cut < 8 + header)
            snprintf(told, sizeof told,
                     "x: byte %zu: the file ends here, but its header goes on to "
                     "byte %zu",
                     cut, 8 + header);
        else
            snprintf(told, sizeof told,
                     "x: byte %zu: the file ends here, but tensor \"w\" goes on "
                     "to byte %zu",
                     cut, size);
        refuse(6, bytes, cut, told);
    }
    free(bytes);
}

static void big_endian(void **state) {
    (void)state;
    for (size_t blanks = 0; blanks < 10; blanks++) {
        char header[100], told[100];
        snprintf(header, sizeof header, "%s%*s", GOOD, (int)blanks, "");
        const uint64_t length = strlen(header);
        size_t size;
        char *bytes = file_of(header, length, 8, &size);
        for (int k = 0; k < 8; k++) bytes[k] = (char)(length >> (56 - 8 * k));
        snprintf(told, sizeof told, "x: byte 0: the header has %llu bytes",
                 (unsigned long long)length << 56);
        refuse(41, bytes, size, told);
        free(bytes);
    }
}

/* ---- 7, 8, 9: how it begins */

static const row beginnings[] = {
    {7, "@[]", 0, BEGIN "'['"},
    {7, "@\"w\"", 0, BEGIN "'\"'"},
    {7, "@0", 0, BEGIN "'0'"},
    {7, "@null", 0, BEGIN "'n'"},
    {7, "@true", 0, BEGIN "'t'"},
    {7, "@<html>", 0, BEGIN "'<'"},
    {7, "@PK\3\4", 0, BEGIN "'P'"},
    {7,
     "@\x7f"
     "ELF",
     0, BEGIN "byte 0x7f"},
    {7, "@\x80\x02}q", 0, BEGIN "byte 0x80"},
    {7, "@\x89HDF", 0, BEGIN "byte 0x89"},
    {8, "@\xef\xbb\xbf{}", 0, BEGIN "byte 0xef"},
    {8, "@\xef\xbb\xbf{\"w\":" W "}", 8, BEGIN "byte 0xef"},
    {8, "@\xfe\xff{}", 0, BEGIN "byte 0xfe"},
    {8, "@\xff\xfe{}", 0, BEGIN "byte 0xff"},
    {8, "@\xef\xbb\xbf\xef\xbb\xbf{}", 0, BEGIN "byte 0xef"},
    {8, "@\xe2\x80\x8b{}", 0, BEGIN "byte 0xe2"},
    {8, "@\xc2\xa0{}", 0, BEGIN "byte 0xc2"},
    {8, "@\x2b/v8-{}", 0, BEGIN "'+'"},
    {8, "{@\xef\xbb\xbf}", 0, "expected a string, found byte 0xef"},
    {9, "@ {}", 0, BEGIN "byte 0x20"},
    {9, "@  {}", 0, BEGIN "byte 0x20"},
    {9, "@\t{}", 0, BEGIN "byte 0x09"},
    {9, "@\n{}", 0, BEGIN "byte 0x0a"},
    {9, "@\r\n{}", 0, BEGIN "byte 0x0d"},
    {9, "@\f{}", 0, BEGIN "byte 0x0c"},
    {9, "@\v{}", 0, BEGIN "byte 0x0b"},
    {9, "@ {\"w\":" W "}", 8, BEGIN "byte 0x20"},
    {9, "@        {\"w\":" W "}", 8, BEGIN "byte 0x20"},
};

static void how_it_begins(void **state) {
    (void)state;
    REFUSE_ALL(beginnings);
}

/* ---- 10, 11, 12: characters */

/* Every bad text in every place where a text may stand. */
static void refuse_text(int class, const char *bad, size_t length, const char *told) {
    static const char *const around[][2] = {
        {"{\"", "\":" W "}"},
        {"{\"a", "z\":" W "}"},
        {"{\"__metadata__\":{\"", "\":\"v\"}}"},
        {"{\"__metadata__\":{\"k\":\"", "\"}}"},
        {"{\"__metadata__\":{\"k\":\"abc", "xyz\"}}"},
        {"{\"w\":{\"", "\":\"F32\"}}"},
        {"{\"w\":{\"dtype\":\"", "\"}}"},
        {"{\"\\u00e9\xc3\xa9", "\":" W "}"},
    };
    for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
        char header[300];
        size_t n = strlen(around[k][0]);
        memcpy(header, around[k][0], n);
        memcpy(header + n, bad, length);
        n += length;
        memcpy(header + n, around[k][1], strlen(around[k][1]));
        refuse_header(class, header, n + strlen(around[k][1]), 8, told);
    }
}

static void characters(void **state) {
    (void)state;
    static const char *const not_utf8[] = {"@\xc0\x80",
                                           "@\xc1\xbf",
                                           "@\xe0\x80\x80",
                                           "@\xe0\x9f\xbf",
                                           "@\xf0\x80\x80\x80",
                                           "@\xf0\x8f\xbf\xbf",
                                           "@\xed\xa0\x80",
                                           "@\xed\xbf\xbf",
                                           "@\xf4\x90\x80\x80",
                                           "@\xf5\x80\x80\x80",
                                           "@\x80",
                                           "@\xbf",
                                           "@\xc3",
                                           "@\xe2\x82",
                                           "@\xf0\x9f\x98",
                                           "@\xfe",
                                           "@\xff",
                                           "@\xf8\x88\x80\x80\x80",
                                           "x@\xc3(",
                                           "\xc3\xa4@\x80",
                                           "\xf0\x9f\x98\x80@\xa0"};
    static const char *const controls[] = {"@\1", "@\n", "@\r", "@\t", "@\x1b[31m", "@\x1f"};
    static const char *const escapes[] = {"@\\x41", "@\\'",       "@\\0", "@\\a",
                                          "@\\v",   "@\\U0041",   "@\\ ", "@\\\n",
                                          "@\\N",   "\\n@\\\x80", "@\\8"};
    static const char *const codes[] = {"@\\u",     "@\\u1",    "@\\u12",   "@\\u123", "@\\u12G4",
                                        "@\\u-123", "@\\u 123", "@\\u+123", "@\\u0x12"};
    static const char *const firsts[] = {"@\\ud800",         "@\\udbff",        "@\\ud800x",
                                         "@\\ud800\\n",      "@\\ud800\\u0041", "@\\ud800\\ud800",
                                         "@\\uD83D\\uD83D",  "@\\ud800\\",      "@\\ud83d\\ude0",
                                         "@\\ud83d \\ude00", "@\\ud83d\\bde00", "@\\ud83dxude00"};
    static const char *const seconds[] = {"@\\udc00", "@\\udfff", "\\ud83d\\ude00@\\ude00"};
#define EACH(class, list, told)                                \
    for (size_t k = 0; k < sizeof(list) / sizeof *(list); k++) \
    refuse_text(class, (list)[k], strlen((list)[k]), told)
    EACH(10, not_utf8, "this is not UTF-8");
    refuse_text(11, "@\0", 2, "a control character must be escaped");
    refuse_text(11, "ab@\0cd", 6, "a control character must be escaped");
    refuse_text(11, "@\\u0000", 7, "a NUL has no place in a name or text");
    EACH(11, controls, "a control character must be escaped");
    EACH(12, escapes, "no such escape");
    refuse_header(12, "{\"@\\", 4, 0, "no such escape");
    refuse_header(12, "{\"@\\u", 5, 0, "\\u needs four hexadecimal digits");
    EACH(12, codes, "\\u needs four hexadecimal digits");
    EACH(12, firsts, "the first half of a surrogate pair alone");
    EACH(12, seconds, "the second half of a surrogate pair alone");
#undef EACH
}

/* ---- 13: depth */

static void depth(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    static const struct {
        const char *before, *repeated, *told;
    } cases[] = {
        {"{\"w\":{\"@x\":", "[", "unknown field \"x\""},
        {"{\"w\":{\"@x\":", "{\"a\":", "unknown field \"x\""},
        {"{\"w\":{\"shape\":[@", "[", "expected a whole number, found '['"},
        {"{\"w\":{\"data_offsets\":[@", "[", "expected a whole number, found '['"},
        {"{\"w\":@", "[", "expected '{', found '['"},
        {"{\"__metadata__\":{\"a\":@", "{\"a\":", "expected a string, found '{'"},
        {"{\"__metadata__\":@", "[", "expected '{', found '['"},
        {"@", "[", BEGIN "'['"},
        {"{@", "{", "expected a string, found '{'"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const size_t first = strlen(cases[k].before), each = strlen(cases[k].repeated);
        char *header = malloc(first + DEEP * each + 1);
        assert_non_null(header);
        memcpy(header, cases[k].before, first);
        for (size_t d = 0; d < DEEP; d++)
            memcpy(header + first + d * each, cases[k].repeated, each);
        refuse_header(13, header, first + DEEP * each, 0, cases[k].told);
        free(header);
    }
}

int hostile_lengths(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),       cmocka_unit_test(truncated),  cmocka_unit_test(big_endian),
        cmocka_unit_test(how_it_begins), cmocka_unit_test(characters), cmocka_unit_test(depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
