/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - which reader knows a log, and the way from its rows to points. */
#include "io/failure.h"
#include "io/input.h"
#include "logs/log_folder.h"
#include "logs/log_names.h"
#include "logs/log_points.h"
#include "logs/log_reader.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the readers ---- */

typedef struct log_reader {
    const char *format;
    bool (*recognises)(const log_source *source);
    int (*read)(log_data *log, const log_source *source);
} log_reader;

static const log_reader readers[] = {
#define READER(name, format) {format, log_##name##_recognises, log_##name##_read},
#include "logs/readers.def"
#undef READER
};

static const log_reader *reader_of(const log_source *source) {
    for (size_t k = 0; k < sizeof readers / sizeof *readers; k++)
        if (readers[k].recognises(source)) return &readers[k];
    return NULL;
}

enum { HEAD_SIZE = 4096 };

/* A folder has no head, and neither has a file that cannot be opened: reading it tells why. */
static log_source source_of(const char *path, unsigned char head[HEAD_SIZE]) {
    log_source source = {.path = path, .head = head};
    struct stat facts;
    FILE *file;
    if (stat(path, &facts)) return source;
    source.folder = S_ISDIR(facts.st_mode);
    if (source.folder || input_open(path, &file)) return source;
    source.size = fread(head, 1, HEAD_SIZE, file);
    fclose(file);
    return source;
}

/* ---- a log ---- */

static int unknown_format(const log_source *source) {
    if (source->folder)
        return failure(FAILURE_INPUT,
                       "%s: a folder with no log in it that is known here (run.jsonl, "
                       "trainer_state.json, metrics.csv; docs/logs.md)",
                       source->path);
    return failure(FAILURE_INPUT, "%s: no format of a log that is known here (docs/logs.md)",
                   source->path);
}

/* A file that is not there or empty is told as such. */
static int check_file(const log_source *source) {
    FILE *file;
    if (source->folder || source->size) return 0;
    const int status = input_open(source->path, &file);
    if (status) return status;
    fclose(file);
    return failure(FAILURE_INPUT, "%s: the file is empty", source->path);
}

static int read_rows(log_data *log, const log_source *source) {
    const int status = check_file(source);
    if (status) return status;
    const log_reader *reader = reader_of(source);
    if (!reader) return unknown_format(source);
    log->format = reader->format;
    log->path = strdup(source->path);
    return log->path ? reader->read(log, source) : failure(FAILURE_INPUT, "out of memory");
}

int log_read(log_data *log, const char *path, const log_choice *choice) {
    static const log_choice none;
    unsigned char head[HEAD_SIZE];
    log_source source = source_of(path, head);
    if (!choice) choice = &none;
    source.run = choice->run;
    *log = (log_data){.total_steps = NAN, .mean_over = NAN, .resumed = NAN};
    int status = read_rows(log, &source);
    if (!status) status = log_take_names(log, choice);
    return status ? status : log_make_points(log);
}

/* What is not there is told as a run that is not there; whatever is called run.jsonl makes a folder
 * a run of ours, which is then told what is wrong with it. */
bool log_is_foreign(const char *path) {
    struct stat facts;
    char log[PATH_MAX];
    if (stat(path, &facts)) return false;
    return !S_ISDIR(facts.st_mode) || !log_path_join(log, path, "run.jsonl") || lstat(log, &facts);
}
