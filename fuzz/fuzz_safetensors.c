/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors files: whatever the bytes, the reader takes no more than 64 bytes of memory for a
 * byte of the file; what it accepts covers the file, byte for byte, and comes back the same when it
 * is written and read again. */
#include "memory_file.h"
#include "store/safetensors.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth) abort();
}

static ravine_tensor tensor_of(const ravine_checkpoint *c, int64_t i) {
    ravine_tensor t = {0};
    require(ravine_checkpoint_tensor(c, i, &t) == RAVINE_OK);
    require(ravine_checkpoint_find(c, t.name) == i);
    return t;
}

/* The tensors tile the data; each byte is read. Their bytes in *data, for free(). */
static void check(const ravine_checkpoint *c, size_t size, unsigned char **data) {
    const int64_t count = ravine_checkpoint_tensor_count(c);
    int64_t at = -1, begin, end;
    *data = malloc(size + 1);
    require(*data != NULL);
    for (int64_t i = 0; i < count; i++) {
        const ravine_tensor t = tensor_of(c, i);
        require(ravine_checkpoint_range(c, i, &begin, &end, NULL) == RAVINE_OK);
        require((at < 0 || begin == at) && end - begin == ravine_tensor_bytes(&t));
        const ravine_status status = ravine_checkpoint_read(c, i, *data + begin, end - begin);
        require(status == RAVINE_OK || status == RAVINE_E_FORMAT);
        at = end;
    }
    require(count == 0 || at == (int64_t)size);
}

/* Writes what was read, and reads that. */
static void turn(const ravine_checkpoint *c, unsigned char *data) {
    const int64_t count = ravine_checkpoint_tensor_count(c);
    ravine_tensor *tensors = calloc((size_t)count + 1, sizeof *tensors);
    require(tensors != NULL);
    for (int64_t i = 0; i < count; i++) {
        int64_t begin;
        tensors[i] = tensor_of(c, i);
        require(ravine_checkpoint_range(c, i, &begin, NULL, NULL) == RAVINE_OK);
        tensors[i].data = data + begin;
    }
    if (ravine_safetensors_write("again", tensors, count, NULL, 0, NULL) == RAVINE_OK) {
        ravine_checkpoint *again;
        memory_file_turn();
        require(ravine_checkpoint_open(&again, "again", NULL) == RAVINE_OK);
        require(ravine_checkpoint_verify(again) == RAVINE_OK);
        require(ravine_checkpoint_tensor_count(again) == count);
        for (int64_t i = 0; i < count; i++) {
            const int64_t j = ravine_checkpoint_find(again, tensors[i].name);
            const ravine_tensor t = tensor_of(again, j);
            require(t.dtype == tensors[i].dtype && t.ndim == tensors[i].ndim);
            require(!t.ndim ||
                    !memcmp(t.shape, tensors[i].shape, (size_t)t.ndim * sizeof *t.shape));
        }
        ravine_checkpoint_close(again);
    }
    free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ravine_checkpoint *c;
    const ravine_env env = memory_env();
    memory_file_begin(data, size);
    const ravine_status status = ravine_checkpoint_open(&c, "fuzz", &env);
    require(memory_file.most_taken <= 64 * size + 1024);
    if (status == RAVINE_OK) {
        unsigned char *numbers;
        check(c, size, &numbers);
        turn(c, numbers);
        free(numbers);
        ravine_checkpoint_close(c);
    } else {
        require(status == RAVINE_E_FORMAT && *ravine_errmsg());
    }
    require(memory_file.taken == 0);
    return 0;
}
