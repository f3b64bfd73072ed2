/* SPDX-License-Identifier: Apache-2.0 */
/* ravine_checkpoint.h - saving and resuming, exactly.
 *
 * A checkpoint is one file in the safetensors format, which many tools read. It holds parameters
 * under their names, state under "state.<param>.<key>" (the keys are PyTorch's: exp_avg,
 * exp_avg_sq, ...), and your own tensors under their names. Rules, settings, schedules, step counts
 * and a checksum of every tensor are text in the header. docs/checkpoints.md has the format.
 *
 *     ravine_save(o, "run.safetensors", NULL);        k steps, save
 *     ravine_load(o, "run.safetensors", NULL);        load, n - k steps: the same bits as n steps
 *
 * Saving   At any moment `path` is the complete old file or the complete new one, even if the
 *          process is killed or the power fails. When ravine_save returns OK, the new file is
 *          on the disk.
 * Loading  The whole file is read and checked before anything changes: structure, checksums, names,
 *          shapes, types, rules. A file that does not fit is refused, and the message names the
 *          tensor and the byte.
 */
#ifndef RAVINE_CHECKPOINT_H
#define RAVINE_CHECKPOINT_H

#include "ravine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- saving and loading -------------------------------------------------------------------------
 */

/* A tensor of yours that is saved with the optimizer's, such as a batch norm's running mean or the
 * counters of a random generator. */
typedef struct ravine_tensor {
    const char *name;     /* UTF-8, unique in the file; "__metadata__" and "state.*" are reserved */
    int32_t dtype;        /* ravine_dtype */
    int32_t ndim;         /* 0: one number */
    const int64_t *shape; /* [ndim], each >= 0 */
    void *data;           /* [product of shape]; read by save, written by load */
} ravine_tensor;

/* A text of yours that is saved, such as the position in the data or the name of the data. */
typedef struct ravine_text {
    const char *key, *value; /* UTF-8; keys are unique; "ravine.*" are reserved */
} ravine_text;

typedef struct ravine_save_options {
    uint32_t size;
    int32_t without_params; /* 1: only the state, without the parameters' numbers */
    int32_t verify;         /* 1: the file is read back and compared before it receives its name */
    int32_t reserved;
    const ravine_tensor *tensors; /* [ntensors] your own */
    int64_t ntensors;
    const ravine_text *texts; /* [ntexts] */
    int64_t ntexts;
} ravine_save_options;
/* Fills *options with the defaults: no tensors or texts of yours, and no verifying. */
RAVINE_INLINE void ravine_save_options_init(ravine_save_options *options);

/* Writes everything that the next step depends on. options may be NULL. The free space is checked
 * first. E_IO names the file, the operation and the system's reason; the old file is then as it
 * was. There is one exception: if only the last operation failed, the sync of the folder, the new
 * file is there and complete, but a loss of power may undo it, and the message says so. E_ARG: a
 * name of yours is reserved, occurs twice or is not UTF-8; E_RANGE: a tensor of yours has a dtype
 * or shape that does not exist, or the file would be too large; E_NOMEM. */
RAVINE_API ravine_status ravine_save(const ravine_optimizer *o, const char *path,
                                     const ravine_save_options *options) RAVINE_MUST_CHECK;

typedef struct ravine_load_options {
    uint32_t size;
    int32_t without_params; /* 1: the parameters keep their numbers */
    int32_t partial; /* 1: load what fits by name, shape and type, and leave the rest; E_FORMAT only
                        if the file is damaged. 0: everything must fit */
    int32_t reserved;
    ravine_tensor *tensors; /* [ntensors] your own, to be filled; name, dtype and shape must fit */
    int64_t ntensors;
    /* Receives every difference, one line each ("w: shape [3, 4] in the file, [4, 3] here"), and in
     * partial mode what was loaded. NULL: the error message has the first difference and their
     * number. */
    void (*tell)(void *context, const char *line);
    void *context;
} ravine_load_options;
/* Fills *options with the defaults: no tensors of yours, and everything must fit. */
RAVINE_INLINE void ravine_load_options_init(ravine_load_options *options);

/* Makes `o` continue where the saved optimizer was. `o` was set up as that one: the same parameters
 * by name, the same rules and settings in each group. Nothing is matched by position and nothing is
 * cast. options may be NULL. On an error nothing has changed. E_FORMAT: the file is damaged or does
 * not fit; E_IO: it cannot be read; E_ARG: a name of yours is reserved, occurs twice or is not
 * UTF-8; E_NOMEM. */
RAVINE_API ravine_status ravine_load(ravine_optimizer *o, const char *path,
                                     const ravine_load_options *options) RAVINE_MUST_CHECK;

/* ---- saving as training goes --------------------------------------------------------------------
 *
 * A saver keeps a folder of checkpoints, step-<applied steps>.safetensors: the newest K and the
 * best one. It writes them in the background from a copy, so that training waits only for the copy.
 * A save that fails leaves the older checkpoints complete, and the next call reports it. */
typedef struct ravine_saver ravine_saver;
typedef struct ravine_saver_options {
    uint32_t size;
    int32_t keep;       /* >= 1: how many of the newest are kept; default 3 */
    int32_t keep_best;  /* 1: the one with the lowest metric is kept, too */
    int32_t foreground; /* 1: no thread; ravine_saver_save returns when the file is on the disk */
    int32_t verify;     /* as in ravine_save_options */
    int32_t reserved;
} ravine_saver_options;
/* Fills *options with the defaults: the newest 3, in the background. */
RAVINE_INLINE void ravine_saver_options_init(ravine_saver_options *options);

/* Makes a saver. `folder` is made if it is missing. Temporary files that a process left there when
 * it ended are removed. env (NULL: the defaults) provides the memory of the copies. E_RANGE: keep
 * is below 1, or the path is too long; E_IO: the folder cannot be made or read; E_NOMEM. */
RAVINE_API ravine_status ravine_saver_create(ravine_saver **out, const char *folder,
                                             const ravine_saver_options *options,
                                             const ravine_env *env) RAVINE_MUST_CHECK;
/* Waits for the previous save, copies, and starts the next save. `metric`: lower is better; NaN:
 * there is none. The status is that of the copy. E_IO: the previous save failed; the next one
 * starts all the same. E_ARG, E_RANGE and E_NOMEM as in ravine_save. With options.foreground the
 * status is that of this save. */
RAVINE_API ravine_status ravine_saver_save(ravine_saver *s, const ravine_optimizer *o,
                                           const ravine_save_options *options,
                                           double metric) RAVINE_MUST_CHECK;
/* Waits for the last save and returns its status: E_ARG, E_RANGE, E_IO and E_NOMEM as in
 * ravine_save. */
RAVINE_API ravine_status ravine_saver_wait(ravine_saver *s) RAVINE_MUST_CHECK;
/* Waits for the last save and frees the saver. NULL is allowed. */
RAVINE_API void ravine_saver_destroy(ravine_saver *s);

/* Writes the path of a folder's newest undamaged checkpoint to path[capacity]. E_STATE: there is
 * none. *skipped (may be NULL) receives the number of newer checkpoints that are damaged. E_IO: the
 * folder cannot be read; E_RANGE: the path does not fit; E_NOMEM. */
RAVINE_API ravine_status ravine_checkpoint_latest(const char *folder, char *path, size_t capacity,
                                                  int64_t *skipped) RAVINE_MUST_CHECK;

/* ---- looking into a safetensors file ------------------------------------------------------------
 */
typedef struct ravine_checkpoint ravine_checkpoint;

/* Opens a file. It checks the structure, and the header's checksum if there is one, but not yet the
 * checksums of the data. E_FORMAT names the byte; E_IO: the file cannot be read or is not a regular
 * file. The file is read, never mapped: if it becomes shorter later, the call that notices it
 * fails. env NULL: the defaults. E_NOMEM. */
RAVINE_API ravine_status ravine_checkpoint_open(ravine_checkpoint **out, const char *path,
                                                const ravine_env *env) RAVINE_MUST_CHECK;
/* Closes the file and frees the handle. NULL is allowed. */
RAVINE_API void ravine_checkpoint_close(ravine_checkpoint *c);
/* The number of tensors in the file; 0 for NULL. */
RAVINE_API int64_t ravine_checkpoint_tensor_count(const ravine_checkpoint *c);
/* Describes tensor number i, in the order of the data; its `data` is NULL. Its texts live as long
 * as the checkpoint. E_RANGE: there is no tensor i. */
RAVINE_API ravine_status ravine_checkpoint_tensor(const ravine_checkpoint *c, int64_t i,
                                                  ravine_tensor *tensor) RAVINE_MUST_CHECK;
/* The number of the tensor with a name; -1: there is none. */
RAVINE_API int64_t ravine_checkpoint_find(const ravine_checkpoint *c, const char *name);
/* The range of bytes of the tensor's data in the file, and whether the file has a checksum of it.
 * E_RANGE: there is no tensor i. */
RAVINE_API ravine_status ravine_checkpoint_range(const ravine_checkpoint *c, int64_t i,
                                                 int64_t *begin, int64_t *end,
                                                 int32_t *checked) RAVINE_MUST_CHECK;
/* Reads the numbers of tensor i into data[bytes] and verifies its checksum, if there is one.
 * E_RANGE: there is no tensor i; E_ARG: `bytes` is not its size; E_FORMAT: it is damaged; E_IO: it
 * cannot be read. */
RAVINE_API ravine_status ravine_checkpoint_read(const ravine_checkpoint *c, int64_t i, void *data,
                                                int64_t bytes) RAVINE_MUST_CHECK;
/* Verifies every checksum. E_FORMAT names the first tensor that is damaged; E_IO: the file cannot
 * be read. */
RAVINE_API ravine_status ravine_checkpoint_verify(const ravine_checkpoint *c) RAVINE_MUST_CHECK;
/* Text number k; the result is 0 past the last one. */
RAVINE_API int32_t ravine_checkpoint_text(const ravine_checkpoint *c, int64_t k, ravine_text *text);
/* The text of a key; it lives as long as the checkpoint. NULL: there is none. */
RAVINE_API const char *ravine_checkpoint_find_text(const ravine_checkpoint *c, const char *key);

/* ---- a safetensors file of your own -------------------------------------------------------------
 *
 * A file of named tensors and texts, with a checksum of each tensor. It is complete on the disk or
 * not there at all. ravine_save is built on this call. Use it for weights alone, for the state of
 * another program, or to convert a checkpoint that was made elsewhere. */
typedef struct ravine_safetensors_options {
    uint32_t size;
    int32_t verify;     /* 1: as in ravine_save_options */
    int32_t over_links; /* 1: a link at `path` is replaced; 0: the file that the link names is */
    int32_t reserved;
    const ravine_env *env; /* memory of the header; NULL: the defaults */
} ravine_safetensors_options;

/* Writes tensors and texts, given in any order, under their names and keys. options may be NULL.
 * E_ARG: a name or key occurs twice, is not UTF-8, or is reserved ("__metadata__",
 * "ravine.crc32c*"); E_IO, E_RANGE and E_NOMEM as in ravine_save. */
RAVINE_API ravine_status ravine_safetensors_write(
    const char *path, const ravine_tensor *tensors, int64_t ntensors, const ravine_text *texts,
    int64_t ntexts, const ravine_safetensors_options *options) RAVINE_MUST_CHECK;

/* The names in a checkpoint, for programs that read or write one. Tensors: "PARAM" is the
 * parameter, "state.PARAM.KEY" its state for each key of ravine_state_key, "state.PARAM.step" its
 * step count. Texts: */
#define RAVINE_STATE             "state."
#define RAVINE_STATE_STEP        "step"
#define RAVINE_KEYS              "ravine." /* the beginning of every key of the library */
#define RAVINE_KEY_FORMAT        "ravine.format"
#define RAVINE_CHECKPOINT_FORMAT "1" /* its value */
#define RAVINE_KEY_VERSION       "ravine.version"
#define RAVINE_KEY_STEPS         "ravine.steps"     /* applied steps */
#define RAVINE_KEY_ATTEMPTS      "ravine.attempts"  /* calls of ravine_step */
#define RAVINE_KEY_OPTIONS       "ravine.options"   /* as ravine_options_format writes them */
#define RAVINE_KEY_METRIC        "ravine.metric"    /* the metric that ravine_saver_save received */
#define RAVINE_KEY_GROUPS        "ravine.groups"    /* the number of groups */
#define RAVINE_KEY_GROUP         "ravine.group."    /* ravine.group.K: its rule and settings */
#define RAVINE_KEY_SCHEDULE      ".schedule."       /* ravine.group.K.schedule.SETTING */
#define RAVINE_KEY_GROUP_OF      "ravine.group_of." /* ravine.group_of.PARAM: K */

/* ---- sizes, as in ravine.h ----------------------------------------------------------------------
 */
RAVINE_API void ravine_save_options_init_sized(ravine_save_options *options, size_t size);
RAVINE_API void ravine_load_options_init_sized(ravine_load_options *options, size_t size);
RAVINE_API void ravine_saver_options_init_sized(ravine_saver_options *options, size_t size);

static inline void ravine_save_options_init(ravine_save_options *options) {
    ravine_save_options_init_sized(options, sizeof *options);
}
static inline void ravine_load_options_init(ravine_load_options *options) {
    ravine_load_options_init_sized(options, sizeof *options);
}
static inline void ravine_saver_options_init(ravine_saver_options *options) {
    ravine_saver_options_init_sized(options, sizeof *options);
}

#ifdef __cplusplus
}
#endif
#endif
