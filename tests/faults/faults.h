/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - makes the file operations of the library fail, one after the other. */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fault_kind {
    FAULT_ERROR, /* the operation is not done and fails with `error` */
    FAULT_SHORT, /* reads and writes do half of their bytes, others are done */
    FAULT_EXIT,  /* the process ends before the operation, by _exit(FAULT_EXIT_CODE) */
    FAULT_KILL   /* the same by SIGKILL */
} fault_kind;
enum { FAULT_EXIT_CODE = 77 };

typedef struct fault {
    int64_t at; /* the operation, 1, 2, ...; 0: none, they are only counted */
    bool for_ever;
    fault_kind kind;
    int error;
} fault;

void faults_begin(fault f);
int64_t faults_end(void); /* how many operations there were */

/* One line for tools/trust: counter NAME NUMBER lost NUMBER. */
void faults_print(const char *name, int64_t number, int64_t lost);

#endif
