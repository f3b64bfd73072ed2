/* SPDX-License-Identifier: Apache-2.0 */
/* scratch_file.h - the input of a fuzzer as a file in a folder of its own, for readers of paths. */
#ifndef FUZZ_SCRATCH_FILE_H
#define FUZZ_SCRATCH_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64];

static void scratch_remove(void) {
    char command[sizeof scratch_folder + 8];
    snprintf(command, sizeof command, "rm -rf %s", scratch_folder);
    if (system(command)) abort();
}

/* The folder, made once, in memory where that is there; it goes when the process ends. */
static inline const char *scratch_make(void) {
    if (*scratch_folder) return scratch_folder;
    const char *memory = "/dev/shm";
    snprintf(scratch_folder, sizeof scratch_folder, "%s/ravine-fuzz-XXXXXX",
             access(memory, W_OK) == 0 ? memory : "/tmp");
    if (!mkdtemp(scratch_folder) || atexit(scratch_remove)) abort();
    return scratch_folder;
}

/* Writes FOLDER/NAME and returns its path, valid until the next call. */
static inline const char *scratch_write(const char *name, const void *bytes, size_t size) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch_make(), name);
    FILE *file = fopen(path, "wb");
    if (!file || (size && fwrite(bytes, 1, size, file) != size) || fclose(file)) abort();
    return path;
}

#endif
