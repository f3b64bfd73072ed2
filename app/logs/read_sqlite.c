/* SPDX-License-Identifier: Apache-2.0 */
/* read_sqlite.c - stores in SQLite: MLflow's mlflow.db, metrics(key, value, timestamp, run_uuid,
 * step, is_nan), and Trackio's PROJECT.db, metrics(run_name, timestamp, step, metrics), where
 * metrics is a JSON object.
 *
 * The file is opened to be read alone, and nothing is made beside it. Where a program still writes
 * it, its newest rows are in FILE-wal, which is read where the one beside it, FILE-shm, is there.
 * What a hostile file could do in SQL is shut: no code in its schema is trusted, only true tables
 * are asked, texts have a limit, and a question that takes too long is given up. */
#include "data/csv.h"
#include "io/failure.h"
#include "logs/log_folder.h"
#include "logs/log_json.h"
#include "logs/log_reader.h"
#include "logs/log_store.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MLFLOW_FILE "mlflow.db"

enum { TEXT_MAX = 1 << 22, OPERATIONS = 1 << 20, ROUNDS_MAX = 1 << 14 };

typedef struct store {
    sqlite3 *db;
    const char *path;
    int rounds; /* of a million operations each */
} store;

/* ---- a question ------------------------------------------------------------------------------ */

static int wrong(const store *s) {
    if (s->rounds > ROUNDS_MAX)
        return failure(FAILURE_INPUT, "%s: reading it takes too long; it is not read", s->path);
    return failure(FAILURE_INPUT, "%s: SQLite says: %s", s->path, sqlite3_errmsg(s->db));
}

static int ask(const store *s, sqlite3_stmt **out, const char *sql, const char *text) {
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK) return wrong(s);
    if (text && sqlite3_bind_text(*out, 1, text, -1, SQLITE_TRANSIENT) != SQLITE_OK)
        return wrong(s);
    return 0;
}

typedef int row_reader(void *context, sqlite3_stmt *row);

/* Hands every row of the answer to `read` until that fails; text is the first parameter. */
static int each_row(const store *s, const char *sql, const char *text, row_reader *read,
                    void *context) {
    sqlite3_stmt *rows = NULL;
    int status = ask(s, &rows, sql, text), step = SQLITE_DONE;
    while (!status && (step = sqlite3_step(rows)) == SQLITE_ROW) status = read(context, rows);
    if (!status && step != SQLITE_DONE) status = wrong(s);
    sqlite3_finalize(rows);
    return status;
}

/* "" for NULL and where memory ends; what stands behind a byte 0 is not seen. */
static const char *text_of(sqlite3_stmt *row, int column) {
    const unsigned char *text = sqlite3_column_text(row, column);
    return text ? (const char *)text : "";
}

/* ---- opening --------------------------------------------------------------------------------- */

static int count_round(void *context) {
    store *s = context;
    return ++s->rounds > ROUNDS_MAX;
}

/* What has a meaning in "file:PATH?..." becomes %XX. */
static char *uri_of(const char *path, const char *how) {
    const size_t length = strlen(path);
    char *uri = malloc(3 * length + strlen(how) + 8), *at = uri;
    if (!uri) return NULL;
    at += sprintf(at, "file:");
    for (size_t k = 0; k < length; k++)
        at += sprintf(at,
                      isalnum((unsigned char)path[k]) || strchr("/._-", path[k]) ? "%c" : "%%%02X",
                      (unsigned char)path[k]);
    sprintf(at, "?%s", how);
    return uri;
}

/* Is it open, and can it be read? */
static bool try_open(store *s, const char *how) {
    char *uri = uri_of(s->path, how);
    if (!uri) return false;
    sqlite3_close(s->db);
    s->db = NULL;
    const int opened = sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    free(uri);
    if (opened != SQLITE_OK || !s->db) return false;
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, TEXT_MAX);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_progress_handler(s->db, OPERATIONS, count_round, s);
    return sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK;
}

static bool has_newer_rows(const char *path) {
    char beside[PATH_MAX];
    return snprintf(beside, sizeof beside, "%s-wal", path) < (int)sizeof beside &&
           log_is_file(beside);
}

static int open_store(store *s, log_data *log) {
    if (has_newer_rows(s->path)) {
        if (try_open(s, "mode=ro&readonly_shm=1")) return 0;
        log_note(log, "%s-wal has newer rows that are not read: close the program that writes it",
                 log_path_name(s->path));
    }
    if (try_open(s, "mode=ro&immutable=1")) return 0;
    return s->db ? wrong(s) : failure(FAILURE_INPUT, "%s: out of memory", s->path);
}

/* ---- MLflow ---------------------------------------------------------------------------------- */

typedef struct runs_reader {
    log_store *runs;
    const char *path;
} runs_reader;

static int read_run(void *context, sqlite3_stmt *row) {
    const runs_reader *r = context;
    return log_store_add(r->runs, r->path, text_of(row, 0), text_of(row, 1));
}

/* Infinities are stored as the greatest double, NaN as a 0 that is marked. */
static double mlflow_value(sqlite3_stmt *row) {
    const double value = sqlite3_column_double(row, 1);
    if (sqlite3_column_int(row, 4)) return (double)NAN;
    return fabs(value) >= 1.7976931348623157e308 ? copysign((double)INFINITY, value) : value;
}

static int read_mlflow_row(void *context, sqlite3_stmt *row) {
    log_data *log = context;
    int status = log_row(log, 0);
    if (!status) status = log_put(log, "step", sqlite3_column_double(row, 3));
    if (!status) status = log_put(log, "_timestamp", sqlite3_column_double(row, 2) / 1000);
    return status ? status : log_put(log, text_of(row, 0), mlflow_value(row));
}

static const char mlflow_runs[] =
    "SELECT m.run_uuid, coalesce(r.name, '') FROM (SELECT DISTINCT run_uuid FROM metrics) m "
    "LEFT JOIN runs r ON r.run_uuid = m.run_uuid "
    "WHERE coalesce(r.lifecycle_stage, '') <> 'deleted' ORDER BY r.start_time, m.run_uuid";
static const char mlflow_rows[] = "SELECT key, value, timestamp, step, is_nan FROM metrics "
                                  "WHERE run_uuid = ?1 ORDER BY rowid";

/* ---- Trackio --------------------------------------------------------------------------------- */

static int read_trackio_row(void *context, sqlite3_stmt *row) {
    log_data *log = context;
    const char *text = text_of(row, 1);
    json_error_t error;
    json_t *metrics = log_json_parse(text, strlen(text), &error);
    int status = 0;
    if (!json_is_object(metrics))
        status = failure(FAILURE_INPUT, "%s: metrics of step %" PRId64 " are no JSON object: %s",
                         log->path, (int64_t)sqlite3_column_int64(row, 0), csv_quote(text).text);
    if (!status) status = log_row(log, 0);
    if (!status) status = log_put(log, "step", sqlite3_column_double(row, 0));
    if (!status) status = log_json_put(log, metrics);
    json_decref(metrics);
    return status;
}

/* Older stores have no run_id, and a name for each run. */
static const char trackio_runs[] =
    "SELECT run_id, min(run_name) FROM metrics GROUP BY run_id ORDER BY min(id)";
static const char trackio_rows[] =
    "SELECT step, metrics FROM metrics WHERE run_id = ?1 ORDER BY rowid";
static const char trackio_old_runs[] =
    "SELECT run_name, '' FROM metrics GROUP BY run_name ORDER BY min(id)";
static const char trackio_old_rows[] =
    "SELECT step, metrics FROM metrics WHERE run_name = ?1 ORDER BY rowid";

/* ---- which it is ----------------------------------------------------------------------------- */

typedef struct kind {
    const char *format, *columns; /* of the table "metrics", that it is known by */
    const char *runs, *rows;
    row_reader *read;
} kind;

static const kind kinds[] = {
    {"MLflow store (SQLite)", " key value timestamp run_uuid step is_nan ", mlflow_runs,
     mlflow_rows, read_mlflow_row},
    {"Trackio store", " run_id run_name step metrics ", trackio_runs, trackio_rows,
     read_trackio_row},
    {"Trackio store", " run_name step metrics ", trackio_old_runs, trackio_old_rows,
     read_trackio_row},
};

typedef struct columns {
    char text[1024]; /* " a b c " */
} columns;

static int add_column(void *context, sqlite3_stmt *row) {
    columns *c = context;
    const size_t used = strlen(c->text);
    const char *name = text_of(row, 0);
    if (!strchr(name, ' ')) snprintf(c->text + used, sizeof c->text - used, "%s ", name);
    return 0;
}

/* Both are " a b c ". */
static bool has_columns(const columns *c, const char *wanted) {
    for (const char *end; (end = strchr(wanted + 1, ' ')); wanted = end) {
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)(end - wanted) + 1, wanted);
        if (!strstr(c->text, word)) return false;
    }
    return true;
}

static int find_kind(const store *s, const kind **out) {
    columns c = {" "};
    /* A true table alone: a view or a virtual one is a program of its own. */
    static const char sql[] = "SELECT i.name FROM sqlite_schema t, pragma_table_info('metrics') i "
                              "WHERE t.type = 'table' AND t.name = 'metrics' "
                              "AND t.rootpage > 0";
    const int status = each_row(s, sql, NULL, add_column, &c);
    if (status) return status;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (has_columns(&c, kinds[k].columns)) return *out = &kinds[k], 0;
    return failure(FAILURE_INPUT,
                   "%s: a database of SQLite without a table \"metrics\" as MLflow or Trackio have "
                   "it",
                   s->path);
}

static int read_store(const store *s, log_data *log, const char *wanted) {
    const kind *k = NULL;
    log_store runs = {0};
    runs_reader r = {&runs, s->path};
    size_t chosen = 0;
    int status = find_kind(s, &k);
    if (status) return status;
    log->format = k->format;
    status = each_row(s, k->runs, NULL, read_run, &r);
    if (!status && runs.count == 0)
        status = failure(FAILURE_INPUT, "%s: there is no run with a metric in it", s->path);
    if (!status) status = log_store_choose(&runs, log, wanted, &chosen);
    if (!status) status = each_row(s, k->rows, runs.run[chosen].id, k->read, log);
    log_store_free(&runs);
    return status;
}

bool log_sqlite_recognises(const log_source *source) {
    static const char magic[16] = "SQLite format 3";
    if (source->folder) return log_has_file(source->path, MLFLOW_FILE);
    return source->size >= sizeof magic && !memcmp(source->head, magic, sizeof magic);
}

int log_sqlite_read(log_data *log, const log_source *source) {
    char path[PATH_MAX];
    if (!log_path_join(path, source->path, source->folder ? MLFLOW_FILE : "")) return 0;
    store s = {.path = path};
    int status = open_store(&s, log);
    if (!status) status = read_store(&s, log, source->run);
    sqlite3_close(s.db);
    return status;
}
