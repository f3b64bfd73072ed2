/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of processors: a row for each on which it was measured. */
#include "update/elementwise/processor.h"
#include "text/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* Asking for memory ahead: bytes for processors of a vendor and family with these kernels, where
 * there is a gain. Of those that are not here there is none, or nobody has measured it. */
static const struct {
    const char *vendor;
    int family;
    const char *isa;
    int64_t ahead;
} gains[] = {
    {"GenuineIntel", 6, "x86_v4", 2048},
};

typedef struct processor {
    char vendor[16]; /* as the processor says it: "GenuineIntel"; "": it says nothing */
    int family, model;
} processor;

static processor this_processor(void) {
    processor p = {.vendor = ""};
#if defined(__x86_64__) || defined(__i386__)
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return p;
    memcpy(p.vendor, (unsigned[]){b, d, c}, 3 * sizeof b);
    if (!__get_cpuid(1, &a, &b, &c, &d)) return p;
    const unsigned base = a >> 8 & 0xf, model = a >> 4 & 0xf;
    p.family = (int)(base == 0xf ? base + (a >> 20 & 0xff) : base);
    p.model = (int)(base == 6 || base == 0xf ? model + (a >> 16 & 0xf) * 16 : model);
#endif
    return p;
}

static const char *environment(const char *name) {
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

static ravine_status read_bytes(const char *text, int64_t *ahead) {
    enum { MOST = 1 << 16 };
    char *end;
    const long long bytes = strtoll(text, &end, 10);
    if (*end || bytes < 0 || bytes > MOST)
        return ravine_fail(RAVINE_E_RANGE,
                           "RAVINE_PREFETCH is %s; it must be a number of bytes in [0, %d]", text,
                           MOST);
    *ahead = bytes;
    return RAVINE_OK;
}

ravine_status ravine_prefetch_choose(const isa_kernels *kernels, int64_t *ahead) {
    const char *text = environment("RAVINE_PREFETCH");
    if (text) return read_bytes(text, ahead);
    const processor p = this_processor();
    *ahead = 0;
    for (size_t k = 0; k < sizeof gains / sizeof *gains; k++)
        if (!strcmp(p.vendor, gains[k].vendor) && p.family == gains[k].family &&
            !strcmp(kernels->name, gains[k].isa))
            *ahead = gains[k].ahead;
    return RAVINE_OK;
}

ravine_status ravine_kernels_describe(const char *wanted, char *text, size_t capacity) {
    if (!text) return ravine_fail(RAVINE_E_ARG, "text is NULL");
    const isa_kernels *kernels = ravine_kernels(wanted);
    if (!kernels) return RAVINE_E_UNSUPPORTED;
    int64_t ahead;
    const ravine_status status = ravine_prefetch_choose(kernels, &ahead);
    if (status) return status;
    const processor p = this_processor();
    char which[64] = "this processor", asks[64] = "does not ask for memory ahead";
    if (*p.vendor)
        snprintf(which, sizeof which, "%s family %d model %d", p.vendor, p.family, p.model);
    if (ahead > 0)
        snprintf(asks, sizeof asks, "asks for memory %lld bytes ahead", (long long)ahead);
    const char *chosen = wanted                      ? "as asked for, on"
                         : environment("RAVINE_ISA") ? "as RAVINE_ISA says, on"
                                                     : "the best of";
    const char *why = environment("RAVINE_PREFETCH") ? "as RAVINE_PREFETCH says"
                      : ahead > 0                    ? "which is faster on such a processor"
                                                     : "where no gain was measured";
    const int length =
        snprintf(text, capacity, "%s, %s %s; %s, %s", kernels->name, chosen, which, asks, why);
    if (length < 0 || (size_t)length >= capacity)
        return ravine_fail(RAVINE_E_RANGE, "capacity is %zu; the text needs %d", capacity,
                           length + 1);
    return RAVINE_OK;
}
