#include "io/safetensors.h"

#include "io/atomic_file.h"
#include "io/failure.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are written as they lie in memory, and the format is little-endian"
#endif

#define METADATA_KEY "__metadata__"
enum { HEADER_MAX = 100000000 }; /* the reference reader takes no longer header */

static const struct {
    ravine_dtype dtype;
    const char *name;
    size_t size;
} dtypes[] = {{RAVINE_F64, "F64", 8}, {RAVINE_F32, "F32", 4}}; /* in the order of the file */
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static int no_memory(const char *path) {
    return failure(EXIT_INPUT, "cannot write %s: no memory for its header", path);
}

/* Bytes of a tensor, -1 if they are not a size that a file can have. */
static int64_t tensor_bytes(const safetensors_tensor *t, size_t number_size) {
    int64_t bytes = (int64_t)number_size;
    for (int32_t d = 0; d < t->ndim; d++)
        if (t->shape[d] < 0 || __builtin_mul_overflow(bytes, t->shape[d], &bytes)) return -1;
    return bytes;
}

/* Adds {"dtype":...,"shape":[...],"data_offsets":[begin,end]} under the tensor's name. */
static int describe(json_t *header, const char *path, const safetensors_tensor *t,
                    const char *dtype, int64_t begin, int64_t end) {
    if (json_object_get(header, t->name) || strcmp(t->name, METADATA_KEY) == 0)
        return failure(EXIT_INPUT, "cannot write %s: the name %s is taken", path, t->name);
    json_t *shape = json_array();
    for (int32_t d = 0; shape && d < t->ndim; d++)
        if (json_array_append_new(shape, json_integer(t->shape[d])) < 0) {
            json_decref(shape);
            shape = NULL;
        }
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype, "shape", shape,
                              "data_offsets", (json_int_t)begin, (json_int_t)end);
    if (!entry) return no_memory(path);
    if (json_object_set_new(header, t->name, entry) < 0)
        return failure(EXIT_INPUT, "cannot write %s: the name of a tensor is not UTF-8", path);
    return 0;
}

static int describe_all(json_t *header, const char *path, const safetensors_tensor *tensors,
                        size_t count) {
    int64_t begin = 0, end;
    size_t described = 0;
    for (size_t k = 0; k < DTYPES; k++)
        for (size_t i = 0; i < count; i++) {
            if (tensors[i].dtype != dtypes[k].dtype) continue;
            int64_t bytes = tensor_bytes(&tensors[i], dtypes[k].size);
            if (bytes < 0 || __builtin_add_overflow(begin, bytes, &end))
                return failure(EXIT_INPUT,
                               "cannot write %s: tensor %s is larger than %" PRId64
                               " bytes, or a side of it is negative",
                               path, tensors[i].name, INT64_MAX - begin);
            int code = describe(header, path, &tensors[i], dtypes[k].name, begin, end);
            if (code) return code;
            begin = end;
            described++;
        }
    if (described < count)
        return failure(EXIT_INPUT, "cannot write %s: only float32 and float64 tensors are known",
                       path);
    return 0;
}

static int add_metadata(json_t *header, const char *path, const safetensors_text *metadata,
                        size_t count) {
    if (count == 0) return 0;
    json_t *texts = json_object();
    if (!texts || json_object_set_new(header, METADATA_KEY, texts) < 0) return no_memory(path);
    for (size_t k = 0; k < count; k++)
        if (json_object_set_new(texts, metadata[k].key, json_string(metadata[k].value)) < 0)
            return failure(EXIT_INPUT, "cannot write %s: metadata %zu is not UTF-8", path, k);
    return 0;
}

static int write_header(atomic_file *file, const char *path, const json_t *header) {
    char *text = json_dumps(header, JSON_COMPACT);
    if (!text) return no_memory(path);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    int code = 0;
    uint64_t stored = padded;
    if (padded > HEADER_MAX)
        code = failure(EXIT_INPUT, "cannot write %s: its header has %zu bytes, the limit is %d",
                       path, padded, HEADER_MAX);
    if (!code) code = atomic_file_write(file, &stored, sizeof stored);
    if (!code) code = atomic_file_write(file, text, length);
    if (!code) code = atomic_file_write(file, "       ", padded - length);
    free(text);
    return code;
}

static int write_data(atomic_file *file, const safetensors_tensor *tensors, size_t count) {
    int code = 0;
    for (size_t k = 0; k < DTYPES; k++)
        for (size_t i = 0; !code && i < count; i++)
            if (tensors[i].dtype == dtypes[k].dtype)
                code = atomic_file_write(file, tensors[i].data,
                                         (size_t)tensor_bytes(&tensors[i], dtypes[k].size));
    return code;
}

int safetensors_write(const char *path, const safetensors_tensor *tensors, size_t count,
                      const safetensors_text *metadata, size_t nmetadata) {
    atomic_file file;
    json_t *header = json_object();
    if (!header) return no_memory(path);
    int code = add_metadata(header, path, metadata, nmetadata);
    if (!code) code = describe_all(header, path, tensors, count);
    if (code) goto done;
    code = atomic_file_open(&file, path);
    if (code) goto done;
    code = write_header(&file, path, header);
    if (!code) code = write_data(&file, tensors, count);
    if (!code) code = atomic_file_commit(&file);
    atomic_file_discard(&file); /* nothing to do unless the header was not made */
done:
    json_decref(header);
    return code;
}
