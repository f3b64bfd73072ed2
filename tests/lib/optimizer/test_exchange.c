/* SPDX-License-Identifier: Apache-2.0 */
/* test_exchange.c - tensors of a library that speaks DLPack, and state that comes from elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/make.h"

/* The other library: DLTensor and DLPackExchangeAPI of dlpack.h 1.3, written from its text. */
typedef struct tensor {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} tensor;

static int read_tensor(void *object, void *out) {
    if (((const tensor *)object)->ndim < 0) return -1;
    memcpy(out, object, sizeof(tensor));
    return 0;
}

typedef struct library {
    uint32_t major, minor;
    void *previous, *allocate, *from_object, *to_object;
    int (*read)(void *, void *);
    void *stream;
} library;
static const library theirs = {.major = 1, .minor = 3, .read = read_tensor};

static int64_t shape[] = {2, 3}, row_major[] = {3, 1}, column_major[] = {1, 2};

static tensor tensor_of(void *data) {
    return (tensor){.data = data,
                    .device = {1, 0},
                    .ndim = 2,
                    .dtype = {2, 32, 1},
                    .shape = shape,
                    .strides = row_major};
}

static ravine_optimizer *make_two(float *a, float *b) {
    ravine_optimizer *const o = make_optimizer("sgd");
    make_param(o, 0, "a", RAVINE_F32, a, NULL, 6);
    make_param(o, 0, "b", RAVINE_F32, b, NULL, 6);
    return o;
}

static char none; /* what stands for no tensor there */

static ravine_status read_addresses(const ravine_optimizer *o, int64_t n, const library *from,
                                    void *const *object, void **address) {
    return ravine_dlpack_addresses(o, n, from, &none, object, address, NULL);
}

static void addresses_of_tensors(void **state) {
    (void)state;
    float a[6], b[12];
    void *address[3] = {a, a, a};
    ravine_optimizer *const o = make_two(a, b);
    tensor ta = tensor_of(a), tb = tensor_of(b);
    tb.byte_offset = 4 * sizeof *b;
    tb.strides = NULL;
    void *objects[] = {&ta, &tb};
    assert_int_equal(read_addresses(o, 2, &theirs, objects, address), RAVINE_OK);
    assert_ptr_equal(address[0], a);
    assert_ptr_equal(address[1], b + 4);
    assert_ptr_equal(address[2], a);

    objects[1] = NULL;
    assert_int_equal(read_addresses(o, 2, &theirs, objects, address), RAVINE_OK);
    assert_ptr_equal(address[0], a);
    assert_null(address[1]);
    objects[0] = &none;
    int64_t count = 2;
    assert_int_equal(ravine_dlpack_addresses(o, 2, &theirs, &none, objects, address, &count),
                     RAVINE_OK);
    assert_null(address[0]);
    assert_int_equal(count, 0);
    objects[0] = &tb;
    assert_int_equal(ravine_dlpack_addresses(o, 1, &theirs, &none, objects, address, &count),
                     RAVINE_OK);
    assert_ptr_equal(address[0], b + 4);
    assert_int_equal(count, 1);
    ravine_destroy(o);
}

/* Strides do not matter where there is one element in that direction, or none at all. */
static void strides_that_do_not_matter(void **state) {
    (void)state;
    float a[6], b[6];
    int64_t flat[] = {1, 6}, empty[] = {0, 6}, odd[] = {77, 1};
    void *address[3];
    ravine_optimizer *const o = make_two(a, b);
    tensor t = tensor_of(a);
    t.shape = flat;
    t.strides = odd;
    void *object[] = {&t, NULL, NULL};
    assert_int_equal(read_addresses(o, 1, &theirs, object, address), RAVINE_OK);
    assert_ptr_equal(address[0], a);
    make_param(o, 0, "empty", RAVINE_F32, NULL, NULL, 0);
    t.shape = empty;
    t.data = NULL;
    object[0] = NULL;
    object[2] = &t;
    assert_int_equal(read_addresses(o, 3, &theirs, object, address), RAVINE_OK);
    assert_null(address[2]);
    ravine_destroy(o);
}

static void refuse(const ravine_optimizer *o, const library *from, tensor t, ravine_status status,
                   const char *word) {
    void *address[2], *object[] = {NULL, &t};
    assert_int_equal(read_addresses(o, 2, from, object, address), status);
    if (!strstr(ravine_errmsg(), word)) fail_msg("\"%s\" has no %s", ravine_errmsg(), word);
}

static void tensors_that_do_not_fit(void **state) {
    (void)state;
    float a[6], b[6];
    ravine_optimizer *const o = make_two(a, b);
    tensor t = tensor_of(b);
    t.device.type = 2;
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "a tensor of b is on device type 2");
    t = tensor_of(b);
    t.dtype.bits = 64;
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "not of the type float32");
    t = tensor_of(b);
    t.dtype.code = 4;
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "not of the type float32");
    t = tensor_of(b);
    t.strides = column_major;
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "not row-major");
    t = tensor_of(b);
    t.ndim = 1;
    refuse(o, &theirs, t, RAVINE_E_ARG, "has 2 elements, not 6");
    t.ndim = -1;
    refuse(o, &theirs, t, RAVINE_E_ARG, "cannot be read");
    t = tensor_of(NULL); /* a wrapper, or one whose memory was freed */
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "a tensor of b has no memory of its own");
    t.byte_offset = 4;
    refuse(o, &theirs, t, RAVINE_E_UNSUPPORTED, "a tensor of b has no memory of its own");
    const library newer = {.major = 2, .read = read_tensor};
    refuse(o, &newer, tensor_of(b), RAVINE_E_UNSUPPORTED, "2.0");

    void *address[3], *object[3] = {NULL};
    assert_int_equal(read_addresses(o, 3, &theirs, object, address), RAVINE_E_RANGE);
    assert_int_equal(read_addresses(o, -1, &theirs, object, address), RAVINE_E_RANGE);
    assert_int_equal(read_addresses(NULL, 1, &theirs, object, address), RAVINE_E_ARG);
    assert_int_equal(read_addresses(o, 1, NULL, object, address), RAVINE_E_ARG);
    ravine_destroy(o);
}

/* Elements of 2 by 3 are not those of 3 by 2, though there are as many. */
static void tensors_of_another_shape(void **state) {
    (void)state;
    float a[6];
    const int64_t two_by_three[] = {2, 3};
    int64_t three_by_two[] = {3, 2};
    ravine_optimizer *const o = make_optimizer("sgd");
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "a",
                            .data = a,
                            .len = 6,
                            .shape = two_by_three,
                            .ndim = 2};
    assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
    tensor t = tensor_of(a);
    void *address[1], *object[] = {&t};
    assert_int_equal(read_addresses(o, 1, &theirs, object, address), RAVINE_OK);
    assert_ptr_equal(address[0], a);
    t.shape = three_by_two;
    t.strides = NULL;
    assert_int_equal(read_addresses(o, 1, &theirs, object, address), RAVINE_E_ARG);
    assert_non_null(strstr(ravine_errmsg(), "a tensor of a has another shape"));
    int64_t flat[] = {6};
    t.shape = flat;
    t.ndim = 1;
    assert_int_equal(read_addresses(o, 1, &theirs, object, address), RAVINE_E_ARG);
    ravine_destroy(o);
}

/* State and step_count carried to a second optimizer: it goes on as the first, to the bit. */
static void state_from_elsewhere(void **state) {
    (void)state;
    enum { N = 5 };
    float a[N] = {1, -2, 3, -4, 5}, b[N], g[N] = {0.5F, 0.25F, -1, 2, -3};
    static const char *const keys[] = {"exp_avg", "exp_avg_sq"};
    ravine_optimizer *const one = make_optimizer("adam"), *const two = make_optimizer("adam");
    make_param(one, 0, "w", RAVINE_F32, a, g, N);
    for (int k = 0; k < 3; k++) (void)make_step(one, NULL);
    memcpy(b, a, sizeof a);
    make_param(two, 0, "w", RAVINE_F32, b, g, N);
    for (int k = 0; k < 2; k++)
        memcpy(make_state(two, "w", keys[k]), make_state(one, "w", keys[k]), sizeof a);
    assert_int_equal(ravine_set_step_count(two, 0, 3), RAVINE_OK);
    assert_int_equal(ravine_step_count(two, 0), 3);
    (void)make_step(one, NULL);
    (void)make_step(two, NULL);
    assert_memory_equal(a, b, sizeof a);

    assert_int_equal(ravine_set_step_count(two, 0, -1), RAVINE_E_RANGE);
    assert_int_equal(ravine_set_step_count(two, 0, INT64_MAX), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "it must be in [0, 2^53]"));
    assert_int_equal(ravine_set_step_count(two, 0, ((int64_t)1 << 53) + 1), RAVINE_E_RANGE);
    assert_int_equal(ravine_set_step_count(two, 1, 1), RAVINE_E_RANGE);
    assert_int_equal(ravine_set_step_count(NULL, 0, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_step_count(two, 0), 4);
    assert_int_equal(ravine_set_step_count(two, 0, (int64_t)1 << 53), RAVINE_OK);
    (void)make_step(two, NULL);
    assert_int_equal(ravine_step_count(two, 0), ((int64_t)1 << 53) + 1);
    ravine_destroy(one);
    ravine_destroy(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_tensors),    cmocka_unit_test(strides_that_do_not_matter),
        cmocka_unit_test(tensors_that_do_not_fit), cmocka_unit_test(tensors_of_another_shape),
        cmocka_unit_test(state_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
