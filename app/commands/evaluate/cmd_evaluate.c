/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_evaluate.c - `ravine evaluate`: how right a trained net is, class by class or in units. */
#include "cli/cli.h"
#include "io/number_json.h"
#include "page/printable.h"
#include "trainer/worst.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMNS = 20, MATRIX_CLASSES_MOST = 12 };

static void put_name(const char *name) {
    const size_t used = printable_put(stdout, name);
    printf("%*s", used < NAME_COLUMNS ? (int)(NAME_COLUMNS - used) : 1, "");
}

static void put_share(double share) {
    if (isnan(share))
        printf(" %9s", "-");
    else
        printf(" %9.4f", share);
}

/* The class that class `k` is most often taken for; -1: it never is. */
static int64_t mistaken_for(const model_score *s, int64_t k) {
    int64_t most = -1, count = 0;
    for (int64_t other = 0; other < s->classes; other++) {
        const int64_t times = s->confusion[k * s->classes + other];
        if (other == k || times <= count) continue;
        most = other;
        count = times;
    }
    return most;
}

static void print_classes(const data_encoding *e, const model_score *s) {
    printf("%-*s %9s %9s %9s  most often taken for\n", NAME_COLUMNS, "class", "examples",
           "precision", "recall");
    for (int64_t k = 0; k < s->classes; k++) {
        const class_score *c = &s->of_class[k];
        const int64_t other = mistaken_for(s, k);
        put_name(e->target.word[k]);
        printf(" %9lld", (long long)c->examples);
        put_share(c->precision);
        put_share(c->recall);
        if (other >= 0) {
            fputs("  ", stdout);
            printable_put(stdout, e->target.word[other]);
            printf(" (%lld)", (long long)s->confusion[k * s->classes + other]);
        }
        putchar('\n');
    }
}

/* A row for what an example is, a column for what it is called. */
static void print_matrix(const data_encoding *e, const model_score *s) {
    if (s->classes > MATRIX_CLASSES_MOST) return;
    printf("\n%-*s", NAME_COLUMNS, "is \\ is called");
    for (int64_t k = 0; k < s->classes; k++) printf(" %7.7s", e->target.word[k]);
    putchar('\n');
    for (int64_t k = 0; k < s->classes; k++) {
        put_name(e->target.word[k]);
        for (int64_t other = 0; other < s->classes; other++)
            printf(" %7lld", (long long)s->confusion[k * s->classes + other]);
        putchar('\n');
    }
}

/* ---- what it is most wrong about ---- */

enum { WORST_SHOWN = 5, INPUTS_SHOWN = 8 };

static void put_value(const json_t *value) {
    if (json_is_string(value))
        printable_put(stdout, json_string_value(value));
    else if (json_is_number(value))
        printf("%.6g", json_number_value(value));
    else
        putchar('-');
}

static void print_inputs(const json_t *inputs) {
    const char *name;
    json_t *value;
    const char *between = ": ";
    int shown = 0;
    json_object_foreach((json_t *)inputs, name, value) {
        if (shown++ == INPUTS_SHOWN) {
            fputs(", ...", stdout);
            return;
        }
        fputs(between, stdout);
        printable_put(stdout, name);
        putchar('=');
        put_value(value);
        between = ", ";
    }
}

static void print_worst(const json_t *worst) {
    const size_t count = json_array_size(worst);
    if (!count) return;
    puts("most wrong about");
    for (size_t k = 0; k < count && k < WORST_SHOWN; k++) {
        const json_t *one = json_array_get(worst, k), *file = json_object_get(one, "file");
        const json_t *loss = json_object_get(one, "loss"); /* null: not finite */
        printf("  loss %-8.4g example %-6lld is ",
               json_is_null(loss) ? (double)INFINITY : json_number_value(loss),
               (long long)json_integer_value(json_object_get(one, "example")));
        put_value(json_object_get(one, "is"));
        const json_t *called = json_object_get(one, "called");
        fputs(called ? ", called " : ", predicted ", stdout);
        put_value(called ? called : json_object_get(one, "prediction"));
        if (file) {
            fputs(": ", stdout);
            put_value(file);
        }
        print_inputs(json_object_get(one, "inputs"));
        putchar('\n');
    }
}

/* Behind all that tells why. */
static void print_score(const model_score *s) {
    printf("\nexamples             %lld\n", (long long)s->count);
    if (!s->classes) {
        printf("rmse                 %.6g\n", s->rmse);
        printf("mae                  %.6g\n", s->mae);
        if (isnan(s->r2))
            puts("r2                   -: the target is the same in every row");
        else
            printf("r2                   %.4f\n", s->r2);
        printf("loss                 %.6g\n", s->loss);
        return;
    }
    printf("accuracy             %.4f\n", s->accuracy);
    printf("loss                 %.6g\n", s->loss);
    printf("calibration error    %.4f\n", s->calibration_error);
}

static void print_evaluation(const model *m, const model_score *s, const json_t *worst) {
    if (s->classes) {
        print_classes(&m->encoding, s);
        print_matrix(&m->encoding, s);
        putchar('\n');
    }
    print_worst(worst);
    print_score(s);
}

/* NULL: no memory. */
static json_t *find_worst(const model *m, const dataset *d, const double *p) {
    worst_example worst[WORST_MAX];
    const int64_t count = worst_find(worst, &m->encoding, d, p);
    return worst_json(worst, count, &m->encoding, d, p, false);
}

/* ---- JSON ---- */

static json_t *classes_json(const data_encoding *e, const model_score *s) {
    json_t *classes = json_array();
    for (int64_t k = 0; k < s->classes; k++) {
        const class_score *c = &s->of_class[k];
        json_array_append_new(classes, json_pack("{ss sI so so}", "class", e->target.word[k],
                                                 "examples", (json_int_t)c->examples, "precision",
                                                 number_json(c->precision), "recall",
                                                 number_json(c->recall)));
    }
    return classes;
}

static json_t *matrix_json(const model_score *s) {
    json_t *rows = json_array();
    for (int64_t k = 0; k < s->classes; k++) {
        json_t *row = json_array();
        for (int64_t other = 0; other < s->classes; other++)
            json_array_append_new(row,
                                  json_integer((json_int_t)s->confusion[k * s->classes + other]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *score_json(const model *m, const model_score *s) {
    if (!s->classes)
        return json_pack("{sI so so so so}", "examples", (json_int_t)s->count, "loss",
                         number_json(s->loss), "rmse", number_json(s->rmse), "mae",
                         number_json(s->mae), "r2", number_json(s->r2));
    return json_pack("{sI so so so so so}", "examples", (json_int_t)s->count, "loss",
                     number_json(s->loss), "accuracy", number_json(s->accuracy),
                     "calibration_error", number_json(s->calibration_error), "classes",
                     classes_json(&m->encoding, s), "confusion", matrix_json(s));
}

static int evaluate_text(const model *m, const dataset *d, bool as_json) {
    text_score s;
    const int status = model_score_text(m, d, &s);
    if (status) return status;
    if (as_json)
        return cli_print_json(json_pack("{sI so so}", "bytes", (json_int_t)s.bytes, "loss",
                                        number_json(s.loss), "bits_per_byte", number_json(s.bits)));
    printf("bytes                %lld\n", (long long)s.bytes);
    printf("bits per byte        %.4f\n", s.bits);
    printf("loss                 %.6g\n", s.loss);
    return 0;
}

static int evaluate(const model *m, const dataset *d, bool as_json) {
    model_score s = {0};
    double *p;
    int status = model_predict(m, d, &p);
    if (!status) status = model_score_of(m, d, p, &s);
    json_t *worst = status ? NULL : find_worst(m, d, p);
    if (!status && as_json) {
        json_t *told = score_json(m, &s);
        if (told) json_object_set(told, "worst", worst);
        status = cli_print_json(told);
    } else if (!status) {
        print_evaluation(m, &s, worst);
    }
    json_decref(worst);
    model_score_free(&s);
    free(p);
    return status;
}

int cmd_evaluate(const cli_args *args) {
    if (args->noperands < 1)
        return failure(FAILURE_USAGE, "evaluate needs the folder of a run, and may have a file of "
                                      "examples");
    const char *folder = args->operand[0], *file = args->noperands > 1 ? args->operand[1] : NULL;
    const char *labels = args->noperands > 2 ? args->operand[2] : NULL;
    model m;
    dataset d = {0};
    int status = model_open(&m, folder, cli_is_given(args, CLI_AVERAGED));
    bool seen = false;
    if (!status)
        status = file ? model_read(&m, &d, file, labels, true, &seen) : model_read_test(&m, &d);
    if (!status && seen)
        fprintf(stderr,
                "ravine: %s: the run has learned from most of it; its test part alone: "
                "ravine evaluate %s\n",
                file, folder);
    const bool as_json = cli_is_given(args, CLI_JSON);
    if (!status)
        status = m.encoding.text ? evaluate_text(&m, &d, as_json) : evaluate(&m, &d, as_json);
    dataset_free(&d);
    model_free(&m);
    return status;
}
