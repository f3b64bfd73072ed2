/* blas.h - the one thing that OpenBLAS must be told. */
#ifndef RAVINE_NET_BLAS_H
#define RAVINE_NET_BLAS_H

/* OpenBLAS chooses its code when it is loaded, by a list of processor models; to a processor newer
 * than the list it gives the oldest code, several times slower. Returns the OPENBLAS_CORETYPE to
 * start the program again with, or NULL if the choice is good or was made by the user. */
const char *blas_better_core(void);

#endif
