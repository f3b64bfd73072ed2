/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.h - files that are no safetensors files, in the classes of docs/internals/store.md: each
 * is refused with the status and the byte that stand in its row, in memory and time that its header
 * bounds. Each hostile_NAME.c has some of the classes; test_store_hostile.c runs them. */
#ifndef TESTS_LIB_STORE_HOSTILE_H
#define TESTS_LIB_STORE_HOSTILE_H

#include "support/scratch.h"

#include "ravine_checkpoint.h"

enum { CLASSES = 45 };
extern int64_t tried[CLASSES], accepted;

/* Opens bytes[size]: must be E_FORMAT with a message that begins with `told`. */
void refuse(int class, const void *bytes, size_t size, const char *told);
/* The header has an @ at the byte that the message must name. */
void refuse_header(int class, const char *marked, size_t marked_length, size_t data,
                   const char *what);
/* Opens a file of the header and `data` zeros: must be right. */
void accept_header(const char *header, size_t data);
void put_length(char *bytes, uint64_t length);
/* A file of a header and zeros for data; for free(). */
char *file_of(const char *header, size_t length, size_t data, size_t *size);

typedef struct row {
    int class;
    const char *header; /* with an @ */
    size_t data;
    const char *told;
} row;

#define REFUSE_ALL(rows)                                                                       \
    for (size_t k = 0; k < sizeof(rows) / sizeof *(rows); k++)                                 \
    refuse_header((rows)[k].class, (rows)[k].header, strlen((rows)[k].header), (rows)[k].data, \
                  (rows)[k].told)

#define BEGIN "expected '{' as the first byte of the header, found "
/* A tensor of a header; one of two numbers; that at the start of the data; a file of it alone. */
#define F32(shape, begin, end) \
    "{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"
#define DATA(begin, end) F32("2", begin, end)
#define W                DATA("0", "8")
#define GOOD             "{\"w\":" W "}"

/* Each runs its tests, and returns how many failed. */
int hostile_lengths(void);
int hostile_forms(void);
int hostile_tensors(void);
int hostile_files(void);

#endif
