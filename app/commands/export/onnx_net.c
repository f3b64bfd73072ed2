/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_net.c - a plan (network/plan.h) with its weights as ONNX operators. Images lie [channels,
 * height, width] there, and [height, width, channels] in ours. */
#include "commands/export/export.h"
#include "commands/export/onnx.h"
#include "io/failure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writing {
    wire_out *graph;
    const model *m;
    const net_plan *plan;
    onnx_name *out; /* [plan->count] what each layer gives */
    bool *is_map;   /* [plan->count] images, not rows of numbers */
    int32_t index;  /* of the layer that is written */
} writing;

static const net_layer *layer(const writing *w) {
    return &w->plan->layers[w->index];
}

static onnx_name local(const writing *w, const char *what) {
    return onnx_name_of(layer(w)->name, what);
}

static const char *input(const writing *w) {
    return w->out[layer(w)->input].text;
}

/* ---- weights ---- */

/* As a constant of its name; false: the net has none. */
static bool put_weight(const writing *w, const char *what) {
    const net_tensor t = export_tensor(w->m, layer(w), what);
    if (!t.data) return false;
    onnx_tensor(w->graph, local(w, what).text, ONNX_FLOAT, t.shape, t.ndim, t.data,
                (size_t)t.len * sizeof *t.data);
    return true;
}

/* [out, kernel, kernel, in] as [out, in, kernel, kernel]. */
static void put_kernels(const writing *w) {
    const net_tensor t = export_tensor(w->m, layer(w), "weight");
    const int64_t in = t.shape[3], cells = t.shape[1] * t.shape[2],
                  shape[] = {t.shape[0], in, t.shape[1], t.shape[2]};
    float *turned = malloc((size_t)t.len * sizeof *turned);
    if (!turned) {
        w->graph->failed = true;
        return;
    }
    for (int64_t o = 0; o < t.shape[0]; o++)
        for (int64_t cell = 0; cell < cells; cell++)
            for (int64_t i = 0; i < in; i++)
                turned[(o * in + i) * cells + cell] = t.data[(o * cells + cell) * in + i];
    onnx_tensor(w->graph, local(w, "weight").text, ONNX_FLOAT, shape, 4, turned,
                (size_t)t.len * sizeof *turned);
    free(turned);
}

/* ---- layers: each writes its nodes, the last of which gives `to` ---- */

/* Images as rows of numbers, in our order. */
static onnx_name flat_input(const writing *w) {
    onnx_name in = w->out[layer(w)->input];
    if (!w->is_map[layer(w)->input]) return in;
    const onnx_name turned = local(w, "Transpose"), flat = local(w, "Flatten");
    onnx_node n = onnx_begin("Transpose", turned.text, (const char *const[]){in.text, NULL});
    onnx_ints(&n, "perm", (const int64_t[]){0, 2, 3, 1}, 4);
    onnx_put(w->graph, &n);
    onnx_operator(w->graph, "Flatten", flat.text, turned.text, NULL);
    return flat;
}

static void put_dense(const writing *w, const char *to) {
    const onnx_name in = flat_input(w), weight = local(w, "weight"), bias = local(w, "bias");
    put_weight(w, "weight");
    const bool biased = put_weight(w, "bias");
    onnx_node n = onnx_begin(
        "Gemm", to, (const char *const[]){in.text, weight.text, biased ? bias.text : NULL, NULL});
    onnx_int(&n, "transB", 1);
    onnx_put(w->graph, &n);
}

static void put_convolution(const writing *w, const char *to) {
    const net_layer *l = layer(w);
    const int64_t pad = (l->kernel - 1) / 2;
    const onnx_name weight = local(w, "weight"), bias = local(w, "bias");
    put_kernels(w);
    const bool biased = put_weight(w, "bias");
    onnx_node n = onnx_begin(
        "Conv", to, (const char *const[]){input(w), weight.text, biased ? bias.text : NULL, NULL});
    onnx_ints(&n, "kernel_shape", (const int64_t[]){l->kernel, l->kernel}, 2);
    onnx_ints(&n, "pads", (const int64_t[]){pad, pad, pad, pad}, 4);
    onnx_ints(&n, "strides", (const int64_t[]){l->stride, l->stride}, 2);
    onnx_put(w->graph, &n);
}

static void put_pool(const writing *w, const char *to) {
    const net_layer *l = layer(w);
    const char *operator= l->kind == LAYER_MAX_POOL ? "MaxPool" : "AveragePool";
    onnx_node n = onnx_begin(operator, to, (const char *const[]){input(w), NULL});
    onnx_ints(&n, "kernel_shape", l->window, 2);
    onnx_ints(&n, "strides", l->window, 2);
    onnx_put(w->graph, &n);
}

static void put_batch_norm(const writing *w, const char *to) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    onnx_name name[4];
    for (int k = 0; k < 4; k++) {
        put_weight(w, parts[k]);
        name[k] = local(w, parts[k]);
    }
    onnx_node n = onnx_begin("BatchNormalization", to,
                             (const char *const[]){input(w), name[0].text, name[1].text,
                                                   name[2].text, name[3].text, NULL});
    onnx_float(&n, "epsilon", (float)EXPORT_NORM_EPSILON);
    onnx_put(w->graph, &n);
}

/* Of a whole image, or of the last axis: a row, or a position. */
static void put_mean(const writing *w, const char *to, const char *in) {
    const bool is_map = w->is_map[layer(w)->input];
    const int64_t map[] = {1, 2, 3}, last = -1;
    onnx_node n = onnx_begin("ReduceMean", to, (const char *const[]){in, NULL});
    onnx_ints(&n, "axes", is_map ? map : &last, is_map ? 3 : 1);
    onnx_put(w->graph, &n);
}

/* A number for each channel, to go with what the layer works on. */
static void put_of_channels(const writing *w, const char *what) {
    const net_tensor t = export_tensor(w->m, layer(w), what);
    const int64_t shape[] = {t.len, 1, 1};
    onnx_tensor(w->graph, local(w, what).text, ONNX_FLOAT, shape,
                w->is_map[layer(w)->input] ? 3 : 1, t.data, (size_t)t.len * sizeof *t.data);
}

/* (x - mean) / sqrt(variance + epsilon) * weight + bias, moments of a whole example. */
static void put_layer_norm(const writing *w, const char *to) {
    wire_out *g = w->graph;
    const onnx_name mean = local(w, "mean"), moved = local(w, "Sub"), square = local(w, "square"),
                    variance = local(w, "variance"), epsilon = local(w, "epsilon"),
                    sum = local(w, "Add"), deviation = local(w, "Sqrt"), scaled = local(w, "Div"),
                    weight = local(w, "weight"), bias = local(w, "bias"),
                    weighted = local(w, "Mul");
    put_of_channels(w, "weight");
    put_of_channels(w, "bias");
    onnx_float_number(g, epsilon.text, (float)EXPORT_NORM_EPSILON);
    put_mean(w, mean.text, input(w));
    onnx_operator(g, "Sub", moved.text, input(w), mean.text);
    onnx_operator(g, "Mul", square.text, moved.text, moved.text);
    put_mean(w, variance.text, square.text);
    onnx_operator(g, "Add", sum.text, variance.text, epsilon.text);
    onnx_operator(g, "Sqrt", deviation.text, sum.text, NULL);
    onnx_operator(g, "Div", scaled.text, moved.text, deviation.text);
    onnx_operator(g, "Mul", weighted.text, scaled.text, weight.text);
    onnx_operator(g, "Add", to, weighted.text, bias.text);
}

/* ---- sequences: [examples, positions, channels], as many positions as there are ---- */

/* x weight^T: of a tied layer the weight is the embedding's table, which is there already. */
static void put_linear(const writing *w, const char *to) {
    const net_layer *l = layer(w);
    const net_layer *table = l->tied ? &w->plan->layers[l->tied] : l;
    const onnx_name weight = onnx_name_of(table->name, "weight"), turned = local(w, "Transpose"),
                    bias = local(w, "bias"), product = local(w, "MatMul");
    if (!l->tied) put_weight(w, "weight");
    const bool biased = put_weight(w, "bias");
    onnx_operator(w->graph, "Transpose", turned.text, weight.text, NULL);
    onnx_operator(w->graph, "MatMul", biased ? product.text : to, input(w), turned.text);
    if (biased) onnx_operator(w->graph, "Add", to, product.text, bias.text);
}

static void put_embedding(const writing *w, const char *to) {
    const onnx_name weight = local(w, "weight");
    put_weight(w, "weight");
    onnx_operator(w->graph, "Gather", to, weight.text, input(w));
}

/* Of a constant of a row for each position of the context, those of the positions that are there.
 */
static void put_slice(const writing *w, const char *to, const char *from) {
    const int64_t zero = 0, one = 1;
    const onnx_name shape = local(w, "Shape"), begin = local(w, "begin"), place = local(w, "place"),
                    end = local(w, "end");
    onnx_operator(w->graph, "Shape", shape.text, input(w), NULL);
    onnx_tensor(w->graph, begin.text, ONNX_INT64, &one, 1, &zero, sizeof zero);
    onnx_tensor(w->graph, place.text, ONNX_INT64, &one, 1, &one, sizeof one);
    onnx_operator(w->graph, "Gather", end.text, shape.text, place.text);
    onnx_node n = onnx_begin("Slice", to,
                             (const char *const[]){from, begin.text, end.text, begin.text, NULL});
    onnx_put(w->graph, &n);
}

static void put_positions(const writing *w, const char *to) {
    const onnx_name weight = local(w, "weight"), rows = local(w, "Slice");
    put_weight(w, "weight");
    put_slice(w, rows.text, weight.text);
    onnx_operator(w->graph, "Add", to, input(w), rows.text);
}

static void put_reshape(const writing *w, const char *what, const char *to, const char *from,
                        const int64_t *sizes, int count) {
    const int64_t ndim = count;
    const onnx_name shape = local(w, what);
    onnx_tensor(w->graph, shape.text, ONNX_INT64, &ndim, 1, sizes, (size_t)count * sizeof *sizes);
    onnx_operator(w->graph, "Reshape", to, from, shape.text);
}

static void put_transpose(const writing *w, const char *to, const char *from, const int64_t *axes,
                          int count) {
    onnx_node n = onnx_begin("Transpose", to, (const char *const[]){from, NULL});
    onnx_ints(&n, "perm", axes, count);
    onnx_put(w->graph, &n);
}

/* Queries, keys (0, 1) or values, side by side in the input: [examples, heads, positions, width].
 */
static onnx_name put_part(const writing *w, const char *parts, int64_t which, const char *what) {
    const onnx_name part = local(w, what);
    char name[32];
    snprintf(name, sizeof name, "%s_place", what);
    const onnx_name place = local(w, name);
    onnx_tensor(w->graph, place.text, ONNX_INT64, NULL, 0, &which, sizeof which);
    onnx_operator(w->graph, "Gather", part.text, parts, place.text);
    return part;
}

/* Where a position may not look: at those after it. [positions, positions] */
static onnx_name put_mask(const writing *w) {
    const int64_t context = layer(w)->height, column[] = {-1, 1};
    const onnx_name all = local(w, "places"), here = local(w, "Slice"),
                    down = local(w, "places_down"), mask = local(w, "Less");
    onnx_put_places(w->graph, all.text, context);
    put_slice(w, here.text, all.text);
    put_reshape(w, "column", down.text, here.text, column, 2);
    onnx_operator(w->graph, "Less", mask.text, down.text, here.text);
    return mask;
}

/* softmax(q k^T / sqrt(width of a head)) v of each head, later positions left out. */
static void put_attention(const writing *w, const char *to) {
    const net_layer *l = layer(w);
    wire_out *g = w->graph;
    const int64_t width = l->channels / l->heads, split[] = {0, 0, 3, l->heads, width},
                  parts_first[] = {2, 0, 3, 1, 4}, turned[] = {0, 1, 3, 2}, back[] = {0, 2, 1, 3},
                  joined[] = {0, 0, l->channels};
    const onnx_name sides = local(w, "sides"), parts = local(w, "parts"), keys = local(w, "keys"),
                    products = local(w, "products"), scale = local(w, "scale"),
                    scores = local(w, "scores"), never = local(w, "never"),
                    masked = local(w, "Where"), shares = local(w, "Softmax"),
                    sums = local(w, "sums"), heads = local(w, "heads");
    put_reshape(w, "split", sides.text, input(w), split, 5);
    put_transpose(w, parts.text, sides.text, parts_first, 5);
    const onnx_name q = put_part(w, parts.text, 0, "q"), k = put_part(w, parts.text, 1, "k"),
                    v = put_part(w, parts.text, 2, "v"), mask = put_mask(w);
    put_transpose(w, keys.text, k.text, turned, 4);
    onnx_float_number(g, scale.text, (float)(1 / sqrt((double)width)));
    onnx_float_number(g, never.text, -INFINITY);
    onnx_operator(g, "MatMul", products.text, q.text, keys.text);
    onnx_operator(g, "Mul", scores.text, products.text, scale.text);
    onnx_node n = onnx_begin("Where", masked.text,
                             (const char *const[]){mask.text, never.text, scores.text, NULL});
    onnx_put(g, &n);
    n = onnx_begin("Softmax", shares.text, (const char *const[]){masked.text, NULL});
    onnx_int(&n, "axis", -1);
    onnx_put(g, &n);
    onnx_operator(g, "MatMul", sums.text, shares.text, v.text);
    put_transpose(w, heads.text, sums.text, back, 4);
    put_reshape(w, "joined", to, heads.text, joined, 3);
}

/* ---- activations ---- */

/* x (1 + erf(x / sqrt 2)) / 2: an operator of its own came with ai.onnx 20. */
static void put_gelu(const writing *w, const char *to, const char *in) {
    wire_out *g = w->graph;
    const onnx_name root = local(w, "gelu_root"), one = local(w, "gelu_one"),
                    half = local(w, "gelu_half"), inside = local(w, "gelu_inside"),
                    erf = local(w, "gelu_Erf"), sum = local(w, "gelu_Add"),
                    halved = local(w, "gelu_Mul");
    onnx_float_number(g, root.text, 0.70710678f);
    onnx_float_number(g, one.text, 1);
    onnx_float_number(g, half.text, 0.5f);
    onnx_operator(g, "Mul", inside.text, in, root.text);
    onnx_operator(g, "Erf", erf.text, inside.text, NULL);
    onnx_operator(g, "Add", sum.text, erf.text, one.text);
    onnx_operator(g, "Mul", halved.text, sum.text, half.text);
    onnx_operator(g, "Mul", to, in, halved.text);
}

static void put_activation(const writing *w, const char *to, const char *in) {
    switch (layer(w)->activation) {
    case 1 + NET_RELU: onnx_operator(w->graph, "Relu", to, in, NULL); break;
    case 1 + NET_TANH: onnx_operator(w->graph, "Tanh", to, in, NULL); break;
    default: put_gelu(w, to, in); break;
    }
}

static int put_kind(const writing *w, const char *to) {
    switch (layer(w)->kind) {
    case LAYER_DENSE: return put_dense(w, to), 0;
    case LAYER_CONVOLUTION: return put_convolution(w, to), 0;
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL: return put_pool(w, to), 0;
    case LAYER_BATCH_NORM: return put_batch_norm(w, to), 0;
    case LAYER_LAYER_NORM:
    case LAYER_POSITION_NORM: return put_layer_norm(w, to), 0;
    case LAYER_EMBEDDING: return put_embedding(w, to), 0;
    case LAYER_POSITIONS: return put_positions(w, to), 0;
    case LAYER_LINEAR: return put_linear(w, to), 0;
    case LAYER_ATTENTION: return put_attention(w, to), 0;
    case LAYER_DROPOUT: return onnx_operator(w->graph, "Identity", to, input(w), NULL), 0;
    case LAYER_ADD:
        return onnx_operator(w->graph, "Add", to, input(w), w->out[layer(w)->skip].text), 0;
    default:
        return failure(FAILURE_USAGE,
                       "%s: export cannot write the run's network as ONNX: layer %s has no form "
                       "there",
                       w->m->folder, layer(w)->name);
    }
}

static int put_layer(const writing *w) {
    const net_layer *l = layer(w);
    const onnx_name sum = local(w, "before");
    const char *to = w->out[w->index].text;
    const int status = put_kind(w, l->activation ? sum.text : to);
    if (!status && l->activation) put_activation(w, to, sum.text);
    return status;
}

static int put_plan(writing *w, const char *x, const char *z) {
    const net_plan *p = w->plan;
    snprintf(w->out[0].text, ONNX_NAME_MAX, "%s", x);
    w->is_map[0] = encoding_is_of_images(&w->m->encoding);
    int status = 0;
    for (w->index = 1; w->index < p->count && !status; w->index++) {
        w->out[w->index] = local(w, "out");
        if (w->index == p->count - 1) snprintf(w->out[w->index].text, ONNX_NAME_MAX, "%s", z);
        w->is_map[w->index] = layer(w)->kind != LAYER_DENSE && w->is_map[layer(w)->input];
        status = put_layer(w);
    }
    return status;
}

int onnx_put_net(wire_out *graph, const model *m, const char *x, const char *z) {
    net_plan plan;
    int status = export_plan(&plan, m);
    writing w = {.graph = graph, .m = m, .plan = &plan};
    w.out = calloc((size_t)plan.count + 1, sizeof *w.out);
    w.is_map = calloc((size_t)plan.count + 1, sizeof *w.is_map);
    if (!w.out || !w.is_map)
        graph->failed = true;
    else if (!status)
        status = put_plan(&w, x, z);
    free(w.out);
    free(w.is_map);
    net_plan_free(&plan);
    return status;
}
