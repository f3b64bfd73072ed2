/* SPDX-License-Identifier: Apache-2.0 */
/* read_mlflow.c - MLflow's store of files: mlruns/EXPERIMENT/RUN/metrics/KEY, a line "timestamp
 * value step" for each number, the timestamp in milliseconds; a key with "/" is a path. What is
 * given is the folder of a run, of an experiment, mlruns, or the one that has mlruns in it. */
#include "io/failure.h"
#include "io/input.h"
#include "logs/log_folder.h"
#include "logs/log_reader.h"
#include "logs/log_store.h"
#include "text/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 8, FOLDERS_MAX = 20000, NAME_MAX_BYTES = 4096 };

/* ---- where runs lie -------------------------------------------------------------------------- */

/* A folder metrics/ may be anybody's; with meta.yaml beside it, it is MLflow's. */
static bool is_run(const char *folder) {
    char path[PATH_MAX];
    return log_has_file(folder, "meta.yaml") && log_path_join(path, folder, "metrics") &&
           input_is_folder(path);
}

/* What somebody called it: tags/mlflow.runName. */
static void read_name(const char *run, char name[LOG_KEY_MAX]) {
    char path[PATH_MAX];
    unsigned char *bytes;
    size_t size;
    *name = '\0';
    if (!log_path_join(path, run, "tags/mlflow.runName") || !log_is_file(path)) return;
    if (input_read(path, NAME_MAX_BYTES, &bytes, &size)) return;
    snprintf(name, LOG_KEY_MAX, "%.*s", (int)strnlen((const char *)bytes, size),
             (const char *)bytes);
    free(bytes);
}

typedef struct search {
    log_store runs;
    log_list places; /* [runs.count] their paths */
    size_t seen;     /* folders */
} search;

static void search_free(search *s) {
    log_store_free(&s->runs);
    log_list_free(&s->places);
}

static int add_run(search *s, const char *run) {
    char name[LOG_KEY_MAX];
    read_name(run, name);
    const int status = log_list_add(&s->places, run, run);
    return status ? status : log_store_add(&s->runs, run, log_path_name(run), name);
}

/* The runs in a folder and, `deeper` times, in those in it. */
static int find_runs(search *s, const char *folder, int deeper) {
    char path[PATH_MAX];
    log_list entries = {0};
    if (s->seen++ == FOLDERS_MAX)
        return failure(FAILURE_INPUT, "%s: more than %d folders before it, the limit", folder,
                       FOLDERS_MAX);
    if (is_run(folder)) return add_run(s, folder);
    if (!deeper) return 0;
    int status = log_folder_list(&entries, folder);
    for (size_t k = 0; k < entries.count && !status; k++)
        if (log_path_join(path, folder, entries.text[k]) && input_is_folder(path))
            status = find_runs(s, path, deeper - 1);
    log_list_free(&entries);
    return status;
}

/* Beside mlruns they lie three folders below. */
static int find_all(search *s, const log_source *source) {
    return source->folder ? find_runs(s, source->path, 3) : 0;
}

bool log_mlflow_recognises(const log_source *source) {
    search s = {0};
    const bool found = !find_all(&s, source) && s.runs.count > 0;
    search_free(&s);
    return found;
}

/* ---- the numbers of a run -------------------------------------------------------------------- */

static int wrong_line(const char *path, size_t line, const char *what) {
    return failure(FAILURE_INPUT, "%s, line %zu: %s; a line is \"timestamp value step\"", path,
                   line, what);
}

/* Cuts the next word off *rest; "" where there is none. */
static char *next_word(char **rest) {
    char *word = *rest + strspn(*rest, " \t\r");
    *rest = word + strcspn(word, " \t\r");
    if (**rest) *(*rest)++ = '\0';
    return word;
}

static bool is_number(const char *word) {
    return *word && !*ravine_number_end(word);
}

static int read_line(log_data *log, const char *path, const char *key, char *text, size_t line) {
    const char *time = next_word(&text), *value = next_word(&text), *step = next_word(&text);
    if (!*time) return 0;
    if (!is_number(time) || !*value || (*step && !is_number(step)))
        return wrong_line(path, line, "this is none");
    int status = log_row(log, (int64_t)line);
    if (!status) status = log_put(log, "step", *step ? ravine_number_read(step) : 0);
    return status ? status : log_put_text(log, key, value, false);
}

/* The last line may lack its end: the training still runs. Then it does not count. */
static int read_lines(log_data *log, const char *path, const char *key, char *text, size_t size) {
    char *const end = text + size;
    size_t line = 1;
    if (memchr(text, '\0', size)) return wrong_line(path, 1, "there is a byte 0 in the file");
    for (int status = 0; text < end; line++) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop) {
            log_note(log, "metrics/%s: the last line is cut, and not read", key);
            return 0;
        }
        *stop = '\0';
        status = read_line(log, path, key, text, line);
        if (status) return status;
        text = stop + 1;
    }
    return 0;
}

static int read_metric(log_data *log, const char *path, const char *key) {
    unsigned char *bytes;
    size_t size;
    struct stat facts;
    if (!stat(path, &facts) && facts.st_size == 0) return 0;
    int status = input_read(path, LOG_BYTES_MAX, &bytes, &size);
    if (status) return status;
    status = read_lines(log, path, key, (char *)bytes, size);
    free(bytes);
    return status;
}

static int read_metrics(log_data *log, const char *folder, const char *above, int depth) {
    char path[PATH_MAX], key[PATH_MAX];
    log_list entries = {0};
    int status = log_folder_list(&entries, folder);
    for (size_t k = 0; k < entries.count && !status; k++) {
        const char *name = entries.text[k];
        if (!log_path_join(path, folder, name)) continue;
        if (!(*above ? log_path_join(key, above, name) : log_path_join(key, name, ""))) continue;
        if (input_is_folder(path) && depth < DEPTH_MAX)
            status = read_metrics(log, path, key, depth + 1);
        else if (log_is_file(path))
            status = read_metric(log, path, key);
    }
    log_list_free(&entries);
    return status;
}

static int read_run(log_data *log, const char *run) {
    char path[PATH_MAX];
    if (!log_path_join(path, run, "metrics")) return 0;
    const int status = read_metrics(log, path, "", 0);
    if (status || log->nrows > 0) return status;
    return failure(FAILURE_INPUT, "%s: a run of MLflow without a metric", run);
}

int log_mlflow_read(log_data *log, const log_source *source) {
    search s = {0};
    size_t chosen = 0;
    int status = find_all(&s, source);
    if (!status) status = log_store_choose(&s.runs, log, source->run, &chosen);
    if (!status) status = read_run(log, s.places.text[chosen]);
    search_free(&s);
    return status;
}
