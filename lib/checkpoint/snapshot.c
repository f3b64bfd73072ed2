/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot is laid out twice by the same walk: first without memory, to measure, then for good.
 */
#include "checkpoint/snapshot.h"

#include "base/sized.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"
#include "store/safetensors.h"
#include "text/error.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DATA_ALIGNMENT 64

typedef struct walk {
    const snapshot_source *source;
    char *base; /* NULL: only measured */
    size_t at;
    snapshot out;
    ravine_status status; /* the first failure */
} walk;

/* NULL: it is only measured. No tensor has more than INT64_MAX bytes, so the sum does not wrap. */
static void *place(walk *w, size_t bytes, size_t alignment) {
    w->at += (alignment - w->at % alignment) % alignment;
    if (w->at + bytes > INT64_MAX / 2) {
        w->status = ravine_fail(RAVINE_E_RANGE, "the state is larger than an address");
        return NULL;
    }
    char *start = w->base ? w->base + w->at : NULL;
    w->at += bytes;
    return start;
}

__attribute__((format(printf, 2, 3))) static const char *place_text(walk *w, const char *format,
                                                                    ...) {
    va_list values;
    va_start(values, format);
    const size_t bytes = (size_t)vsnprintf(NULL, 0, format, values) + 1;
    va_end(values);
    char *text = place(w, bytes, 1);
    if (!text) return "";
    va_start(values, format);
    vsnprintf(text, bytes, format, values);
    va_end(values);
    return text;
}

static void add_text(walk *w, const char *key, const char *value) {
    if (w->base) w->out.texts[w->out.ntexts] = (ravine_text){key, value};
    w->out.ntexts++;
}

static void add_number(walk *w, const char *key, double value) {
    char text[RAVINE_NUMBER_MAX];
    ravine_number_write(text, value);
    add_text(w, key, place_text(w, "%s", text));
}

static void add_whole(walk *w, const char *key, int64_t value) {
    add_text(w, key, place_text(w, "%" PRId64, value));
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

/* t.name is in the snapshot already. */
static void add_tensor(walk *w, int64_t owner, ravine_tensor t) {
    if (w->source->copies) {
        const int64_t bytes = ravine_tensor_bytes(&t);
        void *copy = place(w, (size_t)bytes, DATA_ALIGNMENT);
        if (copy) w->source->o->backend->copy(copy, t.data, (size_t)bytes);
        t.data = copy;
        int64_t *shape = place(w, (size_t)t.ndim * sizeof *shape, sizeof *shape);
        if (shape && t.ndim) memcpy(shape, t.shape, (size_t)t.ndim * sizeof *shape);
        t.shape = shape;
    }
    if (w->base) {
        w->out.tensors[w->out.ntensors] = t;
        w->out.owner[w->out.ntensors] = owner;
    }
    w->out.ntensors++;
}

static void add_param(walk *w, int64_t index) {
    const ravine_optimizer *o = w->source->o;
    param *p = ravine_param_of(o, index);
    if (!w->source->options->without_params)
        add_tensor(
            w, index,
            (ravine_tensor){place_text(w, "%s", p->name), p->dtype, p->ndim, p->shape, p->data});
    for (int32_t k = 0; k < p->nstates; k++) {
        const param_state *s = &p->states[k];
        const char *name = place_text(w, RAVINE_STATE "%s.%s", p->name, s->key);
        add_tensor(w, index, (ravine_tensor){name, s->dtype, s->ndim, s->shape, s->data});
    }
    if (w->base) w->out.step_count[index] = p->step_count;
    add_tensor(w, index,
               (ravine_tensor){place_text(w, RAVINE_STATE "%s." RAVINE_STATE_STEP, p->name),
                               RAVINE_I64, 0, NULL, w->base ? &w->out.step_count[index] : NULL});
    add_whole(w, place_text(w, RAVINE_KEY_GROUP_OF "%s", p->name), p->group);
}

static bool begins(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

/* What is wrong with a tensor of the caller's; NULL: nothing. */
static const char *tensor_fault(const ravine_tensor *t) {
    if (!t->name) return "its name is NULL";
    if (begins(t->name, RAVINE_STATE))
        return "its name begins with \"" RAVINE_STATE "\", which is taken";
    if (t->ndim < 0 || t->ndim > SAFETENSORS_NDIM_MAX || (t->ndim && !t->shape))
        return "ndim is out of bounds, or it has no shape";
    const int64_t bytes = ravine_tensor_bytes(t);
    if (bytes < 0) return "dtype and shape make no whole number of bytes";
    return bytes && !t->data ? "its data are NULL" : NULL;
}

static const char *text_fault(const ravine_text *t) {
    if (!t->key || !t->value) return "its key or its value is NULL";
    return begins(t->key, RAVINE_KEYS) ? "its key begins with \"" RAVINE_KEYS "\", which is taken"
                                       : NULL;
}

static void fail_with(walk *w, const char *what, int64_t k, const char *fault) {
    w->status = ravine_fail(RAVINE_E_ARG, "%s %" PRId64 " of the options: %s", what, k, fault);
}

static void add_callers(walk *w) {
    const ravine_save_options *options = w->source->options;
    const char *fault;
    for (int64_t k = 0; k < options->ntensors; k++) {
        ravine_tensor t = options->tensors[k];
        if ((fault = tensor_fault(&t))) {
            fail_with(w, "tensor", k, fault);
            return;
        }
        t.name = place_text(w, "%s", t.name);
        add_tensor(w, -1, t);
    }
    for (int64_t k = 0; k < options->ntexts; k++) {
        const ravine_text *t = &options->texts[k];
        if ((fault = text_fault(t))) {
            fail_with(w, "text", k, fault);
            return;
        }
        add_text(w, place_text(w, "%s", t->key), place_text(w, "%s", t->value));
    }
}

/* ---- texts ------------------------------------------------------------------------------------
 */

static void add_schedules(walk *w, int32_t index) {
    enum { SCHEDULE_TEXT_MAX = 256 * RAVINE_SEGMENTS_MAX };
    const group *g = &w->source->o->groups[index];
    char text[SCHEDULE_TEXT_MAX];
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        if (!g->schedule[setting]) continue;
        const ravine_status status =
            ravine_schedule_format(g->schedule[setting], text, sizeof text, NULL);
        if (status) w->status = status; /* GCOVR_EXCL_BR_LINE: every schedule of a group fits */
        const char *name = ravine_setting_describe(setting)->name;
        add_text(w, place_text(w, RAVINE_KEY_GROUP "%d" RAVINE_KEY_SCHEDULE "%s", index, name),
                 place_text(w, "%s", text));
    }
}

static void add_groups(walk *w) {
    const ravine_optimizer *o = w->source->o;
    add_whole(w, RAVINE_KEY_GROUPS, o->ngroups);
    for (int32_t k = 0; k < o->ngroups; k++) {
        char text[CONFIG_TEXT_MAX];
        const ravine_status status =
            ravine_config_format(&o->groups[k].config, 1, text, sizeof text, NULL);
        if (status) w->status = status; /* GCOVR_EXCL_BR_LINE: that of a group is right and fits */
        add_text(w, place_text(w, RAVINE_KEY_GROUP "%d", k), place_text(w, "%s", text));
        add_schedules(w, k);
    }
}

static void add_options(walk *w) {
    char text[OPTIONS_TEXT_MAX];
    const ravine_status status =
        ravine_options_format(&w->source->o->options, text, sizeof text, NULL);
    if (status)
        w->status = status; /* GCOVR_EXCL_BR_LINE: those of an optimizer are right and fit */
    add_text(w, RAVINE_KEY_OPTIONS, place_text(w, "%s", text));
}

/* ---- both walks -------------------------------------------------------------------------------
 */

static void walk_all(walk *w) {
    const ravine_optimizer *o = w->source->o;
    add_text(w, "format", "pt"); /* the tensors are as PyTorch's: readers of others look for it */
    add_text(w, RAVINE_KEY_FORMAT, RAVINE_CHECKPOINT_FORMAT);
    add_text(w, RAVINE_KEY_VERSION, ravine_version());
    add_whole(w, RAVINE_KEY_STEPS, o->steps);
    add_whole(w, RAVINE_KEY_ATTEMPTS, o->attempts);
    if (isfinite(w->source->metric)) add_number(w, RAVINE_KEY_METRIC, w->source->metric);
    add_options(w);
    add_groups(w);
    for (int64_t i = 0; i < o->nparams; i++) add_param(w, i);
    add_callers(w);
}

/* The arrays stand before all else. */
static void place_arrays(walk *w, const snapshot_size *size) {
    const size_t tensors = (size_t)size->ntensors, texts = (size_t)size->ntexts;
    w->out.tensors = place(w, tensors * sizeof *w->out.tensors, DATA_ALIGNMENT);
    w->out.owner = place(w, tensors * sizeof *w->out.owner, DATA_ALIGNMENT);
    w->out.texts = place(w, texts * sizeof *w->out.texts, DATA_ALIGNMENT);
    w->out.step_count =
        place(w, (size_t)w->source->o->nparams * sizeof *w->out.step_count, DATA_ALIGNMENT);
}

void ravine_save_options_init_sized(ravine_save_options *options, size_t size) {
    (void)ravine_sized_make(&ravine_sized_save_options, options, size, &(ravine_save_options){0});
}

ravine_status ravine_snapshot_options(ravine_save_options *own,
                                      const ravine_save_options *options) {
    ravine_save_options_init(own);
    return options ? ravine_sized_read(&ravine_sized_save_options, own, options) : RAVINE_OK;
}

static ravine_status check_options(const ravine_save_options *options) {
    if (options->ntensors < 0 || options->ntexts < 0 || (options->ntensors && !options->tensors) ||
        (options->ntexts && !options->texts))
        return ravine_fail(RAVINE_E_ARG, "the options name tensors or texts, but there are none");
    return RAVINE_OK;
}

ravine_status ravine_snapshot_measure(const snapshot_source *source, snapshot_size *size) {
    walk counting = {.source = source, .status = check_options(source->options)};
    if (!counting.status) walk_all(&counting);
    if (counting.status) return counting.status;
    *size = (snapshot_size){.ntensors = counting.out.ntensors, .ntexts = counting.out.ntexts};
    walk w = {.source = source};
    place_arrays(&w, size);
    walk_all(&w);
    size->bytes = w.at;
    return w.status;
}

void ravine_snapshot_place(const snapshot_source *source, const snapshot_size *size, void *memory,
                           snapshot *out) {
    walk w = {.source = source, .base = memory};
    place_arrays(&w, size);
    walk_all(&w);
    *out = w.out;
}
