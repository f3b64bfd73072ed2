/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - what a place of computation offers to an optimizer: memory for its state, copies to
 * and from there, passes over parameters, sums of what they found. The first one is the processor's
 * cores (cpu/). Stages of a step (optimizer/step.c) go through it, and know of no other way.
 */
#ifndef RAVINE_BACKEND_BACKEND_H
#define RAVINE_BACKEND_BACKEND_H

#include "ravine.h"
#include "update/elementwise/kernel.h"

struct step;
struct param;

/* A pass goes over every block of every parameter that takes part in the step. Those from FOLD to
 * LOOK are of rules that want them alone; of FOLD and MEANS a block stands for its share of rows,
 * columns and matrices.
 * X(NAME, what it does) */
#define PASS_LIST(X)                                                         \
    X(NORM, "sums of squares of the gradients, and the guard's counts")      \
    X(FOLD, "squares of gradients into the means of rows and columns")       \
    X(MEANS, "of the rows of each matrix")                                   \
    X(LOOK, "state, and sums over the tensor, of rules that wait for these") \
    X(UPDATE, "the step: state, parameters, statistics")

#define X(NAME, text) PASS_##NAME,
typedef enum step_pass { PASS_LIST(X) } step_pass;
#undef X

typedef struct backend {
    const char *name;
    /* Memory for state, not cleared, through the caller's allocator; NULL after ravine_fail. */
    void *(*alloc)(const ravine_env *env, size_t bytes);
    void (*free)(const ravine_env *env, void *memory, size_t bytes);
    /* Numbers of state or parameters to another place; the two do not overlap. */
    void (*copy)(void *to, const void *from, size_t bytes);
    /* Starts a pass. What it finds in a block is in the parameter's statistics after wait(). */
    void (*run)(const struct step *s, step_pass pass);
    void (*wait)(const struct step *s);
    /* Adds to *sum what the last pass found in the blocks of a parameter, in their order;
     * first_nonfinite is the index in the parameter. */
    void (*reduce)(const struct param *p, block_statistics *sum);
} backend;

extern const backend ravine_backend_cpu;

#endif
