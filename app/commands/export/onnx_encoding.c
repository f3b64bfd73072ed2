/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_encoding.c - raw examples into the numbers that the net takes, and its outputs into answers:
 * what data/encoding.h and model_predict() do, as a graph. In double, as there. */
#include "commands/export/onnx.h"
#include "io/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS        "pixels"
#define BYTES         "bytes"
#define PREDICTION    "prediction"
#define PROBABILITIES "probabilities"

int onnx_check_names(const data_encoding *e) {
    for (int64_t k = 0; k < e->columns; k++) {
        const char *name = e->column[k].name;
        if (!*name || *name == '/' || !strcmp(name, PREDICTION) || !strcmp(name, PROBABILITIES))
            return failure(FAILURE_INPUT,
                           "a column is called '%s', which no input of an ONNX model can be here: "
                           "rename it in the table and train again",
                           name);
    }
    return 0;
}

/* (in - mean) / deviation, 0 where the deviation is 0, as float. */
static void standardise(wire_out *graph, const char *part, const char *out, const char *in,
                        double mean, double deviation) {
    const onnx_name m = onnx_name_of(part, "mean"), f = onnx_name_of(part, "factor"),
                    moved = onnx_name_of(part, "Sub"), scaled = onnx_name_of(part, "Mul");
    onnx_number(graph, m.text, mean);
    onnx_number(graph, f.text, deviation > 0 ? 1 / deviation : 0);
    onnx_operator(graph, "Sub", moved.text, in, m.text);
    onnx_operator(graph, "Mul", scaled.text, moved.text, f.text);
    onnx_cast(graph, out, scaled.text, ONNX_FLOAT);
}

void onnx_put_places(wire_out *graph, const char *name, int64_t count) {
    int64_t *places = malloc((size_t)count * sizeof *places);
    if (!places) {
        graph->failed = true;
        return;
    }
    for (int64_t k = 0; k < count; k++) places[k] = k;
    onnx_tensor(graph, name, ONNX_INT64, &count, 1, places, (size_t)count * sizeof *places);
    free(places);
}

/* An input for each word. The place of a word that is not known is behind the last: Gather refuses
 * it, so that nothing is guessed. */
static void put_words(wire_out *graph, const char *part, const char *out, const encoded_column *c) {
    const onnx_name code = onnx_name_of(part, "LabelEncoder"), place = onnx_name_of(part, "Gather"),
                    places = onnx_name_of(part, "places"), equal = onnx_name_of(part, "Equal");
    onnx_node n = onnx_begin("LabelEncoder", code.text, (const char *const[]){c->name, NULL});
    onnx_strings(&n, "keys_strings", c->word, c->words);
    onnx_int64s(&n, "values_int64s", c->words);
    onnx_int(&n, "default_int64", c->words);
    onnx_of_ml(&n);
    onnx_put(graph, &n);
    onnx_put_places(graph, places.text, c->words);
    onnx_operator(graph, "Gather", place.text, places.text, code.text);
    onnx_operator(graph, "Equal", equal.text, place.text, places.text);
    onnx_cast(graph, out, equal.text, ONNX_FLOAT);
}

/* NaN is a number that is missing: it becomes the column's fill, and 1 in its indicator. */
static void put_number(wire_out *graph, const char *part, const char *out, const encoded_column *c,
                       bool may_be_missing) {
    if (!may_be_missing) {
        standardise(graph, part, out, c->name, c->mean, c->deviation);
        return;
    }
    const onnx_name missing = onnx_name_of(part, "IsNaN"), fill = onnx_name_of(part, "fill"),
                    filled = onnx_name_of(part, "Where"), number = onnx_name_of(part, "number"),
                    told = onnx_name_of(part, "indicator");
    onnx_operator(graph, "IsNaN", missing.text, c->name, NULL);
    onnx_number(graph, fill.text, c->fill);
    onnx_node where = onnx_begin("Where", filled.text,
                                 (const char *const[]){missing.text, fill.text, c->name, NULL});
    onnx_put(graph, &where);
    standardise(graph, part, c->indicator ? number.text : out, filled.text, c->mean, c->deviation);
    if (!c->indicator) return;
    onnx_cast(graph, told.text, missing.text, ONNX_FLOAT);
    onnx_node n = onnx_begin("Concat", out, (const char *const[]){number.text, told.text, NULL});
    onnx_int(&n, "axis", 1);
    onnx_put(graph, &n);
}

static void put_columns(wire_out *graph, const data_encoding *e, const char *x) {
    const int64_t one = 1;
    onnx_name *out = calloc((size_t)e->columns, sizeof *out);
    const char **in = calloc((size_t)e->columns + 1, sizeof *in);
    graph->failed = graph->failed || !out || !in;
    for (int64_t k = 0; out && in && k < e->columns; k++) {
        const encoded_column *c = &e->column[k];
        char part[32];
        snprintf(part, sizeof part, "column%lld", (long long)k + 1);
        out[k] = onnx_name_of(part, "out");
        in[k] = out[k].text;
        onnx_put_input(graph, c->name, c->words ? ONNX_STRING : ONNX_DOUBLE, &one, 1);
        if (c->words)
            put_words(graph, part, in[k], c);
        else
            put_number(graph, part, in[k], c, e->missing != CSV_MISSING_ERROR);
    }
    if (out && in) {
        onnx_node n = onnx_begin("Concat", x, in);
        onnx_int(&n, "axis", 1);
        onnx_put(graph, &n);
    }
    free(in);
    free(out);
}

static void put_pixels(wire_out *graph, const data_encoding *e, const char *x) {
    onnx_put_input(graph, PIXELS, ONNX_UINT8, e->shape, 3);
    onnx_cast(graph, "/pixels/Cast", PIXELS, ONNX_DOUBLE);
    /* (pixel/255 - mean)/deviation, times 255 above and below. */
    standardise(graph, PIXELS, x, "/pixels/Cast", 255 * e->mean, 255 * e->deviation);
}

static void put_bytes(wire_out *graph, const char *x) {
    const int64_t any = ONNX_ANY;
    onnx_put_input(graph, BYTES, ONNX_UINT8, &any, 1);
    onnx_cast(graph, x, BYTES, ONNX_INT64);
}

void onnx_put_encoding(wire_out *graph, const data_encoding *e, const char *x) {
    if (e->text)
        put_bytes(graph, x);
    else if (encoding_is_of_images(e))
        put_pixels(graph, e, x);
    else
        put_columns(graph, e, x);
}

/* ---- answers ---- */

static void put_class(wire_out *graph, const encoded_column *target) {
    onnx_node n =
        onnx_begin("ArgMax", "/answer/ArgMax", (const char *const[]){PROBABILITIES, NULL});
    onnx_int(&n, "axis", 1);
    onnx_int(&n, "keepdims", 0);
    onnx_put(graph, &n);
    n = onnx_begin("LabelEncoder", PREDICTION, (const char *const[]){"/answer/ArgMax", NULL});
    onnx_int64s(&n, "keys_int64s", target->words);
    onnx_strings(&n, "values_strings", target->word, target->words);
    onnx_of_ml(&n);
    onnx_put(graph, &n);
}

static void put_value(wire_out *graph, const encoded_column *target, const char *z) {
    const int64_t flat = -1, one = 1;
    onnx_tensor(graph, "/answer/flat", ONNX_INT64, &one, 1, &flat, sizeof flat);
    onnx_number(graph, "/answer/mean", target->mean);
    onnx_number(graph, "/answer/deviation", target->deviation);
    onnx_cast(graph, "/answer/Cast", z, ONNX_DOUBLE);
    onnx_operator(graph, "Reshape", "/answer/Reshape", "/answer/Cast", "/answer/flat");
    onnx_operator(graph, "Mul", "/answer/Mul", "/answer/Reshape", "/answer/deviation");
    onnx_operator(graph, "Add", PREDICTION, "/answer/Mul", "/answer/mean");
}

void onnx_put_answer(wire_out *graph, const data_encoding *e, const char *z) {
    if (e->regression) {
        put_value(graph, &e->target, z);
        onnx_put_output(graph, PREDICTION, ONNX_DOUBLE, NULL, 0);
        return;
    }
    onnx_node n = onnx_begin("Softmax", PROBABILITIES, (const char *const[]){z, NULL});
    onnx_int(&n, "axis", -1);
    onnx_put(graph, &n);
    if (e->text) {
        const int64_t shape[] = {ONNX_ANY, e->outputs};
        onnx_put_output(graph, PROBABILITIES, ONNX_FLOAT, shape, 2);
        return;
    }
    put_class(graph, &e->target);
    onnx_put_output(graph, PREDICTION, ONNX_STRING, NULL, 0);
    onnx_put_output(graph, PROBABILITIES, ONNX_FLOAT, &e->outputs, 1);
}
