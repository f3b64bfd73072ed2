/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_follow.c - a log that grows, or is written anew as a whole: looked at whenever it has
 * changed and then stood still for a moment. What cannot be read yet is waited for. */
#include "cli/interrupt.h"
#include "commands/doctor/doctor.h"
#include "io/input.h"
#include "page/printable.h"
#include "run/diagnosis.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_MILLISECONDS = 500, LOOKS_AT_MOST = 4 };

/* Until the next look; a signal ends it. */
static void wait_a_moment(void) {
    const struct timespec moment = {.tv_nsec = LOOK_MILLISECONDS * 1000000L};
    nanosleep(&moment, NULL);
}

/* What changes with a file: its size and time of writing, and which one it is. */
static uint64_t stamp_file(uint64_t stamp, const char *path) {
    struct stat facts;
    if (stat(path, &facts)) return stamp;
    const uint64_t parts[] = {(uint64_t)facts.st_ino, (uint64_t)facts.st_size,
                              (uint64_t)facts.st_mtim.tv_sec, (uint64_t)facts.st_mtim.tv_nsec};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        stamp = (stamp ^ parts[k]) * 0x9E3779B97F4A7C15u;
    return stamp;
}

/* Of the path, of the file in it that was read, of what SQLite keeps beside that, of the log of a
 * run. A folder of which no single file was read counts as changed each time. */
static uint64_t stamp_of(const doctor_answer *answer, uint64_t look) {
    char run[PATH_MAX], newer[PATH_MAX];
    uint64_t stamp = stamp_file(1, answer->path);
    snprintf(run, sizeof run, "%s/run.jsonl", answer->path);
    stamp = stamp_file(stamp, run);
    if (!answer->log.path) return stamp;
    if (input_is_folder(answer->log.path)) return look / LOOKS_AT_MOST;
    snprintf(newer, sizeof newer, "%s-wal", answer->log.path);
    return stamp_file(stamp_file(stamp, answer->log.path), newer);
}

static void say(const doctor_answer *answer) {
    char text[DIAGNOSIS_LINE_SIZE];
    diagnosis_line(&answer->examination.diagnosis, text, sizeof text);
    printf("step %" PRId64 "  ", answer->examination.diagnosis.step);
    printable_put(stdout, text);
    putchar('\n');
    fflush(stdout);
}

/* Once for each thing that is waited for. */
static void say_waiting(char told[256]) {
    if (!strncmp(told, failure_text(), 255)) return;
    snprintf(told, 256, "%s", failure_text());
    fputs("ravine: waiting: ", stderr);
    printable_put(stderr, told);
    fputc('\n', stderr);
}

/* Reads it anew; what was read before stays where that fails. */
static int look_again(doctor_answer *answer, const doctor_request *request) {
    doctor_answer now = {.path = answer->path};
    const int status = doctor_look(&now, request);
    if (status) {
        log_free(&now.log);
        return status;
    }
    log_free(&answer->log);
    *answer = now;
    return 0;
}

/* A log that never stands still is looked at all the same. */
static bool is_due(uint64_t stamp, uint64_t before, uint64_t seen, uint64_t since) {
    return stamp != seen && (stamp == before || since >= LOOKS_AT_MOST);
}

/* A signal came, or nobody reads any more. */
static bool is_over(void) {
    return interrupt_came() || ferror(stdout);
}

int doctor_watch_log(doctor_answer *answer, const doctor_request *request) {
    char told[256] = "";
    int status = 0, verdict = -1;
    uint64_t before = 0, seen = 0;
    interrupt_hold();
    for (uint64_t look = 0, last = 0; !is_over(); look++, wait_a_moment()) {
        const uint64_t stamp = stamp_of(answer, look);
        const bool due = look == 0 || is_due(stamp, before, seen, look - last);
        before = stamp;
        if (!due) continue;
        seen = stamp;
        last = look;
        status = look_again(answer, request);
        if (status) say_waiting(told);
        const int found = answer->examination.diagnosis.verdict;
        if (status || found == verdict) continue;
        verdict = found;
        say(answer);
    }
    return verdict < 0 ? status : 0;
}
