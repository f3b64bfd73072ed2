/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset_facts.h"

#include "io/failure.h"
#include "math/sort.h"

#include <math.h>
#include <stdlib.h>

/* The greatest root mean square of `n` sums of squares over the median one; NaN where that is 0. */
static double greatest_over_median(double *squares, int64_t n) {
    double greatest = 0;
    for (int64_t k = 0; k < n; k++) greatest = fmax(greatest, squares[k]);
    const double median = ravine_median(squares, n); /* reorders them */
    return median > 0 ? sqrt(greatest / median) : NAN;
}

/* Squares of the inputs: [size] sums over the examples, [count] over the columns, and over all. */
static double sum_squares(const dataset *d, double *column, double *example) {
    double all = 0;
    for (int64_t i = 0; i < d->count; i++) {
        const float *x = d->x + i * d->size;
        for (int64_t k = 0; k < d->size; k++) {
            const double square = (double)x[k] * (double)x[k];
            column[k] += square;
            example[i] += square;
        }
        all += example[i];
    }
    return all;
}

static int find_inputs(dataset_facts *f, const dataset *d) {
    double *column = calloc((size_t)d->size, sizeof *column);
    double *example = calloc((size_t)d->count, sizeof *example);
    const bool room = column && example;
    if (room) {
        const double all = sum_squares(d, column, example);
        f->input_size = sqrt(all / ((double)d->count * (double)d->size));
        f->input_ratio = greatest_over_median(column, d->size);
        f->input_peak = greatest_over_median(example, d->count);
    }
    free(column);
    free(example);
    return room ? 0 : failure(FAILURE_INPUT, "out of memory for the sizes of the inputs");
}

/* -sum p ln p over the shares p of the classes, by what they count. */
static int find_labels(dataset_facts *f, const dataset *d, const double *weight) {
    double *times = calloc((size_t)d->outputs, sizeof *times);
    if (!times)
        return failure(FAILURE_INPUT, "out of memory for %lld classes", (long long)d->outputs);
    for (int64_t i = 0; i < d->count; i++) times[d->label[i]]++;
    f->classes = (double)d->outputs;
    f->constant_loss = 0;
    for (int64_t k = 0; k < d->outputs; k++) {
        const double share = (weight ? weight[k] : 1) * times[k] / (double)d->count;
        if (share > 0) f->constant_loss -= share * log(share);
    }
    free(times);
    return 0;
}

static int find_targets(dataset_facts *f, const dataset *d) {
    double *example = calloc((size_t)d->count, sizeof *example);
    if (!example) return failure(FAILURE_INPUT, "out of memory for the sizes of the targets");
    double variance = 0, square = 0;
    for (int64_t k = 0; k < d->outputs; k++) {
        double mean = 0, sum = 0;
        for (int64_t i = 0; i < d->count; i++) mean += (double)d->y[i * d->outputs + k];
        mean /= (double)d->count;
        for (int64_t i = 0; i < d->count; i++) {
            const double y = (double)d->y[i * d->outputs + k];
            sum += (y - mean) * (y - mean);
            square += y * y;
            example[i] += y * y;
        }
        variance += sum;
    }
    const double numbers = (double)d->count * (double)d->outputs;
    f->constant_loss = variance / numbers;
    f->target_size = sqrt(square / numbers);
    f->target_peak = greatest_over_median(example, d->count);
    free(example);
    return 0;
}

/* The entropy of the bytes, whose sizes mean nothing. */
static void find_bytes(dataset_facts *f, const dataset *d) {
    double times[TEXT_BYTES] = {0};
    for (int64_t k = 0; k < d->bytes; k++) times[d->text[k]]++;
    f->classes = TEXT_BYTES;
    f->constant_loss = 0;
    for (int k = 0; k < TEXT_BYTES; k++) {
        const double share = times[k] / (double)d->bytes;
        if (share > 0) f->constant_loss -= share * log(share);
    }
}

int dataset_facts_of(dataset_facts *f, const dataset *d, const double *class_weight) {
    *f = (dataset_facts){.classes = NAN, .target_size = NAN, .target_peak = NAN};
    if (d->text) {
        f->input_size = f->input_ratio = f->input_peak = NAN;
        find_bytes(f, d);
        return 0;
    }
    const int status = find_inputs(f, d);
    if (status) return status;
    return d->label ? find_labels(f, d, class_weight) : find_targets(f, d);
}
