/* SPDX-License-Identifier: Apache-2.0 */
#include "math/sort.h"

static void swap(char *a, char *b, size_t size) {
    for (size_t k = 0; k < size; k++) {
        const char c = a[k];
        a[k] = b[k];
        b[k] = c;
    }
}

/* Lets the item at `root` sink below the greater ones in the heap items[n]. */
static void sink(char *items, size_t root, size_t n, size_t size,
                 int (*compare)(const void *, const void *)) {
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && compare(items + child * size, items + (child + 1) * size) < 0) child++;
        if (compare(items + root * size, items + child * size) >= 0) return;
        swap(items + root * size, items + child * size, size);
    }
}

void ravine_sort(void *items, int64_t count, size_t size,
                 int (*compare)(const void *, const void *)) {
    char *base = items;
    const size_t n = (size_t)count;
    for (size_t root = n / 2; root-- > 0;) sink(base, root, n, size, compare);
    for (size_t last = n; last-- > 1;) {
        swap(base, base + last * size, size);
        sink(base, 0, last, size, compare);
    }
}
