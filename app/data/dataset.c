/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include "data/dataset_allocate.h"
#include "data/idx.h"
#include "file/crc32c.h"
#include "io/failure.h"
#include "io/input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IDX_FILE_BYTES_MAX ((size_t)DATASET_NUMBERS_MAX + 64) /* the numbers and their header */

int dataset_allocate(dataset *d, bool regression, const char *name) {
    d->size = 1;
    int64_t numbers = d->count;
    for (int k = 0; k < 3; k++) {
        if (__builtin_mul_overflow(numbers, d->shape[k], &numbers) || numbers > DATASET_NUMBERS_MAX)
            return failure(EXIT_INPUT,
                           "%s: %lld examples of %lld x %lld x %lld numbers are more than %lld, "
                           "the limit",
                           name, (long long)d->count, (long long)d->shape[0],
                           (long long)d->shape[1], (long long)d->shape[2],
                           (long long)DATASET_NUMBERS_MAX);
        d->size *= d->shape[k];
    }
    size_t count = (size_t)d->count;
    d->x = calloc((size_t)numbers, sizeof *d->x);
    if (regression)
        d->y = calloc(count, (size_t)d->outputs * sizeof *d->y);
    else
        d->label = calloc(count, sizeof *d->label);
    if (!d->x || (!d->y && !d->label))
        return failure(EXIT_INPUT, "%s: no memory for %lld numbers", name, (long long)numbers);
    return 0;
}

int dataset_read_file(dataset_pair *out, const char *path, size_t limit, unsigned char **bytes,
                      size_t *size) {
    int code = input_read(path, limit, bytes, size);
    if (code) return code;
    out->file[out->nfiles++] =
        (dataset_file){path, (int64_t)*size, ravine_crc32c(0, *bytes, *size)};
    return 0;
}

static void free_one(dataset *d) {
    free(d->x);
    free(d->label);
    free(d->y);
    memset(d, 0, sizeof *d);
}

void dataset_pair_free(dataset_pair *pair) {
    free_one(&pair->train);
    free_one(&pair->test);
    pair->nfiles = 0;
}

/* ---- IDX ------------------------------------------------------------------------------------- */

/* The images and labels of one part, as they lie in their files. */
typedef struct idx_part {
    const char *images_name, *labels_name;
    unsigned char *images_file, *labels_file; /* owned */
    idx_array images, labels;
    int greatest; /* label */
} idx_part;

static void free_part(idx_part *part) {
    free(part->images_file);
    free(part->labels_file);
}

static int read_array(idx_array *array, unsigned char **file, const char *path, dataset_pair *out) {
    size_t size;
    int code = dataset_read_file(out, path, IDX_FILE_BYTES_MAX, file, &size);
    return code ? code : idx_parse(array, *file, size, path);
}

static int read_part(idx_part *part, const char *images, const char *labels, dataset_pair *out) {
    part->images_name = images;
    part->labels_name = labels;
    int code = read_array(&part->images, &part->images_file, images, out);
    if (!code) code = read_array(&part->labels, &part->labels_file, labels, out);
    if (code) return code;
    if (part->images.ndim < 3)
        return failure(EXIT_INPUT, "%s: has %d dimensions; images have 3, or 4 with channels",
                       images, part->images.ndim);
    if (part->labels.ndim != 1)
        return failure(EXIT_INPUT, "%s: has %d dimensions; labels have 1", labels,
                       part->labels.ndim);
    if (part->images.size == 0) return failure(EXIT_INPUT, "%s: holds no pixels", images);
    if (part->images.shape[0] != part->labels.shape[0])
        return failure(EXIT_INPUT, "%s holds %lld images, but %s holds %lld labels", images,
                       (long long)part->images.shape[0], labels, (long long)part->labels.shape[0]);
    for (size_t k = 0; k < part->labels.size; k++)
        if (part->labels.data[k] > part->greatest) part->greatest = part->labels.data[k];
    return 0;
}

/* Every class from 0 to the greatest must be there to be learned. */
static int check_classes(const idx_part *train, const idx_part *test) {
    bool seen[256] = {false};
    for (size_t k = 0; k < train->labels.size; k++) seen[train->labels.data[k]] = true;
    for (int label = 0; label < train->greatest; label++)
        if (!seen[label])
            return failure(EXIT_INPUT,
                           "%s: no image has label %d, though labels reach %d; the "
                           "classes must be 0, 1, 2 ... without a gap",
                           train->labels_name, label, train->greatest);
    if (train->greatest < 1)
        return failure(EXIT_INPUT, "%s: every label is 0; there must be at least 2 classes",
                       train->labels_name);
    if (test->greatest > train->greatest)
        return failure(EXIT_INPUT, "%s: has label %d, but the training labels reach only %d",
                       test->labels_name, test->greatest, train->greatest);
    return 0;
}

static int check_same_size(const idx_part *train, const idx_part *test) {
    const idx_array *a = &train->images, *b = &test->images;
    size_t sides = sizeof *a->shape * (IDX_DIMENSIONS_MAX - 1);
    if (a->ndim == b->ndim && memcmp(a->shape + 1, b->shape + 1, sides) == 0) return 0;
    return failure(EXIT_INPUT, "the images of %s and of %s differ in size", train->images_name,
                   test->images_name);
}

/* The 256 values that standardised pixels can have. */
static void standardise(float value[256], const idx_array *images) {
    int64_t times[256] = {0};
    for (size_t k = 0; k < images->size; k++) times[images->data[k]]++;
    double mean = 0, variance = 0, count = (double)images->size;
    for (int p = 0; p < 256; p++) mean += (double)times[p] * (p / 255.0) / count;
    for (int p = 0; p < 256; p++)
        variance += (double)times[p] * (p / 255.0 - mean) * (p / 255.0 - mean) / count;
    bool constant = times[images->data[0]] == (int64_t)images->size;
    double factor = constant ? 0 : 1 / sqrt(variance);
    for (int p = 0; p < 256; p++) value[p] = (float)((p / 255.0 - mean) * factor);
}

static int fill(dataset *d, const idx_part *part, int classes, const float value[256]) {
    const idx_array *images = &part->images;
    d->count = images->shape[0];
    d->outputs = classes;
    d->shape[0] = images->ndim == 4 ? images->shape[1] : 1;
    d->shape[1] = images->shape[images->ndim - 2];
    d->shape[2] = images->shape[images->ndim - 1];
    int code = dataset_allocate(d, false, part->images_name);
    if (code) return code;
    for (size_t k = 0; k < images->size; k++) d->x[k] = value[images->data[k]];
    for (size_t k = 0; k < part->labels.size; k++) d->label[k] = part->labels.data[k];
    return 0;
}

int dataset_read_idx(dataset_pair *out, const char *train_images, const char *train_labels,
                     const char *test_images, const char *test_labels) {
    float value[256];
    idx_part train = {0}, test = {0};
    memset(out, 0, sizeof *out);
    int code = read_part(&train, train_images, train_labels, out);
    if (!code) code = read_part(&test, test_images, test_labels, out);
    if (!code) code = check_classes(&train, &test);
    if (!code) code = check_same_size(&train, &test);
    if (code) goto done;
    standardise(value, &train.images);
    code = fill(&out->train, &train, train.greatest + 1, value);
    if (!code) code = fill(&out->test, &test, train.greatest + 1, value);
done:
    if (code) dataset_pair_free(out);
    free_part(&train);
    free_part(&test);
    return code;
}
