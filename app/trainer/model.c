/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/model.h"

#include "file/crc32c.h"
#include "io/failure.h"
#include "io/input.h"
#include "ravine_checkpoint.h"
#include "run/config.h"
#include "run/run_encoding.h"
#include "run/run_header.h"
#include "run/run_reader.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_BYTES_MAX ((size_t)1 << 31)

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
    int status = failure_of(ravine_checkpoint_open(&file, path, NULL));
    if (status) return status;
    for (int64_t k = 0; k < net_param_count(n) && !status; k++)
        status = read_tensor(file, path, averaged ? "ema." : "", net_param(n, k));
    for (int64_t k = 0; k < net_buffer_count(n) && !status; k++)
        status = read_tensor(file, path, "", net_buffer(n, k));
    ravine_checkpoint_close(file);
    return status;
}

static int make_net(model *m, const char *folder) {
    run_config c;
    net_spec spec;
    int status = config_init(&c);
    if (!status) status = run_header_config(&c, folder);
    if (!status) status = config_net_spec(&c, &m->encoding, &spec);
    config_free(&c);
    if (!status) status = failure_of(ravine_pool_create(&m->pool, 0));
    return status ? status : net_create(&m->net, &spec, SLICE, ravine_pool_run, m->pool);
}

int model_open(model *m, const char *folder, bool averaged) {
    *m = (model){0};
    int status = run_encoding_read(&m->encoding, folder);
    if (!status) status = make_net(m, folder);
    return status ? status : read_weights(m->net, folder, averaged);
}

void model_free(model *m) {
    net_destroy(m->net);
    ravine_pool_destroy(m->pool);
    data_encoding_free(&m->encoding);
    *m = (model){0};
}

int model_read(const model *m, dataset *out, const char *file, const char *labels,
               bool with_target) {
    const data_encoding *e = &m->encoding;
    if (encoding_is_of_images(e) && with_target && !labels)
        return failure(FAILURE_USAGE, "%s: the run is of images; their labels are a second file",
                       file);
    if (!encoding_is_of_images(e) && labels)
        return failure(FAILURE_USAGE, "%s: the run is of a table, which holds its target itself",
                       labels);
    return encoding_is_of_images(e) ? encoding_read_idx(out, e, file, labels)
                                    : encoding_read_csv(out, e, file, with_target);
}

int model_read_test(dataset *out, const char *folder) {
    run_config c;
    dataset_pair pair = {0};
    json_t *header = NULL;
    int64_t bytes;
    *out = (dataset){0};
    int status = config_init(&c);
    if (!status) status = run_header_config(&c, folder);
    if (!status) status = run_read_header(&header, &bytes, folder);
    if (!status) status = config_read_data(&c, &pair);
    if (!status) status = run_header_check_data(header, &pair, folder);
    if (!status) {
        *out = pair.test;
        pair.test = (dataset){0};
    }
    dataset_pair_free(&pair);
    json_decref(header);
    config_free(&c);
    return status;
}

bool model_has_seen(const char *folder, const char *file) {
    json_t *header = NULL;
    unsigned char *bytes = NULL;
    size_t size;
    int64_t length;
    bool seen = false;
    if (!run_read_header(&header, &length, folder) &&
        !input_read(file, DATA_BYTES_MAX, &bytes, &size)) {
        char crc[9];
        snprintf(crc, sizeof crc, "%08" PRIx32, ravine_crc32c(0, bytes, size));
        const json_t *files = json_object_get(header, "data_files");
        for (size_t k = 0; k < json_array_size(files); k++) {
            const char *then =
                json_string_value(json_object_get(json_array_get(files, k), "crc32c"));
            seen = seen || (then && !strcmp(then, crc));
        }
    }
    free(bytes);
    json_decref(header);
    return seen;
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

int model_predict(const model *m, const dataset *d, double *out) {
    const int64_t outputs = m->encoding.outputs;
    float *z = malloc((size_t)(SLICE * outputs) * sizeof *z);
    if (!z) return failure(FAILURE_INPUT, "out of memory for %lld outputs", (long long)outputs);
    for (int64_t at = 0; at < d->count; at += SLICE) {
        const int64_t count = d->count - at < SLICE ? d->count - at : SLICE;
        net_predict(m->net, d->x + at * d->size, count, z);
        for (int64_t k = 0; k < count; k++)
            translate(&m->encoding, z + k * outputs, out + (at + k) * outputs);
    }
    free(z);
    return 0;
}
