/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/export/onnx.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Numbers of the fields in onnx.proto that are written here. */
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER, MODEL_PRODUCER_VERSION };
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION };
enum { ENTRY_KEY = 1, ENTRY_VALUE };
enum { GRAPH_NODE = 1, GRAPH_NAME, GRAPH_TENSOR = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT, ATTRIBUTE_INT };
enum { ATTRIBUTE_INTS = 8, ATTRIBUTE_STRINGS, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT, TYPE_INTS = 7, TYPE_STRINGS };
enum { TENSOR_DIMS = 1, TENSOR_TYPE, TENSOR_NAME = 8, TENSOR_RAW };
enum { VALUE_NAME = 1, VALUE_TYPE };
enum { TENSOR_TYPE_OF_VALUE = 1, ELEMENT_TYPE = 1, ELEMENT_SHAPE, SHAPE_DIM = 1 };
enum { DIM_VALUE = 1, DIM_PARAM };
/* The oldest ones that have what is used: more programs read them. */
enum { IR_VERSION = 7, OPSET = 13, OPSET_ML = 2 };
#define DOMAIN_ML "ai.onnx.ml"

onnx_name onnx_name_of(const char *part, const char *what) {
    onnx_name name;
    snprintf(name.text, sizeof name.text, "/%s/%s", part, what);
    return name;
}

/* ---- nodes ---- */

onnx_node onnx_begin(const char *operator, const char * out, const char *const *in) {
    onnx_node n = {{0}};
    for (; *in; in++) wire_put_text(&n.bytes, NODE_INPUT, *in);
    wire_put_text(&n.bytes, NODE_OUTPUT, out);
    wire_put_text(&n.bytes, NODE_NAME, out);
    wire_put_text(&n.bytes, NODE_OPERATOR, operator);
    return n;
}

static wire_out attribute(const char *name, int type) {
    wire_out a = {0};
    wire_put_text(&a, ATTRIBUTE_NAME, name);
    wire_put_varint(&a, ATTRIBUTE_TYPE, (uint64_t)type);
    return a;
}

void onnx_int(onnx_node *n, const char *name, int64_t value) {
    wire_out a = attribute(name, TYPE_INT);
    wire_put_varint(&a, ATTRIBUTE_INT, (uint64_t)value);
    wire_put_message(&n->bytes, NODE_ATTRIBUTE, &a);
}

void onnx_float(onnx_node *n, const char *name, float value) {
    wire_out a = attribute(name, TYPE_FLOAT);
    wire_put_float(&a, ATTRIBUTE_FLOAT, value);
    wire_put_message(&n->bytes, NODE_ATTRIBUTE, &a);
}

void onnx_ints(onnx_node *n, const char *name, const int64_t *values, int count) {
    wire_out a = attribute(name, TYPE_INTS);
    for (int k = 0; k < count; k++) wire_put_varint(&a, ATTRIBUTE_INTS, (uint64_t)values[k]);
    wire_put_message(&n->bytes, NODE_ATTRIBUTE, &a);
}

void onnx_int64s(onnx_node *n, const char *name, int64_t count) {
    wire_out a = attribute(name, TYPE_INTS);
    for (int64_t k = 0; k < count; k++) wire_put_varint(&a, ATTRIBUTE_INTS, (uint64_t)k);
    wire_put_message(&n->bytes, NODE_ATTRIBUTE, &a);
}

void onnx_strings(onnx_node *n, const char *name, char *const *texts, int64_t count) {
    wire_out a = attribute(name, TYPE_STRINGS);
    for (int64_t k = 0; k < count; k++) wire_put_text(&a, ATTRIBUTE_STRINGS, texts[k]);
    wire_put_message(&n->bytes, NODE_ATTRIBUTE, &a);
}

void onnx_of_ml(onnx_node *n) {
    wire_put_text(&n->bytes, NODE_DOMAIN, DOMAIN_ML);
}

void onnx_put(wire_out *graph, onnx_node *n) {
    wire_put_message(graph, GRAPH_NODE, &n->bytes);
}

void onnx_operator(wire_out *graph, const char *operator, const char * out, const char *a,
                   const char *b) {
    onnx_node n = onnx_begin(operator, out, (const char *const[]){a, b, NULL});
    onnx_put(graph, &n);
}

void onnx_cast(wire_out *graph, const char *out, const char *in, int type) {
    onnx_node n = onnx_begin("Cast", out, (const char *const[]){in, NULL});
    onnx_int(&n, "to", type);
    onnx_put(graph, &n);
}

/* ---- constants ---- */

void onnx_tensor(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim,
                 const void *numbers, size_t bytes) {
    wire_out t = {0};
    for (int k = 0; k < ndim; k++) wire_put_varint(&t, TENSOR_DIMS, (uint64_t)shape[k]);
    wire_put_varint(&t, TENSOR_TYPE, (uint64_t)type);
    wire_put_text(&t, TENSOR_NAME, name);
    wire_put_bytes(&t, TENSOR_RAW, numbers, bytes);
    wire_put_message(graph, GRAPH_TENSOR, &t);
}

void onnx_number(wire_out *graph, const char *name, double value) {
    onnx_tensor(graph, name, ONNX_DOUBLE, NULL, 0, &value, sizeof value);
}

void onnx_float_number(wire_out *graph, const char *name, float value) {
    onnx_tensor(graph, name, ONNX_FLOAT, NULL, 0, &value, sizeof value);
}

/* ---- inputs and outputs ---- */

static void put_value(wire_out *graph, uint32_t field, const char *name, int type,
                      const int64_t *shape, int ndim) {
    wire_out sizes = {0}, dim = {0}, tensor = {0}, value_type = {0}, value = {0};
    wire_put_text(&dim, DIM_PARAM, "examples");
    wire_put_message(&sizes, SHAPE_DIM, &dim);
    for (int k = 0; k < ndim; k++) {
        if (shape[k] == ONNX_ANY)
            wire_put_text(&dim, DIM_PARAM, "positions");
        else
            wire_put_varint(&dim, DIM_VALUE, (uint64_t)shape[k]);
        wire_put_message(&sizes, SHAPE_DIM, &dim);
    }
    wire_put_varint(&tensor, ELEMENT_TYPE, (uint64_t)type);
    wire_put_message(&tensor, ELEMENT_SHAPE, &sizes);
    wire_put_message(&value_type, TENSOR_TYPE_OF_VALUE, &tensor);
    wire_put_text(&value, VALUE_NAME, name);
    wire_put_message(&value, VALUE_TYPE, &value_type);
    wire_put_message(graph, field, &value);
}

void onnx_put_input(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim) {
    put_value(graph, GRAPH_INPUT, name, type, shape, ndim);
}

void onnx_put_output(wire_out *graph, const char *name, int type, const int64_t *shape, int ndim) {
    put_value(graph, GRAPH_OUTPUT, name, type, shape, ndim);
}

/* ---- the file ---- */

static void put_opset(wire_out *file, const char *domain, int version) {
    wire_out opset = {0};
    wire_put_text(&opset, OPSET_DOMAIN, domain);
    wire_put_varint(&opset, OPSET_VERSION, (uint64_t)version);
    wire_put_message(file, MODEL_OPSET, &opset);
}

static void put_metadata(wire_out *file, const char *key, const char *value) {
    wire_out entry = {0};
    wire_put_text(&entry, ENTRY_KEY, key);
    wire_put_text(&entry, ENTRY_VALUE, value);
    wire_put_message(file, MODEL_METADATA, &entry);
}

static void put_context(wire_out *file, int64_t bytes) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)bytes);
    put_metadata(file, "context", text);
}

static void put_classes(wire_out *file, const encoded_column *target) {
    json_t *classes = json_array();
    for (int64_t k = 0; k < target->words; k++)
        json_array_append_new(classes, json_string(target->word[k]));
    char *text = json_dumps(classes, JSON_COMPACT);
    json_decref(classes);
    file->failed = file->failed || !text;
    if (text) put_metadata(file, "classes", text);
    free(text);
}

void onnx_put_model(wire_out *file, wire_out *graph, const data_encoding *e) {
    wire_put_varint(file, MODEL_IR_VERSION, IR_VERSION);
    wire_put_text(file, MODEL_PRODUCER, "ravine");
    wire_put_text(file, MODEL_PRODUCER_VERSION, ravine_version());
    put_opset(file, "", OPSET);
    put_opset(file, DOMAIN_ML, OPSET_ML);
    if (e->text) put_context(file, e->shape[1]);
    if (e->target.name) put_metadata(file, "target", e->target.name);
    if (e->target.words) put_classes(file, &e->target);
    wire_put_text(graph, GRAPH_NAME, "ravine");
    wire_put_message(file, MODEL_GRAPH, graph);
}
