/* SPDX-License-Identifier: Apache-2.0 */
/* run_worst.h - RUN/worst.json: the examples of the test that a run is most wrong about, as
 * trainer/worst.h tells them.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_RUN_WORST_H
#define RAVINE_RUN_WORST_H

#include <jansson.h>

#define RUN_WORST_PICTURE "data:image/png;base64," /* how each picture begins */

/* Takes the reference; NULL, what jansson gives without memory, is a failure. */
int run_worst_write(const char *folder, json_t *examples);
/* Where there is one: it is of other weights. */
void run_worst_remove(const char *folder);
/* *examples: a list of objects, to be released; NULL where there is no file. What they hold is
 * checked by who shows it. */
int run_worst_read(json_t **examples, const char *folder);

#endif
