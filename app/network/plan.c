/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - shapes of layers, worked out and checked. */
#include "network/plan.h"

#include "io/failure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Every dimension of a matrix product is an int of CBLAS. */
#define SIZE_LIMIT INT32_MAX

/* a * b, or -1 if a factor is negative or the product is above SIZE_LIMIT. */
static int64_t product(int64_t a, int64_t b) {
    if (a < 0 || b < 0) return -1;
    return a > 0 && b > SIZE_LIMIT / a ? -1 : a * b;
}

void net_plan_free(net_plan *p) {
    free(p->layers);
    *p = (net_plan){0};
}

static int32_t append(net_plan *p, const net_layer *l) {
    if (p->count == p->capacity) {
        int32_t capacity = p->capacity > 0 ? 2 * p->capacity : 32;
        net_layer *layers = realloc(p->layers, (size_t)capacity * sizeof *layers);
        if (!layers) {
            p->error = failure(FAILURE_INPUT, "out of memory for %d layers", (int)capacity);
            return 0;
        }
        p->layers = layers;
        p->capacity = capacity;
    }
    p->layers[p->count] = *l;
    return p->count++;
}

void net_plan_init(net_plan *p, const int64_t input[3], net_loss loss, uint64_t seed) {
    *p = (net_plan){.loss = loss, .seed = seed};
    net_layer l = {.channels = input[0], .height = input[1], .width = input[2], .name = "input"};
    l.size = product(product(l.height, l.width), l.channels);
    if (l.size < 1) {
        p->error =
            failure(FAILURE_USAGE,
                    "the input has %lld channels of %lld x %lld; each must be at least 1 "
                    "and their product at most %d",
                    (long long)input[0], (long long)input[1], (long long)input[2], SIZE_LIMIT);
        return;
    }
    append(p, &l);
}

/* Inputs of one output of a dense layer or convolution; -1: too many. */
static int64_t fan_in(const net_layer *l, const net_layer *in) {
    if (l->kind == LAYER_DENSE) return in->size;
    if (l->kind == LAYER_LINEAR) return in->channels;
    return product(product(l->kernel, l->kernel), in->channels);
}

int64_t net_plan_weight_len(const net_plan *p, int32_t index) {
    const net_layer *l = &p->layers[index];
    switch (l->kind) {
    case LAYER_DENSE:
    case LAYER_CONVOLUTION: return l->channels * fan_in(l, &p->layers[l->input]);
    case LAYER_LINEAR: return l->tied ? 0 : l->channels * fan_in(l, &p->layers[l->input]);
    case LAYER_EMBEDDING: return l->rows * l->channels;
    case LAYER_POSITIONS: return l->height * l->channels;
    case LAYER_BATCH_NORM:
    case LAYER_LAYER_NORM:
    case LAYER_POSITION_NORM: return l->channels;
    default: return 0;
    }
}

/* Deviations for weights that keep the variance of signals: He, Zhang, Ren, Sun 2015 (Delving deep
 * into rectifiers, eq. 10) before ReLU and GELU; Glorot, Bengio 2010 (eq. 12) before tanh and
 * outputs. */
static int weights(net_layer *l, const net_layer *in) {
    const int64_t inputs = fan_in(l, in);
    if (l->channels < 1 || inputs < 1 || product(l->channels, inputs) < 0)
        return failure(FAILURE_USAGE,
                       "%s has %lld outputs of %lld inputs; each must be at least 1 and their "
                       "product at most %d",
                       l->name, (long long)l->channels, (long long)inputs, SIZE_LIMIT);
    const double cells = l->kind == LAYER_CONVOLUTION ? (double)(l->kernel * l->kernel) : 1;
    const double outputs = cells * (double)l->channels;
    const double fan = l->glorot ? (double)inputs + outputs : (double)inputs;
    l->deviation = (l->gain > 0 ? l->gain : 1) * sqrt(2 / fan);
    return 0;
}

static int convolution(net_layer *l, const net_layer *in) {
    if (l->kernel < 1 || l->kernel % 2 == 0 || l->kernel > SIZE_LIMIT / 2)
        return failure(FAILURE_USAGE, "the kernel of %s is %lld; it must be odd and at least 1",
                       l->name, (long long)l->kernel);
    if (l->stride == 0) l->stride = 1;
    /* (side + 2 padding - kernel) / stride + 1 */
    l->height = (in->height - 1) / l->stride + 1;
    l->width = (in->width - 1) / l->stride + 1;
    return weights(l, in);
}

static int pooling(net_layer *l, const net_layer *in) {
    l->height = in->height / l->window[0];
    l->width = in->width / l->window[1];
    if (l->height < 1 || l->width < 1)
        return failure(FAILURE_USAGE,
                       "%s pools windows of %lld x %lld, but its input is %lld x %lld: "
                       "use fewer layers or larger images",
                       l->name, (long long)l->window[0], (long long)l->window[1],
                       (long long)in->height, (long long)in->width);
    return 0;
}

static int attention(net_layer *l, const net_layer *in) {
    l->channels = in->channels / 3;
    if (l->heads < 1 || l->channels * 3 != in->channels || l->channels % l->heads != 0)
        return failure(FAILURE_USAGE,
                       "%s has %lld heads for %lld channels; their number must divide the channels",
                       l->name, (long long)l->heads, (long long)l->channels);
    return 0;
}

static int embedding(net_layer *l, const net_layer *in) {
    if (l->rows < 1 || l->channels < 1 || product(l->rows, l->channels) < 0 || in->channels != 1)
        return failure(FAILURE_USAGE,
                       "%s has %lld rows of %lld channels; each must be at least 1 and their "
                       "product at most %d",
                       l->name, (long long)l->rows, (long long)l->channels, SIZE_LIMIT);
    return 0;
}

/* With i and o half open and f at 0.73 an output has 0.37 times the deviation of g: a stack keeps
 * its signals if the weight of x makes up for that. The numbers of a group's gates are bounded:
 * each dimension of their products is an int. */
static int lstm(net_layer *l, const net_layer *in) {
    const int64_t gates = product(4, l->channels),
                  group = product(LSTM_GROUP, product(l->height, gates));
    if (l->channels < 1 || group < 0 || product(gates, in->channels) < 0 ||
        product(gates, l->channels) < 0)
        return failure(
            FAILURE_USAGE,
            "%s has %lld units for %lld positions of %lld channels; there must be 1, and "
            "the products of their numbers at most %d",
            l->name, (long long)l->channels, (long long)l->height, (long long)in->channels,
            SIZE_LIMIT / (4 * LSTM_GROUP));
    l->deviation = 2.73 / sqrt((double)in->channels);
    return 0;
}

static bool has_own_channels(net_layer_kind kind) {
    return kind == LAYER_DENSE || kind == LAYER_CONVOLUTION || kind == LAYER_LINEAR ||
           kind == LAYER_EMBEDDING || kind == LAYER_LSTM;
}

static int shape(net_plan *p, net_layer *l) {
    const net_layer *in = &p->layers[l->input];
    l->height = l->kind == LAYER_DENSE ? 1 : in->height;
    l->width = l->kind == LAYER_DENSE ? 1 : in->width;
    if (!has_own_channels(l->kind)) l->channels = in->channels;
    if (l->tied) l->channels = p->layers[l->tied].rows;
    switch (l->kind) {
    case LAYER_DENSE:
    case LAYER_LINEAR: return weights(l, in);
    case LAYER_EMBEDDING: return embedding(l, in);
    case LAYER_ATTENTION: return attention(l, in);
    case LAYER_LSTM: return lstm(l, in);
    case LAYER_CONVOLUTION: return convolution(l, in);
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL: return pooling(l, in);
    default: return 0;
    }
}

int32_t net_plan_add(net_plan *p, net_layer l, const char *name, ...) {
    if (p->error) return 0;
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(l.name, sizeof l.name, name, arguments);
    va_end(arguments);
    if ((p->error = shape(p, &l))) return 0;
    l.size = product(product(l.height, l.width), l.channels);
    if (l.size < 0) {
        p->error = failure(
            FAILURE_USAGE, "%s has %lld x %lld x %lld numbers; at most %d are possible", l.name,
            (long long)l.height, (long long)l.width, (long long)l.channels, SIZE_LIMIT);
        return 0;
    }
    return append(p, &l);
}
