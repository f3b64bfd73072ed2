/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what a network is made of, without numbers: its layers, their shapes and their links.
 *
 * A plan is a list in which every layer reads layers before it; layer 0 is the input. The models of
 * net.h are plans, and tests write plans of their own. Both precisions are built from one plan.
 */
#ifndef RAVINE_NETWORK_PLAN_H
#define RAVINE_NETWORK_PLAN_H

#include "network/net.h"

typedef enum layer_kind {
    LAYER_INPUT,
    LAYER_DENSE,        /* [channels], from all numbers of its input */
    LAYER_CONVOLUTION,  /* zero padding of (kernel - 1)/2 on every side */
    LAYER_MAX_POOL,     /* windows that do not overlap; rows and columns left over are dropped */
    LAYER_AVERAGE_POOL, /* the same */
    LAYER_BATCH_NORM,   /* over batch, height and width (Ioffe, Szegedy 2015) */
    LAYER_LAYER_NORM,   /* over channels, height and width (Ba, Kiros, Hinton 2016) */
    LAYER_DROPOUT,      /* inverted: kept units are divided by 1 - share (Srivastava et al. 2014) */
    LAYER_ADD,          /* input + skip: the end of a residual block (He et al. 2015) */
    LAYER_KINDS
} layer_kind;

#define LAYER_NAME_MAX 40

typedef struct layer {
    layer_kind kind;
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
    char name[LAYER_NAME_MAX];       /* "stage1.block2.conv1" */
} layer;

typedef struct plan {
    layer *layers; /* [count] */
    int32_t count, capacity;
    net_loss loss;
    uint64_t seed;
    int error; /* exit code of the first call that failed; the calls after it do nothing */
} plan;

/* An empty plan with its input layer; `input` as in net_spec. */
void plan_init(plan *p, const int64_t input[3], net_loss loss, uint64_t seed);
void plan_free(plan *p);
/* Appends `l`, whose shape (but the channels of dense and convolution), size and deviation are
 * worked out and checked here, and returns its number. */
__attribute__((format(printf, 3, 4))) int32_t plan_add(plan *p, layer l, const char *name, ...);
/* Numbers in the weight of layer `index`: dense [channels, input size], convolution
 * [channels, kernel, kernel, input channels], norms [channels]; 0 for the others. */
int64_t plan_weight_len(const plan *p, int32_t index);

/* The plan of a model. Returns p->error. */
int plan_model(plan *p, const net_spec *spec);

#endif
