/* SPDX-License-Identifier: Apache-2.0 */
/* Opens one file, and looks at what must hold of each that is refused. */
#include "hostile.h"

#include "faults/disk.h"

/* ---- memory with a peak */

static size_t live, peak;

static void *take(void *context, size_t bytes, size_t alignment) {
    (void)context;
    void *memory = NULL;
    live += bytes;
    if (live > peak) peak = live;
    return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void give(void *context, void *memory, size_t bytes) {
    (void)context;
    live -= bytes;
    free(memory);
}

static ravine_env watched_env(void) {
    ravine_env env;
    ravine_env_init(&env);
    env.allocate = take;
    env.release = give;
    live = peak = 0;
    return env;
}

/* ---- one file */

int64_t tried[CLASSES], accepted;

void refuse(int class, const void *bytes, size_t size, const char *told) {
    const ravine_env env = watched_env();
    ravine_checkpoint *c = NULL;
    disk_install();
    disk_put("x", bytes, size);
    const ravine_status status = ravine_checkpoint_open(&c, "x", &env);
    if (status != RAVINE_E_FORMAT || strncmp(ravine_errmsg(), told, strlen(told)) != 0)
        fail_msg("class %d: status %d '%s', not '%s'", class, status,
                 status ? ravine_errmsg() : "opened", told);
    assert_null(c);
    assert_int_equal(live, 0);
    assert_int_equal(disk_handle_count(), 0);
    assert_true(peak <= 64 * size + 4096);
    for (const char *p = ravine_errmsg(); *p; p++) assert_true((unsigned char)*p >= 0x20);
    disk_remove();
    tried[class]++;
}

void put_length(char *bytes, uint64_t length) {
    for (int k = 0; k < 8; k++) bytes[k] = (char)(length >> (8 * k));
}

char *file_of(const char *header, size_t length, size_t data, size_t *size) {
    *size = 8 + length + data;
    char *bytes = calloc(*size + 1, 1);
    assert_non_null(bytes);
    put_length(bytes, length);
    memcpy(bytes + 8, header, length);
    return bytes;
}

void refuse_header(int class, const char *marked, size_t marked_length, size_t data,
                   const char *what) {
    const char *mark = memchr(marked, '@', marked_length);
    if (!mark) fail_msg("class %d: no mark in %s", class, marked);
    const size_t at = (size_t)(mark - marked);
    char *header = malloc(marked_length), told[400];
    assert_non_null(header);
    memcpy(header, marked, at);
    memcpy(header + at, mark + 1, marked_length - at - 1);
    snprintf(told, sizeof told, "x: byte %zu: %s", 8 + at, what);
    size_t size;
    char *bytes = file_of(header, marked_length - 1, data, &size);
    refuse(class, bytes, size, told);
    free(bytes);
    free(header);
}

void accept_header(const char *header, size_t data) {
    const ravine_env env = watched_env();
    ravine_checkpoint *c = NULL;
    size_t size;
    char *bytes = file_of(header, strlen(header), data, &size);
    disk_install();
    disk_put("x", bytes, size);
    if (ravine_checkpoint_open(&c, "x", &env) < 0) fail_msg("%s: %s", header, ravine_errmsg());
    assert_int_equal(ravine_checkpoint_verify(c), RAVINE_OK);
    ravine_checkpoint_close(c);
    assert_int_equal(live, 0);
    disk_remove();
    free(bytes);
    accepted++;
}
