/* SPDX-License-Identifier: Apache-2.0 */
/* models.c - the models of net.h as plans. */
#include "io/failure.h"
#include "network/plan.h"

#include <math.h>
#include <stdio.h>

static int check_transformer(const net_spec *s) {
    if (s->norm != NET_NORM_PRE && s->norm != NET_NORM_POST)
        return failure(FAILURE_USAGE, "the norm of a transformer must be pre or post");
    if (s->layers < 1 || s->layers > 1024)
        return failure(FAILURE_USAGE, "transformer has %lld layers; it must have 1 to 1024",
                       (long long)s->layers);
    if (s->heads < 1 || s->width < 1 || s->width > INT32_MAX / 4 || s->width % s->heads != 0)
        return failure(FAILURE_USAGE,
                       "transformer has %lld heads for a width of %lld; their number must divide "
                       "the width",
                       (long long)s->heads, (long long)s->width);
    if (!(s->dropout >= 0 && s->dropout < 1))
        return failure(FAILURE_USAGE, "dropout is %g; it must be in [0, 1)", s->dropout);
    return 0;
}

static int check_lstm(const net_spec *s) {
    if (s->norm != NET_NORM_NONE) return failure(FAILURE_USAGE, "the norm of an lstm must be none");
    if (s->layers < 1 || s->layers > 1024)
        return failure(FAILURE_USAGE, "lstm has %lld layers; it must have 1 to 1024",
                       (long long)s->layers);
    if (!(s->dropout >= 0 && s->dropout < 1))
        return failure(FAILURE_USAGE, "dropout is %g; it must be in [0, 1)", s->dropout);
    if (s->dropout > 0 && s->layers == 1)
        return failure(FAILURE_USAGE,
                       "dropout is %g, but an lstm drops between its layers, and has 1",
                       s->dropout);
    return 0;
}

static int check(const net_spec *s) {
    static const char *const names[] = {"mlp", "cnn", "resnet", "transformer", "lstm"};
    const char *name = names[s->model];
    const int32_t least = s->model == NET_MLP ? 0 : 1;
    if (s->model == NET_TRANSFORMER) return check_transformer(s);
    if (s->model == NET_LSTM) return check_lstm(s);
    if (s->nwidths < least || s->nwidths > NET_WIDTHS_MAX)
        return failure(FAILURE_USAGE, "%s has %d widths; it must have %d to %d", name,
                       (int)s->nwidths, (int)least, NET_WIDTHS_MAX);
    for (int32_t i = 0; i < s->nwidths; i++)
        if (s->widths[i] < 1)
            return failure(FAILURE_USAGE, "width %d of %s is %lld; it must be at least 1",
                           (int)i + 1, name, (long long)s->widths[i]);
    const int64_t least_outputs = s->loss == NET_CROSS_ENTROPY ? 2 : 1;
    if (s->outputs < least_outputs)
        return failure(FAILURE_USAGE, "%s has %lld outputs; it must have at least %lld", name,
                       (long long)s->outputs, (long long)least_outputs);
    if (!(s->dropout >= 0 && s->dropout < 1))
        return failure(FAILURE_USAGE, "dropout is %g; it must be in [0, 1)", s->dropout);
    const int64_t side = s->input[1] > s->input[2] ? s->input[1] : s->input[2];
    if (s->model == NET_CNN && (s->kernel < 1 || s->kernel % 2 == 0 || s->kernel > side))
        return failure(FAILURE_USAGE,
                       "kernel is %lld; it must be odd and 1 to %lld, the image's side",
                       (long long)s->kernel, (long long)side);
    if (s->model == NET_CNN && s->dense < 0)
        return failure(FAILURE_USAGE, "dense is %lld; it must be 0 (none) or more",
                       (long long)s->dense);
    if (s->model == NET_RESNET && (s->blocks < 1 || s->blocks > 256))
        return failure(FAILURE_USAGE, "blocks is %lld; it must be 1 to 256", (long long)s->blocks);
    return 0;
}

/* `l`, named prefix and name, then the norm of the model if it has one; `activation` comes last.
 * Batch normalization subtracts any constant, so a bias before it would have no effect. */
static int32_t normed(net_plan *p, const net_spec *s, net_layer l, int32_t activation,
                      const char *prefix, const char *name) {
    l.bias = s->norm != NET_NORM_BATCH;
    l.glorot = s->activation == NET_TANH;
    l.activation = s->norm == NET_NORM_NONE ? activation : 0;
    const int32_t at = net_plan_add(p, l, "%s%s", prefix, name);
    if (s->norm == NET_NORM_NONE) return at;
    const net_layer_kind kind = s->norm == NET_NORM_BATCH ? LAYER_BATCH_NORM : LAYER_LAYER_NORM;
    return net_plan_add(p, (net_layer){.kind = kind, .input = at, .activation = activation},
                        "%s%s.norm", prefix, name);
}

static int32_t dropout(net_plan *p, const net_spec *s, int32_t at, const char *name) {
    if (s->dropout == 0) return at;
    const net_layer l = {.kind = LAYER_DROPOUT, .input = at, .share = s->dropout};
    return net_plan_add(p, l, "%s.dropout", name);
}

static void output(net_plan *p, const net_spec *s, int32_t at) {
    const net_layer l = {
        .kind = LAYER_DENSE, .input = at, .channels = s->outputs, .bias = true, .glorot = true};
    net_plan_add(p, l, "output");
}

/* (dense, norm, activation, dropout) for each width, then the output. */
static void mlp(net_plan *p, const net_spec *s) {
    int32_t at = 0;
    for (int32_t i = 0; i < s->nwidths; i++) {
        char name[LAYER_NAME_MAX];
        snprintf(name, sizeof name, "layer%d", (int)i + 1);
        const net_layer l = {.kind = LAYER_DENSE, .input = at, .channels = s->widths[i]};
        at = normed(p, s, l, 1 + (int32_t)s->activation, "", name);
        at = dropout(p, s, at, name);
    }
    output(p, s, at);
}

/* After LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): (convolution, norm, activation, pooling by
 * 2 x 2) for each width, a dense layer with dropout, then the output. An activation that never
 * falls commutes with the maximum, so it comes after max pooling, for a quarter of the work. */
static void cnn(net_plan *p, const net_spec *s) {
    const int32_t activation = 1 + (int32_t)s->activation;
    const bool later = s->pooling == NET_POOL_MAX && s->activation != NET_GELU;
    int32_t at = 0;
    for (int32_t i = 0; i < s->nwidths; i++) {
        char name[LAYER_NAME_MAX];
        snprintf(name, sizeof name, "conv%d", (int)i + 1);
        const net_layer l = {
            .kind = LAYER_CONVOLUTION, .input = at, .channels = s->widths[i], .kernel = s->kernel};
        at = normed(p, s, l, later ? 0 : activation, "", name);
        const net_layer pool = {.kind = s->pooling == NET_POOL_MAX ? LAYER_MAX_POOL
                                                                   : LAYER_AVERAGE_POOL,
                                .input = at,
                                .window = {2, 2},
                                .activation = later ? activation : 0};
        at = net_plan_add(p, pool, "pool%d", (int)i + 1);
    }
    if (s->dense > 0) {
        const net_layer l = {.kind = LAYER_DENSE, .input = at, .channels = s->dense};
        at = normed(p, s, l, activation, "", "dense");
    }
    at = dropout(p, s, at, "dense");
    output(p, s, at);
}

/* Two convolutions of 3 x 3 around which the input is carried. Where the shape changes the shortcut
 * is a projection, a convolution of 1 x 1 (option B of the paper): it is made of the layers that
 * are there anyway, and was the better one in the paper's Table 3. `gain` of the second
 * convolution: see resnet(). */
static int32_t block(net_plan *p, const net_spec *s, int32_t at, int64_t channels, int64_t stride,
                     double gain, const char *prefix) {
    const int32_t activation = 1 + (int32_t)s->activation;
    const bool same = !p->error && stride == 1 && p->layers[at].channels == channels;
    net_layer l = {.kind = LAYER_CONVOLUTION,
                   .input = at,
                   .channels = channels,
                   .kernel = 3,
                   .stride = stride};
    const int32_t middle = normed(p, s, l, activation, prefix, "conv1");
    l.input = middle;
    l.stride = 1;
    l.gain = gain;
    const int32_t end = normed(p, s, l, 0, prefix, "conv2");
    int32_t skip = at;
    if (!same) {
        const net_layer projection = {.kind = LAYER_CONVOLUTION,
                                      .input = at,
                                      .channels = channels,
                                      .kernel = 1,
                                      .stride = stride};
        skip = normed(p, s, projection, 0, prefix, "shortcut");
    }
    const net_layer sum = {.kind = LAYER_ADD, .input = end, .skip = skip, .activation = activation};
    return net_plan_add(p, sum, "%ssum", prefix);
}

/* He, Zhang, Ren, Sun 2015 (Deep residual learning), section 4.2: a convolution of 3 x 3, stages of
 * residual blocks, the first block of every stage but the first with stride 2, the mean over the
 * map, the output. Without a norm each block would double the variance; the second convolution of
 * each block then starts smaller by the root of their number (Hanin, Rolnick 2018). */
static void resnet(net_plan *p, const net_spec *s) {
    const double gain = s->norm == NET_NORM_NONE ? 1 / sqrt((double)(s->nwidths * s->blocks)) : 1;
    const net_layer stem = {.kind = LAYER_CONVOLUTION, .channels = s->widths[0], .kernel = 3};
    int32_t at = normed(p, s, stem, 1 + (int32_t)s->activation, "", "stem");
    for (int32_t i = 0; i < s->nwidths; i++)
        for (int64_t b = 0; b < s->blocks; b++) {
            char prefix[LAYER_NAME_MAX];
            snprintf(prefix, sizeof prefix, "stage%d.block%d.", (int)i + 1, (int)b + 1);
            at = block(p, s, at, s->widths[i], i > 0 && b == 0 ? 2 : 1, gain, prefix);
        }
    if (p->error) return;
    const net_layer mean = {.kind = LAYER_AVERAGE_POOL,
                            .input = at,
                            .window = {p->layers[at].height, p->layers[at].width}};
    at = net_plan_add(p, mean, "mean");
    at = dropout(p, s, at, "mean");
    output(p, s, at);
}

static int32_t sequence_norm(net_plan *p, int32_t at, const char *prefix) {
    return net_plan_add(p, (net_layer){.kind = LAYER_POSITION_NORM, .input = at}, "%snorm", prefix);
}

static int32_t linear(net_plan *p, net_layer l, int32_t at, const char *prefix, const char *name) {
    l.kind = LAYER_LINEAR;
    l.input = at;
    l.bias = l.glorot = true;
    return net_plan_add(p, l, "%s%s", prefix, name);
}

/* Part `part` of a block: attention, or two linear layers. */
static int32_t branch(net_plan *p, const net_spec *s, int32_t at, bool attends, double gain,
                      const char *prefix) {
    const net_layer end = {.channels = s->width, .gain = gain};
    if (attends) {
        const net_layer qkv = {.channels = 3 * s->width};
        at = linear(p, qkv, at, prefix, "qkv");
        const net_layer heads = {
            .kind = LAYER_ATTENTION, .input = at, .heads = s->heads, .causal = true};
        at = net_plan_add(p, heads, "%sheads", prefix);
    } else {
        const net_layer wide = {.channels = 4 * s->width, .activation = 1 + (int32_t)s->activation};
        at = linear(p, wide, at, prefix, "wide");
    }
    at = linear(p, end, at, prefix, "out");
    char name[LAYER_NAME_MAX + sizeof "out"];
    snprintf(name, sizeof name, "%sout", prefix);
    return dropout(p, s, at, name);
}

/* x + branch(norm(x)), or norm(x + branch(x)). */
static int32_t residual(net_plan *p, const net_spec *s, int32_t at, bool attends, double gain,
                        const char *prefix) {
    const bool pre = s->norm == NET_NORM_PRE;
    const int32_t from = pre ? sequence_norm(p, at, prefix) : at;
    const net_layer sum = {
        .kind = LAYER_ADD, .input = branch(p, s, from, attends, gain, prefix), .skip = at};
    at = net_plan_add(p, sum, "%ssum", prefix);
    return pre ? at : sequence_norm(p, at, prefix);
}

/* Vaswani et al. 2017 (Attention is all you need), the decoder alone, as it is or with the norm at
 * the beginning of each branch (Xiong et al. 2020, On layer normalization in the transformer
 * architecture); the output has the weight of the embedding. With the norm first the branches add
 * up unchecked, so their last layers start smaller by the root of their number (Radford et al.
 * 2019, section 2.3). A table of deviation 0.02 makes the first logits small: the first loss is
 * that of guessing. */
static void transformer(net_plan *p, const net_spec *s) {
    const double small = 0.02;
    const double gain = s->norm == NET_NORM_PRE ? 1 / sqrt(2 * (double)s->layers) : 1;
    const net_layer table = {
        .kind = LAYER_EMBEDDING, .rows = s->outputs, .channels = s->width, .deviation = small};
    const int32_t embedding = net_plan_add(p, table, "embedding");
    int32_t at = net_plan_add(
        p, (net_layer){.kind = LAYER_POSITIONS, .input = embedding, .deviation = small},
        "positions");
    at = dropout(p, s, at, "positions");
    for (int64_t b = 0; b < s->layers; b++)
        for (int part = 0; part < 2; part++) {
            char prefix[LAYER_NAME_MAX];
            snprintf(prefix, sizeof prefix, "block%d.%s.", (int)b + 1, part ? "mlp" : "attention");
            at = residual(p, s, at, part == 0, gain, prefix);
        }
    if (s->norm == NET_NORM_PRE) at = sequence_norm(p, at, "");
    net_plan_add(p, (net_layer){.kind = LAYER_LINEAR, .input = at, .tied = embedding}, "output");
}

/* A stack of layers between the embedding and its table once more, with dropout between them alone,
 * as torch.nn.LSTM has it (Zaremba, Sutskever, Vinyals 2014: Recurrent neural network
 * regularization). There are no norms: a table of 2/sqrt(width) gives the first layer enough to
 * work on, and the first loss is hardly above that of guessing. */
static void lstm(net_plan *p, const net_spec *s) {
    const net_layer table = {.kind = LAYER_EMBEDDING,
                             .rows = s->outputs,
                             .channels = s->width,
                             .deviation = 2 / sqrt((double)s->width)};
    const int32_t embedding = net_plan_add(p, table, "embedding");
    int32_t at = embedding;
    for (int32_t k = 0; k < s->layers; k++) {
        if (k > 0) at = dropout(p, s, at, "lstm");
        const net_layer l = {.kind = LAYER_LSTM, .input = at, .channels = s->width, .floor = k};
        at = net_plan_add(p, l, "lstm");
    }
    net_plan_add(p, (net_layer){.kind = LAYER_LINEAR, .input = at, .tied = embedding}, "output");
}

int net_plan_model(net_plan *p, const net_spec *s) {
    net_plan_init(p, s->input, s->loss, s->seed);
    if (!p->error) p->error = check(s);
    if (p->error) return p->error;
    switch (s->model) {
    case NET_MLP: mlp(p, s); break;
    case NET_CNN: cnn(p, s); break;
    case NET_RESNET: resnet(p, s); break;
    case NET_TRANSFORMER: transformer(p, s); break;
    case NET_LSTM: lstm(p, s); break;
    }
    return p->error;
}
