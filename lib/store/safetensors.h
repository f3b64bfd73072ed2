/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h - named tensors in one file, in the format of Hugging Face's safetensors; what the
 * rooms need of it beyond ravine_checkpoint.h, which has the writer and the reader.
 *
 * Eight bytes with the length N of the header, little-endian; N bytes of JSON,
 * {"__metadata__":{...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}, padded
 * with blanks so that the data begin at a multiple of 8; then the data without holes, wide numbers
 * before narrow ones, so that every tensor is aligned to its own numbers when the file is mapped.
 *
 * The writer adds checksums (CRC32C, eight hexadecimal digits) to the metadata: "ravine.crc32c" of
 * everything before the data, with its own digits taken as zeros, and "ravine.crc32c.NAME" of the
 * data of each tensor.
 * Format: https://github.com/huggingface/safetensors
 */
#ifndef RAVINE_STORE_SAFETENSORS_H
#define RAVINE_STORE_SAFETENSORS_H

#include "ravine_checkpoint.h"

#define SAFETENSORS_METADATA   "__metadata__"
#define SAFETENSORS_CRC        "ravine.crc32c"
#define SAFETENSORS_HEADER_MAX 100000000 /* bytes: the reference reader takes no longer header */
#define SAFETENSORS_NDIM_MAX   64        /* that of a ravine_param */

/* Tensor i as ravine_checkpoint_tensor tells it; it must be there. */
ravine_tensor ravine_checkpoint_tensor_at(const ravine_checkpoint *c, int64_t i);

/* Bytes of a tensor's data; -1 if a side is negative, the dtype is unknown, they end within a byte
 * or are more than INT64_MAX. */
int64_t ravine_tensor_bytes(const ravine_tensor *tensor);

#endif
