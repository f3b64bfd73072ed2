/* SPDX-License-Identifier: Apache-2.0 */
/* test_processor.c - what is chosen for a processor and how it is told: beside /proc/cpuinfo, which
 * Linux reads from the processor by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ravine.h"

static char text[256];

static int forget_environment(void **state) {
    (void)state;
    unsetenv("RAVINE_ISA");
    unsetenv("RAVINE_PREFETCH");
    return 0;
}

static const char *describe(const char *wanted) {
    assert_int_equal(ravine_kernels_describe(wanted, text, sizeof text), RAVINE_OK);
    return text;
}

static void assert_tells(const char *told, const char *part) {
    if (!strstr(told, part)) fail_msg("\"%s\" does not hold \"%s\"", told, part);
}

/* "vendor_id : AuthenticAMD", "cpu family : 25", "model : 17" */
static int cpuinfo(char vendor[64], int *family, int *model) {
    char line[256];
    int found = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && found < 3 && fgets(line, sizeof line, file))
        found += sscanf(line, "vendor_id : %63s", vendor) == 1 ||
                 sscanf(line, "cpu family : %d", family) == 1 ||
                 sscanf(line, "model : %d", model) == 1;
    if (file) fclose(file);
    return found;
}

static void names_the_processor(void **state) {
    (void)state;
    char vendor[64], expected[128];
    int family, model;
    if (cpuinfo(vendor, &family, &model) != 3) skip();
    snprintf(expected, sizeof expected, "%s, the best of %s family %d model %d; ", ravine_isa(NULL),
             vendor, family, model);
    assert_tells(describe(NULL), expected);
    /* docs/decisions/prefetch.md: measured on both */
    const int asks = strcmp(vendor, "GenuineIntel") == 0 && !strcmp(ravine_isa(NULL), "x86_v4");
    assert_tells(text, asks ? "asks for memory 2048 bytes ahead, which is faster"
                            : "does not ask for memory ahead, where no gain was measured");
}

static void says_who_chose(void **state) {
    (void)state;
    assert_tells(describe("baseline"), "baseline, as asked for, on ");
    setenv("RAVINE_ISA", "baseline", 1);
    setenv("RAVINE_PREFETCH", "128", 1);
    assert_tells(describe(NULL), "baseline, as RAVINE_ISA says, on ");
    assert_tells(text, "; asks for memory 128 bytes ahead, as RAVINE_PREFETCH says");
    setenv("RAVINE_PREFETCH", "0", 1);
    assert_tells(describe(NULL), "; does not ask for memory ahead, as RAVINE_PREFETCH says");
}

static void refuses_what_it_cannot_read(void **state) {
    (void)state;
    static const char *const bad[] = {"-1", "65537", "2k", "1.5", "99999999999999999999"};
    ravine_config c;
    ravine_optimizer *o = NULL;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char told[128];
        snprintf(told, sizeof told,
                 "RAVINE_PREFETCH is %s; it must be a number of bytes in [0, 65536]", bad[k]);
        setenv("RAVINE_PREFETCH", bad[k], 1);
        assert_int_equal(ravine_create(&o, &c, NULL), RAVINE_E_RANGE);
        assert_null(o);
        assert_string_equal(ravine_errmsg(), told);
        assert_int_equal(ravine_kernels_describe(NULL, text, sizeof text), RAVINE_E_RANGE);
    }
    unsetenv("RAVINE_PREFETCH");
    assert_int_equal(ravine_kernels_describe("abacus", text, sizeof text), RAVINE_E_UNSUPPORTED);
    assert_int_equal(ravine_kernels_describe(NULL, NULL, 0), RAVINE_E_ARG);
    const size_t needed = strlen(describe(NULL)) + 1;
    assert_int_equal(ravine_kernels_describe(NULL, text, needed), RAVINE_OK);
    assert_int_equal(ravine_kernels_describe(NULL, text, needed - 1), RAVINE_E_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_the_processor, forget_environment),
        cmocka_unit_test_setup(says_who_chose, forget_environment),
        cmocka_unit_test_setup(refuses_what_it_cannot_read, forget_environment),
    };
    return cmocka_run_group_tests_name("processor", tests, NULL, forget_environment);
}
