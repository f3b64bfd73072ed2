/* safetensors.h - named tensors in one file, in the format of Hugging Face's safetensors.
 *
 * Eight bytes with the length N of the header, little-endian; N bytes of JSON,
 * {"__metadata__":{...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}, padded
 * with blanks so that the data begin at a multiple of 8; then the data without holes, wide numbers
 * before narrow ones, so that every tensor is aligned to its own numbers when the file is mapped.
 *
 * The writer adds checksums (CRC32C, eight hexadecimal digits) to the metadata: "ravine.crc32c" of
 * everything before the data, with its own digits taken as zeros, and "ravine.crc32c.NAME" of the
 * data of each tensor. The reader is that of ravine_checkpoint.h: a struct ravine_checkpoint.
 * Format: https://github.com/huggingface/safetensors
 */
#ifndef RAVINE_STORE_SAFETENSORS_H
#define RAVINE_STORE_SAFETENSORS_H

#include "ravine_checkpoint.h"

#include <stdbool.h>

#define SAFETENSORS_METADATA   "__metadata__"
#define SAFETENSORS_CRC        "ravine.crc32c"
#define SAFETENSORS_HEADER_MAX 100000000 /* bytes: the reference reader takes no longer header */
#define SAFETENSORS_NDIM_MAX   64        /* that of a ravine_param */

typedef struct safetensors_options {
    bool verify;           /* the file is read back and compared before it gets its name */
    bool over_links;       /* a link that stands there is replaced, not followed */
    const ravine_env *env; /* memory for the header; NULL: the C library's */
} safetensors_options;

/* Writes the file whole or not at all (file/atomic_file.h). Tensors and texts are in any order;
 * names are UTF-8, unique, not "__metadata__"; keys unique, not "ravine.crc32c*": else E_ARG.
 * options may be NULL. */
ravine_status ravine_safetensors_write(const char *path, const ravine_tensor *tensors,
                                       int64_t count, const ravine_text *texts, int64_t ntexts,
                                       const safetensors_options *options);

/* Tensor i as ravine_checkpoint_tensor tells it; it must be there. */
ravine_tensor ravine_checkpoint_tensor_at(const ravine_checkpoint *c, int64_t i);

/* Bytes of a tensor's data; -1 if a side is negative, the dtype is unknown, they end within a byte
 * or are more than INT64_MAX. */
int64_t ravine_tensor_bytes(const ravine_tensor *tensor);

#endif
