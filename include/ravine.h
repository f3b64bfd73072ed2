/* SPDX-License-Identifier: Apache-2.0 */
/* ravine.h - adaptive learning rates:   theta <- theta - (eta_t / sigma_t) * m_t
 *
 *     eta_t    the learning rate, a schedule: a pure function of the step
 *     sigma_t  the scale of each parameter's gradients
 *     m_t      the momentum, a signed mean of its past gradients
 *
 * Every optimizer of the field is one choice of these three. This header is the whole public API
 * and its manual; it is clean as C11 and as C++17. Every public name begins with ravine_ or
 * RAVINE_.
 *
 * Results  0: done. Above 0: done, with something worth knowing. Below 0: nothing was changed, and
 *          ravine_errmsg() says why, with the name, the value and the limit. The library never
 *          prints, exits or aborts.
 * Errors   Every call that returns a status returns E_ARG for a pointer that is NULL where NULL is
 *          not allowed, and for a struct whose size no version has. It returns E_UNSUPPORTED for a
 *          struct of a newer header that uses something this library does not know. The
 *          declaration of each call lists its other errors.
 * Units    lr and norms are plain numbers. Sizes count elements unless the name ends in _bytes.
 *          Time counts steps. Norms are Euclidean.
 * Threads  Use a handle from one thread at a time. Distinct handles are independent. Schedules,
 *          configs and statistics are plain values. A step uses several threads inside (see
 *          ravine_env).
 * Memory   Parameters and gradients are yours and stay where they are. The library owns only the
 *          state, and it tells the size of the state before it allocates it. Set-up allocates; a
 *          step never does.
 * Bits     A step gives the same bits for every thread count, chunking and instruction set.
 * Structs  Most structs begin with `size`, so that a program runs with a library that is newer than
 *          its header (docs/abi.md). Functions that make a struct set its size: _init, _parse,
 *          _view, ... Set it yourself where you fill a struct in, or where you pass a struct to be
 *          filled: ravine_step_stats r = {.size = sizeof r};
 */
#ifndef RAVINE_H
#define RAVINE_H

#include <stddef.h>
#include <stdint.h>

#define RAVINE_VERSION_MAJOR 0
#define RAVINE_VERSION_MINOR 1
#define RAVINE_VERSION_PATCH 0

#if defined(_WIN32)
#if defined(RAVINE_BUILD)
#define RAVINE_API __declspec(dllexport)
#else
#define RAVINE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define RAVINE_API __attribute__((visibility("default")))
#else
#define RAVINE_API
#endif
#if defined(__GNUC__)
#define RAVINE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define RAVINE_MUST_CHECK
#endif
#define RAVINE_INLINE static inline /* these pass a struct's size on: see the end of the header */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results ---------------------------------------------------------------------------------
 * X(name, value, text). Values never change. */
#define RAVINE_STATUS_LIST(X)                                                                    \
    X(RAVINE_OK, 0, "done")                                                                      \
    X(RAVINE_SKIPPED, 1, "step skipped: a gradient was not finite")                              \
    X(RAVINE_CLIPPED, 2, "step done: the gradient norm was clipped")                             \
    X(RAVINE_HELD, 3, "step done: elements whose gradient was not finite were left as they are") \
    X(RAVINE_E_ARG, -1, "an argument is wrong")                                                  \
    X(RAVINE_E_RANGE, -2, "a number is outside its allowed range")                               \
    X(RAVINE_E_NOMEM, -3, "out of memory")                                                       \
    X(RAVINE_E_STATE, -4, "the call is not allowed in this state")                               \
    X(RAVINE_E_UNSUPPORTED, -5, "this build or processor cannot do that")                        \
    X(RAVINE_E_FORMAT, -6, "the text or file is not what it should be")                          \
    X(RAVINE_E_IO, -7, "reading or writing failed")

#define RAVINE_X(name, value, text) name = value,
typedef enum ravine_status { RAVINE_STATUS_LIST(RAVINE_X) } ravine_status;
#undef RAVINE_X

/* The meaning of a status in words: a fixed text, never NULL. */
RAVINE_API const char *ravine_status_text(ravine_status status);
/* The message of the last failure on this thread; "" if nothing has failed. */
RAVINE_API const char *ravine_errmsg(void);
/* The version of the library that is loaded: "0.1.0". */
RAVINE_API const char *ravine_version(void);

/* ---- eta_t: a schedule is a plain value ------------------------------------------------------
 *
 * A schedule is a sequence of segments. A segment covers n = `steps` steps; u = 0, 1, ... counts
 * them from the first step of the segment. After the last segment its last value is held. A segment
 * with steps = RAVINE_FOREVER never ends. X(NAME, value, name, parameters, formula); values never
 * change, new ones come last. */
#define RAVINE_SHAPE_LIST(X)                                                         \
    X(CONSTANT, 0, constant, "", "from")                                             \
    X(LINEAR, 1, linear, "", "from + (to - from) u/n")                               \
    X(COSINE, 2, cosine, "", "to + (from - to) (1 + cos(pi u/n)) / 2")               \
    X(EXPONENTIAL, 3, exponential, "", "from (to/from)^(u/n)")                       \
    X(POLYNOMIAL, 4, polynomial, "power", "to + (from - to) (1 - u/n)^power")        \
    X(STEP, 5, step, "every gamma", "from gamma^floor(u/every)")                     \
    X(DECAY, 6, decay, "gamma", "from gamma^u")                                      \
    X(INVERSE_SQRT, 7, inverse_sqrt, "timescale", "from / sqrt(1 + u/timescale)")    \
    X(INVERSE_TIME, 8, inverse_time, "timescale", "from / (1 + u/timescale)")        \
    X(CYCLIC, 9, cyclic, "half_cycle gamma",                                         \
      "from up to `to` and back every 2 half_cycle steps, height times gamma^cycle") \
    X(RESTARTS, 10, restarts, "period growth",                                       \
      "cosine over each period from `from` towards `to`; each period growth times the last")

#define RAVINE_X(NAME, value, name, parameters, formula) RAVINE_SHAPE_##NAME = value,
typedef enum ravine_shape { RAVINE_SHAPE_LIST(RAVINE_X) RAVINE_SHAPE_COUNT } ravine_shape;
#undef RAVINE_X

#define RAVINE_SEGMENTS_MAX 16
#define RAVINE_FOREVER      INT64_MAX

typedef struct ravine_segment {
    int32_t shape; /* ravine_shape */
    int32_t reserved;
    int64_t steps;       /* >= 1, or RAVINE_FOREVER in the last segment */
    double from, to;     /* the value at u = 0, and at u = n in shapes that use it */
    double parameter[2]; /* in the order of RAVINE_SHAPE_LIST; 0 where the shape has none */
} ravine_segment;

typedef struct ravine_schedule {
    uint32_t size;
    int32_t nsegments; /* 1 .. RAVINE_SEGMENTS_MAX */
    ravine_segment segment[RAVINE_SEGMENTS_MAX];
} ravine_schedule;

/* Reads the text form (grammar: docs/schedules.md), for example
 *     "3e-4"                                        constant
 *     "warmup(1000) cosine(9000, to=3e-5) lr=3e-4"  see docs/schedules.md for every preset
 * On an error *s is untouched, and ravine_errmsg() names the column and what was expected there.
 * E_FORMAT: the text is not in the grammar; E_RANGE: a number is out of its bounds, or there are
 * too many segments. */
RAVINE_INLINE ravine_status ravine_schedule_parse(ravine_schedule *s,
                                                  const char *text) RAVINE_MUST_CHECK;
/* Writes the canonical text form, which parses back to the same value. *length (may be NULL)
 * receives its length without the final NUL. E_RANGE: `capacity` bytes do not hold it, or
 * ravine_schedule_check refuses *s. */
RAVINE_API ravine_status ravine_schedule_format(const ravine_schedule *s, char *text,
                                                size_t capacity, size_t *length) RAVINE_MUST_CHECK;
/* A schedule of one value for ever. E_RANGE: the value is negative or not finite. */
RAVINE_INLINE ravine_status ravine_schedule_constant(ravine_schedule *s,
                                                     double value) RAVINE_MUST_CHECK;
/* OK if every number of *s is finite and within its bounds. E_RANGE: a number is not. */
RAVINE_API ravine_status ravine_schedule_check(const ravine_schedule *s) RAVINE_MUST_CHECK;
/* The value at a step. The first step is 0; a negative step reads as 0. The function is pure and
 * total: any schedule that ravine_schedule_check accepts gives a finite number at every step. */
RAVINE_API double ravine_schedule_at(const ravine_schedule *s, int64_t step);

typedef struct ravine_schedule_facts {
    uint32_t size;
    int32_t reserved;
    double first;       /* value at step 0 */
    double last;        /* value held after the last segment; NaN if the schedule never ends */
    int64_t warmup_end; /* end of the warm-up: the first step that no longer rises; 0: no warm-up */
    int64_t total;      /* steps until the last value is held, or RAVINE_FOREVER */
} ravine_schedule_facts;
/* Fills *facts. E_RANGE: ravine_schedule_check refuses *s. */
RAVINE_INLINE ravine_status
ravine_schedule_describe(const ravine_schedule *s, ravine_schedule_facts *facts) RAVINE_MUST_CHECK;

/* A controller, not a schedule: it receives a metric and returns a factor for the learning rate. A
 * lower metric is better, unless `maximize` is set. A metric that is not finite counts as bad. */
typedef struct ravine_plateau {
    uint32_t size;
    int32_t maximize;   /* 1 if higher is better */
    double factor;      /* (0, 1): multiplies `scale` at each reduction */
    double minimum;     /* >= 0: scale never falls below it */
    double threshold;   /* >= 0: the least improvement that counts, relative to |best| */
    int64_t patience;   /* >= 0: bad results in a row that are tolerated; the next one reduces */
    int64_t cooldown;   /* >= 0: results after a reduction that are not counted */
    double best, scale; /* state: best metric so far; product of all reductions */
    int64_t bad, cooling, told; /* state: counters */
} ravine_plateau;
/* PyTorch's defaults: factor 0.1, minimum 0, threshold 1e-4, patience 10, cooldown 0. */
RAVINE_INLINE void ravine_plateau_init(ravine_plateau *p);
/* Takes a metric. *scale (may be NULL) receives the factor to use from now on; the result is OK
 * whether the factor fell or not. E_RANGE: a setting of *p is out of its bounds. */
RAVINE_API ravine_status ravine_plateau_tell(ravine_plateau *p, double metric,
                                             double *scale) RAVINE_MUST_CHECK;

/* ---- m_t and sigma_t: rules and their settings -----------------------------------------------
 *
 * Every setting is a number: X(NAME, value, name, kind, interval, text); values never change, new
 * ones come last. A FLAG is 0 or 1. A CHOICE is a value of the enum that its text names. A round
 * bracket of an interval excludes the bound itself. Every NUMBER except `initial` may be scheduled.
 * A rule uses some of the settings: ravine_rule_describe() lists them. */
#define RAVINE_SETTING_LIST(X)                                                                     \
    X(LR, 0, lr, NUMBER, "[0, inf)", "learning rate eta")                                          \
    X(MOMENTUM, 1, momentum, NUMBER, "[0, 1]",                                                     \
      "share of the buffer that stays: b <- momentum b + g")                                       \
    X(DAMPENING, 2, dampening, NUMBER, "[0, 1]", "share of g kept out of the buffer after step 1") \
    X(BETA1, 3, beta1, NUMBER, "[0, 1)", "decay of the mean of the gradient (m)")                  \
    X(BETA2, 4, beta2, NUMBER, "[0, 1)", "decay of the mean of the squared gradient (sigma)")      \
    X(BETA3, 5, beta3, NUMBER, "[0, 1)", "decay of the mean that sigma uses (adan)")               \
    X(ALPHA, 6, alpha, NUMBER, "[0, 1)", "decay of the mean of the squared gradient (rmsprop)")    \
    X(RHO, 7, rho, NUMBER, "[0, 1)", "decay of both means (adadelta)")                             \
    X(EPS, 8, eps, NUMBER, "[0, inf)", "added to sigma, see eps_form")                             \
    X(EPS_FORM, 9, eps_form, CHOICE, "[0, 2]", "ravine_eps_form: where eps is added")              \
    X(WEIGHT_DECAY, 10, weight_decay, NUMBER, "[0, inf)", "strength lambda of weight decay")       \
    X(DECAY_FORM, 11, decay_form, CHOICE, "[0, 3]",                                                \
      "ravine_decay_form: how the decay acts; proximal: adan alone")                               \
    X(LR_DECAY, 12, lr_decay, NUMBER, "[0, inf)", "eta / (1 + (t-1) lr_decay) (adagrad)")          \
    X(INITIAL, 13, initial, NUMBER, "[0, inf)", "value of sigma's accumulator before step 1")      \
    X(INITIAL_FORM, 14, initial_form, CHOICE, "[0, 1]",                                            \
      "ravine_initial_form: sigma before step 1")                                                  \
    X(MOMENTUM_DECAY, 15, momentum_decay, NUMBER, "[0, inf)",                                      \
      "psi of the schedule of beta1 (nadam)")                                                      \
    X(LAMBD, 16, lambd, NUMBER, "[0, inf)",                                                        \
      "lambda of eta_t = eta/(1 + lambda eta t)^power (asgd)")                                     \
    X(POWER, 17, power, NUMBER, "[0, inf)", "exponent of eta_t (asgd)")                            \
    X(AVERAGE_START, 18, average_start, NUMBER, "[0, inf)",                                        \
      "step t0 at which averaging starts (asgd)")                                                  \
    X(ETA_MINUS, 19, eta_minus, NUMBER, "(0, 1)", "step factor after a change of sign (rprop)")    \
    X(ETA_PLUS, 20, eta_plus, NUMBER, "(1, inf)", "step factor after the same sign (rprop)")       \
    X(STEP_MIN, 21, step_min, NUMBER, "[0, inf)", "smallest step (rprop)")                         \
    X(STEP_MAX, 22, step_max, NUMBER, "[0, inf)", "largest step (rprop)")                          \
    X(CLIP_VALUE, 23, clip_value, NUMBER, "(0, inf]",                                              \
      "gradients are clamped to [-clip_value, clip_value]; inf: off")                              \
    X(EMA_DECAY, 24, ema_decay, NUMBER, "[0, 1)",                                                  \
      "decay of the average of the weights, state key ema; 0: none is kept")                       \
    X(NESTEROV, 25, nesterov, FLAG, "[0, 1]", "look ahead along the buffer")                       \
    X(AMSGRAD, 26, amsgrad, FLAG, "[0, 1]",                                                        \
      "sigma uses the greatest v so far, so it never shrinks")                                     \
    X(CENTERED, 27, centered, FLAG, "[0, 1]",                                                      \
      "sigma uses the variance, not the mean square (rmsprop)")                                    \
    X(BIAS_CORRECTION, 28, bias_correction, FLAG, "[0, 1]", "divide the means by 1 - beta^t")      \
    X(LR_IN_MOMENTUM, 29, lr_in_momentum, FLAG, "[0, 1]",                                          \
      "the buffer holds eta g: a change of eta leaves the old velocity")                           \
    X(MAXIMIZE, 30, maximize, FLAG, "[0, 1]", "climb: use -g")                                     \
    X(BETA2_DECAY, 31, beta2_decay, NUMBER, "(-inf, 0]",                                           \
      "share of step t in the mean of squares is t^beta2_decay (adafactor)")                       \
    X(EPS1, 32, eps1, NUMBER, "[0, inf)",                                                          \
      "least sigma; 0: what 1 and the next number of the type differ by (adafactor)")              \
    X(EPS2, 33, eps2, NUMBER, "[0, inf)",                                                          \
      "least root mean square of the tensor that steps are measured by (adafactor)")               \
    X(CLIP_UPDATE, 34, clip_update, NUMBER, "[1, inf]",                                            \
      "bound d on the root mean square of g/sigma (adafactor)")

#define RAVINE_X(NAME, value, name, kind, interval, text) RAVINE_##NAME = value,
typedef enum ravine_setting { RAVINE_SETTING_LIST(RAVINE_X) RAVINE_SETTING_COUNT } ravine_setting;
#undef RAVINE_X

typedef enum ravine_eps_form {
    RAVINE_EPS_OUTSIDE, /* sqrt(v^) + eps:  Kingma & Ba, Algorithm 1; PyTorch */
    RAVINE_EPS_HAT,     /* sqrt(v) + eps, with the bias correction moved into eta; TensorFlow */
    RAVINE_EPS_INSIDE   /* sqrt(v^ + eps) */
} ravine_eps_form;
typedef enum ravine_decay_form {
    RAVINE_DECAY_COUPLED,     /* g <- g + lambda theta, before m and sigma: L2 regularisation */
    RAVINE_DECAY_DECOUPLED,   /* theta <- (1 - eta lambda) theta; Loshchilov & Hutter, PyTorch */
    RAVINE_DECAY_INDEPENDENT, /* theta <- (1 - lambda) theta, whatever eta is */
    RAVINE_DECAY_PROXIMAL     /* theta <- theta / (1 + eta lambda), after the update (adan) */
} ravine_decay_form;
typedef enum ravine_initial_form {
    RAVINE_INITIAL_VALUE,   /* sigma's accumulator starts at `initial` */
    RAVINE_INITIAL_GRADIENT /* at the first squared gradient: sigma_0 = |g_0|, as in the lecture */
} ravine_initial_form;

typedef enum ravine_setting_kind {
    RAVINE_KIND_NUMBER,
    RAVINE_KIND_FLAG,
    RAVINE_KIND_CHOICE
} ravine_setting_kind;
typedef struct ravine_setting_info {
    const char *name, *text; /* fixed texts */
    ravine_setting_kind kind;
    const char *interval;              /* "[0, 1)": the bounds as text */
    double least, greatest;            /* the bounds as numbers */
    int32_t least_open, greatest_open; /* 1: the bound itself is excluded */
    int32_t nchoices;                  /* of a CHOICE: the number of its words */
    const char *const *choice;         /* [nchoices] */
} ravine_setting_info;
/* The facts of a setting, its bounds among them; NULL: there is no such setting. */
RAVINE_API const ravine_setting_info *ravine_setting_describe(int setting);
/* The setting with a name, a ravine_setting; -1: there is none. */
RAVINE_API int ravine_setting_find(const char *name);

/* The named rules. Each has a row in lib/rules/rules.def and a page in docs/rules/. Values never
 * change, new ones come last. */
typedef enum ravine_rule {
    RAVINE_SGD = 0,
    RAVINE_ADAGRAD = 1,
    RAVINE_ADAGRAD_MEAN = 2,
    RAVINE_RMSPROP = 3,
    RAVINE_ADADELTA = 4,
    RAVINE_ADAM = 5,
    RAVINE_ADAMW = 6,
    RAVINE_ADAMAX = 7,
    RAVINE_NADAM = 8,
    RAVINE_RADAM = 9,
    RAVINE_ASGD = 10,
    RAVINE_RPROP = 11,
    RAVINE_LION = 12,
    RAVINE_SIGNUM = 13,
    RAVINE_ADABELIEF = 14,
    RAVINE_YOGI = 15,
    RAVINE_ADAN = 16,
    RAVINE_ADOPT = 17,
    RAVINE_LAMB = 18,
    RAVINE_ADAFACTOR = 19,
    RAVINE_RULE_COUNT
} ravine_rule;
/* What a rule divides its steps by. */
typedef enum ravine_sigma_kind {
    RAVINE_SIGMA_ONE = 0,          /* by 1: it has no sigma */
    RAVINE_SIGMA_SIGNS = 1,        /* by nothing: its steps use signs alone */
    RAVINE_SIGMA_OF_STEP = 2,      /* by a root of its gradients, including that of this step */
    RAVINE_SIGMA_OF_NEXT_STEP = 3, /* the next step divides by what ravine_sigma gives */
    RAVINE_SIGMA_LATE = 4          /* by 1 until sigma can be trusted */
} ravine_sigma_kind;
typedef struct ravine_rule_info {
    const char *name, *title, *formula, *paper; /* fixed texts; \n separates the lines of formula */
    int32_t nsettings;
    const int32_t *setting; /* [nsettings] each a ravine_setting that the rule uses */
    const int32_t *state;   /* [nstates] for ravine_state_describe: its state of a parameter */
    const char *torch;      /* the class of torch.optim 2.13, "AdamW"; NULL: PyTorch has none */
    /* The entries of that class's groups, and the settings that they hold, as words. "lr" names
     * both. "alpha=power" is an entry with another name than its setting. "betas=beta1,beta2" is an
     * entry that is a list. A setting with a ? is None where it is 0. */
    const char *torch_settings;
    int32_t torch_steps; /* 1: PyTorch's state of it counts steps, key "step" */
    int32_t nstates;
    int32_t whole; /* 1: an element's step depends on its whole tensor: norms, rows, columns */
    int32_t sigma; /* a ravine_sigma_kind */
} ravine_rule_info;
/* The facts of a rule, its settings among them; NULL: there is no such rule. */
RAVINE_API const ravine_rule_info *ravine_rule_describe(int rule);
/* The rule with a name, a ravine_rule; -1: there is none. */
RAVINE_API int ravine_rule_find(const char *name);

/* The kinds of state that rules keep for a parameter between steps, beside its step count:
 * lib/rules/state.def. Settings and shape decide which of them a parameter has: ravine_state_key()
 * tells. */
typedef struct ravine_state_info {
    const char *key;    /* "exp_avg" */
    const char *extent; /* "element": a number for each element; "vector": the same, only for
                           parameters of less than two dimensions; "row", "column": a number for
                           each of the last two dimensions; "scalar" ... */
} ravine_state_info;
RAVINE_API const ravine_state_info *ravine_state_describe(int state); /* NULL: no such state */

/* A rule with its settings. Every setting is a field of its own name: c.beta2 = 0.99. */
typedef struct ravine_config {
    uint32_t size;
    int32_t rule; /* ravine_rule */
#define RAVINE_X(NAME, value, name, kind, interval, text) double name;
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
} ravine_config;
/* Fills *c with the rule's defaults: PyTorch's where PyTorch has the rule, else the paper's.
 * E_RANGE: there is no such rule. */
RAVINE_INLINE ravine_status ravine_config_init(ravine_config *c, int rule) RAVINE_MUST_CHECK;
/* Fills *c from a text, the rule's name and its settings: "adamw lr=3e-4 beta2=0.99
 * eps_form=inside". On an error *c is untouched. E_FORMAT: a word is not NAME=VALUE; E_ARG: there
 * is no such rule, setting or word of a choice; E_RANGE: a number is out of its bounds. */
RAVINE_INLINE ravine_status ravine_config_parse(ravine_config *c,
                                                const char *text) RAVINE_MUST_CHECK;
/* Writes the text of a config, which parses back to the same value. The text has lr and every
 * setting that differs from the rule's default. With `all` it has every setting that the rule uses:
 * such a text keeps its meaning when the defaults change. *length (may be NULL) receives the length
 * without the final NUL. E_RANGE: `capacity` bytes do not hold the text; E_ARG and E_RANGE as in
 * ravine_config_check. */
RAVINE_API ravine_status ravine_config_format(const ravine_config *c, int32_t all, char *text,
                                              size_t capacity, size_t *length) RAVINE_MUST_CHECK;
/* Changes one setting by name. `text` is a number, true, false, or a word of a choice. E_ARG: there
 * is no such setting or word, or the text is not a number; E_RANGE: the number is out of its
 * bounds. */
RAVINE_API ravine_status ravine_config_set(ravine_config *c, const char *setting,
                                           const char *text) RAVINE_MUST_CHECK;
/* The value of a setting by its number, a ravine_setting; NaN if there is no such setting. */
RAVINE_API double ravine_config_get(const ravine_config *c, int setting);
/* OK if the rule uses every setting that differs from its default, and each is within its bounds.
 * E_ARG: the rule does not use a setting; E_RANGE: a setting, or several together, are out of
 * bounds. */
RAVINE_API ravine_status ravine_config_check(const ravine_config *c) RAVINE_MUST_CHECK;

/* ---- where a step runs ----------------------------------------------------------------------- */
typedef void (*ravine_task)(void *arg, int64_t index);
/* Calls task(arg, 0) ... task(arg, ntasks - 1), in any order and on any threads, and returns when
 * all calls have returned. */
typedef void (*ravine_parallel)(void *context, ravine_task task, void *arg, int64_t ntasks);

typedef struct ravine_env {
    uint32_t size;
    int32_t threads; /* of the library's pool; 0: RAVINE_THREADS, else one for each processor */
    const char *isa; /* instruction set of the kernels; NULL: RAVINE_ISA, else the best one */
    /* 1: keep what ravine_doctor.h needs. Parameters of up to 4,096 elements are watched as a
     * whole. Of longer ones chunks of 128 elements are watched, spread over the parameter: at least
     * 2,048 elements, and 1 in 128 of very long parameters. A watched element keeps its last update
     * and the last two signs of its gradient: 5 bytes in float32. Watching changes no bit of a
     * parameter. */
    int32_t statistics;
    int32_t reserved;
    /* Functions for memory; both NULL: those of the C library. `alignment` is a power of two.
     * allocate() returns NULL when there is no memory. release() receives the size that was asked
     * for. */
    void *(*allocate)(void *context, size_t bytes, size_t alignment);
    void (*release)(void *context, void *memory, size_t bytes);
    void *allocator;
    /* Your executor instead of the library's pool. NULL: the pool, which starts with the first step
     * that is large enough for threads. */
    ravine_parallel parallel;
    void *parallel_context;
} ravine_env;
/* Fills *env with the defaults: one thread for each processor, the best instruction set, the C
 * library's memory. */
RAVINE_INLINE void ravine_env_init(ravine_env *env);
/* The instruction set that `wanted` selects; NULL: this build and processor do not have it. */
RAVINE_API const char *ravine_isa(const char *wanted);
/* Writes in one line what a handle with env.isa = wanted would run on this processor, and why:
 * "x86_v4, the best of GenuineIntel family 6 model 207; asks for memory 2048 bytes ahead, ...".
 * E_UNSUPPORTED and E_RANGE as in ravine_create; E_RANGE: `capacity` bytes do not hold the line
 * (256 bytes do). */
RAVINE_API ravine_status ravine_kernels_describe(const char *wanted, char *text,
                                                 size_t capacity) RAVINE_MUST_CHECK;

/* The pool by itself, for programs that share one pool between handles and their own work:
 * env.parallel = ravine_pool_run; env.parallel_context = pool. */
typedef struct ravine_pool ravine_pool;
/* Makes a pool. `threads` is as in ravine_env; the threads start with the first run that is large
 * enough for them. E_RANGE: the number is negative or too large; E_NOMEM. */
RAVINE_API ravine_status ravine_pool_create(ravine_pool **out, int32_t threads) RAVINE_MUST_CHECK;
/* A ravine_parallel: calls task(arg, 0) ... task(arg, ntasks - 1) on the threads of the pool and
 * returns when all calls have returned. A run inside another run, or beside a run of another
 * thread, uses its caller's thread alone. */
RAVINE_API void ravine_pool_run(void *pool, ravine_task task, void *arg, int64_t ntasks);
/* How many threads work on a run; the caller's thread counts as one. */
RAVINE_API int32_t ravine_pool_threads(const ravine_pool *pool);
/* Ends the pool's threads and frees its memory. NULL is allowed. */
RAVINE_API void ravine_pool_destroy(ravine_pool *pool);

/* The threads of an OpenMP runtime that the process uses already, such as PyTorch's. These threads
 * spin while they wait for work, so a second pool would compete with them for the processors.
 * env.parallel = ravine_openmp_run; env.parallel_context = a ravine_openmp that outlives the
 * optimizer. */
typedef struct ravine_openmp {
    uint32_t size;
    int32_t threads; /* >= 1: the size of a team */
    /* GOMP_parallel, which the OpenMP of GNU, LLVM and Intel all have. */
    void (*start)(void (*body)(void *data), void *data, uint32_t threads, uint32_t flags);
    int32_t process; /* getpid(): a child of fork() has none of the threads, and works alone */
    int32_t reserved;
} ravine_openmp;
/* A ravine_parallel that runs on the threads of `openmp`, a ravine_openmp. */
RAVINE_API void ravine_openmp_run(void *openmp, ravine_task task, void *arg, int64_t ntasks);

/* ---- an optimizer: groups of parameters, their rules, their state ------------------------------
 */
/* Types of numbers: X(NAME, value, bits of one number, name in safetensors files). Optimizers take
 * F32 and F64; U8 holds the history of signs; the others occur in files. Values never change. */
#define RAVINE_DTYPE_LIST(X)             \
    X(F32, 1, 32, "F32")                 \
    X(F64, 2, 64, "F64")                 \
    X(BF16, 3, 16, "BF16")               \
    X(F16, 4, 16, "F16")                 \
    X(I64, 5, 64, "I64")                 \
    X(U8, 6, 8, "U8")                    \
    X(BOOL, 7, 8, "BOOL")                \
    X(I8, 8, 8, "I8")                    \
    X(I16, 9, 16, "I16")                 \
    X(U16, 10, 16, "U16")                \
    X(I32, 11, 32, "I32")                \
    X(U32, 12, 32, "U32")                \
    X(U64, 13, 64, "U64")                \
    X(C64, 14, 64, "C64")                \
    X(F8_E4M3, 15, 8, "F8_E4M3")         \
    X(F8_E5M2, 16, 8, "F8_E5M2")         \
    X(F8_E8M0, 17, 8, "F8_E8M0")         \
    X(F6_E2M3, 18, 6, "F6_E2M3")         \
    X(F6_E3M2, 19, 6, "F6_E3M2")         \
    X(F4, 20, 4, "F4")                   \
    X(F8_E4M3FNUZ, 21, 8, "F8_E4M3FNUZ") \
    X(F8_E5M2FNUZ, 22, 8, "F8_E5M2FNUZ")

#define RAVINE_X(NAME, value, bits, name) RAVINE_##NAME = value,
typedef enum ravine_dtype { RAVINE_DTYPE_LIST(RAVINE_X) } ravine_dtype;
#undef RAVINE_X
/* The name of a dtype, a fixed text such as "F32", and the bits of one number. NULL and 0: there is
 * no such dtype. */
RAVINE_API const char *ravine_dtype_name(int32_t dtype);
RAVINE_API int32_t ravine_dtype_bits(int32_t dtype);

/* A parameter. The address of its numbers is a multiple of the size of one number. Its name is
 * UTF-8 and must be one that a checkpoint can hold: "__metadata__" is not, nor is "state.w.exp_avg"
 * beside a parameter "w". */
typedef struct ravine_param {
    uint32_t size;      /* sizeof(ravine_param) */
    int32_t dtype;      /* ravine_dtype of data; this version takes F32 and F64 */
    int32_t grad_dtype; /* 0: that of data */
    int32_t group;      /* 0 is the group that ravine_create made */
    const char *name;   /* copied; unique in the optimizer; names the state in a checkpoint */
    void *data;  /* [len], contiguous; it outlives the optimizer, or ravine_bind replaces it */
    void *grad;  /* [len]; NULL: no gradient; the library writes it only if zero_grad is 1 */
    int64_t len; /* >= 0 elements */
    const int64_t *shape; /* [ndim], copied; the product is len; NULL: one dimension, [len] */
    int32_t ndim;
    int32_t reserved;
} ravine_param;

typedef enum ravine_nonfinite {
    RAVINE_HOLD,     /* such an element and its state stay as they are; it is counted */
    RAVINE_SKIP,     /* the whole step is skipped; this costs one more read of the gradients */
    RAVINE_PROPAGATE /* nothing is checked, as in PyTorch */
} ravine_nonfinite;

/* How every step is made, for all groups. It may change between any two steps. */
typedef struct ravine_options {
    uint32_t size;
    int32_t nonfinite; /* a ravine_nonfinite: what happens to gradients that are not finite */
    int32_t zero_grad; /* 1: the step sets the gradients to zero at its end */
    int32_t reserved;
    double clip_norm;  /* > 0: bound on the norm of all gradients; inf: off */
    double grad_scale; /* > 0: gradients are divided by it first, as for a scaled loss; default 1 */
} ravine_options;
RAVINE_INLINE void ravine_options_init(ravine_options *options);
/* Writes the options as a checkpoint has them: "nonfinite=hold zero_grad=0 clip_norm=inf
 * grad_scale=1". *length (may be NULL) receives the length without the final NUL. E_RANGE:
 * `capacity` bytes do not hold the text, or ravine_set_options would refuse the options; E_ARG: a
 * pointer is NULL. */
RAVINE_API ravine_status ravine_options_format(const ravine_options *options, char *text,
                                               size_t capacity, size_t *length) RAVINE_MUST_CHECK;

typedef struct ravine_optimizer ravine_optimizer;

/* Makes an optimizer with one group, number 0. `c` and `env` (NULL: the defaults) are copied. E_ARG
 * and E_RANGE: ravine_config_check refuses *c, or *env is wrong; E_UNSUPPORTED: this build and
 * processor do not have env.isa; E_NOMEM. */
RAVINE_API ravine_status ravine_create(ravine_optimizer **out, const ravine_config *c,
                                       const ravine_env *env) RAVINE_MUST_CHECK;
/* Frees the optimizer. Parameters and gradients stay. NULL is allowed. */
RAVINE_API void ravine_destroy(ravine_optimizer *o);
/* Adds a group with its own settings. *group (may be NULL) receives its number. E_ARG and E_RANGE
 * as in ravine_config_check; E_NOMEM. */
RAVINE_API ravine_status ravine_add_group(ravine_optimizer *o, const ravine_config *c,
                                          int32_t *group) RAVINE_MUST_CHECK;

/* Adds n parameters and allocates their state: for all of them, or for none on an error. It may be
 * called again later: new parameters start with step count 0. E_ARG: a name is taken or no
 * checkpoint can hold it, an address is not a multiple of the size of its numbers, or the product
 * of a shape is not the length; E_RANGE: a length, shape or group is out of its bounds;
 * E_UNSUPPORTED: the dtype is not one of this version; E_NOMEM. */
RAVINE_API ravine_status ravine_add(ravine_optimizer *o, const ravine_param *p,
                                    int64_t n) RAVINE_MUST_CHECK;
/* The exact number of bytes by which ravine_add(o, p, n) would increase ravine_memory_bytes(o).
 * E_ARG, E_RANGE and E_UNSUPPORTED as in ravine_add. */
RAVINE_API ravine_status ravine_state_bytes(const ravine_optimizer *o, const ravine_param *p,
                                            int64_t n, int64_t *bytes) RAVINE_MUST_CHECK;
/* The bytes that the optimizer holds now: the state and its own records. */
RAVINE_API int64_t ravine_memory_bytes(const ravine_optimizer *o);

/* Tells the optimizer where data and gradients of the parameters first ... first + n - 1 (in the
 * order of adding) are now. data == NULL leaves all data where they are, grad == NULL all
 * gradients. A NULL in grad[] means: this parameter has no gradient until it is bound again.
 * E_RANGE: there are no such parameters; E_ARG: there is a NULL in data[], or an address is not a
 * multiple of the size of its numbers. */
RAVINE_API ravine_status ravine_bind(ravine_optimizer *o, int64_t first, int64_t n,
                                     void *const *data, void *const *grad) RAVINE_MUST_CHECK;
/* Finds the addresses of tensors of another library, so that they can be bound as data or as
 * gradients; object[i] belongs to parameter i < n. It uses DLPack's C exchange: nothing is copied,
 * and there is no call for each tensor. `exchange` is that library's DLPackExchangeAPI 1.x (in
 * Python the __dlpack_c_exchange_api__ of the tensor's type; call with the interpreter's lock
 * held). An object that is `none` (in Python None) or NULL is not a tensor and has the address
 * NULL. *count (may be NULL) receives the number of tensors. E_UNSUPPORTED names a tensor that has
 * no memory of its own, is not row-major in the processor's memory, or is not of the parameter's
 * type. E_ARG names a tensor whose length differs from the parameter's, or whose shape differs
 * where the parameter has more than one dimension. E_RANGE: there are not n parameters. object,
 * address: [n]. */
RAVINE_API ravine_status ravine_dlpack_addresses(const ravine_optimizer *o, int64_t n,
                                                 const void *exchange, const void *none,
                                                 void *const *object, void **address,
                                                 int64_t *count) RAVINE_MUST_CHECK;

/* Changes a setting of a group from the next step on; group = -1 changes it in every group. A
 * schedule is evaluated at the number of applied steps, which is 0 at the first step; ravine_set
 * replaces the schedule by a constant.
 *
 * E_STATE: the group has parameters and the setting decides which state exists or how it begins
 * (amsgrad, centered, momentum and ema_decay zero or not, initial), or a schedule needs state that
 * the group's config does not make. E_RANGE: there is no such group or setting, or the setting is
 * out of bounds, alone or together with others (lr * weight_decay above 1); schedules are checked
 * at the steps where a schedule of the group begins, turns or ends. If two schedules exceed a bound
 * together between these steps, ravine_step refuses the step there. E_ARG: the group's rule does
 * not use the setting, or the setting cannot be scheduled; E_NOMEM: there is no memory for a
 * schedule. */
RAVINE_API ravine_status ravine_set(ravine_optimizer *o, int32_t group, int setting,
                                    double value) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_set_schedule(ravine_optimizer *o, int32_t group, int setting,
                                             const ravine_schedule *s) RAVINE_MUST_CHECK;
/* The value of a setting that the next step will use. E_RANGE: there is no such group or setting;
 * E_ARG: the group's rule does not use the setting. */
RAVINE_API ravine_status ravine_get(const ravine_optimizer *o, int32_t group, int setting,
                                    double *value) RAVINE_MUST_CHECK;
/* Changes the options from the next step on. E_RANGE: a member is out of its bounds. */
RAVINE_API ravine_status ravine_set_options(ravine_optimizer *o,
                                            const ravine_options *options) RAVINE_MUST_CHECK;

/* Statistics that show how training goes, beside the norms: X(name, meaning), new ones last. g is
 * the gradient as in grad_norm, u the change of the parameters, t the step. A flip is a change of
 * sign, weighted by the g^2 of the element; zero has no sign. A parameter's last step is the last
 * step in which it had a gradient. An element that was held (its gradient was not finite) counts as
 * a gradient of zero in sums and is left out of shares.
 *
 * grad_dot_update is taken over all elements. The statistics from `line_position` on are taken over
 * the watched elements (see ravine_env); momentum_norm is scaled by the ratio of grad_norm to the
 * norm of the watched gradient. They are NaN where nothing is known: without watching, in the first
 * steps, in a step that was skipped, or for a rule that has no such thing. */
#define RAVINE_STATISTIC_LIST(X)                                                                  \
    X(grad_dot_update, "<g_t, u_t>: the change of the loss to first order")                       \
    X(line_position,                                                                              \
      "-<g_t, u_(t-1)> / <g_(t-1), u_(t-1)>: -1 the slope is as before, 0 the step "              \
      "ended at the bottom along its line, 1 as far up the other wall")                           \
    X(sign_change_rate, "share of the squared gradient whose sign changed since the step before") \
    X(sign_change_rate_lag2, "the same against two steps before")                                 \
    X(momentum_norm, "norm of the mean or buffer of gradients after the step")                    \
    X(sigma_ratio, "root mean square of g_t / sigma_(t-1), both as the rule takes them, no eps")  \
    X(eps_share, "share of elements whose sigma is mostly eps")                                   \
    X(zero_share, "share of elements whose gradient is exactly zero")                             \
    X(underflow_share,                                                                            \
      "share of elements with a gradient that did not change: u below the last bit")              \
    X(update_max, "greatest |u|")                                                                 \
    X(quiet_share, "share of elements whose gradient was exactly zero in all of the last 192 to " \
                   "255 steps of their parameter, or in all so far")

/* What a step did. grad_norm is the norm of the gradients after grad_scale and before clipping,
 * update_norm that of the change of the parameters, param_norm that of the parameters after the
 * step. Elements that were held count in param_norm only. Parameters without a gradient count in
 * none of them. In float32 the relative error of the norms is at most 7 2^-24 = 4.2e-7, and that of
 * grad_dot_update 13 2^-24 of the sum of |g u|, for values of any size; in float64 it is about
 * 1e-15. */
typedef struct ravine_step_stats {
    uint32_t size;
    int32_t group;    /* -1: all groups */
    int64_t step;     /* applied steps, including this one */
    int64_t attempts; /* calls of ravine_step, including this one */
    double lr;        /* of the group; of group 0 where `group` is -1 */
    double grad_norm, update_norm, param_norm;
    double clip;       /* factor on the gradients; 1: they were not clipped */
    int64_t nonfinite; /* elements whose gradient was not finite; 0 under PROPAGATE */
    int64_t nonfinite_param, nonfinite_index; /* the first of them, or -1 */
#define RAVINE_X(name, meaning) double name;
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
} ravine_step_stats;

/* Makes one step of every parameter that has a gradient. Returns OK, CLIPPED, HELD (also if the
 * gradient was clipped as well) or SKIPPED. stats may be NULL: then the norms are not computed. It
 * never allocates; the first step that is large enough for threads starts those of the pool.
 * E_RANGE: schedules ask for settings that are out of bounds together, see ravine_set. */
RAVINE_API ravine_status ravine_step(ravine_optimizer *o,
                                     ravine_step_stats *stats) RAVINE_MUST_CHECK;
/* The statistics of the last step for one group. E_STATE: the last step made no statistics;
 * E_RANGE: there is no such group. */
RAVINE_API ravine_status ravine_group_stats(const ravine_optimizer *o, int32_t group,
                                            ravine_step_stats *stats) RAVINE_MUST_CHECK;

/* The statistics of the last step for one parameter, in the order of adding; its `group` is the
 * parameter's group. All norms are 0 if it had no gradient. E_STATE and E_RANGE as in
 * ravine_group_stats. */
RAVINE_API ravine_status ravine_param_stats(const ravine_optimizer *o, int64_t param,
                                            ravine_step_stats *stats) RAVINE_MUST_CHECK;

/* ---- looking at the state -----------------------------------------------------------------------
 */
/* The number of parameters in all groups; 0 for NULL. */
RAVINE_API int64_t ravine_param_count(const ravine_optimizer *o);
/* The number of groups, including group 0; 0 for NULL. */
RAVINE_API int32_t ravine_group_count(const ravine_optimizer *o);
/* The number of applied steps, which are those that were not skipped. */
RAVINE_API int64_t ravine_steps(const ravine_optimizer *o);
/* The number of steps in which a parameter had a gradient; -1: there is no such parameter. */
RAVINE_API int64_t ravine_step_count(const ravine_optimizer *o, int64_t param);
/* Views are pointers into the optimizer; they are valid until it changes. `key` is as in PyTorch:
 * exp_avg, exp_avg_sq, momentum_buffer, square_avg, sum, ..., and ema. E_ARG: there is no such
 * parameter or key. */
RAVINE_INLINE ravine_status ravine_param_view(const ravine_optimizer *o, int64_t param,
                                              ravine_param *view) RAVINE_MUST_CHECK;
RAVINE_INLINE ravine_status ravine_state_view(ravine_optimizer *o, const char *param,
                                              const char *key,
                                              ravine_param *view) RAVINE_MUST_CHECK;
/* sigma_t of the parameter's last step, in float64: the step was eta_t / sigma_t * m_t. The bias
 * correction of v counts in sigma, that of m in m. For adadelta and adopt it is the sigma that the
 * next step will use. It is 1 for rules without sigma (sgd, asgd). E_UNSUPPORTED: the rule uses
 * signs alone (lion, signum, rprop); E_STATE: there was no step; E_ARG: there is no such parameter,
 * or len is not its length. sigma: [len]. */
RAVINE_API ravine_status ravine_sigma(const ravine_optimizer *o, const char *param, double *sigma,
                                      int64_t len) RAVINE_MUST_CHECK;
/* The key number k of a parameter's state; NULL past the last key. */
RAVINE_API const char *ravine_state_key(const ravine_optimizer *o, int64_t param, int32_t k);
/* Sets the number of steps of a parameter whose state comes from elsewhere and is written through
 * its views. The number lies in [0, 2^53]. E_RANGE: it does not, or there is no such parameter. */
RAVINE_API ravine_status ravine_set_step_count(ravine_optimizer *o, int64_t param,
                                               int64_t step_count) RAVINE_MUST_CHECK;

/* ---- sizes --------------------------------------------------------------------------------------
 *
 * The library exports the functions that make a struct in this form: they receive the size of the
 * caller's struct, so that they never write beyond it. C and C++ call them by the names above;
 * other languages call these. E_ARG, and nothing is written: no version of the struct has that
 * size. */
RAVINE_API ravine_status ravine_schedule_parse_sized(ravine_schedule *s, size_t size,
                                                     const char *text) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_schedule_constant_sized(ravine_schedule *s, size_t size,
                                                        double value) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_schedule_describe_sized(const ravine_schedule *s,
                                                        ravine_schedule_facts *facts,
                                                        size_t size) RAVINE_MUST_CHECK;
RAVINE_API void ravine_plateau_init_sized(ravine_plateau *p, size_t size);
RAVINE_API ravine_status ravine_config_init_sized(ravine_config *c, size_t size,
                                                  int rule) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_config_parse_sized(ravine_config *c, size_t size,
                                                   const char *text) RAVINE_MUST_CHECK;
RAVINE_API void ravine_env_init_sized(ravine_env *env, size_t size);
RAVINE_API void ravine_options_init_sized(ravine_options *options, size_t size);
RAVINE_API ravine_status ravine_param_view_sized(const ravine_optimizer *o, int64_t param,
                                                 ravine_param *view, size_t size) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_state_view_sized(ravine_optimizer *o, const char *param,
                                                 const char *key, ravine_param *view,
                                                 size_t size) RAVINE_MUST_CHECK;

static inline ravine_status ravine_schedule_parse(ravine_schedule *s, const char *text) {
    return ravine_schedule_parse_sized(s, sizeof *s, text);
}
static inline ravine_status ravine_schedule_constant(ravine_schedule *s, double value) {
    return ravine_schedule_constant_sized(s, sizeof *s, value);
}
static inline ravine_status ravine_schedule_describe(const ravine_schedule *s,
                                                     ravine_schedule_facts *facts) {
    return ravine_schedule_describe_sized(s, facts, sizeof *facts);
}
static inline void ravine_plateau_init(ravine_plateau *p) {
    ravine_plateau_init_sized(p, sizeof *p);
}
static inline ravine_status ravine_config_init(ravine_config *c, int rule) {
    return ravine_config_init_sized(c, sizeof *c, rule);
}
static inline ravine_status ravine_config_parse(ravine_config *c, const char *text) {
    return ravine_config_parse_sized(c, sizeof *c, text);
}
static inline void ravine_env_init(ravine_env *env) {
    ravine_env_init_sized(env, sizeof *env);
}
static inline void ravine_options_init(ravine_options *options) {
    ravine_options_init_sized(options, sizeof *options);
}
static inline ravine_status ravine_param_view(const ravine_optimizer *o, int64_t param,
                                              ravine_param *view) {
    return ravine_param_view_sized(o, param, view, sizeof *view);
}
static inline ravine_status ravine_state_view(ravine_optimizer *o, const char *param,
                                              const char *key, ravine_param *view) {
    return ravine_state_view_sized(o, param, key, view, sizeof *view);
}

#ifdef __cplusplus
}
#endif
#endif
