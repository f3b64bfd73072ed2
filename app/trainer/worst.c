/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/worst.h"

#include "data/picture.h"
#include "io/failure.h"
#include "io/number_json.h"
#include "page/page.h"
#include "run/run_encoding.h"
#include "run/run_worst.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- which ---- */

static double loss_of(const data_encoding *e, const dataset *d, const double *p, int64_t k) {
    const double *own = p + k * e->outputs;
    const double loss =
        e->regression ? pow((*own - e->target.mean) / e->target.deviation - (double)d->y[k], 2)
                      : -log(own[d->label[k]]);
    return isfinite(loss) ? loss : INFINITY;
}

int64_t worst_find(worst_example worst[WORST_MAX], const data_encoding *e, const dataset *d,
                   const double *p) {
    int64_t count = 0;
    for (int64_t k = 0; k < d->count; k++) {
        const worst_example one = {k, loss_of(e, d, p, k)};
        if (count == WORST_MAX && !(one.loss > worst[WORST_MAX - 1].loss)) continue;
        int64_t at = count < WORST_MAX ? count++ : WORST_MAX - 1;
        for (; at > 0 && one.loss > worst[at - 1].loss; at--) worst[at] = worst[at - 1];
        worst[at] = one;
    }
    return count;
}

/* ---- as it was ---- */

static json_t *date_json(double days) {
    char text[32];
    struct tm day;
    const time_t seconds = (time_t)(round(days) * 86400);
    if (!gmtime_r(&seconds, &day) || !strftime(text, sizeof text, "%Y-%m-%d", &day))
        return number_json(days);
    return json_string(text);
}

static json_t *number_of(const encoded_column *c, const float *x) {
    if (c->indicator && x[1] == 1) return json_null();
    const double value = c->mean + c->deviation * (double)*x;
    if (c->form != CSV_POINT && c->form != CSV_COMMA) return date_json(value);
    char text[32]; /* what a float32 of it has kept */
    snprintf(text, sizeof text, "%.6g", value);
    return number_json(strtod(text, NULL));
}

static json_t *word_of(const encoded_column *c, const float *x) {
    for (int64_t k = 0; k < c->words; k++)
        if (x[k] == 1) return json_string(c->word[k]);
    return json_null();
}

static json_t *inputs_json(const data_encoding *e, const float *x) {
    json_t *inputs = json_object();
    for (int64_t k = 0; k < e->columns; k++) {
        const encoded_column *c = &e->column[k];
        json_object_set_new(inputs, c->name, c->words ? word_of(c, x) : number_of(c, x));
        x += encoded_width(c);
    }
    return inputs;
}

/* ---- pictures ---- */

/* The bytes that were: [height, width, channels] from [channels, height, width]. */
static void put_pixels(unsigned char *to, const data_encoding *e, const float *x) {
    const int64_t channels = e->shape[0], area = e->shape[1] * e->shape[2];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t k = 0; k < area; k++, x++) {
            const double share = e->mean + e->deviation * (double)*x;
            to[k * channels + c] = (unsigned char)fmin(255, fmax(0, round(255 * share)));
        }
}

/* NULL: there is no memory for it, or it has channels that no picture has. */
static json_t *picture_json(const data_encoding *e, const float *x) {
    if (e->shape[0] != 1 && e->shape[0] != 3) return NULL;
    const size_t size = (size_t)(e->shape[0] * e->shape[1] * e->shape[2]);
    unsigned char *pixel = malloc(size), *png = NULL;
    size_t bytes = 0;
    page url = {0};
    if (pixel) {
        put_pixels(pixel, e, x);
        if (!picture_write(&png, &bytes, pixel, e->shape)) {
            page_add(&url, RUN_WORST_PICTURE);
            page_base64(&url, png, bytes);
        }
    }
    json_t *text = url.text && !url.failed ? json_string(url.text) : NULL;
    free(png);
    free(pixel);
    page_free(&url);
    return text;
}

/* ---- told ---- */

static json_t *example_json(const worst_example *w, const data_encoding *e, const dataset *d,
                            const double *p) {
    const double *own = p + w->index * e->outputs;
    const char *file = d->name ? d->name[w->index] : NULL;
    if (e->regression)
        return json_pack("{sI so so so}", "example", (json_int_t)w->index + 1, "loss",
                         number_json(w->loss), "is",
                         number_json(e->target.mean + e->target.deviation * (double)d->y[w->index]),
                         "prediction", number_json(*own));
    const int64_t is = d->label[w->index], called = model_class(e, own);
    return json_pack("{sI ss* so ss ss so}", "example", (json_int_t)w->index + 1, "file", file,
                     "loss", number_json(w->loss), "is", e->target.word[is], "called",
                     e->target.word[called], "probability", number_json(own[called]));
}

json_t *worst_json(const worst_example *worst, int64_t count, const data_encoding *e,
                   const dataset *d, const double *p, bool pictures) {
    json_t *list = json_array();
    for (int64_t k = 0; k < count && list; k++) {
        const float *x = d->x + worst[k].index * d->size;
        json_t *one = example_json(&worst[k], e, d, p);
        if (e->columns) json_object_set_new(one, "inputs", inputs_json(e, x));
        json_t *picture = pictures && encoding_is_of_images(e) ? picture_json(e, x) : NULL;
        if (picture) json_object_set_new(one, "picture", picture);
        json_array_append_new(list, one);
    }
    return list;
}

int worst_write(const char *folder, const dataset_pair *data) {
    const dataset *test = &data->test;
    model m;
    worst_example worst[WORST_MAX];
    double *p = NULL;
    if (test->text || test->count == 0 || !run_encoding_is_utf8(&data->encoding)) return 0;
    if (model_open(&m, folder, false)) { /* the training is sound all the same */
        model_free(&m);
        run_worst_remove(folder);
        return 0;
    }
    int status = model_predict(&m, test, &p);
    if (!status) {
        const int64_t count = worst_find(worst, &m.encoding, test, p);
        status = run_worst_write(folder, worst_json(worst, count, &m.encoding, test, p, true));
    }
    free(p);
    model_free(&m);
    return status;
}
