/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of protobuf messages, and what is none. */
#include "support/forge.h"
#include "support/scratch.h"

#include "io/wire.h"
#include "io/wire_out.h"

#include <math.h>

static wire whole(const forge *f) {
    return wire_of(f->bytes, f->size);
}

static void fields(void **state) {
    (void)state;
    static forge f, inside;
    f = inside = (forge){0};
    forge_integer(&f, 1, 300);
    forge_integer(&f, 2, UINT64_MAX);
    forge_double(&f, 3, -2.5);
    forge_float(&f, 4, 0.5f);
    forge_text(&f, 536870911, "abc"); /* the greatest number of a field */
    wire w = whole(&f);
    wire_field field;
    char text[4];
    assert_true(wire_next(&w, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 300);
    assert_true(isnan(wire_double(&field)));
    assert_true(wire_next(&w, &field));
    assert_true(field.value == UINT64_MAX);
    assert_true(wire_signed(&field) == -9223372036854775808.0);
    assert_true(wire_next(&w, &field));
    assert_true(wire_double(&field) == -2.5);
    assert_true(wire_next(&w, &field));
    assert_true(wire_float(&field) == 0.5);
    assert_true(wire_next(&w, &field));
    assert_int_equal(field.number, 536870911);
    assert_true(wire_text(&field, text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(wire_text(&field, text, 3));
    assert_false(wire_next(&w, &field));
    assert_false(w.damaged);
}

static void signs(void **state) {
    (void)state;
    static const struct {
        uint64_t written;
        double value;
    } cases[] = {{0, 0}, {1, -1}, {2, 1}, {3, -2}, {200, 100}, {199, -100}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const wire_field f = {.type = WIRE_VARINT, .value = cases[k].written};
        assert_true(wire_signed(&f) == cases[k].value);
    }
}

static void text_with_a_zero(void **state) {
    (void)state;
    char text[8];
    const wire_field f = {.type = WIRE_BYTES, .bytes = wire_of("a\0b", 3)};
    assert_false(wire_text(&f, text, sizeof text));
}

/* An exact copy, so that ASan sees a read past its end. */
static void damaged(const char *bytes, size_t size) {
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    wire w = wire_of(copy, size);
    wire_field f;
    while (wire_next(&w, &f)) continue;
    assert_true(w.damaged);
    assert_false(wire_next(&w, &f));
    free(copy);
}

#define DAMAGED(bytes) damaged(bytes, sizeof bytes - 1)

static void damage(void **state) {
    (void)state;
    DAMAGED("\x00");                                             /* field 0 */
    DAMAGED("\x08");                                             /* no value */
    DAMAGED("\x08\x80");                                         /* a varint without end */
    DAMAGED("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");     /* of more than 64 bits */
    DAMAGED("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"); /* of 11 bytes */
    DAMAGED("\x09\x01\x02\x03\x04\x05\x06\x07");                 /* 7 bytes of 8 */
    DAMAGED("\x0d\x01\x02\x03");                                 /* 3 of 4 */
    DAMAGED("\x0a\x02\x01");                                     /* 1 of 2 */
    DAMAGED("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");     /* 2^64 - 1 bytes */
    DAMAGED("\x0b\x0c");                                         /* a group */
    DAMAGED("\x0e");                                             /* no type */
    DAMAGED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01");     /* a key of 64 bits */
}

/* Against the bytes of protobuf's own manual ("Encoding": 150 is 96 01; "testing"; a message). */
static void written(void **state) {
    (void)state;
    static const unsigned char expected[] = {
        0x08, 0x96, 0x01, 0x12, 0x07, 't',  'e',  's', 't', 'i', 'n', 'g', 0x1a, 0x03, 0x08, 0x96,
        0x01, 0x25, 0x00, 0x00, 0x80, 0x3f, 0x29, 0,   0,   0,   0,   0,   0,    0xf0, 0x3f};
    wire_out w = {0}, inside = {0};
    wire_put_varint(&w, 1, 150);
    wire_put_text(&w, 2, "testing");
    wire_put_varint(&inside, 1, 150);
    wire_put_message(&w, 3, &inside);
    wire_put_float(&w, 4, 1);
    wire_put_double(&w, 5, 1);
    assert_false(w.failed);
    assert_null(inside.bytes);
    assert_int_equal(w.used, sizeof expected);
    assert_memory_equal(w.bytes, expected, sizeof expected);
    free(w.bytes);
}

/* No memory inside is no memory outside, and nothing is written any more. */
static void written_without_memory(void **state) {
    (void)state;
    wire_out w = {0}, inside = {.failed = true};
    wire_put_varint(&w, 1, UINT64_MAX);
    const size_t used = w.used;
    wire_put_message(&w, 2, &inside);
    wire_put_varint(&w, 3, 1);
    assert_true(w.failed);
    assert_int_equal(used, 11);
    assert_int_equal(w.used, used);
    free(w.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),           cmocka_unit_test(signs),
        cmocka_unit_test(text_with_a_zero), cmocka_unit_test(damage),
        cmocka_unit_test(written),          cmocka_unit_test(written_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
