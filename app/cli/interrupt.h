/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - signals as flags. */
#ifndef RAVINE_CLI_INTERRUPT_H
#define RAVINE_CLI_INTERRUPT_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on SIGINT, SIGTERM and SIGHUP leave at once, with FAILURE_INTERRUPTED: there is nothing
 * to save. */
void interrupt_catch(void);
/* SIGUSR1 waits, also beyond execve(2), for the next interrupt_catch(). */
void interrupt_defer_wish(void);
/* From now on the first of them sets a flag and the second one leaves. */
void interrupt_hold(void);
bool interrupt_came(void);
/* In a process that the program has forked: the signals are the program's, which tells the process
 * by interrupt_pass_on(), and by its own end. */
void interrupt_obey_parent(pid_t parent);
void interrupt_pass_on(pid_t child);
/* SIGUSR1, or a part of the program, wishes a checkpoint while training goes on. */
void interrupt_want_save(void);
bool interrupt_takes_save(void); /* whether one is wished; true once */

#endif
