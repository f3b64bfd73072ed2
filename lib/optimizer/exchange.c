/* SPDX-License-Identifier: Apache-2.0 */
/* Working with tensors and state of other libraries. */
#include "optimizer/optimizer.h"
#include "text/error.h"

/* The parts of DLPack 1 (github.com/dmlc/dlpack, dlpack.h) that are read; every 1.x has them so. */
typedef struct dlpack_tensor {
    void *data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t type_code, type_bits;
    uint16_t type_lanes;
    int64_t *shape, *strides; /* [ndim] elements; strides NULL: row-major */
    uint64_t byte_offset;
} dlpack_tensor;

typedef struct dlpack_exchange {
    uint32_t major, minor;
    const void *previous;
    int (*allocate)(void *, void **, void *, void (*)(void *, const char *, const char *));
    int (*managed_from_object)(void *, void **);
    int (*object_from_managed)(void *, void **);
    int (*tensor_from_object)(void *object, dlpack_tensor *out);
} dlpack_exchange;

#define DLPACK_CPU   1
#define DLPACK_FLOAT 2

static bool is_row_major(const dlpack_tensor *t) {
    int64_t expected = 1;
    for (int32_t k = t->ndim - 1; t->strides && k >= 0; k--) {
        if (t->shape[k] != 1 && t->strides[k] != expected) return false;
        expected *= t->shape[k];
    }
    return true;
}

static int64_t element_count(const dlpack_tensor *t) {
    int64_t product = 1;
    for (int32_t k = 0; k < t->ndim; k++) product *= t->shape[k];
    return product;
}

static bool has_shape(const dlpack_tensor *t, const param *p) {
    for (int32_t k = 0; k < p->ndim && t->ndim == p->ndim; k++)
        if (t->shape[k] != p->shape[k]) return false;
    return t->ndim == p->ndim;
}

static ravine_status check_tensor(const param *p, const dlpack_tensor *t) {
    if (t->device_type != DLPACK_CPU)
        return ravine_fail(RAVINE_E_UNSUPPORTED,
                           "a tensor of %s is on device type %d; it must be %d, the processor",
                           p->name, t->device_type, DLPACK_CPU);
    const int bits = ravine_dtype_bits(p->dtype);
    if (t->type_code != DLPACK_FLOAT || t->type_bits != bits || t->type_lanes != 1)
        return ravine_fail(RAVINE_E_UNSUPPORTED, "a tensor of %s is not of the type float%d",
                           p->name, bits);
    const int64_t count = element_count(t);
    if (count != p->len)
        return ravine_fail(RAVINE_E_ARG, "a tensor of %s has %lld elements, not %lld", p->name,
                           (long long)count, (long long)p->len);
    if (p->ndim > 1 && !has_shape(t, p))
        return ravine_fail(RAVINE_E_ARG, "a tensor of %s has another shape", p->name);
    if (count && !t->data)
        return ravine_fail(RAVINE_E_UNSUPPORTED, "a tensor of %s has no memory of its own",
                           p->name);
    if (count && !is_row_major(t))
        return ravine_fail(RAVINE_E_UNSUPPORTED, "a tensor of %s is not row-major", p->name);
    return RAVINE_OK;
}

static ravine_status check_number(const ravine_optimizer *o, const char *what, int64_t number,
                                  int64_t most) {
    if (number >= 0 && number <= most) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "%s is %lld; the optimizer has %lld", what,
                       (long long)number, (long long)o->nparams);
}

ravine_status ravine_dlpack_addresses(const ravine_optimizer *o, int64_t n, const void *exchange,
                                      const void *none, void *const *object, void **address,
                                      int64_t *count) {
    const dlpack_exchange *library = exchange;
    if (!o || !library || !object || !address)
        return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    if (library->major != 1)
        return ravine_fail(RAVINE_E_UNSUPPORTED, "the DLPack version is %u.%u; it must be 1.x",
                           library->major, library->minor);
    ravine_status status = check_number(o, "the number of tensors", n, o->nparams);
    int64_t found = 0;
    for (int64_t i = 0; !status && i < n; i++) {
        dlpack_tensor t;
        address[i] = NULL;
        if (!object[i] || object[i] == none) continue;
        const param *p = ravine_param_of(o, i);
        if (library->tensor_from_object(object[i], &t))
            return ravine_fail(RAVINE_E_ARG, "a tensor of %s cannot be read", p->name);
        status = check_tensor(p, &t);
        if (!status && t.data) address[i] = (char *)t.data + t.byte_offset;
        found++;
    }
    if (count) *count = found;
    return status;
}

ravine_status ravine_set_step_count(ravine_optimizer *o, int64_t index, int64_t step_count) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    const ravine_status status = check_number(o, "the parameter", index, o->nparams - 1);
    if (status) return status;
    param *p = ravine_param_of(o, index);
    if (step_count < 0 || step_count > STEPS_MAX)
        return ravine_fail(RAVINE_E_RANGE, "the step count of %s is %lld; it must be in [0, 2^53]",
                           p->name, (long long)step_count);
    p->step_count = step_count;
    return RAVINE_OK;
}
