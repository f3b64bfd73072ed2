/* SPDX-License-Identifier: Apache-2.0 */
/* image_dataset.c - folders of PNG and JPEG files: those to learn from, and later ones. */
#include "cli/progress.h"
#include "data/batch.h"
#include "data/csv_column.h"
#include "data/dataset.h"
#include "data/dataset_allocate.h"
#include "data/image_list.h"
#include "data/picture.h"
#include "data/pixels.h"
#include "data/random_stream.h"
#include "file/crc32c.h"
#include "io/failure.h"
#include "io/input.h"
#include "text/nearest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files become pixels --------------------------------------------------------------------- */

/* What is told of a file. */
typedef struct image_facts {
    int64_t bytes;
    uint32_t crc32c;
    int code; /* of its failure */
} image_facts;

typedef struct decoding {
    const image_list *list;
    int64_t shape[3], size; /* of one image, and its numbers */
    unsigned char *pixel;   /* [list->count, size] */
    image_facts *facts;     /* [list->count] */
    progress read;          /* images */
} decoding;

static int read_image(decoding *d, int64_t k) {
    const char *path = d->list->path[k];
    unsigned char *bytes = NULL;
    size_t size;
    int code = input_read(path, PICTURE_BYTES_MAX, &bytes, &size);
    if (code) return code;
    d->facts[k].bytes = (int64_t)size;
    d->facts[k].crc32c = ravine_crc32c(0, bytes, size);
    code = picture_read(d->pixel + k * d->size, d->shape, bytes, size, path);
    free(bytes);
    return code;
}

/* A ravine_task; the message of a failure stays on its thread. */
static void read_one(void *arg, int64_t k) {
    decoding *d = arg;
    d->facts[k].code = read_image(d, k);
    progress_add(&d->read, 1);
}

/* The first failure, said again on this thread. */
static int first_failure(decoding *d) {
    for (int64_t k = 0; k < d->list->count; k++)
        if (d->facts[k].code) return read_image(d, k);
    return 0;
}

static int read_all(decoding *d) {
    ravine_pool *pool;
    const int code = failure_of(ravine_pool_create(&pool, 0));
    if (code) return code;
    d->read = progress_begin("reading", "images", d->list->count);
    ravine_pool_run(pool, read_one, d, d->list->count);
    progress_end(&d->read);
    ravine_pool_destroy(pool);
    return first_failure(d);
}

/* The folder as one file: names below it and checks of what they hold, in order. */
static dataset_file fold(const decoding *d, const char *path) {
    dataset_file file = {.path = path};
    const size_t above = strlen(path);
    for (int64_t k = 0; k < d->list->count; k++) {
        const char *name = d->list->path[k];
        if (strncmp(name, path, above) == 0) name += above;
        const uint32_t crc = d->facts[k].crc32c;
        const unsigned char check[4] = {(unsigned char)crc, (unsigned char)(crc >> 8),
                                        (unsigned char)(crc >> 16), (unsigned char)(crc >> 24)};
        file.crc32c = ravine_crc32c(file.crc32c, name, strlen(name) + 1);
        file.crc32c = ravine_crc32c(file.crc32c, check, sizeof check);
        file.bytes += d->facts[k].bytes;
    }
    return file;
}

static int decode(decoding *d, const image_list *list, const int64_t shape[3], const char *path) {
    *d = (decoding){.list = list};
    int64_t numbers = list->count;
    for (int k = 0; k < 3; k++) numbers *= d->shape[k] = shape[k];
    if (numbers > DATASET_NUMBERS_MAX)
        return failure(
            FAILURE_INPUT,
            "%s: %lld images of %lld x %lld x %lld numbers are more than %lld, the limit", path,
            (long long)list->count, (long long)shape[0], (long long)shape[1], (long long)shape[2],
            (long long)DATASET_NUMBERS_MAX);
    d->size = numbers / list->count;
    d->pixel = malloc((size_t)numbers);
    d->facts = calloc((size_t)list->count, sizeof *d->facts);
    if (d->pixel && d->facts) return read_all(d);
    return failure(FAILURE_INPUT, "%s: no memory for %lld images", path, (long long)list->count);
}

static void free_decoding(decoding *d) {
    free(d->pixel);
    free(d->facts);
}

/* ---- pixels become examples ------------------------------------------------------------------ */

static int fill(dataset *d, const decoding *from, const data_encoding *e, const int64_t *order,
                int64_t count, const char *path) {
    d->count = count;
    d->outputs = e->outputs;
    memcpy(d->shape, e->shape, sizeof d->shape);
    const int code = dataset_allocate(d, false, path);
    for (int64_t k = 0; k < count && !code; k++) {
        pixels_put(e, from->pixel + order[k] * from->size, (size_t)from->size, d->x + k * d->size);
        d->label[k] = from->list->label[order[k]];
    }
    return code;
}

/* ---- to learn from --------------------------------------------------------------------------- */

typedef struct conversion {
    const dataset_folder_options *options;
    image_list list;
    decoding pixels;
    int64_t *order; /* [list.count] those to train on, to validate, to test */
    int64_t ntrain, nvalidation;
} conversion;

static int check_classes(const conversion *c) {
    const long long classes = c->list.classes;
    if (classes >= 2 && classes <= CSV_CATEGORIES_MAX) return 0;
    return failure(FAILURE_INPUT,
                   "%s: has %lld folders; each class is a folder of its images, and there must be "
                   "2 to %d",
                   c->options->path, classes, CSV_CATEGORIES_MAX);
}

static int split(conversion *c) {
    const int64_t count = c->list.count;
    const int64_t ntest = (int64_t)llround(c->options->test_share * (double)count);
    c->ntrain = count - ntest;
    if (ntest < 1 || c->ntrain < 2)
        return failure(FAILURE_INPUT,
                       "%s: %lld images with test_share %g are %lld to train on and %lld to test; "
                       "at least 2 and 1 are needed",
                       c->options->path, (long long)count, c->options->test_share,
                       (long long)c->ntrain, (long long)ntest);
    const dataset_folder_options *o = c->options;
    const int code = dataset_hold_out(o->path, c->ntrain, o->validation_share, &c->nvalidation);
    if (code) return code;
    c->ntrain -= c->nvalidation;
    c->order = malloc((size_t)count * sizeof *c->order);
    if (!c->order) return failure(FAILURE_INPUT, "%s: no memory for its order", c->options->path);
    data_order_shuffle(c->order, count, c->options->seed, STREAM_SPLIT);
    return 0;
}

/* What is held out must leave something of each class to be learned. */
static int check_learned(const conversion *c) {
    const image_list *list = &c->list;
    bool seen[CSV_CATEGORIES_MAX] = {false};
    for (int64_t k = 0; k < c->ntrain; k++) seen[list->label[c->order[k]]] = true;
    int64_t class = 0;
    while (class < list->classes && seen[class]) class ++;
    if (class == list->classes) return 0;
    return failure(FAILURE_INPUT,
                   "%s/%s: none of its images is left to train on; test and validation "
                   "(data.validation_share %g) have them all: make the shares smaller, or choose "
                   "another seed",
                   c->options->path, list->class[class], c -> options -> validation_share);
}

static int encode(const conversion *c, data_encoding *e) {
    int64_t times[256] = {0};
    const decoding *p = &c->pixels;
    for (int64_t k = 0; k < c->ntrain; k++)
        pixels_count(times, p->pixel + c->order[k] * p->size, (size_t)p->size);
    memcpy(e->shape, p->shape, sizeof e->shape);
    pixels_measure(e, times);
    e->outputs = c->list.classes;
    encoded_texts names = {0};
    const bool whole =
        encoded_texts_copy(&names, (const char *const *)c->list.class, c->list.classes);
    e->target.word = names.text;
    e->target.words = names.count;
    return whole ? 0 : failure(FAILURE_INPUT, "%s: no memory for its classes", c->options->path);
}

static void put_summary(FILE *out, const conversion *c) {
    enum { SHOWN = 12 };
    const image_list *list = &c->list;
    fprintf(out, "%s: %lld images of %lld classes:", c->options->path, (long long)list->count,
            (long long)list->classes);
    for (int64_t k = 0; k < list->classes && k < SHOWN; k++) {
        long long images = 0;
        for (int64_t i = 0; i < list->count; i++) images += list->label[i] == k;
        fprintf(out, "%s %s (%lld)", k ? "," : "", list->class[k], images);
    }
    fprintf(out, "%s\n  each as %lld x %lld pixels, %s\n", list->classes > SHOWN ? ", ..." : "",
            (long long)c->pixels.shape[1], (long long)c->pixels.shape[2],
            c->pixels.shape[0] == 1 ? "grey" : "in colour");
    if (list->others)
        fprintf(out, "  left out: %lld that %s neither PNG nor JPEG by name: %s%s\n",
                (long long)list->others, list->others > 1 ? "are" : "is", list->other,
                list->others > 1 ? ", ..." : "");
}

static int summarise(char **out, const conversion *c) {
    size_t size;
    FILE *text = open_memstream(out, &size);
    if (text) put_summary(text, c);
    if (text && fclose(text) == 0) return 0;
    return failure(FAILURE_INPUT, "%s: no memory for a summary", c->options->path);
}

static int convert(conversion *c, dataset_pair *out) {
    const dataset_folder_options *o = c->options;
    const int64_t shape[3] = {o->grey ? 1 : 3, o->image_size, o->image_size};
    int code = image_list_classes(&c->list, o->path, o->classes, o->nclasses);
    if (!code) code = check_classes(c);
    if (!code) code = split(c);
    if (!code) code = check_learned(c);
    if (!code) code = decode(&c->pixels, &c->list, shape, o->path);
    if (code) return code;
    out->file[out->nfiles++] = fold(&c->pixels, o->path);
    data_encoding *e = &out->encoding;
    const int64_t *held = c->order + c->ntrain, *test = held + c->nvalidation;
    const int64_t ntest = c->list.count - c->ntrain - c->nvalidation;
    code = encode(c, e);
    if (!code) code = summarise(&out->summary, c);
    if (!code) code = fill(&out->train, &c->pixels, e, c->order, c->ntrain, o->path);
    if (!code && c->nvalidation)
        code = fill(&out->validation, &c->pixels, e, held, c->nvalidation, o->path);
    if (!code) code = fill(&out->test, &c->pixels, e, test, ntest, o->path);
    return code;
}

int dataset_read_folder(dataset_pair *out, const dataset_folder_options *options) {
    conversion c = {.options = options};
    *out = (dataset_pair){0};
    const int code = convert(&c, out);
    if (code) dataset_pair_free(out);
    image_list_free(&c.list);
    free_decoding(&c.pixels);
    free(c.order);
    return code;
}

/* ---- later images ---------------------------------------------------------------------------- */

/* The number of a class among those that were learned; -1: it is none. */
static int64_t class_of(const data_encoding *e, const char *name) {
    int64_t k = 0;
    while (k < e->target.words && strcmp(e->target.word[k], name) != 0) k++;
    return k < e->target.words ? k : -1;
}

/* Labels in the order of the run's classes. */
static int translate(image_list *list, const data_encoding *e, const char *path) {
    for (int64_t k = 0; k < list->classes; k++) {
        if (class_of(e, list->class[k]) >= 0) continue;
        ravine_nearest nearest = ravine_nearest_to(list->class[k]);
        for (int64_t i = 0; i < e->target.words; i++)
            ravine_nearest_offer(&nearest, e->target.word[i]);
        return failure(FAILURE_INPUT,
                       "%s/%s: is the folder of no class that the run has learned%s%s", path,
                       list->class[k], nearest.name ? "; the nearest is " : "",
                       nearest.name ? nearest.name : "");
    }
    for (int64_t k = 0; k < list->count; k++)
        list->label[k] = (int32_t)class_of(e, list->class[list->label[k]]);
    return 0;
}

static int list_later(image_list *list, const data_encoding *e, const char *path, bool labelled) {
    if (e->shape[0] != 1 && e->shape[0] != 3)
        return failure(FAILURE_INPUT,
                       "%s: the run has learned from images of %lld channels; PNG and JPEG have 1 "
                       "or 3",
                       path, (long long)e->shape[0]);
    if (!labelled) return image_list_all(list, path);
    const int code = image_list_classes(list, path, NULL, 0);
    if (code) return code;
    if (list->count > 0) return translate(list, e, path);
    return failure(FAILURE_INPUT, "%s: has no folder; each class is a folder of its images", path);
}

int encoding_read_images(dataset *out, dataset_file *file, const data_encoding *e, const char *path,
                         bool labelled) {
    image_list list = {0};
    decoding pixels = {0};
    int64_t *order = NULL;
    *out = (dataset){0};
    int code = list_later(&list, e, path, labelled);
    if (!code) code = decode(&pixels, &list, e->shape, path);
    if (!code && !(order = calloc((size_t)list.count, sizeof *order)))
        code = failure(FAILURE_INPUT, "%s: no memory for its order", path);
    for (int64_t k = 0; k < list.count && !code; k++) order[k] = k;
    if (!code) code = fill(out, &pixels, e, order, list.count, path);
    if (!code) {
        *file = fold(&pixels, path);
        out->name = list.path;
        list.path = NULL;
    }
    free(order);
    free_decoding(&pixels);
    image_list_free(&list);
    if (code) dataset_free(out);
    return code;
}
