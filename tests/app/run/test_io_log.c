/* SPDX-License-Identifier: Apache-2.0 */
/* run.jsonl: what is written reads back, also after a kill or a full disk. */
#include "support/scratch.h"

#include "io/failure.h"
#include "run/log_file.h"
#include "run/run_log.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- run.jsonl ------------------------------------------------------------------------------- */

static run_log *create(const char *path) {
    run_log *log;
    json_t *header = json_pack("{s:s, s:i}", "type", "header", "seed", 7);
    assert_int_equal(run_log_create(&log, path, header), 0);
    json_decref(header);
    return log;
}

static void write_step(run_log *log, int64_t step) {
    const double norms[] = {0.1, 2e-300};
    run_log_integer(log, "step", step);
    run_log_number(log, "loss", 1.0 / 3.0);
    run_log_number(log, "lr", NAN);
    run_log_number(log, "grad_norm", -HUGE_VAL);
    run_log_numbers(log, "group_grad_norm", norms, 2);
    run_log_numbers(log, "none", norms, 0);
    run_log_end(log);
}

/* Checks a whole file: the header, then steps 0, 1, 2 ...; how many there are. */
static int64_t check_log(const char *path) {
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_true(size > 0 && bytes[size - 1] == '\n');
    int64_t count = -1;
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n"), count++) {
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(o);
        if (count < 0) {
            assert_int_equal(json_integer_value(json_object_get(o, "seed")), 7);
        } else {
            const json_t *norms = json_object_get(o, "group_grad_norm");
            assert_int_equal(json_object_size(o), 6);
            assert_int_equal(json_integer_value(json_object_get(o, "step")), count);
            assert_true(json_real_value(json_object_get(o, "loss")) == 1.0 / 3.0);
            assert_true(json_is_null(json_object_get(o, "lr")));
            assert_true(json_is_null(json_object_get(o, "grad_norm")));
            assert_int_equal(json_array_size(norms), 2);
            assert_true(json_real_value(json_array_get(norms, 0)) == 0.1);
            assert_true(json_real_value(json_array_get(norms, 1)) == 2e-300);
            assert_int_equal(json_array_size(json_object_get(o, "none")), 0);
        }
        json_decref(o);
    }
    free(bytes);
    return count;
}

static void lines_read_back(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    run_log *log = create(path);
    assert_int_equal(check_log(path), 0); /* the header is there at once */
    for (int64_t k = 0; k < 3; k++) write_step(log, k);
    run_log_integer(log, "unfinished", 1);
    assert_int_equal(run_log_close(log), 0);
    assert_int_equal(check_log(path), 3);
}

/* The number that the only member of the log's only line after the header is. */
static double logged(double value) {
    const char *path = scratch_path("number.jsonl");
    run_log *log = create(path);
    run_log_number(log, "x", value);
    run_log_end(log);
    assert_int_equal(run_log_close(log), 0);
    size_t size;
    char *bytes = scratch_read(path, &size);
    json_t *o = json_loads(strchr(bytes, '\n') + 1, 0, NULL);
    assert_non_null(o);
    double back = json_number_value(json_object_get(o, "x"));
    json_decref(o);
    free(bytes);
    unlink(path);
    return back;
}

/* The same double comes back, for doubles of every size. */
static void numbers_round_trip(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u; /* xorshift64: Marsaglia, Xorshift RNGs, 2003 */
    for (int k = 0; k < 500; k++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) assert_true(logged(value) == value);
    }
    static const double edges[] = {0, DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 0x1p53 + 2};
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++)
        assert_true(logged(edges[k]) == edges[k]);
}

static void objects_are_written_at_once(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    run_log *log = create(path);
    json_t *step = json_pack("{s:s}", "type", "epoch");
    assert_int_equal(run_log_object(log, step), 0);
    json_decref(step);
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, "{\"type\":\"header\",\"seed\":7}\n{\"type\":\"epoch\"}\n");
    free(bytes);
    assert_int_equal(run_log_close(log), 0);
}

/* A process that is killed after 10,000 steps, about 1.4 MB, leaves whole lines only, and all but
 * the last LOG_FILE_BYTES. */
static void a_killed_run_keeps_whole_lines(void **state) {
    (void)state;
    enum { STEPS = 10000, LINE_LEAST = 120 };
    const char *path = scratch_path("run.jsonl");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_log *log = create(path);
        for (int64_t k = 0; k < STEPS; k++) write_step(log, k);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    int64_t kept = check_log(path);
    assert_true(kept <= STEPS);
    assert_true(kept >= STEPS - LOG_FILE_BYTES / LINE_LEAST);
}

/* And one that waits loses nothing of what is older than LOG_FILE_SECONDS. */
static void old_lines_are_written(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    run_log *log = create(path);
    usleep(LOG_FILE_SECONDS * 1100000);
    write_step(log, 0);
    assert_int_equal(check_log(path), 1);
    assert_int_equal(run_log_close(log), 0);
}

/* Files may have so many bytes from now on. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The flush that passes the limit fails and leaves whole lines; the log is behind. */
static run_log *fall_behind(const char *path, int64_t *step) {
    run_log *log = create(path);
    limit_files(100000);
    for (*step = 0; !run_log_behind(log) && *step < 2000; ++*step) write_step(log, *step);
    assert_true(*step < 2000);
    assert_non_null(strstr(run_log_behind(log), path));
    assert_non_null(strstr(run_log_behind(log), ": File too large"));
    int64_t kept = check_log(path);
    assert_true(kept > 0 && kept < *step);
    return log;
}

/* When there is room again, nothing is missing: what waits is written a moment later. */
static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    int64_t step, length;
    run_log *log = fall_behind(path, &step);
    int64_t kept = check_log(path);
    assert_int_equal(run_log_position(log, &length), 0); /* of what is written */
    assert_int_equal(check_log(path), kept);
    limit_files(RLIM_INFINITY);
    usleep(LOG_FILE_SECONDS * 1100000);
    write_step(log, step++);
    assert_null(run_log_behind(log));
    assert_int_equal(check_log(path), step);
    assert_int_equal(run_log_close(log), 0);
    assert_int_equal(check_log(path), step);
}

/* A log that stays behind says so at its end, and has whole lines. */
static void a_disk_that_stays_full_is_told(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    int64_t step;
    run_log *log = fall_behind(path, &step);
    int64_t kept = check_log(path);
    assert_int_equal(run_log_close(log), EXIT_INPUT);
    limit_files(RLIM_INFINITY);
    assert_told(path, "File too large");
    assert_int_equal(check_log(path), kept);
}

/* Lines wait in so much memory and no more; those behind them are dropped, whole, and told. */
static void lines_that_find_no_room(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    int64_t step;
    run_log *log = fall_behind(path, &step);
    for (int64_t k = 0; k < LOG_FILE_KEPT / 100; k++) write_step(log, step++);
    limit_files(RLIM_INFINITY);
    assert_int_equal(run_log_close(log), EXIT_INPUT);
    assert_told(path, "records are missing");
    int64_t kept = check_log(path);
    assert_true(kept < step && kept > LOG_FILE_KEPT / 200);
}

/* A flush in the middle of a record writes what is whole, and the record goes on. */
static void a_record_survives_a_flush(void **state) {
    (void)state;
    const char *path = scratch_path("log");
    log_file *log;
    size_t size;
    assert_int_equal(log_file_create(&log, path), 0);
    log_file_add(log, "one", 3);
    log_file_end_record(log);
    log_file_add(log, "t", 1);
    assert_int_equal(log_file_flush(log), 0);
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, "one");
    free(bytes);
    log_file_add(log, "wo", 2);
    log_file_end_record(log);
    log_file_add(log, "three", 5);
    assert_int_equal(log_file_close(log), 0);
    bytes = scratch_read(path, &size);
    assert_string_equal(bytes, "onetwo");
    free(bytes);
}

static void files_that_cannot_be_created(void **state) {
    (void)state;
    run_log *log;
    json_t *header = json_object(),
           *broken = json_pack("{s:o}", "x", json_stringn_nocheck("\xff", 1));
    assert_int_equal(run_log_create(&log, scratch_path("none/run.jsonl"), header), EXIT_INPUT);
    assert_told("none/run.jsonl", "No such file");
    const char *path = scratch_write("run.jsonl", "precious", 8);
    assert_int_equal(run_log_create(&log, path, header), EXIT_INPUT);
    assert_told(path, "File exists");
    assert_int_equal(run_log_create(&log, scratch_path("other.jsonl"), broken), EXIT_INPUT);
    assert_int_equal(scratch_count(), 1); /* nothing half-written */
    json_decref(header);
    json_decref(broken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lines_read_back),
        SCRATCH_TEST(numbers_round_trip),
        SCRATCH_TEST(objects_are_written_at_once),
        SCRATCH_TEST(a_killed_run_keeps_whole_lines),
        SCRATCH_TEST(old_lines_are_written),
        SCRATCH_TEST(a_full_disk_loses_nothing),
        SCRATCH_TEST(a_disk_that_stays_full_is_told),
        SCRATCH_TEST(lines_that_find_no_room),
        SCRATCH_TEST(a_record_survives_a_flush),
        SCRATCH_TEST(files_that_cannot_be_created),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
