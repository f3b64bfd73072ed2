/* SPDX-License-Identifier: Apache-2.0 */
/* once.h - what is done once, whichever thread comes first; RAVINE_NO_THREADS: there is only one.
 */
#ifndef RAVINE_BASE_ONCE_H
#define RAVINE_BASE_ONCE_H

#if defined(RAVINE_NO_THREADS)
typedef int once;
#define ONCE_BEGIN 0
static inline void run_once(once *done, void (*work)(void)) {
    if (!*done) work();
    *done = 1;
}
#else
#include <pthread.h>
typedef pthread_once_t once;
#define ONCE_BEGIN PTHREAD_ONCE_INIT
static inline void run_once(once *done, void (*work)(void)) {
    pthread_once(done, work);
}
#endif

#endif
