/* SPDX-License-Identifier: Apache-2.0 */
/* header.h - what the header of a safetensors file says, checked. */
#ifndef RAVINE_STORE_HEADER_H
#define RAVINE_STORE_HEADER_H

#include "ravine_checkpoint.h"
#include "store/json.h"
#include "text/names.h"

#define SAFETENSORS_START sizeof(uint64_t) /* the bytes in front of the header: its length */

typedef struct store_tensor {
    const char *name;
    const int64_t *shape; /* [ndim] */
    int64_t begin, end;   /* bytes of the data, counted from their beginning */
    size_t at;            /* byte of the file where its entry stands */
    int32_t dtype, ndim;
    uint32_t crc; /* of the data, if checked */
    bool checked;
} store_tensor;

typedef struct store_header {
    store_tensor *tensors; /* [count], in the order of the data */
    name_slot *by_name;    /* [count] */
    ravine_text *texts;    /* [ntexts], in the order of the file */
    name_slot *by_key;     /* [ntexts] */
    int64_t *sides;        /* [nsides], of all shapes */
    int64_t count, ntexts, nsides;
    size_t memory_bytes; /* of all these together, at `tensors` */
    bool has_metadata, ours;
    json_string crc; /* the digits of the header's checksum; begin 0: there is none */
} store_header;

/* Reads the header of a file of file_size bytes. cursor->bytes has everything up to the data; texts
 * are unescaped in it and stay there. Takes at most 8 times the header's bytes from env, and time
 * n log n. E_FORMAT, E_NOMEM: *h is empty. */
ravine_status ravine_header_read(store_header *h, json_cursor *cursor, int64_t file_size,
                                 const ravine_env *env);
void ravine_header_free(store_header *h, const ravine_env *env);

#endif
