/* SPDX-License-Identifier: Apache-2.0 */
/* c_header.c - a run as one header of C: what a caller reads first, the columns, the net, and the
 * function that goes from a raw example to an answer, as model_predict() does. */
#include "commands/export/export.h"
#include "io/failure.h"
#include "page/assets.h"
#include "page/printable.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct c_words {
    char lower[EXPORT_PREFIX_MAX], upper[EXPORT_PREFIX_MAX];
} c_words;

/* "models/my-net.h" -> my_net. An n comes before what no name of a program may begin with. */
static c_words words_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const int length = (int)strlen(name) - 2; /* without .h */
    c_words w;
    snprintf(w.lower, sizeof w.lower, "%s%.*s", isalpha((unsigned char)*name) ? "" : "n", length,
             name);
    for (char *c = w.lower; *c; c++)
        *c = (char)(isalnum((unsigned char)*c) ? tolower((unsigned char)*c) : '_');
    for (size_t k = 0; k < sizeof w.upper; k++)
        w.upper[k] = (char)toupper((unsigned char)w.lower[k]);
    return w;
}

/* Inside a comment: nothing that begins or ends one. */
static void put_in_comment(const char *text) {
    char piece[PRINTABLE_PIECE_MAX], last = 0;
    while (printable_next(&text, piece)) {
        if ((last == '*' && *piece == '/') || (last == '/' && *piece == '*')) putchar(' ');
        fputs(piece, stdout);
        last = *piece;
    }
}

/* As a string of C, whatever its bytes are. */
static void put_string(const char *text) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c >= 0x7f || strchr("\"\\?", *c))
            printf("\\%03o", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void put_strings(char *const *text, int64_t count) {
    for (int64_t k = 0; k < count; k++) {
        fputs(k % 8 ? " " : "\n    ", stdout);
        put_string(text[k]);
        putchar(',');
    }
    puts("\n};");
}

/* ---- the comment at the top ---- */

static bool may_be_missing(const data_encoding *e, const encoded_column *c) {
    return e->missing != CSV_MISSING_ERROR &&
           (c->words || e->missing != CSV_MISSING_INDICATOR || c->indicator);
}

static void put_column_comment(const data_encoding *e, const c_words *w, int64_t k) {
    const encoded_column *c = &e->column[k];
    printf(" *     row[%" PRId64 "]  ", k);
    put_in_comment(c->name);
    if (c->words) {
        printf(": %s_place(%" PRId64 ", \"", w->lower, k);
        put_in_comment(c->word[0]);
        printf("\"), of %" PRId64 " words", c->words);
    } else {
        const bool date = c->form != CSV_POINT && c->form != CSV_COMMA;
        printf(": %s", date ? "days since 1970-01-01" : "a number");
    }
    puts(may_be_missing(e, c) ? "; NAN where it is missing" : "");
}

static void put_outputs_comment(const data_encoding *e, const c_words *w) {
    if (e->regression) {
        fputs(" * out[0] is ", stdout);
        put_in_comment(e->target.name);
        puts(" in its own units.");
        return;
    }
    printf(" * out[k] is the probability of the class %s_class[k].\n", w->lower);
}

static void put_comment(const model *m, const c_words *w) {
    const data_encoding *e = &m->encoding;
    const bool images = encoding_is_of_images(e);
    printf("/* %s.h - a trained network; `ravine export` of Ravine %s has made it of ", w->lower,
           ravine_version());
    put_in_comment(m->folder);
    printf(
        ".\n *\n * C99 or C++, and nothing but its library (-lm). Include it in one source file:\n"
        " * the weights are in it.\n *\n *     static float work[%s_WORK];\n"
        " *     double out[%s_OUTPUTS];\n",
        w->upper, w->upper);
    if (images) {
        printf(" *     %s_predict(pixels, work, out);\n *\n"
               " * pixels: [height, width, channels] of %" PRId64 " x %" PRId64 " x %" PRId64
               ", 0 to 255.\n",
               w->lower, e->shape[1], e->shape[2], e->shape[0]);
    } else {
        printf(" *     double row[%s_COLUMNS] = {...};\n"
               " *     int wrong = %s_predict(row, work, out); 0: none; else 1 + the column whose\n"
               " *                 value cannot be used: out is as it was\n *\n",
               w->upper, w->lower);
        for (int64_t k = 0; k < e->columns; k++) put_column_comment(e, w, k);
        puts(" *");
    }
    put_outputs_comment(e, w);
    puts(" */");
}

/* ---- declarations ---- */

static void put_sizes(const c_net *n, const c_words *w) {
    const data_encoding *e = &n->m->encoding;
    puts("\nenum {");
    if (encoding_is_of_images(e))
        printf("    %s_PIXELS = %" PRId64 ",\n", w->upper, n->plan.layers[0].size);
    else
        printf("    %s_COLUMNS = %" PRId64 ",\n", w->upper, e->columns);
    printf("    %s_OUTPUTS = %" PRId64 ",\n    %s_WORK = %" PRId64 " /* floats */\n};\n", w->upper,
           e->outputs, w->upper, n->room);
}

static void put_column(const data_encoding *e, const c_words *w, int64_t k) {
    const encoded_column *c = &e->column[k];
    fputs("    {", stdout);
    put_string(c->name);
    if (c->words)
        printf(", %s_words%" PRId64, w->lower, k);
    else
        fputs(", NULL", stdout);
    printf(", %" PRId64 ", %.17g, %.17g, %d, %.17g},\n", c->words, c->mean, c->deviation,
           may_be_missing(e, c) ? 1 + c->indicator : 0, c->fill);
}

static void put_columns(const data_encoding *e, const c_words *w) {
    for (int64_t k = 0; k < e->columns; k++) {
        const encoded_column *c = &e->column[k];
        if (!c->words) continue;
        printf("\nstatic const char *const %s_words%" PRId64 "[%" PRId64 "] = {", w->lower, k,
               c->words);
        put_strings(c->word, c->words);
    }
    printf("\nstatic const ravine_net_column %s_column[%s_COLUMNS] = {\n", w->lower, w->upper);
    for (int64_t k = 0; k < e->columns; k++) put_column(e, w, k);
    printf(
        "};\n\n/* A word as a value of a row; -1, which no row may have: it is none of those that "
        "were learned\n * from. */\n"
        "static inline double %s_place(int column, const char *word) {\n"
        "    return ravine_net_place(&%s_column[column], word);\n}\n",
        w->lower, w->lower);
}

static void put_classes(const data_encoding *e, const c_words *w) {
    if (e->regression) return;
    printf("\nstatic const char *const %s_class[%s_OUTPUTS] = {", w->lower, w->upper);
    put_strings(e->target.word, e->target.words);
}

/* ---- the function ---- */

static void put_answer(const c_net *n) {
    const data_encoding *e = &n->m->encoding;
    const int64_t at = n->at[n->plan.count - 1];
    if (e->regression)
        printf("    out[0] = %.17g + %.17g * (double)work[%" PRId64 "];\n", e->target.mean,
               e->target.deviation, at);
    else
        printf("    ravine_net_softmax(work + %" PRId64 ", %" PRId64 ", out);\n", at, e->outputs);
}

static void put_predict(const c_net *n, const c_words *w) {
    const data_encoding *e = &n->m->encoding;
    const bool images = encoding_is_of_images(e);
    printf("\nstatic inline %s %s_predict(const %s, float *work, double *out) {\n",
           images ? "void" : "int", w->lower, images ? "unsigned char *pixels" : "double *row");
    if (images)
        printf("    ravine_net_put_pixels(pixels, %s_PIXELS, %.17g, %.17g, work);\n", w->upper,
               e->mean, e->deviation);
    else
        printf("    const int wrong = ravine_net_put_row(%s_column, %s_COLUMNS, row, work);\n"
               "    if (wrong) return wrong;\n",
               w->lower, w->upper);
    c_net_put_calls(n);
    put_answer(n);
    puts(images ? "}" : "    return 0;\n}");
}

static int put_header(c_net *n, const c_words *w) {
    const data_encoding *e = &n->m->encoding;
    put_comment(n->m, w);
    printf("#ifndef %s_NETWORK_H\n#define %s_NETWORK_H\n", w->upper, w->upper);
    putchar('\n');
    fwrite(asset_c_layers_h_txt.bytes, 1, asset_c_layers_h_txt.size, stdout);
    put_sizes(n, w);
    if (!encoding_is_of_images(e)) put_columns(e, w);
    put_classes(e, w);
    putchar('\n');
    const int status = c_net_put_weights(n);
    if (status) return status;
    put_predict(n, w);
    puts("\n#endif");
    return 0;
}

int export_c_header(const model *m, const char *path) {
    const c_words w = words_of(path);
    c_net n;
    int status = c_net_begin(&n, m, w.lower);
    if (!status) status = put_header(&n, &w);
    c_net_end(&n);
    return status;
}
