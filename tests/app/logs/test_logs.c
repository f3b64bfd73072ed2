/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of other programs: what each format becomes, and what is known of its traps. */
#include "logs.h"

#include <sys/stat.h>

/* ---- Hugging Face ---- */

#define STATE(history)                                                                           \
    "{\"global_step\": 30, \"logging_steps\": 10, \"max_steps\": 90, \"log_history\": [" history \
    "]}"

static const char state[] = STATE(
    "{\"epoch\": 0.1, \"grad_norm\": 1.5, \"learning_rate\": 0.001, \"loss\": 2.5, \"step\": 10},"
    "{\"grad_norm\": NaN, \"loss\": 2.25, \"step\": 20},"
    "{\"eval_loss\": 2.75, \"eval_accuracy\": 0.5, \"step\": 20},"
    "{\"grad_norm\": -Infinity, \"loss\": NaN, \"step\": 30},"
    "{\"train_runtime\": 2.0, \"train_loss\": 9.0, \"total_flos\": 1.0, \"step\": 30}");

static void trainer_state(void **unused) {
    (void)unused;
    log_data log = read_text("trainer_state.json", state);
    assert_string_equal(log.format, "Hugging Face trainer_state.json");
    assert_int_equal(log.npoints, 3);
    assert_true(log.total_steps == 90 && log.mean_over == 10 && log.mean_hidden);
    assert_true(value_of(&log, 0, LOG_LOSS) == 2.5 && value_of(&log, 0, LOG_LR) == 0.001);
    assert_true(value_of(&log, 0, LOG_EPOCH) == 0.1);
    assert_true(value_of(&log, 1, LOG_VALIDATION) == 2.75 && value_of(&log, 1, LOG_SCORE) == 0.5);
    assert_string_equal(log.taken[LOG_VALIDATION], "eval_loss");
    assert_null(log.taken[LOG_SCALE]);
    /* NaN was logged, and what was not logged is NaN too, but not told. */
    assert_true(isnan(value_of(&log, 2, LOG_LOSS)) && log.point[2].told >> LOG_LOSS & 1);
    assert_true(isnan(value_of(&log, 2, LOG_LR)) && !(log.point[2].told >> LOG_LR & 1));
    assert_true(value_of(&log, 2, LOG_GRAD_NORM) == -(double)INFINITY);
    log_free(&log);
}

static void newest_checkpoint(void **unused) {
    (void)unused;
    log_data log;
    assert_int_equal(mkdir(scratch_path("checkpoint-9"), 0700), 0);
    assert_int_equal(mkdir(scratch_path("checkpoint-10"), 0700), 0);
    assert_int_equal(mkdir(scratch_path("checkpoint-11"), 0700), 0); /* being written */
    write_text("checkpoint-9/trainer_state.json", STATE(""));
    write_text("checkpoint-10/trainer_state.json", state);
    assert_int_equal(log_read(&log, scratch_folder, NULL), 0);
    assert_non_null(strstr(log.path, "checkpoint-10/"));
    log_free(&log);
    assert_int_equal(log_read(&log, scratch_path("checkpoint-9"), NULL), FAILURE_INPUT);
    assert_told("checkpoint-9/", "after 30 steps", "logging_steps is 10");
    log_free(&log);
}

/* ---- tables ---- */

static void lightning(void **unused) {
    (void)unused;
    assert_int_equal(mkdir(scratch_path("version_2"), 0700), 0);
    assert_int_equal(mkdir(scratch_path("version_10"), 0700), 0);
    write_text("version_2/metrics.csv", "epoch,step,train_loss\n0,1,9\n0,2,9\n");
    write_text("version_10/metrics.csv", "epoch,lr-AdamW,step,train_loss_step,val_loss\n"
                                         "0,,49,2.5,\n,1e-3,49,,\n0,,99,2.25,\n0,,99,,2.75\n");
    log_data log;
    assert_int_equal(log_read(&log, scratch_folder, NULL), 0);
    assert_string_equal(log.format, "Lightning metrics.csv");
    assert_string_equal(log.taken[LOG_LOSS], "train_loss_step");
    assert_string_equal(log.taken[LOG_LR], "lr-AdamW");
    assert_int_equal(log.npoints, 2);
    assert_true(value_of(&log, 0, LOG_STEP) == 49 && value_of(&log, 0, LOG_LR) == 1e-3);
    assert_true(value_of(&log, 1, LOG_LOSS) == 2.25 && value_of(&log, 1, LOG_VALIDATION) == 2.75);
    assert_true(log.mean_over == 1);
    log_free(&log);
}

static void keras(void **unused) {
    (void)unused;
    log_data log = read_text("k.csv", "epoch,accuracy,loss,val_loss\n0,0.1,2.5,NA\n1,0.2,2.25,2\n");
    assert_string_equal(log.format, "Keras CSVLogger");
    assert_true(log.epochs && value_of(&log, 1, LOG_STEP) == 1);
    assert_false(log.point[0].told >> LOG_VALIDATION & 1);
    log_free(&log);
}

static void separators(void **unused) {
    (void)unused;
    log_data log = read_text("a.csv", "epoch;loss\n0;2,5\n1;nan\n2;-Inf\n3;1.234,5\n");
    assert_true(value_of(&log, 0, LOG_LOSS) == 2.5 && isnan(value_of(&log, 1, LOG_LOSS)));
    assert_true(isinf(value_of(&log, 2, LOG_LOSS)));
    log_free(&log);
    log = read_text("b.txt", "step\tloss\tlr\n1\t2,5\t1e-3\n2\t2\t1e-3\n");
    assert_true(value_of(&log, 0, LOG_LOSS) == 2.5 && value_of(&log, 0, LOG_LR) == 1e-3);
    log_free(&log);
    log = read_text("c.csv", ",loss,step\n0,2.5,7\n1,2,8\n"); /* an index without a name */
    assert_true(value_of(&log, 0, LOG_STEP) == 7 && value_of(&log, 1, LOG_LOSS) == 2);
    log_free(&log);
}

static void weights_and_biases(void **unused) {
    (void)unused;
    log_data log = read_text("h.csv", "_runtime,_step,_timestamp,train/loss,train/global_step\n"
                                      "1,0,100,2.5,10\n2,1,101,2.25,20\n");
    assert_string_equal(log.format, "history of Weights & Biases");
    assert_true(value_of(&log, 1, LOG_STEP) == 20); /* of the training, not of the logger */
    log_free(&log);
    log = read_text("c.csv", "\"Step\",\"my - run - train/loss\",\"my - run - train/loss__MIN\","
                             "\"my - run - train/loss__MAX\"\n\"1\",\"2.5\",\"0\",\"9\"\n"
                             "\"2\",\"NaN\",\"0\",\"9\"\n");
    assert_string_equal(log.taken[LOG_LOSS], "train/loss");
    assert_true(has_note(&log, "several steps") && log.npoints == 2);
    log_free(&log);
}

static void several_runs(void **unused) {
    (void)unused;
    log_data log;
    const char *chart = "\"Step\",\"a - loss\",\"a - loss__MIN\",\"b - loss\",\"b - loss__MIN\"\n"
                        "1,2,2,3,3\n2,1,1,2,2\n";
    const char *path = write_text("c.csv", chart);
    assert_int_equal(log_read(&log, path, NULL), FAILURE_INPUT);
    assert_told("which of these is the training loss: a - loss, b - loss", "--loss NAME");
    log_free(&log);
    const log_choice b = {.key = {[LOG_LOSS] = "b - loss"}};
    assert_int_equal(log_read(&log, path, &b), 0);
    assert_true(value_of(&log, 1, LOG_LOSS) == 2);
    log_free(&log);
    assert_int_equal(
        log_read(&log, write_text("t.csv", "Name,State,loss\na,finished,1\nb,crashed,2\n"), NULL),
        FAILURE_INPUT);
    assert_told("a table of runs");
    log_free(&log);
    assert_int_equal(
        log_read(&log, write_text("m.csv", "run,step,loss\na,1,1\nb,1,2\na,2,1\nb,2,2\n"), NULL),
        FAILURE_INPUT);
    assert_told("several runs in one log (column run)");
    log_free(&log);
}

/* ---- JSON ---- */

static void lines(void **unused) {
    (void)unused;
    log_data log = read_text(
        "logging.jsonl", "{\"loss\": 2.5, \"global_step/max_steps\": \"10/500\"}\n\n"
                         "{\"loss\": \"nan\", \"global_step/max_steps\": \"20/500\"}\n"
                         "Epoch 1 begins\n"
                         "{\"loss\": 2, \"global_step/max_steps\": \"30/500\"}\n{\"loss\": 1, ");
    assert_int_equal(log.npoints, 3);
    assert_true(log.total_steps == 500 && value_of(&log, 2, LOG_STEP) == 30);
    assert_true(has_note(&log, "2 lines that are no JSON object left out; the first is line 4"));
    log_free(&log);
}

static void other_json(void **unused) {
    (void)unused;
    log_data log = read_text("l.json", "[{\"step\": 1, \"train\": {\"loss\": 2.5, \"lr\": 0.1}},"
                                       "{\"step\": 2, \"train\": {\"loss\": 2, \"lr\": 0.1}}]");
    assert_string_equal(log.taken[LOG_LOSS], "train/loss");
    assert_true(value_of(&log, 0, LOG_LR) == 0.1);
    log_free(&log);
    log = read_text("h.json", "{\n \"loss\": [2.5, NaN],\n \"val_loss\": [3, 2]\n}");
    assert_true(isnan(value_of(&log, 1, LOG_LOSS)) && value_of(&log, 1, LOG_VALIDATION) == 2);
    log_free(&log);
}

static void reward(void **unused) {
    (void)unused;
    log_data log = read_text("r.jsonl", "{\"loss\": 0.0, \"reward\": 0.5, \"step\": 1}\n"
                                        "{\"loss\": 0.0, \"reward\": 0.75, \"step\": 2}\n");
    assert_true(log.rewarded && has_note(&log, "the reward is looked at"));
    log_free(&log);
}

/* ---- steps ---- */

static void steps_made_twice(void **unused) {
    (void)unused;
    log_data log = read_text("r.csv", "step,loss\n10,5\n20,4\n30,3\n40,2\n30,7\n40,6\n50,5\n");
    assert_int_equal(log.npoints, 5);
    assert_true(value_of(&log, 2, LOG_LOSS) == 7 && value_of(&log, 3, LOG_LOSS) == 6);
    assert_true(log.resumed == 30 && has_note(&log, "training went on from step 30 after step 40"));
    log_free(&log);
    log = read_text("a.csv", "step,loss\n10,5\n20,4\n10,7\n20,6\n30,5\n");
    assert_true(isnan(log.resumed) && has_note(&log, "begin anew") && log.npoints == 3);
    assert_true(value_of(&log, 0, LOG_LOSS) == 7);
    log_free(&log);
    log = read_text("m.csv", "step,loss\n10,5\n10,4\n10,3\n20,2\n");
    assert_true(log.npoints == 2 && value_of(&log, 0, LOG_LOSS) == 4); /* micro-batches */
    log_free(&log);
}

static void cut_table(void **unused) {
    (void)unused;
    log_data log = read_text("c.csv", "step,loss,lr\n1,5,1\n2,4,1\n3,3");
    assert_true(log.npoints == 2 && has_note(&log, "line 4: 2 fields, but the header has 3"));
    log_free(&log);
}

/* ---- names ---- */

static void names(void **unused) {
    (void)unused;
    log_data log = read_text("n.csv", "Step,My_Loss,eval.loss,Train-LR,lr\n1,5,6,7,8\n2,4,5,6,7\n");
    assert_string_equal(log.taken[LOG_LOSS], "My_Loss");
    assert_true(log.guessed[LOG_LOSS] && !log.guessed[LOG_STEP]);
    assert_string_equal(log.taken[LOG_VALIDATION], "eval.loss");
    assert_string_equal(log.taken[LOG_LR], "lr");
    log_free(&log);
    const log_choice choice = {.key = {[LOG_LOSS] = "eval.loss", [LOG_LR] = "Train-LR"}};
    assert_int_equal(log_read(&log, scratch_path("n.csv"), &choice), 0);
    assert_true(value_of(&log, 0, LOG_LOSS) == 6 && value_of(&log, 0, LOG_LR) == 7);
    assert_null(log.taken[LOG_VALIDATION]); /* one column is one thing */
    log_free(&log);
    const log_choice wrong = {.key = {[LOG_GRAD_NORM] = "Train-LRR"}};
    assert_int_equal(log_read(&log, scratch_path("n.csv"), &wrong), FAILURE_USAGE);
    assert_told("--grad-norm Train-LRR is not in the log; nearest is Train-LR");
    log_free(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(trainer_state),
        SCRATCH_TEST(newest_checkpoint),
        SCRATCH_TEST(lightning),
        SCRATCH_TEST(keras),
        SCRATCH_TEST(separators),
        SCRATCH_TEST(weights_and_biases),
        SCRATCH_TEST(several_runs),
        SCRATCH_TEST(lines),
        SCRATCH_TEST(other_json),
        SCRATCH_TEST(reward),
        SCRATCH_TEST(steps_made_twice),
        SCRATCH_TEST(cut_table),
        SCRATCH_TEST(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
