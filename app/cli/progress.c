/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *grouped(char text[NUMBER_SIZE], int64_t number) {
    char digits[NUMBER_SIZE];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number), at = 0;
    for (int k = 0; k < length; k++) {
        if (k > 0 && (length - k) % 3 == 0 && digits[k - 1] != '-') text[at++] = ',';
        text[at++] = digits[k];
    }
    text[at] = '\0';
    return text;
}

const char *clock_text(char text[NUMBER_SIZE], double seconds) {
    int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, NUMBER_SIZE, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    else
        snprintf(text, NUMBER_SIZE, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return text;
}

/* ---- a line ---- */

static bool silent;

void live_line_silence(void) {
    silent = true;
}

live_line live_line_begin(void) {
    return (live_line){.live = !silent && cli_terminal(stderr)};
}

bool live_line_is_due(const live_line *l) {
    static const double REDRAW_SECONDS = 0.1;
    return l->live && seconds_now() - l->drawn_at >= REDRAW_SECONDS;
}

void live_line_draw(live_line *l, const char *text) {
    fprintf(stderr, "\r%.*s\033[K", cli_width(stderr) - 1, text);
    l->drawn = true;
    l->drawn_at = seconds_now();
}

void live_line_erase(live_line *l) {
    if (l->drawn) fputs("\r\033[K", stderr);
    l->drawn = false;
}

live_line live_line_show(const char *what, int64_t count, const char *unit, int64_t most) {
    live_line line = live_line_begin();
    char text[256], number[NUMBER_SIZE];
    if (!line.live || count < most) return line;
    snprintf(text, sizeof text, "%s %s %s", what, grouped(number, count), unit);
    live_line_draw(&line, text);
    return line;
}

/* ---- how far ---- */

progress progress_begin(const char *what, const char *unit, int64_t total) {
    return (progress){.what = what,
                      .unit = unit,
                      .total = total,
                      .begun_at = seconds_now(),
                      .line = live_line_begin(),
                      .drawing = ATOMIC_FLAG_INIT};
}

/* "reading: 1,234 of 7,265 images, 0:12 left"; a total that was too small is not told as one. */
static void draw(progress *p, int64_t done) {
    static const double SILENT_SECONDS = 1;
    const double seconds = seconds_now() - p->begun_at;
    if (seconds < SILENT_SECONDS || done < 1) return;
    char text[256], now[NUMBER_SIZE], all[NUMBER_SIZE], left[NUMBER_SIZE];
    if (done <= p->total)
        snprintf(text, sizeof text, "%s: %s of %s %s, %s left", p->what, grouped(now, done),
                 grouped(all, p->total), p->unit,
                 clock_text(left, seconds / (double)done * (double)(p->total - done)));
    else
        snprintf(text, sizeof text, "%s: %s %s", p->what, grouped(now, done), p->unit);
    live_line_draw(&p->line, text);
}

/* Of several threads one draws; the others go on. */
static void draw_where_due(progress *p, int64_t done) {
    if (!p->line.live || atomic_flag_test_and_set(&p->drawing)) return;
    if (live_line_is_due(&p->line)) draw(p, done);
    atomic_flag_clear(&p->drawing);
}

void progress_to(progress *p, int64_t done) {
    atomic_store(&p->done, done);
    draw_where_due(p, done);
}

void progress_add(progress *p, int64_t more) {
    draw_where_due(p, atomic_fetch_add(&p->done, more) + more);
}

void progress_end(progress *p) {
    live_line_erase(&p->line);
}

enum { MEGABYTE = 1000000 };

progress progress_begin_bytes(const char *what, int64_t bytes) {
    return progress_begin(what, "MB", bytes / MEGABYTE);
}

void progress_to_byte(progress *p, int64_t at) {
    progress_to(p, at / MEGABYTE);
}
