/* SPDX-License-Identifier: Apache-2.0 */
/* onnx.h - the parts of an ONNX graph as it is written: github.com/onnx/onnx, onnx/onnx.proto.
 *
 * Operators are those of ai.onnx 13 and ai.onnx.ml 2. Names that the graph uses inside begin with a
 * slash. A failed allocation is kept in graph.failed and looked at once, at the end.
 */
#ifndef RAVINE_EXPORT_ONNX_H
#define RAVINE_EXPORT_ONNX_H

#include "io/wire_out.h"
#include "trainer/model.h"

enum { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT64 = 7, ONNX_STRING = 8, ONNX_DOUBLE = 11 };
enum { ONNX_NAME_MAX = 96 };

typedef struct onnx_name {
    char text[ONNX_NAME_MAX];
} onnx_name;
/* "/layer1/Gemm": which part of the graph makes it, and what it is there. */
onnx_name onnx_name_of(const char *part, const char *what);

/* A node with its inputs, ended by NULL, and one output; attributes are added before it is put. */
typedef struct onnx_node {
    wire_out bytes;
} onnx_node;
onnx_node onnx_begin(const char *operator, const char * out, const char *const *in);
void onnx_int(onnx_node *n, const char *name, int64_t value);
void onnx_float(onnx_node *n, const char *name, float value);
void onnx_ints(onnx_node *n, const char *name, const int64_t *values, int count);
void onnx_int64s(onnx_node *n, const char *name, int64_t count); /* 0 .. count - 1 */
void onnx_strings(onnx_node *n, const char *name, char *const *texts, int64_t count);
void onnx_of_ml(onnx_node *n); /* its operator is one of ai.onnx.ml */
void onnx_put(wire_out *graph, onnx_node *n);
/* A node without attributes. b NULL: it has one input. */
void onnx_operator(wire_out *graph, const char *operator, const char * out, const char *a,
                   const char *b);
void onnx_cast(wire_out *graph, const char *out, const char *in, int type);

/* Constants: a tensor of any type, whose numbers lie as in memory; one number. */
void onnx_tensor(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim,
                 const void *numbers, size_t bytes);
void onnx_number(wire_out *graph, const char *name, double value);
void onnx_float_number(wire_out *graph, const char *name, float value);
void onnx_put_places(wire_out *graph, const char *name, int64_t count); /* 0 .. count - 1 */

/* What goes in and comes out: [any number, shape]; of a shape ONNX_ANY is the positions of a text.
 */
enum { ONNX_ANY = -1 };
void onnx_put_input(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim);
void onnx_put_output(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim);
/* A whole file from a graph, which is empty afterwards. */
void onnx_put_model(wire_out *file, wire_out *graph, const data_encoding *e);

/* onnx_encoding.c: from raw examples to the net's input `x`, and from its output `z` to answers. */
int onnx_check_names(const data_encoding *e);
void onnx_put_encoding(wire_out *graph, const data_encoding *e, const char *x);
void onnx_put_answer(wire_out *graph, const data_encoding *e, const char *z);
/* onnx_net.c: from x to z. Returns 0 or a kind of io/failure.h. */
int onnx_put_net(wire_out *graph, const model *m, const char *x, const char *z);

#endif
