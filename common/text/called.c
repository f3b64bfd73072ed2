/* SPDX-License-Identifier: Apache-2.0 */
#include "text/called.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *there, *here;
} rows[] = {
#define CALLED(there, here) {there, here},
#include "text/called.def"
#undef CALLED
};

static const char *skip(const char *name) {
    return name + strspn(name, "_-");
}

static int lower(char c) { /* in every locale */
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool is_same(const char *a, const char *b) {
    for (a = skip(a), b = skip(b); *a && *b; a = skip(a + 1), b = skip(b + 1))
        if (lower(*a) != lower(*b)) return false;
    return *a == *b;
}

const char *ravine_called(const char *name, size_t *length) {
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!is_same(name, rows[k].there)) continue;
        *length = strcspn(rows[k].here, ", ");
        return rows[k].here;
    }
    return NULL;
}
