/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of many runs: MLflow's and Trackio's in SQLite, MLflow's folders; which run is wanted, and
 * stores that are damaged or made to do harm. tests/python reads those that the programs wrote. */
#include "support/scratch.h"

#include "io/failure.h"
#include "logs/log.h"

#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

static log_data log_;

static const char *make_store(const char *name, const char *sql) {
    const char *path = scratch_path(name);
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return path;
}

#define MLFLOW_TABLES                                                  \
    "CREATE TABLE runs (run_uuid, name, start_time, lifecycle_stage);" \
    "CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);"
#define MLFLOW_ROW(run, step, value, is_nan) \
    "INSERT INTO metrics VALUES ('loss', " value ", 1000, '" run "', " step ", " is_nan ");"
#define MLFLOW_RUN(run, name)                                                                      \
    "INSERT INTO runs VALUES ('" run "', '" name "', 1, 'active');" MLFLOW_ROW(run, "1", "3", "0") \
        MLFLOW_ROW(run, "2", "2", "0")
#define TRACKIO_TABLE \
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_id, run_name, step, metrics);"
#define TRACKIO_ROW(run, step, metrics) \
    "INSERT INTO metrics VALUES (NULL, 'id-" run "', '" run "', " step ", '" metrics "');"

static void read_ok(const char *path, const char *run, const char *format, size_t points) {
    const log_choice choice = {.run = run};
    if (log_read(&log_, path, &choice)) fail_msg("%s", failure_text());
    assert_string_equal(log_.format, format);
    assert_int_equal(log_.npoints, points);
}

static double loss_at(size_t k) {
    return log_.point[k].value[LOG_LOSS];
}

/* ---- SQLite: what is right ------------------------------------------------------------------- */

static void mlflow_store(void **state) {
    (void)state;
    const char *path = make_store(
        "mlflow.db", MLFLOW_TABLES MLFLOW_RUN("abcdef", "mine") MLFLOW_ROW("abcdef", "3", "0", "1")
                         MLFLOW_ROW("abcdef", "4", "1.7976931348623157e308", "0"));
    read_ok(path, NULL, "MLflow store (SQLite)", 4);
    assert_true(loss_at(0) == 3 && loss_at(1) == 2);
    assert_true(isnan(loss_at(2)) && log_.point[2].told & 1u << LOG_LOSS);
    assert_true(loss_at(3) == INFINITY);
    assert_true(log_.point[0].value[LOG_SECONDS] == 1);
    log_free(&log_);
    read_ok(scratch_folder, NULL, "MLflow store (SQLite)", 4); /* the folder with mlflow.db */
    log_free(&log_);
}

static void trackio_store(void **state) {
    (void)state;
    const char *path = make_store(
        "p.db", TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"train/loss\": 3, \"x\": {\"y\": 1}}")
                    TRACKIO_ROW("a", "2", "{\"train/loss\": NaN}"));
    read_ok(path, NULL, "Trackio store", 2);
    assert_true(loss_at(0) == 3);
    assert_true(isnan(loss_at(1)) && log_.point[1].told & 1u << LOG_LOSS);
    log_free(&log_);
}

/* Before there was a run_id. */
static void old_trackio_store(void **state) {
    (void)state;
    const char *path = make_store(
        "p.db", "CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name, step, metrics);"
                "INSERT INTO metrics VALUES (1, 'a', 1, '{\"loss\": 3}'), (2, 'b', 1, '{\"loss\": "
                "9}'), (3, 'a', 2, '{\"loss\": 2}');");
    read_ok(path, "a", "Trackio store", 2);
    assert_true(loss_at(1) == 2);
    log_free(&log_);
}

static void which_run(void **state) {
    (void)state;
    const char *path = make_store(
        "mlflow.db",
        MLFLOW_TABLES MLFLOW_RUN("aaaa1111", "first") MLFLOW_RUN("aaaa2222", "second")
            MLFLOW_RUN("bbbb3333", "second") MLFLOW_RUN(
                "cccc4444", "gone") "UPDATE runs SET "
                                    "lifecycle_stage = 'deleted' WHERE name = 'gone';"
                                    "UPDATE metrics SET value = 7 WHERE run_uuid = 'bbbb3333';");
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_USAGE);
    assert_told(path, "3 runs in it; choose one with --run", "first (aaaa1111)",
                "second (bbbb3333)");
    log_free(&log_);
    static const char *const none[] = {"second", "aaaa", "aaa", "x", "", "gone", "' OR 1 --"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        const log_choice choice = {.run = none[k]};
        assert_int_equal(log_read(&log_, path, &choice), FAILURE_USAGE);
        assert_told("is no run of it, or not one alone", "first (aaaa1111)");
        log_free(&log_);
    }
    static const char *const third[] = {"bbbb3333", "bbbb"};
    for (size_t k = 0; k < sizeof third / sizeof *third; k++) {
        read_ok(path, third[k], "MLflow store (SQLite)", 2);
        assert_true(loss_at(0) == 7);
        log_free(&log_);
    }
    read_ok(path, "first", "MLflow store (SQLite)", 2);
    assert_string_equal(log_.note[0], "first is one of 3 runs in it");
    log_free(&log_);
}

/* More runs than a line has room for, with names that are no words. */
static void many_runs(void **state) {
    (void)state;
    const char *path = make_store(
        "p.db", TRACKIO_TABLE
        "INSERT INTO metrics SELECT NULL, 'id' || value, char(27) || '[31m' || char(10) || "
        "printf('%.*c', 500, 'x'), 1, '{\"loss\": 1}' FROM "
        "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 300) "
        "SELECT value FROM n);");
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_USAGE);
    assert_told("300 runs in it", "and 288 more");
    assert_null(strchr(failure_text(), 27));
    log_free(&log_);
}

/* A program that writes the store at this moment: its newest rows are in the file beside it. */
static void newer_rows(void **state) {
    (void)state;
    const char *path = scratch_path("p.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA journal_mode = wal;" TRACKIO_TABLE TRACKIO_ROW(
                                      "a", "1", "{\"loss\": 3}")
                                      TRACKIO_ROW("a", "2", "{\"loss\": 2}"),
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    const int files = scratch_count();
    read_ok(path, NULL, "Trackio store", 2);
    assert_int_equal(log_.nnotes, 0);
    assert_int_equal(scratch_count(), files);
    log_free(&log_);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The same rows where the file that leads to them was not copied along. */
static void newer_rows_lost(void **state) {
    (void)state;
    sqlite3 *db;
    size_t size;
    assert_int_equal(sqlite3_open(scratch_path("p.db"), &db), SQLITE_OK);
    sqlite3_exec(
        db,
        "PRAGMA journal_mode = wal;" TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"loss\": 3}")
            TRACKIO_ROW("a", "2", "{\"loss\": 2}") "PRAGMA wal_checkpoint(TRUNCATE);" TRACKIO_ROW(
                "a", "3", "{\"loss\": 1}"),
        NULL, NULL, NULL);
    char *bytes = scratch_read(scratch_path("p.db"), &size);
    scratch_write("copy.db", bytes, size);
    free(bytes);
    bytes = scratch_read(scratch_path("p.db-wal"), &size);
    scratch_write("copy.db-wal", bytes, size);
    free(bytes);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    const int files = scratch_count();
    read_ok(scratch_path("copy.db"), NULL, "Trackio store", 2);
    assert_non_null(strstr(log_.note[0], "copy.db-wal has newer rows that are not read"));
    assert_int_equal(scratch_count(), files);
    log_free(&log_);
}

static void names_of_files(void **state) {
    (void)state;
    const char *path =
        make_store("a?mode=rwc&x=%20#y.db", TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"loss\": 3}")
                                                TRACKIO_ROW("a", "2", "{\"loss\": 2}"));
    const int files = scratch_count();
    read_ok(path, NULL, "Trackio store", 2);
    assert_int_equal(scratch_count(), files);
    log_free(&log_);
}

/* ---- SQLite: what is wrong ------------------------------------------------------------------- */

static void refused_file(const char *path, const char *text) {
    assert_int_equal(log_read(&log_, path, NULL), FAILURE_INPUT);
    assert_told(path, text);
    log_free(&log_);
}

static void refused(const char *sql, const char *text) {
    unlink(scratch_path("x.db"));
    refused_file(make_store("x.db", sql), text);
}

static void other_stores(void **state) {
    (void)state;
    static const char none[] = "without a table \"metrics\" as MLflow or Trackio";
    refused("CREATE TABLE t (x);", none);
    refused("CREATE TABLE metrics (key, value);", none);
    refused("CREATE TABLE metrics ([key value timestamp run_uuid step is_nan ]);", none);
    refused("CREATE VIEW metrics AS SELECT 1 AS run_name, 1 AS step, 1 AS metrics;", none);
    refused(
        "CREATE VIRTUAL TABLE metrics USING fts5(key, value, timestamp, run_uuid, step, is_nan);",
        none);
    refused("CREATE TABLE metrics (run_name, step, x, metrics AS (x || x));", none);
    refused("CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);",
            "no such table: runs");
    refused("CREATE TABLE metrics (run_name, step, metrics);", "no such column: id");
    refused(TRACKIO_TABLE, "no run with a metric");
    refused(MLFLOW_TABLES, "no run with a metric");
    refused(MLFLOW_TABLES MLFLOW_ROW("a", "1", "1", "0"), "1 value");
    refused("CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);"
            "CREATE VIEW runs AS SELECT 1 AS run_uuid, 1 AS name, 1 AS start_time, 1 AS "
            "lifecycle_stage;" MLFLOW_ROW("a", "1", "1", "0"),
            "access to view \"runs\" prohibited");
    refused("CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan, "
            "PRIMARY KEY (key, step)) WITHOUT ROWID;"
            "CREATE TABLE runs (run_uuid, name, start_time, lifecycle_stage);" MLFLOW_ROW("a", "1",
                                                                                          "1", "0"),
            "no such column: rowid");
}

static void other_values(void **state) {
    (void)state;
    refused(TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"loss\": 1") TRACKIO_ROW("a", "2", "{}"),
            "metrics of step 1 are no JSON object");
    refused(TRACKIO_TABLE TRACKIO_ROW("a", "1", "[1]"), "are no JSON object");
    refused(TRACKIO_TABLE TRACKIO_ROW("a", "1", ""), "are no JSON object");
    refused(TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"loss\": 1}")
                TRACKIO_ROW("a", "-5", "{\"loss\": 1}"),
            "a step is from 0");
    refused(TRACKIO_TABLE TRACKIO_ROW("a", "1", "{\"x\": \"words\"}"), "no column of numbers");
    refused(TRACKIO_TABLE "INSERT INTO metrics VALUES (1, 'a', 'a', 1, "
                          "printf('%.*c', 4000000, '['));",
            "are no JSON object");
    refused(TRACKIO_TABLE "INSERT INTO metrics VALUES (1, 'a', 'a', 1, "
                          "printf('%.*c', 5000000, 'x'));",
            "string or blob too big");
    refused(MLFLOW_TABLES "INSERT INTO metrics VALUES (x'00ff', 'words', 'x', 'a', 'y', 'z'), "
                          "(NULL, NULL, NULL, 'a', NULL, NULL);",
            "say --loss NAME");
    refused(MLFLOW_TABLES "INSERT INTO metrics SELECT printf('%.*c', 300, 'k'), 1, 1, 'a', 1, 0;",
            "is longer than 256 bytes");
}

/* Every 16th byte with another value, and many lengths: an answer or an error in a line. */
static void damaged(void **state) {
    (void)state;
    size_t size;
    const char *path =
        make_store("x.db", "PRAGMA page_size = 512;" MLFLOW_TABLES MLFLOW_RUN("abcdef", "mine"));
    char *bytes = scratch_read(path, &size);
    for (size_t at = 16; at < size; at += 16) {
        bytes[at] = (char)~bytes[at];
        scratch_write("y.db", bytes, size);
        bytes[at] = (char)~bytes[at];
        if (log_read(&log_, scratch_path("y.db"), NULL)) assert_told(scratch_folder);
        log_free(&log_);
    }
    for (size_t cut = 0; cut < size; cut += 100) {
        scratch_write("y.db", bytes, cut);
        assert_int_not_equal(log_read(&log_, scratch_path("y.db"), NULL), 0);
        assert_told(scratch_folder);
        log_free(&log_);
    }
    free(bytes);
    refused_file(scratch_write("y.db", "SQLite format 3\0and no more", 28), "SQLite says");
}

/* ---- MLflow's folders ------------------------------------------------------------------------ */

static void make_folders(const char *path) {
    for (const char *at = path; (at = strchr(at + 1, '/'));) {
        char part[300];
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        mkdir(scratch_path(part), 0777);
    }
}

static void write_text(const char *name, const char *text) {
    make_folders(name);
    scratch_write(name, text, strlen(text));
}

static void make_run(const char *run, const char *loss) {
    char path[300];
    snprintf(path, sizeof path, "%s/meta.yaml", run);
    write_text(path, "");
    snprintf(path, sizeof path, "%s/tags/mlflow.runName", run);
    write_text(path, strrchr(run, '/') + 1);
    snprintf(path, sizeof path, "%s/metrics/train/loss", run);
    write_text(path, loss);
}

static const char files[] = "MLflow store of files";

static void mlflow_folders(void **state) {
    (void)state;
    make_run("mlruns/1/aaaa", "1000 3 1\n2000 2 2\n3000 nan 3\n");
    make_run("mlruns/1/bbbb", "1000 7 1\n2000 6 2\n");
    write_text("mlruns/0/meta.yaml", "");
    assert_int_equal(log_read(&log_, scratch_path("mlruns"), NULL), FAILURE_USAGE);
    assert_told("2 runs in it", "aaaa", "bbbb");
    log_free(&log_);
    static const char *const ways[] = {"mlruns", "mlruns/1", "."};
    for (size_t k = 0; k < 3; k++) {
        read_ok(scratch_path(ways[k]), "aaaa", files, 3);
        assert_string_equal(log_.taken[LOG_LOSS], "train/loss");
        assert_true(loss_at(0) == 3 && isnan(loss_at(2)));
        log_free(&log_);
    }
    read_ok(scratch_path("mlruns/1/bbbb"), NULL, files, 2);
    log_free(&log_);
}

/* What a log of one run is with these lines: a note, or an error. */
static void lines(const char *text, size_t size, const char *note, const char *error) {
    make_run("mlruns/1/aaaa", "");
    scratch_write("mlruns/1/aaaa/metrics/train/loss", text, size);
    const int status = log_read(&log_, scratch_path("mlruns"), NULL);
    assert_int_equal(status, error ? FAILURE_INPUT : 0);
    if (error) assert_told(scratch_folder, error);
    if (note) assert_non_null(strstr(log_.note[0], note));
    log_free(&log_);
}

#define LINES(text, note, error) lines(text, sizeof text - 1, note, error)
#define GOOD                     "1 3 1\n2 2 2\n"

static void mlflow_lines(void **state) {
    (void)state;
    LINES(GOOD, NULL, NULL);
    LINES("1 3\n\n2 2\r\n" GOOD, NULL, NULL);
    LINES(GOOD "3 1", "the last line is cut", NULL);
    LINES(GOOD "3", "the last line is cut", NULL);
    LINES("", NULL, "without a metric");
    LINES("\n\n\n", NULL, "without a metric");
    LINES("1 3 1\n", NULL, "1 value");
    LINES("1 3 1", NULL, "without a metric");
    LINES(GOOD "3\n", NULL, "line 3: this is none");
    LINES(GOOD "x 1 3\n", NULL, "line 3: this is none");
    LINES(GOOD "3 1 x\n", NULL, "line 3: this is none");
    LINES(GOOD "3 1 0x10\n", NULL, "line 3: this is none");
    LINES(GOOD "3 1 -4\n", NULL, "a step is from 0");
    LINES(GOOD "3 1 1e300\n", NULL, "a step is from 0");
    LINES(GOOD "\0 1 3\n", NULL, "a byte 0");
    LINES("words\n", NULL, "line 1: this is none");
    LINES("{\"loss\": 1}\n", NULL, "line 1: this is none");
    LINES("1 words 1\n2 words 2\n", NULL, "say --loss NAME");
    LINES("1 3 1\n2 2 1\n", NULL, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(mlflow_store),      SCRATCH_TEST(trackio_store),
        SCRATCH_TEST(old_trackio_store), SCRATCH_TEST(which_run),
        SCRATCH_TEST(many_runs),         SCRATCH_TEST(newer_rows),
        SCRATCH_TEST(newer_rows_lost),   SCRATCH_TEST(names_of_files),
        SCRATCH_TEST(other_stores),      SCRATCH_TEST(other_values),
        SCRATCH_TEST(damaged),           SCRATCH_TEST(mlflow_folders),
        SCRATCH_TEST(mlflow_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
