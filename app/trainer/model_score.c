/* SPDX-License-Identifier: Apache-2.0 */
/* model_score.c - predictions against what is true. */
#include "cli/progress.h"
#include "data/batch.h"
#include "io/failure.h"
#include "trainer/model.h"

#include <math.h>
#include <stdlib.h>

int64_t model_class(const data_encoding *e, const double *probability) {
    int64_t best = 0;
    for (int64_t k = 1; k < e->outputs; k++)
        if (probability[k] > probability[best]) best = k;
    return best;
}

/* Guo et al. 2017, On calibration of modern neural networks, equation 3. */
typedef struct bins {
    double confidence[10], right[10];
} bins;
enum { BINS = 10 };

static double calibration_error(const bins *b, int64_t count) {
    double sum = 0;
    for (int k = 0; k < BINS; k++) sum += fabs(b->confidence[k] - b->right[k]);
    return sum / (double)count;
}

static void score_classes(const data_encoding *e, const dataset *d, const double *p,
                          model_score *s) {
    bins b = {{0}, {0}};
    double loss = 0;
    int64_t right = 0;
    for (int64_t i = 0; i < d->count; i++, p += e->outputs) {
        const int64_t is = d->label[i], called = model_class(e, p);
        const int bin = (int)fmin(BINS - 1, floor(p[called] * BINS));
        s->confusion[is * e->outputs + called]++;
        b.confidence[bin] += p[called];
        b.right[bin] += called == is;
        right += called == is;
        loss -= log(fmax(p[is], 0x1p-1022));
    }
    s->loss = loss / (double)d->count;
    s->accuracy = (double)right / (double)d->count;
    s->calibration_error = calibration_error(&b, d->count);
    for (int64_t k = 0; k < s->classes; k++) {
        class_score *c = &s->of_class[k];
        c->right = s->confusion[k * s->classes + k];
        for (int64_t other = 0; other < s->classes; other++) {
            c->examples += s->confusion[k * s->classes + other];
            c->called += s->confusion[other * s->classes + k];
        }
        c->precision = c->called ? (double)c->right / (double)c->called : NAN;
        c->recall = c->examples ? (double)c->right / (double)c->examples : NAN;
    }
}

static void score_numbers(const data_encoding *e, const dataset *d, const double *p,
                          model_score *s) {
    const double unit = e->target.deviation, n = (double)d->count;
    double squares = 0, absolute = 0, mean = 0, spread = 0;
    for (int64_t i = 0; i < d->count; i++) mean += (double)d->y[i] / n;
    for (int64_t i = 0; i < d->count; i++) {
        const double y = (double)d->y[i], error = (p[i] - e->target.mean) / unit - y;
        squares += error * error;
        absolute += fabs(error);
        spread += (y - mean) * (y - mean);
    }
    s->loss = squares / n;
    s->rmse = unit * sqrt(squares / n);
    s->mae = unit * absolute / n;
    s->r2 = spread > 0 ? 1 - squares / spread : NAN;
}

int model_score_of(const model *m, const dataset *d, const double *p, model_score *out) {
    const data_encoding *e = &m->encoding;
    *out = (model_score){.count = d->count, .classes = e->regression ? 0 : e->outputs};
    if (e->regression) return score_numbers(e, d, p, out), 0;
    const size_t classes = (size_t)e->outputs;
    out->of_class = calloc(classes, sizeof *out->of_class);
    out->confusion = calloc(classes, classes * sizeof *out->confusion);
    if (!out->of_class || !out->confusion)
        return failure(FAILURE_INPUT, "out of memory for %zu classes", classes);
    score_classes(e, d, p, out);
    return 0;
}

int model_check_text(const model *m, bool wanted, const char *command, const char *other) {
    if (m->encoding.text == wanted) return 0;
    return failure(FAILURE_USAGE, "the run in %s is of %s, which %s does not take; ravine %s does",
                   m->folder, wanted ? "no text" : "a text", command, other);
}

int model_score_text(const model *m, const dataset *d, text_score *out) {
    data_batch room;
    const int status = data_batch_create(&room, d, MODEL_TEXT_SLICE);
    if (status) return status;
    double nats = 0;
    progress shown = progress_begin("reading the text", "sequences", d->count);
    for (int64_t first = 0; first < d->count; first += MODEL_TEXT_SLICE) {
        progress_to(&shown, first);
        const int64_t left = d->count - first,
                      count = left < MODEL_TEXT_SLICE ? left : MODEL_TEXT_SLICE;
        const data_batch b = data_batch_at(&room, d, first, count);
        nats += net_evaluate(m->net, b.x, b.label, NULL, count, NULL) * (double)(count * d->size);
    }
    progress_end(&shown);
    data_batch_free(&room);
    const double loss = nats / (double)(d->bytes - 1);
    *out = (text_score){d->bytes - 1, loss, loss / M_LN2};
    return 0;
}

void model_score_free(model_score *s) {
    free(s->of_class);
    free(s->confusion);
}
