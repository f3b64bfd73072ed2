/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - small trainable networks in float32: built from a description, exact gradients.
 *
 * A batch goes forward and backward in one call; the gradients are left beside the parameters for
 * ravine_step(). Work is split over `parallel` in parts that do not depend on the number of
 * threads, so the same seed gives the same bits for any.
 */
#ifndef RAVINE_NETWORK_NET_H
#define RAVINE_NETWORK_NET_H

#include "ravine.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum net_model { NET_MLP, NET_CNN, NET_RESNET, NET_TRANSFORMER, NET_LSTM } net_model;
typedef enum net_activation { NET_RELU, NET_TANH, NET_GELU } net_activation;
/* PRE, POST: of a transformer, before each part of a block or after its sum. */
typedef enum net_norm {
    NET_NORM_NONE,
    NET_NORM_BATCH,
    NET_NORM_LAYER,
    NET_NORM_PRE,
    NET_NORM_POST
} net_norm;
typedef enum net_pooling { NET_POOL_MAX, NET_POOL_AVERAGE } net_pooling;
typedef enum net_loss { NET_CROSS_ENTROPY, NET_MEAN_SQUARED_ERROR } net_loss;
#define NET_WIDTHS_MAX 256

typedef struct net_spec {
    net_model model;
    int64_t input[3]; /* channels, height, width; tables: features, 1, 1; text: 1, context, 1 */
    int64_t outputs;  /* classes or target columns; text: kinds of bytes */
    int32_t nwidths;  /* mlp: hidden layers; cnn: convolutions; resnet: stages */
    int64_t widths[NET_WIDTHS_MAX]; /* mlp: units; cnn and resnet: channels */
    int64_t dense;                  /* cnn: units of the dense layer before the output; 0: none */
    int64_t kernel;                 /* cnn: side of the convolution, odd */
    int64_t blocks;                 /* resnet: residual blocks in each stage */
    int64_t layers, heads, width;   /* transformer: blocks, heads of each, channels of a position;
                                       lstm: layers, units of each */
    net_activation activation;
    net_norm norm;
    net_pooling pooling; /* cnn */
    double dropout;      /* [0, 1): share of hidden units dropped while training */
    net_loss loss;
    uint64_t seed; /* of initialization and dropout */
} net_spec;

typedef struct net_tensor {
    const char *name;   /* "layer1.weight": unique, stable, owned by the net */
    float *data, *grad; /* [len]; grad is NULL for a buffer */
    int64_t len, shape[4];
    int32_t ndim;
    bool decays; /* weight decay is customary: weights yes; biases, norms' scale and shift no */
} net_tensor;

typedef struct net net;

/* Allocates everything that batches of up to max_batch examples need.
 * Returns 0 or a kind of io/failure.h. */
int net_create(net **out, const net_spec *spec, int64_t max_batch, ravine_parallel parallel,
               void *parallel_context);
void net_destroy(net *n); /* NULL is fine */

int64_t net_param_count(const net *n);
net_tensor net_param(const net *n, int64_t index);
int64_t net_buffer_count(const net *n); /* running means and variances: saved, not trained */
net_tensor net_buffer(const net *n, int64_t index);
int64_t net_size(const net *n); /* trainable numbers in all */

/* From now on the cross-entropy of an example counts weight[its label] times; [outputs], of the
 * caller, and outlives the net. NULL: once. */
void net_weigh_classes(net *n, const double *weight);

/* Mean loss of the batch and, in training, its gradient. x: [count, input]; label: [count] for
 * cross-entropy, of a text [count, context], where one below 0 is not counted in the mean of
 * the context; y: [count, outputs] for squared error; the other is NULL. `step` picks the dropout
 * masks. *correct (may be NULL): examples whose largest output is their label. */
double net_train(net *n, const float *x, const int32_t *label, const float *y, int64_t count,
                 uint64_t step, int64_t *correct);
double net_evaluate(net *n, const float *x, const int32_t *label, const float *y, int64_t count,
                    int64_t *correct);
/* The outputs of the last layer, as after training: logits of the classes, or the predicted target
 * columns. out: [count, outputs]; of a text [count, context, outputs]. */
void net_predict(net *n, const float *x, int64_t count, float *out);
/* Of a text, the logits at the positions first .. first + count - 1 of the one sequence x
 * [context], whose positions before them were given since position 0: their keys and values, or
 * the state of an lstm, are still there. out: [count, outputs]. Any other call begins anew. An lstm
 * goes on beyond the context: position k is then x[k mod context], up to the end of x in one call.
 */
void net_next(net *n, const float *x, int64_t first, int64_t count, float *out);

#endif
