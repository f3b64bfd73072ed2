/* SPDX-License-Identifier: Apache-2.0 */
/* text_dataset.c - texts as bytes: examples lie in them wherever one wants. */
#include "data/dataset_allocate.h"
#include "io/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sets what an example is. */
static void shape(dataset *d, int64_t context) {
    d->shape[0] = d->shape[2] = 1;
    d->shape[1] = d->size = context;
    d->outputs = TEXT_BYTES;
}

/* Appends a file; all of them together may have TEXT_BYTES_MAX bytes. */
static int append(dataset *text, dataset_file *file, const char *path) {
    unsigned char *bytes = NULL;
    size_t size;
    const int status =
        dataset_read_file(file, path, (size_t)(TEXT_BYTES_MAX - text->bytes), &bytes, &size);
    if (status) return status;
    unsigned char *grown = realloc(text->text, (size_t)text->bytes + size);
    if (grown) {
        memcpy(grown + text->bytes, bytes, size);
        text->text = grown;
        text->bytes += (int64_t)size;
    }
    free(bytes);
    return grown ? 0 : failure(FAILURE_INPUT, "%s: no memory for %zu bytes", path, size);
}

static int too_short(const dataset_text_options *o, const char *key, double share, int64_t left,
                     int64_t tail) {
    return failure(FAILURE_INPUT,
                   "%s: the text has %lld bytes, of which a %s of %g leaves %lld to train on and "
                   "%lld to hold out; a context of %lld needs %lld of each",
                   *o->path, (long long)(left + tail), key, share, (long long)left, (long long)tail,
                   (long long)o->context, (long long)o->context + 1);
}

/* Cuts `tail` bytes off the end of what is trained on: as many whole sequences as they have room
 * for, and the byte before them. */
static int cut(dataset *held, dataset *train, int64_t tail, const char *path) {
    held->count = (tail - 1) / held->size;
    held->bytes = held->count * held->size + 1;
    held->text = malloc((size_t)held->bytes);
    if (!held->text)
        return failure(FAILURE_INPUT, "%s: no memory for %lld bytes", path, (long long)tail);
    train->bytes -= held->bytes;
    memcpy(held->text, train->text + train->bytes, (size_t)held->bytes);
    return 0;
}

/* Holds out a share, from the end. */
static int hold_out(dataset *held, dataset *train, const dataset_text_options *o, const char *key,
                    double share) {
    const int64_t tail = llround(share * (double)train->bytes), left = train->bytes - tail;
    shape(held, o->context);
    if (tail < o->context + 1 || left < o->context + 1) return too_short(o, key, share, left, tail);
    return cut(held, train, tail, *o->path);
}

static int split(dataset_pair *out, const dataset_text_options *o) {
    dataset *train = &out->train;
    int status = hold_out(&out->test, train, o, "test_share", o->test_share);
    if (!status && o->validation_share > 0)
        status = hold_out(&out->validation, train, o, "data.validation_share", o->validation_share);
    const int64_t filled = (train->bytes - 1) / o->context;
    train->count = o->examples ? o->examples : filled;
    return status;
}

int dataset_read_text(dataset_pair *out, const dataset_text_options *o) {
    *out = (dataset_pair){.encoding = {.text = true, .shape = {1, o->context, 1}}};
    out->encoding.outputs = TEXT_BYTES;
    shape(&out->train, o->context);
    int status = 0;
    for (int64_t k = 0; k < o->paths && !status; k++)
        status = append(&out->train, &out->file[out->nfiles++], o->path[k]);
    if (!status) status = split(out, o);
    if (status) dataset_pair_free(out);
    return status;
}

int encoding_read_text(dataset *out, dataset_file *file, const data_encoding *e, const char *path) {
    *out = (dataset){0};
    shape(out, e->shape[1]);
    int status = append(out, file, path);
    if (!status && out->bytes < 2)
        status = failure(FAILURE_INPUT, "%s: has one byte; nothing follows from nothing", path);
    out->count = (out->bytes - 1 + out->size - 1) / out->size;
    if (status) dataset_free(out);
    return status;
}
