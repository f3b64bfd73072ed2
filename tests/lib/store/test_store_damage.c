/* SPDX-License-Identifier: Apache-2.0 */
/* Files of ours that are damaged: every bit flipped, cut off at every byte, a byte put in anywhere.
 * Each must be noticed, by the structure or by a checksum, with the tensor's name where it lies in
 * a tensor. */
#include "support/scratch.h"

#include "faults/disk.h"
#include "faults/faults.h"
#include "math/random.h"
#include "store/safetensors.h"

#include <stdbool.h>

static bool is_long(void) {
    return getenv("RAVINE_TEST_LONG") != NULL;
}

typedef struct saved {
    char *bytes;
    size_t size;
} saved;

enum { KINDS = 3 };

/* Three files of about `bytes` bytes: one tensor; many with odd names and shapes; texts above all.
 */
static saved make(int kind, size_t bytes) {
    static double numbers[9000];
    static char names[40][32], text[9000];
    static int64_t shapes[40][2];
    ravine_tensor tensors[40];
    ravine_text texts[] = {{"ravine.format", "1"}, {"note", text}, {"\"odd\"\n", "\xc3\xa4"}};
    for (int k = 0; k < 9000; k++) numbers[k] = 1.0 / (k + 3);
    memset(text, 0, sizeof text);
    int64_t count = 0;
    if (kind == 0) {
        shapes[0][0] = (int64_t)bytes / 8 - 40;
        tensors[count++] = (ravine_tensor){"w", RAVINE_F64, 1, shapes[0], numbers};
    }
    static const int32_t dtypes[] = {RAVINE_F32, RAVINE_U8, RAVINE_F64, RAVINE_BF16, RAVINE_F4};
    const int most = bytes < 2000 ? 4 : 12;
    for (int k = 0; kind == 1 && k < most; k++) {
        snprintf(names[k], sizeof names[k], "layer%d.\"w\"", k);
        shapes[k][0] = k + 1;
        shapes[k][1] = 2 * (int64_t)(bytes / 2 / 9 / 4 / (size_t)most);
        tensors[count++] = (ravine_tensor){names[k], dtypes[k % 5], 2, shapes[k], numbers + k};
    }
    if (kind == 2) memset(text, 'x', bytes > sizeof text ? sizeof text - 1 : bytes - 300);
    if (kind == 2) tensors[count++] = (ravine_tensor){"s", RAVINE_F32, 0, NULL, numbers};
    saved out;
    disk_install();
    assert_int_equal(ravine_safetensors_write("x", tensors, count, texts, 3, NULL), RAVINE_OK);
    const char *got = disk_get("x", &out.size);
    out.bytes = malloc(out.size);
    assert_non_null(out.bytes);
    memcpy(out.bytes, got, out.size);
    disk_remove();
    return out;
}

/* Where the data begin, by the file's own word. */
static size_t data_of(const saved *s) {
    uint64_t length;
    memcpy(&length, s->bytes, sizeof length);
    return (size_t)length + 8;
}

/* OK: the file is taken for whole. */
static ravine_status open_and_verify(const char *bytes, size_t size) {
    ravine_checkpoint *c;
    disk_install();
    disk_put("x", bytes, size);
    ravine_status status = ravine_checkpoint_open(&c, "x", NULL);
    if (!status) {
        status = ravine_checkpoint_verify(c);
        ravine_checkpoint_close(c);
    }
    disk_remove();
    return status;
}

static bool noticed(const saved *s) {
    return open_and_verify(s->bytes, s->size) == RAVINE_E_FORMAT;
}

static void flip(saved *s, size_t bit) {
    s->bytes[bit / 8] ^= (char)(1u << (bit % 8));
}

static int64_t flips, flips_lost;

static void flip_every_bit(saved *s) {
    const size_t data = data_of(s);
    assert_int_equal(open_and_verify(s->bytes, s->size), RAVINE_OK);
    for (size_t bit = 0; bit < 8 * s->size; bit++) {
        flip(s, bit);
        const bool good = noticed(s) && (bit / 8 < data || strstr(ravine_errmsg(), ": tensor \""));
        if (!good) print_error("bit %zu of byte %zu: %s\n", bit % 8, bit / 8, ravine_errmsg());
        flips_lost += !good;
        flips++;
        flip(s, bit);
    }
    assert_int_equal(open_and_verify(s->bytes, s->size), RAVINE_OK);
}

static void every_bit_flipped(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        saved s = make(kind, 4600);
        flip_every_bit(&s);
        free(s.bytes);
    }
    if (is_long()) {
        saved s = make(0, 65536);
        flip_every_bit(&s);
        free(s.bytes);
    }
    faults_print("bit_flips", flips, flips_lost);
    assert_int_equal(flips_lost, 0);
}

static void pairs_of_bits_flipped(void **state) {
    (void)state;
    const uint64_t pairs = is_long() ? 1000000 : 10000;
    int64_t lost = 0;
    saved s = make(1, 2500);
    const uint64_t bits = 8 * s.size;
    for (uint64_t k = 0; k < pairs; k++) {
        const size_t a = (size_t)ravine_random_below(1, 0, k, bits);
        const size_t b = (size_t)ravine_random_below(1, 1, k, bits - 1);
        flip(&s, a);
        flip(&s, b + (b >= a));
        lost += !noticed(&s);
        flip(&s, a);
        flip(&s, b + (b >= a));
    }
    free(s.bytes);
    faults_print("double_flips", (int64_t)pairs, lost);
    assert_int_equal(lost, 0);
}

static void cut_off_at_every_byte(void **state) {
    (void)state;
    int64_t tried = 0, lost = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        saved s = make(kind, 4600);
        for (size_t size = 0; size < s.size; size++, tried++)
            lost += open_and_verify(s.bytes, size) != RAVINE_E_FORMAT;
        free(s.bytes);
    }
    faults_print("truncations", tried, lost);
    assert_int_equal(lost, 0);
}

static void a_byte_put_in_anywhere(void **state) {
    (void)state;
    static const char bytes[] = {0, ' ', '"', '0', '}', (char)0xff};
    const size_t some = is_long() ? sizeof bytes : 2;
    int64_t tried = 0, lost = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        saved s = make(kind, is_long() ? 4600 : 1500);
        char *longer = malloc(s.size + 1);
        assert_non_null(longer);
        for (size_t at = 0; at <= s.size; at++)
            for (size_t k = 0; k < some; k++, tried++) {
                memcpy(longer, s.bytes, at);
                longer[at] = bytes[k];
                memcpy(longer + at + 1, s.bytes + at, s.size - at);
                lost += open_and_verify(longer, s.size + 1) != RAVINE_E_FORMAT;
            }
        free(longer);
        free(s.bytes);
    }
    faults_print("insertions", tried, lost);
    assert_int_equal(lost, 0);
}

/* ---- checksums that are wrong by themselves ---------------------------------------------------
 */

static void assert_refused(const char *header, size_t data, const char *told) {
    char bytes[1000] = {0};
    const uint64_t length = strlen(header);
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + 8, header, length);
    const ravine_status status = open_and_verify(bytes, 8 + length + data);
    if (status != RAVINE_E_FORMAT || !strstr(ravine_errmsg(), told))
        fail_msg("%s: %d '%s'", header, status, ravine_errmsg());
}

static void checksums_that_are_none(void **state) {
    (void)state;
    assert_refused("{\"__metadata__\":{\"ravine.x\":\"y\"}}", 0, "no checksum ravine.crc32c");
    assert_refused("{\"__metadata__\":{\"ravine.crc32c.w\":\"00000000\"}}", 0, "no checksum");
    static const char *const bad[] = {
        "",         "0",        "0000000",  "000000000",     "0000000G",
        "0000000A", "        ", "-0000000", "\\u0030000000", "0000000\\u0030"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char header[200];
        snprintf(header, sizeof header, "{\"__metadata__\":{\"ravine.crc32c\":\"%s\"}}", bad[k]);
        assert_refused(header, 0, "byte 42: ravine.crc32c is \"");
    }
    assert_refused("{\"__metadata__\":{\"ravine.crc32c\":\"00000000\"}}", 0,
                   "bytes 0 to 52, the header, are damaged: their checksum is ");
    assert_refused(
        "{\"__metadata__\":{\"ravine.crc32c\":\"00000000\",\"ravine.crc32c\":\"00000000\"}}", 0,
        "the header, are damaged");
}

/* CRC32C bit by bit, from its definition. */
static uint32_t crc_of(const char *bytes, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t k = 0; k < size; k++) {
        crc ^= (unsigned char)bytes[k];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

/* The header's own checksum is right, the rest is not. */
static void refuse_sealed(const char *rest, size_t data, const char *told) {
    char bytes[1000] = {0};
    snprintf(bytes + 8, sizeof bytes - 8, "{\"__metadata__\":{\"ravine.crc32c\":\"00000000\"%s",
             rest);
    const uint64_t length = strlen(bytes + 8);
    memcpy(bytes, &length, sizeof length);
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", crc_of(bytes, 8 + length));
    memcpy(strstr(bytes + 8, "00000000"), digits, 8);
    const ravine_status status = open_and_verify(bytes, 8 + length + data);
    if (told ? status != RAVINE_E_FORMAT || !strstr(ravine_errmsg(), told) : status)
        fail_msg("%s: %d '%s'", rest, status, ravine_errmsg());
}

static void checksums_of_tensors(void **state) {
    (void)state;
#define W ",\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}"
    refuse_sealed("}}", 0, NULL);
    refuse_sealed(",\"ravine.crc32c.w\":\"48674bc7\"}" W, 4, NULL); /* of four zeros */
    refuse_sealed("}" W, 4, NULL);                                  /* it has none */
    refuse_sealed(
        ",\"ravine.crc32c.w\":\"48674bc6\"}" W, 4,
        "tensor \"w\", bytes 134 to 137, is damaged: its checksum is 48674bc7, not 48674bc6");
    refuse_sealed(",\"ravine.crc32c.v\":\"48674bc7\"}" W, 4,
                  "there is a checksum of tensor \"v\", but not the tensor");
    refuse_sealed(",\"ravine.crc32c.w\":\"48674BC7\"}" W, 4, "the checksum of tensor \"w\" is \"");
    refuse_sealed(",\"ravine.crc32c.w\":\"\"}" W, 4, "the checksum of tensor \"w\" is \"\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_flipped),       cmocka_unit_test(pairs_of_bits_flipped),
        cmocka_unit_test(cut_off_at_every_byte),   cmocka_unit_test(a_byte_put_in_anywhere),
        cmocka_unit_test(checksums_that_are_none), cmocka_unit_test(checksums_of_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
