/* SPDX-License-Identifier: Apache-2.0 */
/* sized.h - structs of callers whose header is older or newer than this library (docs/abi.md).
 *
 * Every public struct that may grow begins with its size as the caller's compiler knows it. What an
 * older caller does not have takes its default where the library reads, and is left out where it
 * writes. What a newer caller has beyond this library must be zero bytes where the library reads,
 * and is zero afterwards where it writes.
 *
 *     ravine_env own;                              holds the defaults
 *     status = ravine_sized_read(&ravine_sized_env, &own, env);
 *
 *     status = ravine_sized_check(&ravine_sized_step_stats, stats);         first, while nothing
 * has changed ravine_sized_write(&ravine_sized_step_stats, stats, &own);
 *
 *     status = ravine_sized_make(&ravine_sized_config, c, size, &own);   *c says nothing yet
 */
#ifndef RAVINE_BASE_SIZED_H
#define RAVINE_BASE_SIZED_H

#include "ravine.h"

typedef struct sized {
    const char *name, *how; /* of the struct; how a program sets its size */
    uint32_t first, now;    /* bytes in the first release, in this library */
} sized;

/* X(struct, its last field in the first release, how a program sets `size`) */
#define SIZED_LIST(X)                                                     \
    X(schedule, segment, "set it to sizeof(ravine_schedule)")             \
    X(schedule_facts, total, "use ravine_schedule_describe")              \
    X(plateau, told, "use ravine_plateau_init")                           \
    X(config, maximize, "use ravine_config_init or ravine_config_parse")  \
    X(env, parallel_context, "use ravine_env_init")                       \
    X(param, reserved, "set it to sizeof(ravine_param)")                  \
    X(options, grad_scale, "use ravine_options_init")                     \
    X(step_stats, quiet_share, "set it to sizeof(ravine_step_stats)")     \
    X(doctor_options, reserved, "use ravine_doctor_options_init")         \
    X(observation, part_elements, "set it to sizeof(ravine_observation)") \
    X(samples, steps, "set it to sizeof(ravine_samples)")                 \
    X(warning, text, "set it to sizeof(ravine_warning)")                  \
    X(problem, nbatches, "set it to sizeof(ravine_problem)")              \
    X(probe_options, seed, "use ravine_probe_options_init")               \
    X(probe, along_min, "set it to sizeof(ravine_probe)")                 \
    X(diagnosis, cannot_tell, "set it to sizeof(ravine_diagnosis)")       \
    X(save_options, ntexts, "use ravine_save_options_init")               \
    X(load_options, context, "use ravine_load_options_init")              \
    X(saver_options, reserved, "use ravine_saver_options_init")           \
    X(safetensors_options, env, "set it to sizeof(ravine_safetensors_options)")

#define X(name, last, how) extern const sized ravine_sized_##name;
SIZED_LIST(X)
#undef X

/* OK, or E_ARG: it is NULL, or no version of the struct has that size. */
ravine_status ravine_sized_check(const sized *of, const void *theirs);
/* *theirs over the defaults in *own. E_UNSUPPORTED: it asks for something that is not known here.
 */
ravine_status ravine_sized_read(const sized *of, void *own, const void *theirs);
/* *own into *theirs, whose size was checked and stays. */
void ravine_sized_write(const sized *of, void *theirs, const void *own);
/* The same where the caller says the size, which *theirs then has. E_ARG: as above, and nothing is
 * written. */
ravine_status ravine_sized_make(const sized *of, void *theirs, size_t size, const void *own);

#endif
