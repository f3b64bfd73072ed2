/* SPDX-License-Identifier: Apache-2.0 */
/* net_f64.h - the network of net.h in float64, for the check of its gradients. Made of the same
 * code, app/network/body, as net_f32.c. Meanings are those of net.h and plan.h. */
#ifndef TESTS_APP_NETWORK_NET_F64_H
#define TESTS_APP_NETWORK_NET_F64_H

#include "network/plan.h"

typedef struct net64_tensor {
    const char *name;
    double *data, *grad;
    int64_t len, shape[4];
    int32_t ndim;
    bool decays;
} net64_tensor;

typedef struct net64 net64;

int net64_create(net64 **out, const net_spec *spec, int64_t max_batch, ravine_parallel parallel,
                 void *parallel_context);
/* net64_create() of a plan, which is copied. */
int net64_create_plan(net64 **out, const net_plan *p, int64_t max_batch, ravine_parallel parallel,
                      void *parallel_context);
void net64_destroy(net64 *n);
int64_t net64_param_count(const net64 *n);
net64_tensor net64_param(const net64 *n, int64_t index);
int64_t net64_buffer_count(const net64 *n);
net64_tensor net64_buffer(const net64 *n, int64_t index);
int64_t net64_size(const net64 *n);
void net64_weigh_classes(net64 *n, const double *weight);
double net64_train(net64 *n, const double *x, const int32_t *label, const double *y, int64_t count,
                   uint64_t step, int64_t *correct);
double net64_evaluate(net64 *n, const double *x, const int32_t *label, const double *y,
                      int64_t count, int64_t *correct);
void net64_predict(net64 *n, const double *x, int64_t count, double *out);
void net64_next(net64 *n, const double *x, int64_t first, int64_t count, double *out);

#endif
