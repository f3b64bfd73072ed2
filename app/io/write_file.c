/* SPDX-License-Identifier: Apache-2.0 */
#include "io/write_file.h"

#include "file/atomic_file.h"
#include "io/failure.h"

int write_file(const char *path, const void *bytes, size_t size) {
    ravine_atomic_file file;
    ravine_status status = ravine_atomic_open(&file, path, (int64_t)size, RAVINE_ATOMIC_OVER_LINKS);
    if (!status) status = ravine_atomic_write(&file, bytes, size);
    if (!status) status = ravine_atomic_commit(&file);
    return failure_of(status);
}
