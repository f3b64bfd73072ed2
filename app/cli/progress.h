/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one line on stderr that tells how far something is, where stderr is a terminal.
 *
 *     progress p = progress_begin("reading", "images", count);
 *     for (...) progress_to(&p, k);          or progress_add(&p, 1), from any thread
 *     progress_end(&p);                      nothing of it is left on the screen
 *
 * What takes less than a second shows nothing. One line is on the screen at a time.
 */
#ifndef RAVINE_CLI_PROGRESS_H
#define RAVINE_CLI_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

double seconds_now(void); /* of a clock that never jumps */

/* 75 -> "1:15", 3675 -> "1:01:15"; 60000 -> "60,000" */
enum { NUMBER_SIZE = 32 };
const char *clock_text(char text[NUMBER_SIZE], double seconds);
const char *grouped(char text[NUMBER_SIZE], int64_t number);

/* ---- a line that is drawn again and again ---- */
typedef struct live_line {
    bool live, drawn;
    double drawn_at; /* seconds */
} live_line;
live_line live_line_begin(void);
/* True at most ten times a second, and never where nobody would see it. */
bool live_line_is_due(const live_line *l);
void live_line_draw(live_line *l, const char *text); /* what is too long is cut */
void live_line_erase(live_line *l);
/* WHAT COUNT UNIT, for what cannot tell how far it is: where there are fewer than `most` of them it
 * takes no seconds, and nothing is shown. Erase it at the end. */
live_line live_line_show(const char *what, int64_t count, const char *unit, int64_t most);
/* From now on there is none: --quiet. */
void live_line_silence(void);

/* ---- how far ---- */
typedef struct progress {
    const char *what, *unit; /* the caller's */
    int64_t total;
    double begun_at;
    live_line line;
    atomic_llong done;
    atomic_flag drawing;
} progress;
progress progress_begin(const char *what, const char *unit, int64_t total);
void progress_to(progress *p, int64_t done);
void progress_add(progress *p, int64_t more);
/* Erases the line. It comes back if the work goes on, so that other lines can be printed between.
 */
void progress_end(progress *p);
/* Of bytes, told in MB. */
progress progress_begin_bytes(const char *what, int64_t bytes);
void progress_to_byte(progress *p, int64_t at);

#endif
