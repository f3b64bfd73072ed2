/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: the file is compared with a snapshot of the optimizer as it is, every number is read
 * aside and checked, and only then anything changes. */
#include "base/memory.h"
#include "base/sized.h"
#include "checkpoint/difference.h"
#include "optimizer/optimizer.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void ravine_load_options_init_sized(ravine_load_options *options, size_t size) {
    (void)ravine_sized_make(&ravine_sized_load_options, options, size, &(ravine_load_options){0});
}

typedef struct loading {
    ravine_optimizer *o;
    const ravine_load_options *options;
    const char *path;
    ravine_checkpoint *file;
    snapshot here;
    void *memory; /* of the snapshot, then what is read of each tensor */
    size_t bytes;
    int64_t *place; /* [here.ntensors] number in the file; -1: not taken */
    bool *claimed;  /* [tensors of the file] has a place here */
    size_t books_bytes;
    char *aside; /* [aside_bytes] the numbers of the tensors that are taken, in order */
    size_t aside_bytes;
    int64_t steps, attempts;
    difference_list differences;
} loading;

/* ---- what is here, and what is in the file ------------------------------------------------------
 */

static ravine_status take_snapshot(loading *l) {
    const ravine_save_options listed = {.size = sizeof listed,
                                        .without_params = l->options->without_params,
                                        .tensors = l->options->tensors,
                                        .ntensors = l->options->ntensors};
    const snapshot_source source = {.o = l->o, .options = &listed, .metric = NAN};
    snapshot_size size;
    const ravine_status status = ravine_snapshot_measure(&source, &size);
    if (status) return status;
    l->memory = ravine_env_alloc(&l->o->env, size.bytes);
    if (!l->memory) return RAVINE_E_NOMEM;
    l->bytes = size.bytes;
    ravine_snapshot_place(&source, &size, l->memory, &l->here);
    const size_t places = (size_t)size.ntensors * sizeof *l->place;
    l->books_bytes = places + (size_t)ravine_checkpoint_tensor_count(l->file);
    l->place = ravine_env_alloc(&l->o->env, l->books_bytes);
    if (!l->place) return RAVINE_E_NOMEM;
    l->claimed = memset((char *)l->place + places, 0, l->books_bytes - places);
    return RAVINE_OK;
}

/* Text `key` of the file as a whole number. */
static ravine_status read_count(const loading *l, const char *key, int64_t *count) {
    const char *text = ravine_checkpoint_find_text(l->file, key);
    int64_t value = 0;
    bool whole = text && *text;
    for (const char *c = text; whole && *c; c++)
        whole = *c >= '0' && *c <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
                !__builtin_add_overflow(value, *c - '0', &value);
    if (!whole || value > STEPS_MAX)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: %s is %s%s%s; it must be a whole number of at most 2^53", l->path,
                           key, text ? "\"" : "", text ? text : "missing", text ? "\"" : "");
    *count = value;
    return RAVINE_OK;
}

/* Format and step_counts. A file of others has none, which only a partial load takes. */
static ravine_status read_step_counts(loading *l) {
    const char *format = ravine_checkpoint_find_text(l->file, RAVINE_KEY_FORMAT);
    l->steps = l->o->steps;
    l->attempts = l->o->attempts;
    if (!format && l->options->partial) return RAVINE_OK;
    if (!format)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s is no checkpoint of Ravine: it has no " RAVINE_KEY_FORMAT, l->path);
    if (strcmp(format, RAVINE_CHECKPOINT_FORMAT) != 0)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: " RAVINE_KEY_FORMAT
                           " is \"%s\"; this library reads " RAVINE_CHECKPOINT_FORMAT,
                           l->path, format);
    const ravine_status status = read_count(l, RAVINE_KEY_STEPS, &l->steps);
    return status ? status : read_count(l, RAVINE_KEY_ATTEMPTS, &l->attempts);
}

/* ---- what fits ----------------------------------------------------------------------------------
 */

static bool is_state(const ravine_tensor *t) {
    return !strncmp(t->name, RAVINE_STATE, strlen(RAVINE_STATE));
}

static void find_tensors(loading *l) {
    for (int64_t k = 0; k < l->here.ntensors; k++) {
        const ravine_tensor *ours = &l->here.tensors[k];
        ravine_tensor theirs;
        const int64_t at = ravine_checkpoint_find(l->file, ours->name);
        if (at >= 0) {
            theirs = ravine_checkpoint_tensor_at(l->file, at);
            l->claimed[at] = true;
        }
        const bool fits = ravine_difference_tensor(&l->differences, at < 0 ? NULL : &theirs, ours);
        l->place[k] = fits ? at : -1;
    }
}

/* Half of a parameter's state is worth nothing: it is taken whole or not at all. The caller's own
 * tensors are no state. */
static void drop_halves(loading *l) {
    const snapshot *here = &l->here;
    for (int64_t k = 0, end; k < here->ntensors; k = end) {
        bool whole = true;
        for (end = k; end < here->ntensors && here->owner[end] == here->owner[k]; end++)
            whole = whole && (l->place[end] >= 0 || !is_state(&here->tensors[end]));
        for (int64_t i = k; i < end && !whole; i++)
            if (is_state(&here->tensors[i])) l->place[i] = -1;
    }
}

static void tell_taken(const loading *l) {
    for (int64_t k = 0; k < l->here.ntensors; k++)
        if (l->place[k] >= 0)
            ravine_difference_tell(&l->differences, "%s: taken", l->here.tensors[k].name);
    ravine_difference_tell(&l->differences, "steps: %" PRId64 ", attempts: %" PRId64, l->steps,
                           l->attempts);
}

/* Tensors of the file that nobody asked for. */
static void find_strangers(loading *l) {
    for (int64_t i = 0; l->options->without_params && i < l->o->nparams; i++) {
        const int64_t at = ravine_checkpoint_find(l->file, ravine_param_of(l->o, i)->name);
        if (at >= 0) l->claimed[at] = true;
    }
    const int64_t count = ravine_checkpoint_tensor_count(l->file);
    for (int64_t at = 0; at < count; at++)
        if (!l->claimed[at])
            ravine_difference_add(&l->differences, "%s: is in the file, there is no place for it",
                                  ravine_checkpoint_tensor_at(l->file, at).name);
}

static ravine_status compare(loading *l) {
    find_tensors(l);
    find_strangers(l);
    ravine_difference_texts(&l->differences, l->file, &l->here);
    if (l->options->partial) {
        drop_halves(l);
        tell_taken(l);
        return RAVINE_OK;
    }
    const difference_list *d = &l->differences;
    if (d->count == 0) return RAVINE_OK;
    if (d->count == 1)
        return ravine_fail(RAVINE_E_FORMAT, "%s does not fit: %s", l->path, d->first);
    return ravine_fail(RAVINE_E_FORMAT, "%s does not fit: %s; and %" PRId64 " more", l->path,
                       d->first, d->count - 1);
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static size_t taken_bytes(const loading *l, int64_t k) {
    return l->place[k] < 0 ? 0 : (size_t)ravine_tensor_bytes(&l->here.tensors[k]);
}

static ravine_status read_tensors(loading *l) {
    for (int64_t k = 0; k < l->here.ntensors; k++) l->aside_bytes += taken_bytes(l, k);
    l->aside = ravine_env_alloc(&l->o->env, l->aside_bytes + 1);
    if (!l->aside) return RAVINE_E_NOMEM;
    char *to = l->aside;
    for (int64_t k = 0; k < l->here.ntensors; k++) {
        if (l->place[k] < 0) continue;
        const size_t bytes = taken_bytes(l, k);
        const ravine_tensor *t = &l->here.tensors[k];
        const ravine_status status =
            ravine_checkpoint_read(l->file, l->place[k], to, (int64_t)bytes);
        if (status) return status;
        int64_t step_count = 0;
        const int64_t owner = l->here.owner[k];
        if (owner >= 0 && t->data == &l->here.step_count[owner])
            memcpy(&step_count, to, sizeof step_count);
        if (step_count < 0 || step_count > STEPS_MAX)
            return ravine_fail(RAVINE_E_FORMAT, "%s: %s is %" PRId64 "; it must be in [0, 2^53]",
                               l->path, t->name, step_count);
        to += bytes;
    }
    return RAVINE_OK;
}

/* ---- the change: nothing here can fail ----------------------------------------------------------
 */

static void apply(loading *l) {
    ravine_optimizer *o = l->o;
    const char *from = l->aside;
    for (int64_t k = 0; k < l->here.ntensors; k++) {
        const size_t bytes = taken_bytes(l, k);
        o->backend->copy(l->here.tensors[k].data, from, bytes);
        from += bytes;
    }
    for (int64_t i = 0; i < o->nparams; i++) {
        ravine_param_of(o, i)->step_count = l->here.step_count[i];
        ravine_param_of(o, i)->attempt = 0;
    }
    o->steps = l->steps;
    o->attempts = l->attempts;
    o->last.has_stats = false;
    for (int32_t k = 0; k < o->ngroups; k++) /* of the last step, for those who ask about it */
        ravine_group_at(&o->groups[k], o->steps - 1, &o->groups[k].now);
}

ravine_status ravine_load(ravine_optimizer *o, const char *path,
                          const ravine_load_options *options) {
    if (!o || !path) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_load_options own;
    ravine_load_options_init(&own);
    ravine_status status =
        options ? ravine_sized_read(&ravine_sized_load_options, &own, options) : RAVINE_OK;
    if (status) return status;
    loading l = {.o = o,
                 .options = &own,
                 .path = path,
                 .differences = {.tell = own.tell, .context = own.context}};
    status = ravine_checkpoint_open(&l.file, path, &o->env);
    if (!status) status = ravine_checkpoint_verify(l.file);
    if (!status) status = take_snapshot(&l);
    if (!status) status = read_step_counts(&l);
    if (!status) status = compare(&l);
    if (!status) status = read_tensors(&l);
    if (!status) apply(&l);
    if (l.aside) ravine_env_free(&o->env, l.aside, l.aside_bytes + 1);
    ravine_env_free(&o->env, l.place, l.books_bytes);
    ravine_env_free(&o->env, l.memory, l.bytes);
    ravine_checkpoint_close(l.file);
    return status;
}
