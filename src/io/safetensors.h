/* safetensors.h - named tensors in one file, in the format of Hugging Face's safetensors.
 *
 * Eight bytes with the length N of the header, little-endian; N bytes of JSON,
 * {"__metadata__":{...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}, padded
 * with blanks so that the data begin at a multiple of 8; then the data without holes, float64
 * before float32, so that every tensor is aligned to its own numbers when the file is mapped.
 * Source: https://github.com/huggingface/safetensors
 */
#ifndef RAVINE_IO_SAFETENSORS_H
#define RAVINE_IO_SAFETENSORS_H

#include "ravine.h"

#include <stddef.h>
#include <stdint.h>

typedef struct safetensors_tensor {
    const char *name;     /* UTF-8, unique, not "__metadata__" */
    ravine_dtype dtype;   /* RAVINE_F32 or RAVINE_F64 */
    const void *data;     /* [product of shape] */
    const int64_t *shape; /* [ndim], each >= 0 */
    int32_t ndim;         /* 0: one number */
} safetensors_tensor;

typedef struct safetensors_text {
    const char *key, *value; /* UTF-8; keys are unique */
} safetensors_text;

/* Writes the file whole or not at all (io/atomic_file.h).
 * Returns 0 or an exit code of io/failure.h. */
int safetensors_write(const char *path, const safetensors_tensor *tensors, size_t count,
                      const safetensors_text *metadata, size_t nmetadata);

#endif
