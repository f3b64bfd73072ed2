/* SPDX-License-Identifier: Apache-2.0 */
/* c_net.c - a plan (network/plan.h) with its weights as C: arrays, and a call for each layer. The
 * calls are those of c_layers.h.txt. */
#include "commands/export/export.h"
#include "io/failure.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBERS_IN_LINE = 8,
    LOOK_EVERY = 1024,
    NAME_MAX_OF_C = EXPORT_PREFIX_MAX + LAYER_NAME_MAX + 16
};

typedef struct c_name {
    char text[NAME_MAX_OF_C];
} c_name;

/* energy_layer1_norm_weight */
static c_name name_of(const c_net *n, const net_layer *l, const char *what) {
    c_name name;
    snprintf(name.text, sizeof name.text, "%s_%s_%s", n->prefix, l->name, what);
    for (char *c = name.text; *c; c++)
        if (!isalnum((unsigned char)*c)) *c = '_';
    return name;
}

/* ---- weights ---- */

/* Nine digits are the float32 again; a literal of C has a point or an exponent. */
static void put_float(float value) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    printf("%s%sf", text, strpbrk(text, ".e") ? "" : ".0");
}

static int put_array(c_net *n, const net_layer *l, const char *what, const float *number,
                     int64_t len) {
    const c_name name = name_of(n, l, what);
    const int64_t done = n->shown.done;
    printf("static const float %s[%" PRId64 "] = {", name.text, len);
    for (int64_t k = 0; k < len; k++) {
        if (!isfinite(number[k]))
            return failure(FAILURE_INPUT,
                           "%s: number %" PRId64 " of %s.%s is not finite, and C has no such "
                           "constant",
                           n->m->folder, k + 1, l->name, what);
        fputs(k % NUMBERS_IN_LINE ? " " : "\n    ", stdout);
        put_float(number[k]);
        putchar(',');
        if (k % LOOK_EVERY == 0) progress_to(&n->shown, done + k);
    }
    puts("\n};");
    progress_to(&n->shown, done + len);
    return 0;
}

/* Nothing where the net has none. */
static int put_tensor(c_net *n, const net_layer *l, const char *what) {
    const net_tensor t = export_tensor(n->m, l, what);
    return t.data ? put_array(n, l, what, t.data, t.len) : 0;
}

/* Batch normalization with its running moments is a factor and a shift for each channel. */
static int put_batch_norm(c_net *n, const net_layer *l) {
    const net_tensor weight = export_tensor(n->m, l, "weight"),
                     bias = export_tensor(n->m, l, "bias"),
                     mean = export_tensor(n->m, l, "running_mean"),
                     variance = export_tensor(n->m, l, "running_var");
    float *factor = malloc(2 * (size_t)l->channels * sizeof *factor), *shift;
    if (!factor) return failure(FAILURE_INPUT, "out of memory for %s", l->name);
    shift = factor + l->channels;
    for (int64_t c = 0; c < l->channels; c++) {
        const double scale =
            (double)weight.data[c] / sqrt((double)variance.data[c] + EXPORT_NORM_EPSILON);
        factor[c] = (float)scale;
        shift[c] = (float)((double)bias.data[c] - (double)mean.data[c] * scale);
    }
    int status = put_array(n, l, "factor", factor, l->channels);
    if (!status) status = put_array(n, l, "shift", shift, l->channels);
    free(factor);
    return status;
}

static int put_layers(c_net *n) {
    int status = 0;
    for (int32_t k = 1; k < n->plan.count && !status; k++) {
        const net_layer *l = &n->plan.layers[k];
        if (l->kind == LAYER_BATCH_NORM) {
            status = put_batch_norm(n, l);
            continue;
        }
        status = put_tensor(n, l, "weight");
        if (!status) status = put_tensor(n, l, "bias");
    }
    return status;
}

int c_net_put_weights(c_net *n) {
    n->shown = progress_begin("writing", "weights", net_size(n->m->net));
    const int status = put_layers(n);
    progress_end(&n->shown);
    return status;
}

/* ---- calls ---- */

static const net_layer *before(const c_net *n, const net_layer *l) {
    return &n->plan.layers[l->input];
}

static int64_t at(const c_net *n, const net_layer *l) {
    return n->at[l - n->plan.layers];
}

/* "work + 12" */
static void put_place(int64_t place) {
    if (place)
        printf("work + %" PRId64, place);
    else
        fputs("work", stdout);
}

static void put_bias(const c_net *n, const net_layer *l) {
    fputs(export_tensor(n->m, l, "bias").data ? name_of(n, l, "bias").text : "NULL", stdout);
}

/* {height, width, channels, rows, columns, cell height and width, stride down and across, pad} */
static void put_window(const c_net *n, const net_layer *l) {
    const net_layer *in = before(n, l);
    const bool pools = l->kind != LAYER_CONVOLUTION;
    const int64_t cell[] = {pools ? l->window[0] : l->kernel, pools ? l->window[1] : l->kernel},
                  stride[] = {pools ? cell[0] : l->stride, pools ? cell[1] : l->stride};
    printf("        const ravine_net_window w = {%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
           ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "};\n",
           in->height, in->width, in->channels, l->height, l->width, cell[0], cell[1], stride[0],
           stride[1], pools ? 0 : (l->kernel - 1) / 2);
}

static void put_dense(const c_net *n, const net_layer *l) {
    fputs("    ravine_net_dense(", stdout);
    put_place(at(n, before(n, l)));
    printf(", %" PRId64 ", %s, ", before(n, l)->size, name_of(n, l, "weight").text);
    put_bias(n, l);
    printf(", %" PRId64 ", ", l->channels);
    put_place(at(n, l));
    puts(");");
}

static void put_over_windows(const c_net *n, const net_layer *l) {
    const bool pools = l->kind != LAYER_CONVOLUTION;
    puts("    {");
    put_window(n, l);
    printf("        ravine_net_%s(", pools ? "pool" : "convolution");
    put_place(at(n, before(n, l)));
    fputs(", w, ", stdout);
    if (pools) {
        printf("%d, ", l->kind == LAYER_AVERAGE_POOL);
    } else {
        printf("%s, ", name_of(n, l, "weight").text);
        put_bias(n, l);
        printf(", %" PRId64 ", ", l->channels);
    }
    put_place(at(n, l));
    puts(");\n    }");
}

static void put_norm(const c_net *n, const net_layer *l) {
    const bool batch = l->kind == LAYER_BATCH_NORM;
    printf("    ravine_net_%s(", batch ? "scale" : "layer_norm");
    put_place(at(n, before(n, l)));
    printf(", %" PRId64 ", %s, %s, %" PRId64 ", ", l->size,
           name_of(n, l, batch ? "factor" : "weight").text,
           name_of(n, l, batch ? "shift" : "bias").text, l->channels);
    put_place(at(n, l));
    puts(");");
}

static void put_sum(const c_net *n, const net_layer *l) {
    fputs("    ravine_net_add(", stdout);
    put_place(at(n, before(n, l)));
    fputs(", ", stdout);
    put_place(n->at[l->skip]);
    printf(", %" PRId64 ", ", l->size);
    put_place(at(n, l));
    puts(");");
}

static void put_activation(const c_net *n, const net_layer *l) {
    static const char *const names[] = {
        [1 + NET_RELU] = "relu", [1 + NET_TANH] = "tanh", [1 + NET_GELU] = "gelu"};
    if (!l->activation) return;
    printf("    ravine_net_%s(", names[l->activation]);
    put_place(at(n, l));
    printf(", %" PRId64 ");\n", l->size);
}

void c_net_put_calls(const c_net *n) {
    for (int32_t k = 1; k < n->plan.count; k++) {
        const net_layer *l = &n->plan.layers[k];
        switch (l->kind) {
        case LAYER_DENSE: put_dense(n, l); break;
        case LAYER_CONVOLUTION:
        case LAYER_MAX_POOL:
        case LAYER_AVERAGE_POOL: put_over_windows(n, l); break;
        case LAYER_BATCH_NORM:
        case LAYER_LAYER_NORM: put_norm(n, l); break;
        case LAYER_ADD: put_sum(n, l); break;
        default: break; /* dropout does nothing; c_net_begin() has refused the others */
        }
        put_activation(n, l);
    }
}

/* ---- where outputs lie ---- */

/* The last layer that reads the output of each; dropout hands its input on. */
static void find_last(const net_plan *p, int32_t *last, int32_t *from) {
    for (int32_t k = 0; k < p->count; k++) {
        const net_layer *l = &p->layers[k];
        from[k] = k > 0 && l->kind == LAYER_DROPOUT ? from[l->input] : k;
        last[k] = k == p->count - 1 ? p->count : k;
        if (k > 0) last[from[l->input]] = k;
        if (l->kind == LAYER_ADD) last[from[l->skip]] = k;
    }
}

/* The lowest place for layer k that meets no output which is still read. */
static int64_t find_place(const c_net *n, const int32_t *last, const int32_t *from, int32_t k) {
    const net_layer *layers = n->plan.layers;
    int64_t place = 0;
    for (int32_t j = 0; j < k; j++) {
        const bool is_read = from[j] == j && last[j] >= k;
        if (!is_read || place + layers[k].size <= n->at[j] || n->at[j] + layers[j].size <= place)
            continue;
        place = n->at[j] + layers[j].size;
        j = -1; /* the others once more, from the new place */
    }
    return place;
}

static void place_outputs(c_net *n, int32_t *last, int32_t *from) {
    find_last(&n->plan, last, from);
    for (int32_t k = 0; k < n->plan.count; k++) {
        n->at[k] = from[k] == k ? find_place(n, last, from, k) : n->at[from[k]];
        const int64_t end = n->at[k] + n->plan.layers[k].size;
        if (end > n->room) n->room = end;
    }
}

static bool is_of_sequences(net_layer_kind kind) {
    return kind > LAYER_ADD;
}

int c_net_begin(c_net *n, const model *m, const char *prefix) {
    *n = (c_net){.m = m, .prefix = prefix};
    const int status = export_plan(&n->plan, m);
    if (status) return status;
    for (int32_t k = 0; k < n->plan.count; k++)
        if (is_of_sequences(n->plan.layers[k].kind))
            return failure(FAILURE_USAGE,
                           "%s: export to C writes networks of tables and images; this one reads a "
                           "text",
                           m->folder);
    const uint32_t count = (uint32_t)n->plan.count;
    int32_t *last = calloc(count, 2 * sizeof *last);
    n->at = calloc(count, sizeof *n->at);
    if (last && n->at) place_outputs(n, last, last + count);
    free(last);
    if (n->room > INT32_MAX)
        return failure(FAILURE_USAGE, "%s: the net needs %" PRId64 " numbers of room; C gets %d",
                       m->folder, n->room, INT32_MAX);
    return n->room ? 0 : failure(FAILURE_INPUT, "out of memory for %u layers", count);
}

void c_net_end(c_net *n) {
    net_plan_free(&n->plan);
    free(n->at);
}
