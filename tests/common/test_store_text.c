/* SPDX-License-Identifier: Apache-2.0 */
/* What is computed from bytes alone: checksums, UTF-8, names in messages and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "file/crc32c.c" /* the table too, where the processor has an instruction */
#include "text/names.h"

/* ---- CRC32C: RFC 3720, B.4, the check value of the catalogues, and the definition -------------
 */

static void crc_vectors(void **state) {
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)k;
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)(31 - k);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x113fdb5c);
    static const unsigned char read_command[48] = {
        [0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
        [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    assert_int_equal(ravine_crc32c(0, read_command, sizeof read_command), 0xd9963a56);
    assert_int_equal(ravine_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(ravine_crc32c(0, "", 0), 0);
}

static void crc_of_any_parts(void **state) {
    (void)state;
    unsigned char bytes[100];
    for (unsigned k = 0; k < sizeof bytes; k++) bytes[k] = (unsigned char)(k * k + 7);
    uint32_t bit_by_bit = 0xffffffffu;
    for (size_t n = 0; n < sizeof bytes; n++) {
        assert_int_equal(ravine_crc32c(0, bytes, n), ~bit_by_bit);
        for (size_t cut = 0; cut <= n; cut++) {
            const uint32_t first = ravine_crc32c(0, bytes, cut);
            assert_int_equal(by_table(0, bytes, cut), first);
            assert_int_equal(ravine_crc32c(first, bytes + cut, n - cut), ~bit_by_bit);
            assert_int_equal(by_table(first, bytes + cut, n - cut), ~bit_by_bit);
        }
        bit_by_bit ^= bytes[n];
        for (int bit = 0; bit < 8; bit++)
            bit_by_bit = bit_by_bit & 1 ? bit_by_bit >> 1 ^ 0x82f63b78u : bit_by_bit >> 1;
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The number of the character at p by the definition of UTF-8, decoded; -1 if it is not valid. */
static int32_t decoded(const unsigned char *p, size_t left, size_t *length) {
    const int lead = p[0];
    *length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (*length == 0 || *length > left) return -1;
    int32_t code = *length == 1 ? lead : lead & (0x7f >> *length);
    for (size_t k = 1; k < *length; k++) {
        if (p[k] >> 6 != 2) return -1;
        code = code << 6 | (p[k] & 63);
    }
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool valid =
        code >= least[*length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? code : -1;
}

/* Every four bytes of these, which are on both sides of every border. */
static void utf8(void **state) {
    (void)state;
    static const unsigned char borders[] = {0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                            0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                            0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    enum { N = sizeof borders };
    int64_t valid = 0;
    for (int k = 0; k < N * N * N * N; k++) {
        const unsigned char p[4] = {borders[k % N], borders[k / N % N], borders[k / N / N % N],
                                    borders[k / N / N / N]};
        for (size_t left = 1; left <= 4; left++) {
            size_t length;
            if (decoded(p, left, &length) < 0) length = 0;
            if (ravine_utf8_length((const char *)p, left) != length)
                fail_msg("%02x %02x %02x %02x: %zu", p[0], p[1], p[2], p[3], left);
            valid += length > 0;
        }
    }
    assert_true(valid > 0);
}

static void names_in_messages(void **state) {
    (void)state;
    assert_string_equal(ravine_quote("layer.w").text, "\"layer.w\"");
    assert_string_equal(ravine_quote("").text, "\"\"");
    assert_string_equal(ravine_quote("a\nb\x1b[31m\x7f\xff").text, "\"a?b?[31m??\"");
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(strlen(ravine_quote(name).text), 1 + 59 + 4);
    assert_non_null(strstr(ravine_quote(name).text, "x...\""));
    memcpy(name + 58, "\xf0\x9f\x98\x80", 4); /* is not cut in the middle */
    assert_non_null(strstr(ravine_quote(name).text, "x\xf0\x9f\x98\x80...\""));
}

static void sorted_names(void **state) {
    (void)state;
    enum { N = 300 };
    static char text[N][8];
    static name_slot slots[N];
    for (int n = 0; n < N; n++) {
        for (int k = 0; k < n; k++) {
            snprintf(text[k], sizeof text[k], "%d", (k * 7919 + n) % 1009);
            slots[k] = (name_slot){text[k], k};
        }
        ravine_names_sort(slots, n);
        for (int k = 1; k < n; k++) assert_true(strcmp(slots[k - 1].name, slots[k].name) < 0);
        for (int k = 0; k < n; k++) assert_int_equal(ravine_names_find(slots, n, text[k]), k);
        assert_int_equal(ravine_names_find(slots, n, "none"), -1);
        assert_int_equal(ravine_names_find(slots, n, ""), -1);
        assert_null(ravine_names_twice(slots, n));
    }
    slots[10].name = slots[9].name;
    assert_ptr_equal(ravine_names_twice(slots, N - 1), &slots[10]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_vectors),  cmocka_unit_test(crc_of_any_parts),
        cmocka_unit_test(utf8),         cmocka_unit_test(names_in_messages),
        cmocka_unit_test(sorted_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
