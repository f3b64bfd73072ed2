/* SPDX-License-Identifier: Apache-2.0 */
/* log_reader.h - what a reader of a format of logs is asked, and what it hands over.
 *
 * A new format is one row in readers.def and one file read_NAME.c.
 */
#ifndef RAVINE_LOGS_LOG_READER_H
#define RAVINE_LOGS_LOG_READER_H

#include "logs/log.h"

#include <limits.h>

/* What a reader is asked about. */
typedef struct log_source {
    const char *path;
    bool folder;
    const unsigned char *head; /* the first bytes of a file */
    size_t size;               /* how many: 4096, or all that there are */
    const char *run;           /* which of several (log_store.h); NULL: there should be one */
} log_source;

/* Of each format: does it recognise a source, and the reading of it. The first row of readers.def
 * that recognises a source reads it. */
#define READER(name, format)                                \
    bool log_##name##_recognises(const log_source *source); \
    int log_##name##_read(log_data *log, const log_source *source);
#include "logs/readers.def"
#undef READER

/* Begins a row: what is put until the next one belongs together. Its step is put like every other
 * number, under the name "step"; a wall time in seconds under "_timestamp". Rows may come in any
 * order of steps where each name's own are in order: files of one training one after the other. */
int log_row(log_data *log, int64_t line);
/* A number, finite or not, under its name in the file. */
int log_put(log_data *log, const char *key, double value);
/* Words in place of a number: "NaN", "inf" and the like are numbers, "", "None" and "NA" are
 * nothing, "12/500" is 12 of 500, "1,5" is 1.5 where `comma`. */
int log_put_text(log_data *log, const char *key, const char *text, bool comma);

/* Adds a sentence about the log; one for which there is no room is left out. */
__attribute__((format(printf, 2, 3))) void log_note(log_data *log, const char *format, ...);

/* The numbers of a name; NULL: it is not in the log. */
const log_series *log_series_of(const log_data *log, const char *key);

/* ---- log_files.c ---- */

/* "FOLDER/name" exists and is a file. */
bool log_has_file(const char *folder, const char *name);
/* The path of the file to read: the source itself, `file` in the folder that it is, or where there
 * is none in that of its folders prefix + number with the greatest number that has one; prefix
 * NULL: there are no such folders. False: it has none. */
bool log_find_file(const log_source *source, const char *prefix, const char *file,
                   char path[PATH_MAX]);
/* All of a file, for free(); from then on messages name it. */
int log_load(log_data *log, const char *path, size_t limit, unsigned char **bytes, size_t *size);

#endif
