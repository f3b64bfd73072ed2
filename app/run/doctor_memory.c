/* SPDX-License-Identifier: Apache-2.0 */
#include "run/doctor_memory.h"

#include "io/failure.h"
#include "ravine_checkpoint.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY   "doctor"
#define KEY_STEP "train.step"

enum { PATH_SIZE = PATH_MAX + 24, STEP_SIZE = 24 };

static void name_file(char path[PATH_SIZE], const char *folder) {
    snprintf(path, PATH_SIZE, "%s/doctor.safetensors", folder);
}

static void write_step(char text[STEP_SIZE], int64_t step) {
    snprintf(text, STEP_SIZE, "%" PRId64, step);
}

int doctor_memory_write(const char *folder, const ravine_doctor *d, int64_t step) {
    char path[PATH_SIZE], at[STEP_SIZE];
    const int64_t length = ravine_doctor_state_length(d);
    double *state = malloc((size_t)length * sizeof *state);
    if (!state) return failure(EXIT_INPUT, "out of memory for the doctor's memory");
    name_file(path, folder);
    write_step(at, step);
    const ravine_tensor memory = {MEMORY, RAVINE_F64, 1, &length, state};
    const ravine_text texts[] = {{"ravine", ravine_version()}, {KEY_STEP, at}};
    const ravine_safetensors_options how = {.size = sizeof how, .over_links = 1};
    ravine_status status = ravine_doctor_export(d, state, length);
    if (!status) status = ravine_safetensors_write(path, &memory, 1, texts, 2, &how);
    free(state);
    return failure_of(status);
}

/* The numbers, for free(); NULL where there are none. No doctor remembers more than MOST. */
static double *read_numbers(const ravine_checkpoint *file, int64_t *length) {
    enum { MOST = 1 << 27 };
    ravine_tensor t;
    const int64_t at = ravine_checkpoint_find(file, MEMORY);
    if (at < 0 || ravine_checkpoint_tensor(file, at, &t) || t.dtype != RAVINE_F64 || t.ndim != 1 ||
        t.shape[0] < 1 || t.shape[0] > MOST)
        return NULL;
    *length = t.shape[0];
    const size_t bytes = (size_t)*length * sizeof(double);
    double *numbers = malloc(bytes);
    if (numbers && !ravine_checkpoint_read(file, at, numbers, (int64_t)bytes)) return numbers;
    free(numbers);
    return NULL;
}

static bool is_of_step(const ravine_checkpoint *file, int64_t step) {
    char wanted[STEP_SIZE];
    write_step(wanted, step);
    const char *told = ravine_checkpoint_find_text(file, KEY_STEP);
    return told && !strcmp(told, wanted);
}

bool doctor_memory_read(const char *folder, ravine_doctor *d, int64_t step) {
    char path[PATH_SIZE];
    ravine_checkpoint *file;
    int64_t length = 0;
    name_file(path, folder);
    if (ravine_checkpoint_open(&file, path, NULL) < 0) return false;
    double *numbers = is_of_step(file, step) ? read_numbers(file, &length) : NULL;
    ravine_checkpoint_close(file);
    const bool taken = numbers && !ravine_doctor_import(d, numbers, length);
    free(numbers);
    return taken;
}
