/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what a network is made of, without numbers: its layers, their shapes and their links.
 *
 * A plan is a list in which every layer reads layers before it; layer 0 is the input. The models of
 * net.h are plans, and tests write plans of their own. Both precisions are built from one plan.
 */
#ifndef RAVINE_NETWORK_PLAN_H
#define RAVINE_NETWORK_PLAN_H

#include "network/net.h"

typedef enum net_layer_kind {
    LAYER_INPUT,
    LAYER_DENSE,        /* [channels], from all numbers of its input */
    LAYER_CONVOLUTION,  /* zero padding of (kernel - 1)/2 on every side */
    LAYER_MAX_POOL,     /* windows that do not overlap; rows and columns left over are dropped */
    LAYER_AVERAGE_POOL, /* the same */
    LAYER_BATCH_NORM,   /* over batch, height and width (Ioffe, Szegedy 2015) */
    LAYER_LAYER_NORM,   /* over channels, height and width (Ba, Kiros, Hinton 2016) */
    LAYER_DROPOUT,      /* inverted: kept units are divided by 1 - share (Srivastava et al. 2014) */
    LAYER_ADD,          /* input + skip: the end of a residual block (He et al. 2015) */
    /* Of sequences: [positions, 1, channels]. */
    LAYER_EMBEDDING,     /* [channels] of each position, whose input is 0 .. rows - 1 */
    LAYER_POSITIONS,     /* input + a learned row for each position */
    LAYER_LINEAR,        /* [channels] of each position, from its own */
    LAYER_POSITION_NORM, /* layer normalization over the channels of each position */
    LAYER_ATTENTION,     /* from queries, keys, values, side by side: a third of the channels */
    LAYER_LSTM,          /* [channels] of each position, from its own and those before it */
    LAYER_KINDS
} net_layer_kind;

#define LAYER_NAME_MAX 40
#define LSTM_GROUP     8 /* sequences that an lstm takes together, at most */

typedef struct net_layer {
    net_layer_kind kind;
    int32_t input, skip; /* numbers of the layers that it reads; skip: LAYER_ADD alone */
    int64_t height, width, channels; /* of its output, stored [height, width, channels] */
    int64_t size;                    /* their product */
    int64_t kernel, stride;          /* LAYER_CONVOLUTION; stride 0 stands for 1 */
    int64_t window[2];               /* pooling: height and width of a window */
    int32_t activation;              /* 1 + net_activation, applied last; 0: none */
    bool bias;                       /* dense and convolution */
    bool glorot;                     /* initial weights: Glorot's deviation, otherwise He's */
    double gain;                     /* times this; 0 stands for 1 */
    double deviation;                /* which gives this */
    double share;                    /* LAYER_DROPOUT: of units dropped, [0, 1) */
    int64_t rows;                    /* LAYER_EMBEDDING: of its table */
    int32_t tied;  /* LAYER_LINEAR: the embedding whose table is its weight; 0: it has its own */
    int64_t heads; /* LAYER_ATTENTION; their number divides the channels */
    bool causal;   /* LAYER_ATTENTION: a position sees itself and those before it */
    int32_t floor; /* LAYER_LSTM: layers of the stack below it, the number in PyTorch's names */
    char name[LAYER_NAME_MAX]; /* "stage1.block2.conv1" */
} net_layer;

typedef struct net_plan {
    net_layer *layers; /* [count] */
    int32_t count, capacity;
    net_loss loss;
    uint64_t seed;
    int error; /* kind of the first call that failed; the calls after it do nothing */
} net_plan;

/* An empty plan with its input layer; `input` as in net_spec. */
void net_plan_init(net_plan *p, const int64_t input[3], net_loss loss, uint64_t seed);
void net_plan_free(net_plan *p);
/* Appends `l`, whose shape (but the channels of dense and convolution), size and deviation are
 * worked out and checked here, and returns its number. */
__attribute__((format(printf, 3, 4))) int32_t net_plan_add(net_plan *p, net_layer l,
                                                           const char *name, ...);
/* Numbers in the weight of layer `index`: dense [channels, input size], convolution
 * [channels, kernel, kernel, input channels], norms [channels], linear [channels, input channels],
 * embedding [rows, channels], positions [height, channels]; 0 for the others, of which an lstm has
 * weights of its own. */
int64_t net_plan_weight_len(const net_plan *p, int32_t index);

/* The plan of a model. Returns p->error. */
int net_plan_model(net_plan *p, const net_spec *spec);

#endif
