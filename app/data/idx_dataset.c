/* SPDX-License-Identifier: Apache-2.0 */
/* idx_dataset.c - sets of images: those to learn from, and later ones. */
#include "data/batch.h"
#include "data/dataset.h"
#include "data/dataset_allocate.h"
#include "data/idx.h"
#include "data/pixels.h"
#include "data/random_stream.h"
#include "io/failure.h"
#include "io/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDX_FILE_BYTES_MAX ((size_t)DATASET_NUMBERS_MAX + 64) /* the numbers and their header */

/* The images and labels of one part, as they lie in their files. */
typedef struct idx_part {
    const char *images_name, *labels_name;
    unsigned char *images_file, *labels_file; /* owned */
    idx_array images, labels;
    int greatest; /* label */
    bool *held;   /* [images] kept out of training, for the validation; NULL: none is */
    int64_t nheld;
} idx_part;

static void free_part(idx_part *part) {
    free(part->held);
    free(part->images_file);
    free(part->labels_file);
}

static int read_array(idx_array *array, unsigned char **file, const char *path, dataset_pair *out) {
    size_t size;
    int code = dataset_read_file(&out->file[out->nfiles++], path, IDX_FILE_BYTES_MAX, file, &size);
    return code ? code : idx_parse(array, *file, size, path);
}

static int read_images(idx_part *part, const char *path, dataset_pair *out) {
    part->images_name = path;
    const int code = read_array(&part->images, &part->images_file, path, out);
    if (code) return code;
    if (part->images.ndim < 3)
        return failure(FAILURE_INPUT, "%s: has %d dimensions; images have 3, or 4 with channels",
                       path, part->images.ndim);
    return part->images.size ? 0 : failure(FAILURE_INPUT, "%s: holds no pixels", path);
}

static int read_labels(idx_part *part, const char *path, dataset_pair *out) {
    part->labels_name = path;
    const int code = read_array(&part->labels, &part->labels_file, path, out);
    if (code) return code;
    if (part->labels.ndim != 1)
        return failure(FAILURE_INPUT, "%s: has %d dimensions; labels have 1", path,
                       part->labels.ndim);
    if (part->images.shape[0] != part->labels.shape[0])
        return failure(FAILURE_INPUT, "%s holds %lld images, but %s holds %lld labels",
                       part->images_name, (long long)part->images.shape[0], path,
                       (long long)part->labels.shape[0]);
    for (size_t k = 0; k < part->labels.size; k++)
        if (part->labels.data[k] > part->greatest) part->greatest = part->labels.data[k];
    return 0;
}

static int read_part(idx_part *part, const char *images, const char *labels, dataset_pair *out) {
    const int code = read_images(part, images, out);
    return code ? code : read_labels(part, labels, out);
}

/* Every class from 0 to the greatest must be there to be learned. */
static int check_classes(const idx_part *train, const idx_part *test) {
    bool seen[256] = {false};
    for (size_t k = 0; k < train->labels.size; k++) seen[train->labels.data[k]] = true;
    for (int label = 0; label < train->greatest; label++)
        if (!seen[label])
            return failure(FAILURE_INPUT,
                           "%s: no image has label %d, though labels reach %d; the "
                           "classes must be 0, 1, 2 ... without a gap",
                           train->labels_name, label, train->greatest);
    if (train->greatest < 1)
        return failure(FAILURE_INPUT, "%s: every label is 0; there must be at least 2 classes",
                       train->labels_name);
    if (test->greatest > train->greatest)
        return failure(FAILURE_INPUT, "%s: has label %d, but the training labels reach only %d",
                       test->labels_name, test->greatest, train->greatest);
    return 0;
}

static int check_same_size(const idx_part *train, const idx_part *test) {
    const idx_array *a = &train->images, *b = &test->images;
    size_t sides = sizeof *a->shape * (IDX_DIMENSIONS_MAX - 1);
    if (a->ndim == b->ndim && memcmp(a->shape + 1, b->shape + 1, sides) == 0) return 0;
    return failure(FAILURE_INPUT, "the images of %s and of %s differ in size", train->images_name,
                   test->images_name);
}

/* ---- what is held out ---- */

/* Draws the images of the validation. */
static int hold_out(idx_part *part, double share, uint64_t seed) {
    const int64_t count = part->images.shape[0];
    const int code = dataset_hold_out(part->images_name, count, share, &part->nheld);
    if (code || part->nheld == 0) return code;
    int64_t *order = malloc((size_t)count * sizeof *order);
    part->held = calloc((size_t)count, sizeof *part->held);
    if (!order || !part->held) {
        free(order);
        return failure(FAILURE_INPUT, "no memory for %lld images", (long long)count);
    }
    data_order_shuffle(order, count, seed, STREAM_HOLD);
    for (int64_t k = 0; k < part->nheld; k++) part->held[order[k]] = true;
    free(order);
    return 0;
}

static bool is_held(const idx_part *part, int64_t image) {
    return part->held && part->held[image];
}

/* It must leave something of each class to be learned. */
static int check_learned(const idx_part *part, double share) {
    bool seen[256] = {false};
    for (int64_t k = 0; k < part->images.shape[0]; k++)
        if (!is_held(part, k)) seen[part->labels.data[k]] = true;
    for (int label = 0; label <= part->greatest; label++)
        if (!seen[label])
            return failure(FAILURE_INPUT,
                           "%s: every image with label %d is kept for the validation "
                           "(data.validation_share %g); make the share smaller, or choose another "
                           "seed",
                           part->labels_name, label, share);
    return 0;
}

static void shape_of(const idx_array *images, int64_t shape[3]) {
    shape[0] = images->ndim == 4 ? images->shape[1] : 1;
    shape[1] = images->shape[images->ndim - 2];
    shape[2] = images->shape[images->ndim - 1];
}

/* With the images that are held out, or with the others; in the order of the file. */
static int fill(dataset *d, const idx_part *part, bool held, int classes, const data_encoding *e) {
    const idx_array *images = &part->images;
    d->count = held ? part->nheld : images->shape[0] - part->nheld;
    d->outputs = classes;
    shape_of(images, d->shape);
    int code = dataset_allocate(d, false, part->images_name);
    if (code) return code;
    float *x = d->x;
    int32_t *label = d->label;
    for (int64_t i = 0; i < images->shape[0]; i++) {
        if (is_held(part, i) != held) continue;
        pixels_put(e, images->data + i * d->size, (size_t)d->size, x);
        x += d->size;
        if (part->labels.size) *label++ = part->labels.data[i];
    }
    return 0;
}

static int name_classes(encoded_column *target, int classes) {
    char text[16];
    target->word = calloc((size_t)classes, sizeof *target->word);
    if (!target->word) return failure(FAILURE_INPUT, "no memory for %d classes", classes);
    target->words = classes;
    for (int k = 0; k < classes; k++) {
        snprintf(text, sizeof text, "%d", k);
        if (!(target->word[k] = strdup(text)))
            return failure(FAILURE_INPUT, "no memory for %d classes", classes);
    }
    return 0;
}

static int encode(data_encoding *e, const idx_part *train) {
    int64_t times[256] = {0};
    const idx_array *images = &train->images;
    const int64_t size = (int64_t)images->size / images->shape[0];
    for (int64_t i = 0; i < images->shape[0]; i++)
        if (!is_held(train, i)) pixels_count(times, images->data + i * size, (size_t)size);
    pixels_measure(e, times);
    shape_of(&train->images, e->shape);
    e->outputs = train->greatest + 1;
    return name_classes(&e->target, train->greatest + 1);
}

int dataset_read_idx(dataset_pair *out, const dataset_idx_options *o) {
    idx_part train = {0}, test = {0};
    memset(out, 0, sizeof *out);
    int code = read_part(&train, o->train_images, o->train_labels, out);
    if (!code) code = read_part(&test, o->test_images, o->test_labels, out);
    if (!code) code = check_classes(&train, &test);
    if (!code) code = check_same_size(&train, &test);
    if (!code) code = hold_out(&train, o->validation_share, o->seed);
    if (!code) code = check_learned(&train, o->validation_share);
    if (code) goto done;
    code = encode(&out->encoding, &train);
    const data_encoding *e = &out->encoding;
    const int classes = train.greatest + 1;
    if (!code) code = fill(&out->train, &train, false, classes, e);
    if (!code && train.nheld) code = fill(&out->validation, &train, true, classes, e);
    if (!code) code = fill(&out->test, &test, false, classes, e);
done:
    if (code) dataset_pair_free(out);
    free_part(&train);
    free_part(&test);
    return code;
}

/* ---- later images ---- */

static int check_later(const idx_part *part, const data_encoding *e) {
    int64_t shape[3];
    shape_of(&part->images, shape);
    if (memcmp(shape, e->shape, sizeof shape) != 0)
        return failure(FAILURE_INPUT,
                       "%s: images are %lld x %lld x %lld; the run has learned from %lld x %lld x "
                       "%lld",
                       part->images_name, (long long)shape[0], (long long)shape[1],
                       (long long)shape[2], (long long)e->shape[0], (long long)e->shape[1],
                       (long long)e->shape[2]);
    if (part->greatest >= e->outputs)
        return failure(FAILURE_INPUT, "%s: has label %d; the run has learned %lld classes",
                       part->labels_name, part->greatest, (long long)e->outputs);
    return 0;
}

int encoding_read_idx(dataset *out, dataset_file *file, const data_encoding *e, const char *images,
                      const char *labels) {
    idx_part part = {0};
    *out = (dataset){0};
    dataset_pair files = {0};
    int code = read_images(&part, images, &files);
    *file = files.file[0];
    if (!code && labels) code = read_labels(&part, labels, &files);
    if (!code) code = check_later(&part, e);
    if (!code) code = fill(out, &part, false, (int)e->outputs, e);
    if (code) dataset_free(out);
    free_part(&part);
    return code;
}
