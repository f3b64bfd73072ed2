/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train.c - `ravine train`: options and configuration, then the training, then its answer. */
#include "cli/interrupt.h"
#include "commands/doctor/doctor.h"
#include "commands/train/train_end.h"
#include "commands/train/train_one.h"
#include "commands/train/train_series.h"
#include "page/printable.h"
#include "run/config_options.h"
#include "run/run_reader.h"
#include "run/run_resume.h"
#include "trainer/train.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* Defaults, then the file, then variables, then options: each overrides the one before. */
static int read_config(run_config *c, const cli_args *args) {
    int status = config_init(c);
    if (status) return status;
    const char *resumed = cli_text(args, CLI_RESUME);
    if (resumed) status = run_header_config(c, resumed);
    if (!status && args->operand[0]) status = config_read_file(c, args->operand[0]);
    if (!status) status = config_read_variables(c);
    if (!status) status = config_read_options(c, args);
    if (!status) status = config_check(c);
    if (!status && resumed) status = run_resume_check_config(c, resumed);
    if (status) config_free(c);
    return status;
}

static json_t *result_json(const training *t, const train_result *r, const char *folder) {
    const run_subject of = training_subject(t);
    json_t *epochs = json_array();
    for (int64_t k = 0; k < r->nepochs; k++)
        json_array_append_new(epochs, run_epoch_json(&of, &r->epoch[k]));
    const run_epoch *best = train_best(t, r);
    json_t *test = r->tested ? run_test_json(&of, &r->test) : json_null();
    json_t *best_epoch = best ? json_integer((json_int_t)best->epoch) : json_null();
    json_t *doctor = r->diagnosis.size ? doctor_json(&r->diagnosis) : json_null();
    return json_pack("{ss so so so so sI so sI sI sI sI}", "run", folder, "test", test,
                     "best_epoch", best_epoch, "epochs", epochs, "doctor", doctor, "steps",
                     (json_int_t)r->steps, "seconds", json_real(r->seconds), "parameters",
                     (json_int_t)net_size(t->trainer.net), "optimizer_bytes_announced",
                     (json_int_t)t->announced_bytes, "optimizer_bytes_held",
                     (json_int_t)ravine_memory_bytes(t->trainer.optimizer), "peak_memory_bytes",
                     (json_int_t)peak_memory_bytes());
}

/* As its log has it: the net has the weights at the end, which need not be those that are kept. */
static void read_test(train_result *result, const char *folder) {
    run_data run;
    result->tested = run_read(&run, folder, NULL) == 0 && !isnan(run.test.loss);
    result->test.score = (run_score){run.test.loss, run.test.score};
    result->test.average = (run_score){run.test_averaged.loss, run.test_averaged.score};
    run_free(&run);
}

/* There is nothing left to do. */
static int tell_finished(const training *t, train_result *result, const cli_args *args) {
    const char *folder = cli_text(args, CLI_RESUME);
    read_test(result, folder);
    result->diagnosis.size = sizeof result->diagnosis;
    if (!t->doctor || ravine_doctor_diagnose(t->doctor, &result->diagnosis) < 0)
        result->diagnosis.size = 0;
    if (cli_is_given(args, CLI_JSON)) return cli_print_json(result_json(t, result, folder));
    if (cli_is_given(args, CLI_QUIET)) return 0;
    printable_put(stdout, folder);
    if (result->nepochs < t->config->epochs)
        printf(" is finished: train.patience %lld ended it after epoch %lld\n",
               (long long)t->config->train_patience, (long long)result->nepochs);
    else
        printf(" is finished: all %lld epochs are done; --set epochs=N trains on\n",
               (long long)t->config->epochs);
    return 0;
}

/* Trains; whatever the end, what was learnt is shown. */
static int run_loop(train_loop *l, train_watch *w, const training *t, run_record *r,
                    train_result *result, const cli_args *args) {
    const bool json = cli_is_given(args, CLI_JSON);
    interrupt_hold();
    train_watch_begin(w, t, cli_is_given(args, CLI_QUIET), json);
    const int status = train_loop_run(l);
    train_watch_end(w, result, run_record_folder(r));
    const int printed = json ? cli_print_json(result_json(t, result, run_record_folder(r))) : 0;
    return train_finish_record(r, t, status ? status : printed);
}

/* Trains what is set up, from the beginning or from where it was left. */
static int run_training(training *t, train_result *result, const cli_args *args) {
    const char *resumed = cli_text(args, CLI_RESUME);
    train_point point;
    run_record *r;
    train_watch w = {0};
    train_loop *l;
    const run_subject of = training_subject(t);
    int status = resumed ? train_open_record(&r, &point, t, resumed) : run_record_create(&r, &of);
    if (status) return status;
    status = train_loop_create(&l, t, &w, r, resumed ? &point : NULL, result);
    if (status) return train_close_record(r, status);
    if (resumed && train_loop_is_over(l) && run_is_finished(resumed))
        status = train_finish_record(r, t, tell_finished(t, result, args));
    else
        status = run_loop(l, &w, t, r, result, args);
    train_loop_free(l);
    return status;
}

int cmd_train(const cli_args *args) {
    if (cli_is_given(args, CLI_KEYS)) {
        if (cli_is_given(args, CLI_JSON)) return cli_print_json(config_keys_json());
        config_print_keys(stdout);
        return 0;
    }
    if (cli_is_given(args, CLI_QUIET)) live_line_silence();
    run_config c;
    int status = read_config(&c, args);
    if (status) return status;
    if (cli_is_given(args, CLI_PRINT_CONFIG)) {
        if (cli_is_given(args, CLI_JSON))
            status = cli_print_json(config_json(&c, true));
        else
            config_print(&c, stdout);
        config_free(&c);
        return status;
    }
    training t;
    status = training_is_told(&c, "train");
    if (!status && train_is_series(args)) {
        status = train_series(&c, args);
        config_free(&c);
        return status;
    }
    if (!status) status = training_create(&t, &c);
    if (!status) {
        train_result result = {.epoch = calloc((size_t)c.epochs, sizeof *result.epoch)};
        status = result.epoch
                     ? run_training(&t, &result, args)
                     : failure(FAILURE_INPUT, "out of memory for %lld epochs", (long long)c.epochs);
        free(result.epoch);
        training_free(&t);
    }
    config_free(&c);
    return status;
}
