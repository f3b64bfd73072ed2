/* SPDX-License-Identifier: Apache-2.0 */
/* ravine_checkpoint.h - saving and resuming, exactly.
 *
 * A checkpoint is one file in the safetensors format, which everyone's tools read: parameters under
 * their names, state under "state.<param>.<key>" (keys as PyTorch's: exp_avg, exp_avg_sq, ...),
 * your own tensors under theirs. What is not a tensor - rules, settings, schedules, step counts, a
 * checksum of every tensor - is text in the header. docs/checkpoints.md has the format.
 *
 *     ravine_save(o, "run.safetensors", NULL);        k steps, save
 *     ravine_load(o, "run.safetensors", NULL);        load, n - k steps: the same bits as n steps
 *
 * Saving   At any moment, killed or out of power, `path` is the complete old file or the complete
 *          new one; when ravine_save returns OK it is the new one and on the disk.
 * Loading  The file is read and checked whole - structure, checksums, names, shapes, types, rules -
 *          before anything changes; what does not fit is refused and told, tensor and byte.
 */
#ifndef RAVINE_CHECKPOINT_H
#define RAVINE_CHECKPOINT_H

#include "ravine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- saving and loading -------------------------------------------------------------------------
 */

/* A tensor that travels with the optimizer's: a batch norm's running mean, a generator's counters.
 */
typedef struct ravine_tensor {
    const char *name;     /* UTF-8, unique in the file; "__metadata__" and "state.*" are taken */
    int32_t dtype;        /* ravine_dtype */
    int32_t ndim;         /* 0: one number */
    const int64_t *shape; /* [ndim], each >= 0 */
    void *data;           /* [product of shape]; read by save, written by load */
} ravine_tensor;

/* A text that travels: a data cursor, the name of the data. */
typedef struct ravine_text {
    const char *key, *value; /* UTF-8; keys are unique; "ravine.*" are taken */
} ravine_text;

typedef struct ravine_save_options {
    uint32_t size;
    int32_t without_params; /* 1: state alone, without the parameters' numbers */
    int32_t verify;         /* 1: the file is read back and compared before it gets its name */
    int32_t reserved;
    const ravine_tensor *tensors; /* [ntensors] your own */
    int64_t ntensors;
    const ravine_text *texts; /* [ntexts] */
    int64_t ntexts;
} ravine_save_options;
/* The defaults: nothing of yours, and no verifying. */
RAVINE_INLINE void ravine_save_options_init(ravine_save_options *options);

/* Writes everything that the next step depends on. options may be NULL. E_IO names the file, the
 * operation and the system's reason; the old file is then as it was, except where only the last
 * operation failed, the sync of the folder: then the new file stands, complete, but may be lost
 * with the power, and the message says so. Free space is looked at first. E_ARG: a name of yours is
 * taken, twice there or not UTF-8; E_RANGE: a tensor of yours has no such dtype or shape, or the
 * file would be too large; E_NOMEM. */
RAVINE_API ravine_status ravine_save(const ravine_optimizer *o, const char *path,
                                     const ravine_save_options *options) RAVINE_MUST_CHECK;

typedef struct ravine_load_options {
    uint32_t size;
    int32_t without_params; /* 1: the parameters keep their numbers */
    int32_t partial;        /* 1: take what fits by name, shape and type, leave the rest; E_FORMAT
                               only if the file is damaged. 0: everything must fit */
    int32_t reserved;
    ravine_tensor *tensors; /* [ntensors] your own: filled; name, dtype and shape must fit */
    int64_t ntensors;
    /* Told every difference, one line each ("w: shape [3, 4] in the file, [4, 3] here"), and in
     * partial mode what was taken; may be NULL: then the message has the first and their number. */
    void (*tell)(void *context, const char *line);
    void *context;
} ravine_load_options;
/* The defaults: nothing of yours, and everything must fit. */
RAVINE_INLINE void ravine_load_options_init(ravine_load_options *options);

/* Makes `o`, which was set up as the saved one (same parameters by name, rules and settings in each
 * group), go on where that one was. Never by position, never with a cast. options may be NULL.
 * E_FORMAT: the file is damaged or does not fit; E_IO: it cannot be read; E_ARG: a name of yours is
 * taken, twice there or not UTF-8; E_NOMEM; nothing has changed. */
RAVINE_API ravine_status ravine_load(ravine_optimizer *o, const char *path,
                                     const ravine_load_options *options) RAVINE_MUST_CHECK;

/* ---- saving as training goes --------------------------------------------------------------------
 *
 * A saver keeps a folder of checkpoints, step-<applied steps>.safetensors, newest K and best one,
 * and writes them in the background from a copy, so that training waits for the copy only. A save
 * that fails leaves the older ones whole and is told by the next call. */
typedef struct ravine_saver ravine_saver;
typedef struct ravine_saver_options {
    uint32_t size;
    int32_t keep;       /* >= 1: this many of the newest; 3 */
    int32_t keep_best;  /* 1: also the one with the least metric */
    int32_t foreground; /* 1: no thread; ravine_saver_save returns when it is on the disk */
    int32_t verify;     /* as in ravine_save_options */
    int32_t reserved;
} ravine_saver_options;
/* The defaults: the newest 3, in the background. */
RAVINE_INLINE void ravine_saver_options_init(ravine_saver_options *options);

/* `folder` is made if it is missing; temporary files that a dead process left there are removed.
 * env (NULL: the defaults) gives the memory of the copies. E_RANGE: keep is below 1, or the path is
 * too long; E_IO: the folder cannot be made or read; E_NOMEM. */
RAVINE_API ravine_status ravine_saver_create(ravine_saver **out, const char *folder,
                                             const ravine_saver_options *options,
                                             const ravine_env *env) RAVINE_MUST_CHECK;
/* Waits for the save before, copies, and starts the next. `metric`: lower is better; NaN: none. The
 * status is that of the copy; E_IO if the save before failed: this one goes on all the same. E_ARG,
 * E_RANGE and E_NOMEM as of ravine_save. With options.foreground the status is that of this save.
 */
RAVINE_API ravine_status ravine_saver_save(ravine_saver *s, const ravine_optimizer *o,
                                           const ravine_save_options *options,
                                           double metric) RAVINE_MUST_CHECK;
/* Waits for the last save, and its status: E_ARG, E_RANGE, E_IO and E_NOMEM as of ravine_save. */
RAVINE_API ravine_status ravine_saver_wait(ravine_saver *s) RAVINE_MUST_CHECK;
/* Waits for the last save and gives everything back. NULL is fine. */
RAVINE_API void ravine_saver_destroy(ravine_saver *s);

/* The newest checkpoint of a folder that is whole, into path[capacity]: E_STATE if there is none.
 * *skipped (may be NULL): newer ones that are damaged. E_IO: the folder cannot be read; E_RANGE:
 * the path does not fit; E_NOMEM. */
RAVINE_API ravine_status ravine_checkpoint_latest(const char *folder, char *path, size_t capacity,
                                                  int64_t *skipped) RAVINE_MUST_CHECK;

/* ---- looking into a safetensors file ------------------------------------------------------------
 */
typedef struct ravine_checkpoint ravine_checkpoint;

/* Opens and checks the structure and the header's own checksum if there is one, not yet those of
 * the data. E_FORMAT names the byte; E_IO: it cannot be read or is not a regular file. The file is
 * read, never mapped: one that shrinks later is an error of the call that meets it. env NULL: the
 * defaults. E_NOMEM. */
RAVINE_API ravine_status ravine_checkpoint_open(ravine_checkpoint **out, const char *path,
                                                const ravine_env *env) RAVINE_MUST_CHECK;
/* Closes the file and gives everything back. NULL is fine. */
RAVINE_API void ravine_checkpoint_close(ravine_checkpoint *c);
/* How many tensors the file has; 0 of NULL. */
RAVINE_API int64_t ravine_checkpoint_tensor_count(const ravine_checkpoint *c);
/* Tensor number i in the order of the data; data is NULL. Texts live as long as the checkpoint.
 * E_RANGE: there is no tensor i. */
RAVINE_API ravine_status ravine_checkpoint_tensor(const ravine_checkpoint *c, int64_t i,
                                                  ravine_tensor *tensor) RAVINE_MUST_CHECK;
/* The number of the tensor of that name; -1: there is none. */
RAVINE_API int64_t ravine_checkpoint_find(const ravine_checkpoint *c, const char *name);
/* Byte range of the tensor's data in the file, and whether the file has a checksum of it. E_RANGE:
 * there is no tensor i. */
RAVINE_API ravine_status ravine_checkpoint_range(const ravine_checkpoint *c, int64_t i,
                                                 int64_t *begin, int64_t *end,
                                                 int32_t *checked) RAVINE_MUST_CHECK;
/* The numbers of tensor i into data[bytes], with its checksum, if there is one, verified. E_RANGE:
 * there is no tensor i; E_ARG: it has not as many bytes; E_FORMAT: it is damaged; E_IO: it cannot
 * be read. */
RAVINE_API ravine_status ravine_checkpoint_read(const ravine_checkpoint *c, int64_t i, void *data,
                                                int64_t bytes) RAVINE_MUST_CHECK;
/* Every checksum. E_FORMAT names the first tensor that is damaged; E_IO: it cannot be read. */
RAVINE_API ravine_status ravine_checkpoint_verify(const ravine_checkpoint *c) RAVINE_MUST_CHECK;
/* Text number k; false past the last. */
RAVINE_API int32_t ravine_checkpoint_text(const ravine_checkpoint *c, int64_t k, ravine_text *text);
/* The text of a key, which lives as long as the checkpoint; NULL: there is none. */
RAVINE_API const char *ravine_checkpoint_find_text(const ravine_checkpoint *c, const char *key);

/* ---- a safetensors file of your own -------------------------------------------------------------
 *
 * Named tensors and texts, with a checksum of each tensor, whole on the disk or not at all: what
 * ravine_save is made of, for weights alone, for state of another program, for a checkpoint that
 * was made elsewhere. */
typedef struct ravine_safetensors_options {
    uint32_t size;
    int32_t verify;     /* 1: as in ravine_save_options */
    int32_t over_links; /* 1: a link at `path` is replaced; 0: the file that it leads to is */
    int32_t reserved;
    const ravine_env *env; /* memory of the header; NULL: the defaults */
} ravine_safetensors_options;

/* Writes tensors and texts, in any order, under their names and keys as they are. options may be
 * NULL. E_ARG: a name or key is twice there, not UTF-8, or taken ("__metadata__",
 * "ravine.crc32c*"); E_IO, E_RANGE and E_NOMEM as of ravine_save. */
RAVINE_API ravine_status ravine_safetensors_write(
    const char *path, const ravine_tensor *tensors, int64_t ntensors, const ravine_text *texts,
    int64_t ntexts, const ravine_safetensors_options *options) RAVINE_MUST_CHECK;

/* The names in a checkpoint, for programs that look into one or make one. Tensors: "PARAM" itself,
 * "state.PARAM.KEY" for each key of ravine_state_key, and "state.PARAM.step", its step count.
 * Texts: */
#define RAVINE_STATE             "state."
#define RAVINE_STATE_STEP        "step"
#define RAVINE_KEYS              "ravine." /* how every key of ours begins */
#define RAVINE_KEY_FORMAT        "ravine.format"
#define RAVINE_CHECKPOINT_FORMAT "1" /* its value */
#define RAVINE_KEY_VERSION       "ravine.version"
#define RAVINE_KEY_STEPS         "ravine.steps"     /* applied steps */
#define RAVINE_KEY_ATTEMPTS      "ravine.attempts"  /* calls of ravine_step */
#define RAVINE_KEY_OPTIONS       "ravine.options"   /* as ravine_options_format writes them */
#define RAVINE_KEY_METRIC        "ravine.metric"    /* of a saver */
#define RAVINE_KEY_GROUPS        "ravine.groups"    /* how many */
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
