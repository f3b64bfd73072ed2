/* SPDX-License-Identifier: Apache-2.0 */
/* blas.h - what OpenBLAS must be told while it is loaded, and how much room it takes. */
#ifndef RAVINE_NETWORK_BLAS_H
#define RAVINE_NETWORK_BLAS_H

#include <stdbool.h>

/* Sets in the environment what OpenBLAS should read when it is loaded, where the user has not: the
 * code for this processor, and no threads of its own, each of which takes a buffer and is never
 * used here. True: the program must start again for that. */
bool blas_prepare(void);

/* OpenBLAS takes a buffer for each thread that uses it, and one for each of its own; where it gets
 * none it tries for ever. Whether there is room for so many. */
bool blas_has_room(int threads);
/* The same as 0 or an exit code of io/failure.h. */
int blas_check_room(int threads);

#endif
