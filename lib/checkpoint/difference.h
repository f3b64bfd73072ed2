/* SPDX-License-Identifier: Apache-2.0 */
/* difference.h - what a file has otherwise than it is here, each in one line. */
#ifndef RAVINE_CHECKPOINT_DIFFERENCE_H
#define RAVINE_CHECKPOINT_DIFFERENCE_H

#include "checkpoint/snapshot.h"

#define DIFFERENCE_MAX 384 /* bytes of a line; longer ones are cut */

typedef struct difference_list {
    void (*tell)(void *context, const char *line); /* or NULL */
    void *context;
    int64_t count;
    char first[DIFFERENCE_MAX];
} difference_list;

__attribute__((format(printf, 2, 3))) void ravine_difference_add(difference_list *d,
                                                                 const char *format, ...);
/* Told, but no difference. */
__attribute__((format(printf, 2, 3))) void ravine_difference_tell(const difference_list *d,
                                                                  const char *format, ...);

/* True if name, dtype and shape are the same. theirs NULL: there is none in the file. */
bool ravine_difference_tensor(difference_list *d, const ravine_tensor *theirs,
                              const ravine_tensor *ours);

/* Rules, settings, schedules and options, and which group a parameter is in. */
void ravine_difference_texts(difference_list *d, const ravine_checkpoint *file,
                             const snapshot *here);

#endif
