/* SPDX-License-Identifier: Apache-2.0 */
#include "report/curves.h"

#include "io/failure.h"
#include "run/run_facts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers as text ---- */

static void put_little(unsigned char *out, uint64_t bits, size_t size) {
    for (size_t k = 0; k < size; k++) out[k] = (unsigned char)(bits >> 8 * k);
}

/* What is beyond float32 is drawn at its end: a loss that runs away. */
static size_t put_f32(unsigned char *out, double value) {
    const double greatest = (double)FLT_MAX;
    const float narrow = (float)(value > greatest    ? greatest
                                 : value < -greatest ? -greatest
                                                     : value);
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    put_little(out, bits, sizeof bits);
    return sizeof bits;
}

static size_t put_f64(unsigned char *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little(out, bits, sizeof bits);
    return sizeof bits;
}

/* ---- buckets ---- */

typedef struct table {
    page *p;
    size_t rows, every;     /* rows of a bucket */
    unsigned char *scratch; /* [8 * buckets] */
} table;

typedef double (*summary)(const double *values, size_t count);

static double mean_of(const double *values, size_t count) {
    double sum = 0;
    size_t numbers = 0;
    for (size_t k = 0; k < count; k++)
        if (!isnan(values[k])) sum += values[k], numbers++;
    return numbers ? sum / (double)numbers : NAN;
}

static double least_of(const double *values, size_t count) {
    double least = NAN;
    for (size_t k = 0; k < count; k++) least = fmin(least, values[k]); /* NaN gives way */
    return least;
}

static double greatest_of(const double *values, size_t count) {
    double greatest = NAN;
    for (size_t k = 0; k < count; k++) greatest = fmax(greatest, values[k]);
    return greatest;
}

static double first_of(const double *values, size_t count) {
    (void)count;
    return *values;
}

/* The numbers as one string, behind `before`. */
static void add_numbers(table *t, const char *before, const double *values, summary of,
                        size_t (*put)(unsigned char *, double)) {
    size_t used = 0;
    for (size_t k = 0; k < t->rows; k += t->every) {
        const size_t left = t->rows - k;
        used += put(t->scratch + used, of(values + k, left < t->every ? left : t->every));
    }
    page_add(t->p, before);
    page_add(t->p, "\"");
    page_base64(t->p, t->scratch, used);
    page_add(t->p, "\"");
}

static void add_curve(table *t, bool first, const char *name, const double *values) {
    page_format(t->p, "%s\"%s\":[", first ? "" : ",", name);
    add_numbers(t, "", values, mean_of, put_f32);
    if (t->every > 1) {
        add_numbers(t, ",", values, least_of, put_f32);
        add_numbers(t, ",", values, greatest_of, put_f32);
    }
    page_add(t->p, "]");
}

/* How many rows a bucket takes for the table to fit: one, or so many that mean, least and greatest
 * do. Base64 makes 4 characters of 3 bytes; step and seconds take as much as three numbers. */
static size_t rows_of_bucket(size_t rows, size_t curves, size_t bytes) {
    const double room = (double)bytes * 3 / 4 / sizeof(float);
    if ((double)rows * (double)(3 + curves) <= room) return 1;
    return (size_t)ceil((double)rows * (double)(3 + 3 * curves) / room);
}

static int begin(table *t, page *p, size_t rows, size_t curves, size_t bytes, const double *step,
                 const double *seconds) {
    *t = (table){.p = p, .rows = rows, .every = rows_of_bucket(rows, curves, bytes)};
    t->scratch = malloc((rows / t->every + 1) * sizeof(double));
    if (!t->scratch) return failure(FAILURE_INPUT, "out of memory for the curves");
    page_format(p, "{\"every\":%zu", t->every);
    add_numbers(t, ",\"step\":", step, first_of, put_f64);
    add_numbers(t, ",\"seconds\":", seconds, first_of, put_f32);
    page_add(p, ",\"curves\":{");
    return 0;
}

static void end(table *t) {
    page_add(t->p, "}}");
    free(t->scratch);
}

/* ---- a run ---- */

int curves_of_steps(page *p, const run_data *run, size_t bytes) {
    static const struct curve {
        const char *name;
        run_column column;
    } curves[] = {{"loss", RUN_LOSS}, {"grad_norm", RUN_GRAD_NORM}, {"lr", RUN_LR}};
    enum { CURVES = sizeof curves / sizeof *curves };
    double *step_time = malloc((run->nsteps + 1) * sizeof *step_time);
    if (!step_time) return failure(FAILURE_INPUT, "out of memory for the curves");
    run_step_seconds(run, step_time);
    table t;
    const int status = begin(&t, p, run->nsteps, CURVES + 1 + run->ngroups, bytes,
                             run->column[RUN_STEP], run->column[RUN_SECONDS]);
    if (!status) {
        for (size_t k = 0; k < CURVES; k++)
            add_curve(&t, k == 0, curves[k].name, run->column[curves[k].column]);
        add_curve(&t, false, "step_time", step_time);
        for (size_t g = 0; g < run->ngroups; g++) {
            char name[32];
            snprintf(name, sizeof name, "ratio_%zu", g);
            add_curve(&t, false, name, run->ratio[g]);
        }
        end(&t);
    }
    free(step_time);
    return status;
}

int curves_of_epochs(page *p, const run_data *run, size_t bytes) {
    static const struct curve {
        const char *name;
        size_t offset;
    } curves[] = {{"step", offsetof(run_log_epoch, step)},
                  {"seconds", offsetof(run_log_epoch, elapsed)},
                  {"train_loss", offsetof(run_log_epoch, train_loss)},
                  {"validation_loss", offsetof(run_log_epoch, validation_loss)},
                  {"train_score", offsetof(run_log_epoch, train_score)},
                  {"validation_score", offsetof(run_log_epoch, validation_score)},
                  {"averaged_score", offsetof(run_log_epoch, averaged_score)}};
    enum { CURVES = sizeof curves / sizeof *curves };
    double *column = malloc((run->nepochs + 1) * CURVES * sizeof *column);
    if (!column) return failure(FAILURE_INPUT, "out of memory for the curves");
    for (size_t c = 0; c < CURVES; c++)
        for (size_t k = 0; k < run->nepochs; k++)
            memcpy(&column[c * run->nepochs + k], (char *)&run->epoch[k] + curves[c].offset,
                   sizeof *column);
    table t;
    const int status = begin(&t, p, run->nepochs, CURVES - 2, bytes, column, column + run->nepochs);
    if (!status) {
        for (size_t c = 2; c < CURVES; c++)
            add_curve(&t, c == 2, curves[c].name, column + c * run->nepochs);
        end(&t);
    }
    free(column);
    return status;
}
