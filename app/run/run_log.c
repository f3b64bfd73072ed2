/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_log.h"

#include "io/failure.h"
#include "run/log_file.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_log {
    log_file *file;
    bool in_line; /* a line has begun and waits for run_log_end */
};

int run_log_create(run_log **out, const char *path, const json_t *header) {
    run_log *log = calloc(1, sizeof *log);
    if (!log) return failure(EXIT_INPUT, "cannot create %s: no memory", path);
    int code = log_file_create(&log->file, path);
    if (!code) code = run_log_object(log, header);
    if (!code) code = log_file_flush(log->file);
    if (code) {
        log_file_discard(log->file);
        return free(log), code;
    }
    *out = log;
    return 0;
}

int run_log_open(run_log **out, const char *path) {
    run_log *log = calloc(1, sizeof *log);
    if (!log) return failure(EXIT_INPUT, "cannot open %s: no memory", path);
    int code = log_file_open(&log->file, path);
    if (code) return free(log), code;
    *out = log;
    return 0;
}

int run_log_check(const run_log *log, int64_t length) {
    return log_file_check(log->file, length, true);
}

int run_log_cut(run_log *log, int64_t length) {
    return log_file_cut(log->file, length);
}

int run_log_append(run_log *log, int64_t length) {
    return log_file_append(log->file, length);
}

int run_log_position(run_log *log, int64_t *length) {
    return log_file_position(log->file, length);
}

int run_log_object(run_log *log, const json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text) return failure(EXIT_INPUT, "cannot write the run log: no memory, or not UTF-8");
    log_file_add(log->file, text, strlen(text));
    log_file_add(log->file, "\n", 1);
    free(text);
    log_file_end_record(log->file);
    log_file_hurry(log->file);
    return 0;
}

static void add_text(run_log *log, const char *text) {
    log_file_add(log->file, text, strlen(text));
}

static void add_key(run_log *log, const char *key) {
    add_text(log, log->in_line ? ",\"" : "{\"");
    add_text(log, key);
    add_text(log, "\":");
    log->in_line = true;
}

static void add_number(run_log *log, double value) {
    char text[RAVINE_NUMBER_MAX] = "null";
    if (isfinite(value)) ravine_number_write(text, value);
    add_text(log, text);
}

void run_log_integer(run_log *log, const char *key, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_key(log, key);
    add_text(log, text);
}

void run_log_number(run_log *log, const char *key, double value) {
    add_key(log, key);
    add_number(log, value);
}

void run_log_numbers(run_log *log, const char *key, const double *values, size_t count) {
    add_key(log, key);
    for (size_t k = 0; k < count; k++) {
        add_text(log, k ? "," : "[");
        add_number(log, values[k]);
    }
    add_text(log, count ? "]" : "[]");
}

void run_log_end(run_log *log) {
    add_text(log, log->in_line ? "}\n" : "{}\n");
    log->in_line = false;
    log_file_end_record(log->file);
}

const char *run_log_behind(const run_log *log) {
    return log_file_behind(log->file);
}

int run_log_close(run_log *log) {
    if (!log) return 0;
    int code = log_file_close(log->file);
    free(log);
    return code;
}
