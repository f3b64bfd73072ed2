/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/bench/bench_stream.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(__clang__) /* clang needs no telling, and knows no such word \
                                                */
#define WIDEST "avx512f,prefer-vector-width=512"
#else
#define WIDEST "avx512f"
#endif
#if defined(__x86_64__)
#define WIDE_LIST(X)                           \
    X(x86_v4, __attribute__((target(WIDEST)))) \
    X(x86_v3, __attribute__((target("avx2")))) \
    X(baseline, )
#else
#define WIDE_LIST(X) X(baseline, )
#endif

#define TASK_ELEMENTS  65536
#define CHUNK          64
#define PREFETCH_BYTES 2048

double bench_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

INLINE void prefetch_chunk(const float *x) {
    for (size_t byte = 0; byte < CHUNK * sizeof *x; byte += 64)
        __builtin_prefetch((const char *)x + PREFETCH_BYTES + byte);
}

INLINE void pass(const stream *s, int narrays, int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at += CHUNK) {
        const int64_t n = end - at < CHUNK ? end - at : CHUNK;
        if (s->prefetch) {
            prefetch_chunk(s->source + at);
            for (int k = 0; k < narrays; k++) prefetch_chunk(s->array[k] + at);
        }
        const float *source = s->source + at;
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
        for (int64_t i = 0; i < n; i++)
            for (int k = 0; k < narrays; k++)
                s->array[k][at + i] = s->array[k][at + i] * 0.5F + source[i];
    }
}

INLINE void pass_of(const stream *s, int64_t begin, int64_t end) {
    switch (s->narrays) { /* a constant number of arrays is what the compiler can vectorize */
    case 1: pass(s, 1, begin, end); break;
    case 2: pass(s, 2, begin, end); break;
    case 3: pass(s, 3, begin, end); break;
    case 4: pass(s, 4, begin, end); break;
    case 5: pass(s, 5, begin, end); break;
    case 6: pass(s, 6, begin, end); break;
    case 7: pass(s, 7, begin, end); break;
    case 8: pass(s, 8, begin, end); break;
    }
}

enum { DIVIDER_ELEMENTS = 2048, DIVIDER_REPEATS = 16 };
typedef struct divider {
    float numerator[DIVIDER_ELEMENTS], square[DIVIDER_ELEMENTS], out[DIVIDER_ELEMENTS];
} divider;

INLINE void divide(divider *d) {
    for (int i = 0; i < DIVIDER_ELEMENTS; i++) d->out[i] = d->numerator[i] / sqrtf(d->square[i]);
}

#define X(isa, target)                                                           \
    target static void pass_##isa(const stream *s, int64_t begin, int64_t end) { \
        pass_of(s, begin, end);                                                  \
    }                                                                            \
    target static void divide_##isa(divider *d) {                                \
        divide(d);                                                               \
    }
WIDE_LIST(X)
#undef X

static const struct {
    const char *isa;
    void (*pass)(const stream *s, int64_t begin, int64_t end);
    void (*divide)(divider *d);
} wide[] = {
#define X(isa, target) {#isa, pass_##isa, divide_##isa},
    WIDE_LIST(X)
#undef X
};

static size_t wide_index(void) {
    const char *isa = ravine_isa(NULL);
    size_t k = 0;
    while (k + 1 < sizeof wide / sizeof *wide && (!isa || strcmp(isa, wide[k].isa) != 0)) k++;
    return k;
}

static void stream_task(void *arg, int64_t index) {
    const stream *s = arg;
    const int64_t begin = index * TASK_ELEMENTS;
    wide[wide_index()].pass(s, begin,
                            begin + TASK_ELEMENTS < s->len ? begin + TASK_ELEMENTS : s->len);
}

void stream_run(const stream *s, ravine_pool *pool) {
    stream own = *s;
    const int64_t ntasks = (s->len + TASK_ELEMENTS - 1) / TASK_ELEMENTS;
    if (pool) {
        ravine_pool_run(pool, stream_task, &own, ntasks);
        return;
    }
    for (int64_t i = 0; i < ntasks; i++) stream_task(&own, i);
}

double stream_divider_nanoseconds(void) {
    static divider d;
    for (int i = 0; i < DIVIDER_ELEMENTS; i++) {
        d.numerator[i] = (float)(i + 1);
        d.square[i] = (float)(i + 2);
    }
    /* Wide vectors lower the clock after a moment: only then does the bound compare with a step. */
    double sum = 0;
    int64_t rounds = 0;
    for (double start = bench_clock(), now = start; now - start < 4e8; now = bench_clock()) {
        for (int k = 0; k < DIVIDER_REPEATS; k++) {
            wide[wide_index()].divide(&d);
            __asm__ volatile("" : : "r"(&d) : "memory"); /* the result is wanted every time */
        }
        if (now - start < 2e8) continue;
        sum += bench_clock() - now;
        rounds++;
    }
    return sum / (double)rounds / (DIVIDER_REPEATS * DIVIDER_ELEMENTS);
}
