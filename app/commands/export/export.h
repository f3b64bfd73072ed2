/* SPDX-License-Identifier: Apache-2.0 */
/* export.h - what a run has learned, for programs that know nothing of it: as ONNX (onnx.h) or as a
 * header of C.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_EXPORT_H
#define RAVINE_EXPORT_H

#include "cli/progress.h"
#include "network/plan.h"
#include "trainer/model.h"

/* The layers of a run's net. Free with net_plan_free() in any case. */
int export_plan(net_plan *p, const model *m);
/* The layer's tensor of that name, "bias"; its data is NULL where the net has none. */
net_tensor export_tensor(const model *m, const net_layer *l, const char *what);
#define EXPORT_NORM_EPSILON 1e-5 /* network/body/norm.inc */

/* c_header.c: the whole header to stdout. Everything in it begins with the name of the file. */
int export_c_header(const model *m, const char *path);

/* c_net.c: the weights as arrays, and the layers as calls that go from work + 0 on. */
enum { EXPORT_PREFIX_MAX = 48 };
typedef struct c_net {
    const model *m;
    const char *prefix;
    net_plan plan;
    int64_t *at;    /* [plan.count] where in `work` each layer's output begins */
    int64_t room;   /* floats of `work` */
    progress shown; /* of its weights */
} c_net;
int c_net_begin(c_net *n, const model *m, const char *prefix);
void c_net_end(c_net *n); /* in any case */
int c_net_put_weights(c_net *n);
void c_net_put_calls(const c_net *n);

#endif
