/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - the known name that is nearest to a mistyped one, for error messages.
 *
 *     ravine_nearest n = ravine_nearest_to("wieght_decay");
 *     for (...) ravine_nearest_offer(&n, known[k]);
 *     if (n.name) ... "unknown key wieght_decay; nearest is %s", n.name
 *
 * Distance: insertions, deletions, substitutions and swaps of neighbours (optimal string
 * alignment). A name counts only if it is closer than half of the longer length, or if one of the
 * two holds the other as a third of it or more: convex_ravine and ravine.
 */
#ifndef RAVINE_TEXT_NEAREST_H
#define RAVINE_TEXT_NEAREST_H

#include <stddef.h>
#include <string.h>

#define RAVINE_NEAREST_MAX 64 /* longer names are compared by their first characters */

typedef struct ravine_nearest {
    const char *wanted;
    const char *name; /* the nearest so far; NULL if none is near */
    size_t distance;
} ravine_nearest;

static inline ravine_nearest ravine_nearest_to(const char *wanted) {
    return (ravine_nearest){wanted, NULL, 0};
}

static inline size_t ravine_nearest_distance(const char *a, const char *b) {
    size_t na = strnlen(a, RAVINE_NEAREST_MAX), nb = strnlen(b, RAVINE_NEAREST_MAX);
    size_t row[3][RAVINE_NEAREST_MAX + 1]; /* the last three rows of the table, in turn */
    for (size_t j = 0; j <= nb; j++) row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[na % 3][nb];
}

/* Fewer than four characters are in many names by chance. */
static inline int ravine_nearest_holds(const char *a, const char *b) {
    return strlen(b) >= 4 && 3 * strlen(b) >= strlen(a) && strstr(a, b) != NULL;
}

static inline void ravine_nearest_offer(ravine_nearest *n, const char *name) {
    size_t distance = ravine_nearest_distance(n->wanted, name);
    size_t wanted = strlen(n->wanted), offered = strlen(name);
    if (2 * distance > (wanted > offered ? wanted : offered) &&
        !ravine_nearest_holds(n->wanted, name) && !ravine_nearest_holds(name, n->wanted))
        return;
    if (n->name && distance >= n->distance) return;
    n->name = name;
    n->distance = distance;
}

#endif
