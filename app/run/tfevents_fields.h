/* SPDX-License-Identifier: Apache-2.0 */
/* tfevents_fields.h - the numbers of the fields in TensorBoard's messages that are written or read
 * here: tensorflow/core/util/event.proto, framework/summary.proto, tensor.proto, types.proto. */
#ifndef RAVINE_RUN_TFEVENTS_FIELDS_H
#define RAVINE_RUN_TFEVENTS_FIELDS_H

enum { EVENT_WALL_TIME = 1, EVENT_STEP, EVENT_FILE_VERSION, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8 };
/* Its numbers are in TENSOR_CONTENT, or one by one in the field of their type. */
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE, TENSOR_CONTENT = 4, TENSOR_FLOAT, TENSOR_DOUBLE };
enum { SHAPE_DIM = 2, SHAPE_UNKNOWN_RANK };
enum { DTYPE_FLOAT = 1, DTYPE_DOUBLE };

#endif
