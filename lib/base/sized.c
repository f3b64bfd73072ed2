/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sized.h"

#include "ravine_checkpoint.h"
#include "ravine_doctor.h"
#include "text/error.h"

#include <string.h>

/* A size beyond this is no struct of a newer header, but a field that nobody has set. */
#define GROWTH_MOST 4096

#define FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

#define X(name_, last, how_)                                                       \
    const sized ravine_sized_##name_ = {.name = "ravine_" #name_,                  \
                                        .how = how_,                               \
                                        .first = FIRST_SIZE(ravine_##name_, last), \
                                        .now = sizeof(ravine_##name_)};            \
    _Static_assert(offsetof(ravine_##name_, size) == 0, "the size comes first");
SIZED_LIST(X)
#undef X

static uint32_t size_of(const void *theirs) {
    uint32_t size;
    memcpy(&size, theirs, sizeof size);
    return size;
}

static ravine_status fail_null(const sized *of) {
    return ravine_fail(RAVINE_E_ARG, "the %s is NULL", of->name);
}

static ravine_status check_size(const sized *of, size_t size) {
    if (size >= of->first && size <= of->now + GROWTH_MOST) return RAVINE_OK;
    return ravine_fail(RAVINE_E_ARG, "size of a %s is %zu, not %u; %s", of->name, size, of->now,
                       of->how);
}

ravine_status ravine_sized_check(const sized *of, const void *theirs) {
    return theirs ? check_size(of, size_of(theirs)) : fail_null(of);
}

ravine_status ravine_sized_read(const sized *of, void *own, const void *theirs) {
    const ravine_status status = ravine_sized_check(of, theirs);
    if (status) return status;
    const uint32_t size = size_of(theirs);
    for (uint32_t k = of->now; k < size; k++)
        if (((const char *)theirs)[k] != 0)
            return ravine_fail(RAVINE_E_UNSUPPORTED,
                               "byte %u of a %s is set; libravine %s knows the first %u: the "
                               "program needs a newer one",
                               k, of->name, ravine_version(), of->now);
    memcpy(own, theirs, size < of->now ? size : of->now);
    memcpy(own, &of->now, sizeof of->now);
    return RAVINE_OK;
}

void ravine_sized_write(const sized *of, void *theirs, const void *own) {
    const uint32_t size = size_of(theirs), known = size < of->now ? size : of->now;
    memcpy(theirs, own, known);
    memset((char *)theirs + known, 0, size - known);
    memcpy(theirs, &size, sizeof size);
}

ravine_status ravine_sized_make(const sized *of, void *theirs, size_t size, const void *own) {
    const ravine_status status = theirs ? check_size(of, size) : fail_null(of);
    if (status) return status;
    const uint32_t stored = (uint32_t)size;
    memcpy(theirs, &stored, sizeof stored);
    ravine_sized_write(of, theirs, own);
    return RAVINE_OK;
}
