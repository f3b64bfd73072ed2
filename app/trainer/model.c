/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/model.h"

#include "cli/progress.h"
#include "data/image_list.h"
#include "data/picture.h"
#include "io/failure.h"
#include "io/input.h"
#include "ravine_checkpoint.h"
#include "run/run_encoding.h"
#include "run/run_header.h"
#include "run/run_reader.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLICE = 256 }; /* examples at once */

static bool has_shape(const ravine_tensor *in, const net_tensor *wanted) {
    return in->dtype == RAVINE_F32 && in->ndim == wanted->ndim &&
           !memcmp(in->shape, wanted->shape, (size_t)wanted->ndim * sizeof *wanted->shape);
}

static int read_tensor(const ravine_checkpoint *file, const char *path, const char *prefix,
                       net_tensor to) {
    char name[160];
    snprintf(name, sizeof name, "%s%s", prefix, to.name);
    const int64_t k = ravine_checkpoint_find(file, name);
    if (k < 0)
        return failure(FAILURE_INPUT, "%s: has no tensor %s%s", path, name,
                       *prefix ? "; the run keeps no averaged weights" : "");
    ravine_tensor in = {0};
    const ravine_status status = ravine_checkpoint_tensor(file, k, &in);
    if (status) return failure_of(status);
    if (!has_shape(&in, &to))
        return failure(FAILURE_INPUT, "%s: %s has not the shape that the run's net has", path,
                       name);
    return failure_of(ravine_checkpoint_read(file, k, to.data, to.len * (int64_t)sizeof *to.data));
}

static int read_weights(const net *n, const char *folder, bool averaged) {
    char path[PATH_MAX + 24];
    ravine_checkpoint *file;
    snprintf(path, sizeof path, "%s/weights.safetensors", folder);
    if (access(path, F_OK) && errno == ENOENT)
        return failure(FAILURE_INPUT,
                       "%s does not exist: a run writes it when it ends. This one still goes on, "
                       "diverged, or was interrupted: ravine train --resume %s",
                       path, folder);
    int status = failure_of(ravine_checkpoint_open(&file, path, NULL));
    if (status) return status;
    for (int64_t k = 0; k < net_param_count(n) && !status; k++)
        status = read_tensor(file, path, averaged ? "ema." : "", net_param(n, k));
    for (int64_t k = 0; k < net_buffer_count(n) && !status; k++)
        status = read_tensor(file, path, "", net_buffer(n, k));
    ravine_checkpoint_close(file);
    return status;
}

static int make_net(model *m) {
    net_spec spec;
    int status = config_net_spec(&m->config, &m->encoding, &spec);
    if (!status) status = failure_of(ravine_pool_create(&m->pool, 0));
    const int64_t slice = m->encoding.text ? MODEL_TEXT_SLICE : SLICE;
    return status ? status : net_create(&m->net, &spec, slice, ravine_pool_run, m->pool);
}

int model_open(model *m, const char *folder, bool averaged) {
    int64_t bytes;
    *m = (model){.folder = folder};
    int status = config_init(&m->config);
    if (!status) status = run_encoding_read(&m->encoding, folder);
    if (!status) status = run_read_header(&m->header, &bytes, folder);
    if (!status) status = run_header_config_of(&m->config, m->header, folder);
    if (!status) status = make_net(m);
    return status ? status : read_weights(m->net, folder, averaged);
}

void model_free(model *m) {
    net_destroy(m->net);
    ravine_pool_destroy(m->pool);
    data_encoding_free(&m->encoding);
    config_free(&m->config);
    json_decref(m->header);
    *m = (model){0};
}

/* PNG and JPEG files, told by their names, or a folder of them. */
static bool is_of_pictures(const char *path) {
    return input_is_folder(path) || picture_is_named(path);
}

static int read_images(const model *m, dataset *out, dataset_file *read, const char *file,
                       const char *labels, bool with_target) {
    if (is_of_pictures(file)) {
        if (labels)
            return failure(FAILURE_USAGE, "%s: the classes of %s are the names of its folders",
                           labels, file);
        if (with_target && !input_is_folder(file))
            return failure(FAILURE_USAGE,
                           "%s: is one image; how right the run is takes a folder with a folder "
                           "for each class",
                           file);
        return encoding_read_images(out, read, &m->encoding, file, with_target);
    }
    if (with_target && !labels)
        return failure(FAILURE_USAGE, "%s: the run is of images; their labels are a second file",
                       file);
    return encoding_read_idx(out, read, &m->encoding, file, labels);
}

int model_read(const model *m, dataset *out, const char *file, const char *labels, bool with_target,
               bool *seen) {
    const data_encoding *e = &m->encoding;
    const bool images = encoding_is_of_images(e);
    dataset_file read;
    if (e->text && labels)
        return failure(FAILURE_USAGE, "%s: the run is of a text, which has no labels", labels);
    if (!images && labels)
        return failure(FAILURE_USAGE, "%s: the run is of a table, which holds its target itself",
                       labels);
    const int status = e->text  ? encoding_read_text(out, &read, e, file)
                       : images ? read_images(m, out, &read, file, labels, with_target)
                                : encoding_read_csv(out, &read, e, file, with_target);
    if (!status && seen) *seen = run_header_has_data(m->header, &read);
    return status;
}

int model_read_test(const model *m, dataset *out) {
    dataset_pair pair = {0};
    int status = config_read_data(&m->config, &pair);
    if (!status) status = run_header_check_data(m->header, &pair, m->folder);
    if (!status) {
        *out = pair.test;
        pair.test = (dataset){0};
    }
    dataset_pair_free(&pair);
    return status;
}

/* softmax(z), or the target in its units. */
static void translate(const data_encoding *e, const float *z, double *out) {
    if (e->regression) {
        *out = e->target.mean + e->target.deviation * (double)*z;
        return;
    }
    double top = (double)z[0], sum = 0;
    for (int64_t k = 1; k < e->outputs; k++) top = fmax(top, (double)z[k]);
    for (int64_t k = 0; k < e->outputs; k++) sum += out[k] = exp((double)z[k] - top);
    for (int64_t k = 0; k < e->outputs; k++) out[k] /= sum;
}

int model_predict(const model *m, const dataset *d, double **out) {
    const size_t outputs = (size_t)m->encoding.outputs;
    float *z = malloc(SLICE * outputs * sizeof *z);
    double *to = *out = z ? calloc((size_t)d->count, outputs * sizeof *to) : NULL;
    progress shown = progress_begin("predicting", "examples", d->count);
    for (int64_t at = 0; to && at < d->count; at += SLICE) {
        progress_to(&shown, at);
        const int64_t count = d->count - at < SLICE ? d->count - at : SLICE;
        net_predict(m->net, d->x + at * d->size, count, z);
        for (int64_t k = 0; k < count; k++, to += outputs)
            translate(&m->encoding, z + k * (int64_t)outputs, to);
    }
    progress_end(&shown);
    free(z);
    return *out ? 0
                : failure(FAILURE_INPUT, "out of memory for %lld examples", (long long)d->count);
}
