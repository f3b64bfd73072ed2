/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c - `ravine predict`: what a trained net says of new examples. */
#include "cli/cli.h"
#include "io/number_json.h"
#include "trainer/model.h"

#include <stdlib.h>
#include <string.h>

/* A field of a CSV file: in quotes where it needs them. */
static void put_field(const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_table(const data_encoding *e, const double *p, const dataset *d) {
    fputs(d->name ? "row,file,prediction" : "row,prediction", stdout);
    for (int64_t k = 0; k < e->target.words; k++) {
        putchar(',');
        put_field(e->target.word[k]);
    }
    putchar('\n');
    for (int64_t row = 0; row < d->count; row++, p += e->outputs) {
        printf("%lld,", (long long)row + 1);
        if (d->name) {
            put_field(d->name[row]);
            putchar(',');
        }
        if (e->regression) {
            printf("%.9g\n", *p);
            continue;
        }
        put_field(e->target.word[model_class(e, p)]);
        for (int64_t k = 0; k < e->outputs; k++) printf(",%.6g", p[k]);
        putchar('\n');
    }
}

static json_t *row_json(const data_encoding *e, const double *p, const char *file) {
    if (e->regression) return json_pack("{so}", "prediction", number_json(*p));
    return json_pack("{ss* ss so}", "file", file, "prediction", e->target.word[model_class(e, p)],
                     "probabilities", numbers_json(p, (size_t)e->outputs));
}

static json_t *rows_json(const data_encoding *e, const double *p, const dataset *d) {
    json_t *classes = json_array(), *rows = json_array();
    for (int64_t k = 0; k < e->target.words; k++)
        json_array_append_new(classes, json_string(e->target.word[k]));
    for (int64_t row = 0; row < d->count; row++)
        json_array_append_new(rows,
                              row_json(e, p + row * e->outputs, d->name ? d->name[row] : NULL));
    return json_pack("{ss? so so}", "target", e->target.name, "classes", classes, "rows", rows);
}

static int predict(const model *m, const dataset *d, bool as_json) {
    double *p;
    int status = model_predict(m, d, &p);
    if (!status && as_json)
        status = cli_print_json(rows_json(&m->encoding, p, d));
    else if (!status)
        print_table(&m->encoding, p, d);
    free(p);
    return status;
}

int cmd_predict(const cli_args *args) {
    if (args->noperands < 2)
        return failure(FAILURE_USAGE, "predict needs the folder of a run and a file of examples");
    model m;
    dataset d = {0};
    int status = model_open(&m, args->operand[0], cli_is_given(args, CLI_AVERAGED));
    if (!status) status = model_check_text(&m, false, "predict", "generate");
    if (!status) status = model_read(&m, &d, args->operand[1], NULL, false, NULL);
    if (!status) status = predict(&m, &d, cli_is_given(args, CLI_JSON));
    dataset_free(&d);
    model_free(&m);
    return status;
}
