/* SPDX-License-Identifier: Apache-2.0 */
/* test_sized.c - structs whose size is another than this library's: what is read, what is written,
 * and what is refused. tests/packaging/abi has whole programs of other releases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sized.h"

#include <string.h>

/* A struct of three releases: it had `a`, then `b`; this library knows both; the next has `c`. */
typedef struct thing {
    uint32_t size;
    int32_t a;
    double b, c;
} thing;

static const sized ours = {.name = "thing",
                           .how = "use thing_init",
                           .first = offsetof(thing, b),
                           .now = offsetof(thing, c)};

static const thing defaults = {.a = 7, .b = 0.5, .c = 99};

static void assert_says(const char *part) {
    if (!strstr(ravine_errmsg(), part))
        fail_msg("\"%s\" does not say \"%s\"", ravine_errmsg(), part);
}

static void what_is_missing_has_its_default(void **state) {
    (void)state;
    const thing old = {.size = ours.first, .a = 3, .b = 33}, now = {.size = ours.now, .b = 2};
    thing own = defaults;
    assert_int_equal(ravine_sized_read(&ours, &own, &old), RAVINE_OK);
    assert_true(own.size == ours.now && own.a == 3 && own.b == 0.5);
    own = defaults;
    assert_int_equal(ravine_sized_read(&ours, &own, &now), RAVINE_OK);
    assert_true(own.a == 0 && own.b == 2 && own.c == 99);
}

static void what_is_not_known_must_be_zero(void **state) {
    (void)state;
    thing next = {.size = sizeof next, .a = 3, .b = 2}, own = defaults;
    assert_int_equal(ravine_sized_read(&ours, &own, &next), RAVINE_OK);
    assert_true(own.size == ours.now && own.a == 3 && own.b == 2 && own.c == 99);
    for (uint32_t k = ours.now; k < sizeof next; k++) {
        next.c = 0;
        ((char *)&next)[k] = 1;
        own = defaults;
        assert_int_equal(ravine_sized_read(&ours, &own, &next), RAVINE_E_UNSUPPORTED);
        assert_says("of a thing is set");
        assert_memory_equal(&own, &defaults, sizeof own);
    }
}

static void no_more_is_written_than_there_is(void **state) {
    (void)state;
    const thing result = {.size = ours.now, .a = 1, .b = 2, .c = 3};
    thing theirs = {.size = ours.first, .a = -1, .b = -1, .c = -1};
    ravine_sized_write(&ours, &theirs, &result);
    assert_true(theirs.size == ours.first && theirs.a == 1 && theirs.b == -1 && theirs.c == -1);
    theirs = (thing){.size = sizeof theirs, .a = -1, .b = -1, .c = -1};
    ravine_sized_write(&ours, &theirs, &result);
    assert_true(theirs.size == sizeof theirs && theirs.a == 1 && theirs.b == 2 && theirs.c == 0);

    memset(&theirs, 0xA5, sizeof theirs);
    assert_int_equal(ravine_sized_make(&ours, &theirs, ours.first, &result), RAVINE_OK);
    assert_true(theirs.size == ours.first && theirs.a == 1);
    for (size_t k = ours.first; k < sizeof theirs; k++)
        assert_int_equal(((unsigned char *)&theirs)[k], 0xA5);
}

static void other_sizes_are_none(void **state) {
    (void)state;
    const size_t wrong[] = {0, 1, ours.first - 1, ours.now + 4097, UINT32_MAX, SIZE_MAX};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        thing theirs = {.size = (uint32_t)wrong[k], .a = -1}, own = defaults;
        const thing before = theirs;
        assert_int_equal(ravine_sized_make(&ours, &theirs, wrong[k], &own), RAVINE_E_ARG);
        assert_int_equal(ravine_sized_check(&ours, &theirs), RAVINE_E_ARG);
        assert_int_equal(ravine_sized_read(&ours, &own, &theirs), RAVINE_E_ARG);
        assert_says("; use thing_init");
        assert_memory_equal(&own, &defaults, sizeof own);
        assert_memory_equal(&theirs, &before, sizeof theirs);
    }
    thing own = defaults;
    assert_int_equal(ravine_sized_check(&ours, NULL), RAVINE_E_ARG);
    assert_says("the thing is NULL");
    assert_int_equal(ravine_sized_read(&ours, &own, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_sized_make(&ours, NULL, sizeof own, &own), RAVINE_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_has_its_default),
        cmocka_unit_test(what_is_not_known_must_be_zero),
        cmocka_unit_test(no_more_is_written_than_there_is),
        cmocka_unit_test(other_sizes_are_none),
    };
    return cmocka_run_group_tests_name("sized", tests, NULL, NULL);
}
