/* SPDX-License-Identifier: Apache-2.0 */
/* ravine.h - adaptive learning rates:   theta <- theta - (eta_t / sigma_t) * m_t
 *
 *     eta_t    the learning rate, a schedule: a pure function of the step
 *     sigma_t  the scale of each parameter's gradients
 *     m_t      the momentum, a signed mean of its past gradients
 *
 * Every optimizer of the field is a choice of the three. This header is the whole public API and
 * its manual; it is clean as C11 and as C++17. Every public name begins with ravine_ or RAVINE_.
 *
 * Results  0 done; > 0 done, and worth knowing; < 0 nothing was changed, and ravine_errmsg() says
 *          why, with the name, the value and the limit. The library never prints, exits or aborts.
 * Errors   Every call that returns a status gives E_ARG for a pointer that is NULL and may not be,
 *          and for a struct of a size that no version has; E_UNSUPPORTED for a struct of a newer
 *          header with something in it that this library does not know. What else a call may give
 *          is said where it is declared.
 * Units    lr and norms are plain numbers; sizes are elements unless the name ends in _bytes; time
 *          is steps. Norms are Euclidean.
 * Threads  one handle, one thread at a time; distinct handles are independent; schedules, configs
 *          and statistics are plain values. A step uses several threads inside (see ravine_env).
 * Memory   parameters and gradients are yours and stay where they are; the library owns the state
 *          alone and tells its size before it allocates. Set-up allocates; a step never does.
 * Bits     a step gives the same bits for every thread count, chunking and instruction set.
 * Structs  begin with `size`, so that a program runs with a library that is newer than its header
 *          (docs/abi.md). Functions that make one set it: _init, _parse, _view, ... Where you fill
 *          one in, or hand one over to be filled, you do: ravine_step_stats r = {.size = sizeof r};
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
#define RAVINE_INLINE static inline /* passes a struct's size on: at the end of the header */

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

/* What a status means, in words: fixed text, never NULL. */
RAVINE_API const char *ravine_status_text(ravine_status status);
/* What failed last on this thread; "" if nothing did. */
RAVINE_API const char *ravine_errmsg(void);
/* "0.1.0", of the library that is loaded. */
RAVINE_API const char *ravine_version(void);

/* ---- eta_t: a schedule is a plain value ------------------------------------------------------
 *
 * A sequence of segments. Segment k covers `steps` steps; u = 0, 1, ... counts from its own first
 * step and n = steps. After the last segment its last value is held; steps = RAVINE_FOREVER never
 * ends. X(NAME, value, name, parameters, formula); values never change, new ones come last. */
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
    double from, to;     /* at u = 0, and what it reaches at u = n (shapes that have one) */
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
 * On an error *s is untouched and ravine_errmsg() names the column and what was expected.
 * E_FORMAT: it is not in the grammar; E_RANGE: a number is out of its bounds, or there are too many
 * segments. */
RAVINE_INLINE ravine_status ravine_schedule_parse(ravine_schedule *s,
                                                  const char *text) RAVINE_MUST_CHECK;
/* Writes the canonical text form, which parses back to the same value, and its length without the
 * final NUL to *length (may be NULL). E_RANGE if `capacity` bytes do not hold it, and as of
 * ravine_schedule_check. */
RAVINE_API ravine_status ravine_schedule_format(const ravine_schedule *s, char *text,
                                                size_t capacity, size_t *length) RAVINE_MUST_CHECK;
/* One value for ever. E_RANGE if it is not finite or negative. */
RAVINE_INLINE ravine_status ravine_schedule_constant(ravine_schedule *s,
                                                     double value) RAVINE_MUST_CHECK;
/* OK if every number of *s is finite and within its bounds; E_RANGE: one is not. */
RAVINE_API ravine_status ravine_schedule_check(const ravine_schedule *s) RAVINE_MUST_CHECK;
/* The value at a step; the first step is 0 and a negative one reads as 0. Pure and total: any
 * schedule that ravine_schedule_check accepts gives a finite number at every step. */
RAVINE_API double ravine_schedule_at(const ravine_schedule *s, int64_t step);

typedef struct ravine_schedule_facts {
    uint32_t size;
    int32_t reserved;
    double first;       /* value at step 0 */
    double last;        /* value held after the last segment; NaN if it never ends */
    int64_t warmup_end; /* first step that no longer rises: where warm-up is over; 0 if none */
    int64_t total;      /* steps until the last value is held, or RAVINE_FOREVER */
} ravine_schedule_facts;
/* Fills *facts. E_RANGE as of ravine_schedule_check. */
RAVINE_INLINE ravine_status
ravine_schedule_describe(const ravine_schedule *s, ravine_schedule_facts *facts) RAVINE_MUST_CHECK;

/* A controller, not a schedule: it receives a metric (lower is better, unless `maximize`) and
 * returns a factor for the learning rate. A metric that is not finite counts as bad. */
typedef struct ravine_plateau {
    uint32_t size;
    int32_t maximize;           /* 1 if higher is better */
    double factor;              /* (0, 1): multiplies `scale` at each reduction */
    double minimum;             /* >= 0: scale never falls below it */
    double threshold;           /* >= 0: the least improvement that counts: relative to |best| */
    int64_t patience;           /* >= 0: bad results that are tolerated; the next one reduces */
    int64_t cooldown;           /* >= 0: results after a reduction that are not counted */
    double best, scale;         /* state: best metric so far; product of all reductions */
    int64_t bad, cooling, told; /* state: counters */
} ravine_plateau;
/* PyTorch's defaults: factor 0.1, minimum 0, threshold 1e-4, patience 10, cooldown 0. */
RAVINE_INLINE void ravine_plateau_init(ravine_plateau *p);
/* OK, whether the factor fell or not; *scale (may be NULL) = the factor to use from now on.
 * E_RANGE: a setting of *p is out of its bounds. */
RAVINE_API ravine_status ravine_plateau_tell(ravine_plateau *p, double metric,
                                             double *scale) RAVINE_MUST_CHECK;

/* ---- m_t and sigma_t: rules and their settings -----------------------------------------------
 *
 * Every setting is a number: X(NAME, value, name, kind, interval, text); values never change, new
 * ones come last. A FLAG is 0 or 1; a CHOICE is a value of the enum named in its text. In an
 * interval a round bracket excludes the bound itself. NUMBERs may be scheduled, other than
 * `initial`. A rule uses some of them: ravine_rule_describe() lists them. */
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
    RAVINE_EPS_HAT,     /* sqrt(v) + eps, the bias correction moved into eta; TensorFlow */
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
    RAVINE_INITIAL_GRADIENT /* and at the first squared gradient: sigma_0 = |g_0|, the lecture */
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
    double least, greatest;            /* and as numbers */
    int32_t least_open, greatest_open; /* 1: the bound itself is excluded */
    int32_t nchoices;                  /* CHOICE: how many, and their words */
    const char *const *choice;         /* [nchoices] */
} ravine_setting_info;
/* What a setting is, and its bounds; NULL: there is no such setting. */
RAVINE_API const ravine_setting_info *ravine_setting_describe(int setting);
/* The setting of a name, a ravine_setting; -1: there is none. */
RAVINE_API int ravine_setting_find(const char *name);

/* The named rules: one row each in lib/rules/rules.def, a page each in docs/rules/. Values never
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
    RAVINE_SIGMA_ONE = 0,          /* by 1 */
    RAVINE_SIGMA_SIGNS = 1,        /* only signs count */
    RAVINE_SIGMA_OF_STEP = 2,      /* by a root of gradients up to this one */
    RAVINE_SIGMA_OF_NEXT_STEP = 3, /* what ravine_sigma gives is what the next step divides by */
    RAVINE_SIGMA_LATE = 4          /* by 1 until sigma can be trusted */
} ravine_sigma_kind;
typedef struct ravine_rule_info {
    const char *name, *title, *formula, *paper; /* fixed texts; formula has lines split by \n */
    int32_t nsettings;
    const int32_t *setting; /* [nsettings] ravine_setting, the ones that the rule uses */
    const int32_t
        *state;        /* [nstates] for ravine_state_describe: what it may keep for a parameter */
    const char *torch; /* the class of torch.optim 2.13, "AdamW"; NULL: PyTorch has none */
    /* The entries of its groups and the settings that they hold, as words: "lr" is both,
     * "alpha=power" an entry of another name, "betas=beta1,beta2" one that is a list; a setting
     * with a ? is None where it is 0. */
    const char *torch_settings;
    int32_t torch_steps; /* 1: its state counts steps, key "step" */
    int32_t nstates;
    int32_t whole; /* 1: an element's step depends on its whole tensor: on norms, rows, columns */
    int32_t sigma; /* a ravine_sigma_kind */
} ravine_rule_info;
/* What a rule is, and which settings it uses; NULL: there is no such rule. */
RAVINE_API const ravine_rule_info *ravine_rule_describe(int rule);
/* The rule of a name, a ravine_rule; -1: there is none. */
RAVINE_API int ravine_rule_find(const char *name);

/* What rules keep for a parameter between steps, beside its step count: lib/rules/state.def. Which
 * of it there is depends on settings and shape: ravine_state_key() tells. */
typedef struct ravine_state_info {
    const char *key; /* "exp_avg" */
    const char
        *extent; /* "element": a number for each; "vector": the same of parameters of less than
                    two dimensions; "row", "column": of the last two dimensions; "scalar" ... */
} ravine_state_info;
RAVINE_API const ravine_state_info *ravine_state_describe(int state); /* NULL: no such */

/* A rule with its settings: c.beta2 = 0.99; every setting is a field of its own name. */
typedef struct ravine_config {
    uint32_t size;
    int32_t rule; /* ravine_rule */
#define RAVINE_X(NAME, value, name, kind, interval, text) double name;
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
} ravine_config;
/* The rule's defaults: PyTorch's where PyTorch has the rule, else the paper's. E_RANGE: there is no
 * such rule. */
RAVINE_INLINE ravine_status ravine_config_init(ravine_config *c, int rule) RAVINE_MUST_CHECK;
/* The same by name, with settings: "adamw lr=3e-4 beta2=0.99 eps_form=inside". On an error *c is
 * untouched. E_FORMAT: a word is no NAME=VALUE; E_ARG: there is no such rule, setting or word of a
 * choice; E_RANGE: a number is out of its bounds. */
RAVINE_INLINE ravine_status ravine_config_parse(ravine_config *c,
                                                const char *text) RAVINE_MUST_CHECK;
/* Writes that text, which parses back to the same value, and its length without the final NUL to
 * *length (may be NULL): lr and what differs from the rule's defaults, or with `all` every setting
 * that the rule uses, for texts that outlive a change of defaults. E_RANGE if `capacity` bytes do
 * not hold it; E_ARG and E_RANGE as of ravine_config_check. */
RAVINE_API ravine_status ravine_config_format(const ravine_config *c, int32_t all, char *text,
                                              size_t capacity, size_t *length) RAVINE_MUST_CHECK;
/* One setting by name; `text` is a number, true/false, or a word of a choice. E_ARG: there is no
 * such setting or word, or it is no number; E_RANGE: it is out of its bounds. */
RAVINE_API ravine_status ravine_config_set(ravine_config *c, const char *setting,
                                           const char *text) RAVINE_MUST_CHECK;
/* A setting by its number; NaN if there is no such setting. */
RAVINE_API double ravine_config_get(const ravine_config *c, int setting);
/* OK if the rule uses every setting that differs from its default, within its bounds. E_ARG: it
 * does not use one; E_RANGE: one is out of its bounds, or several are together. */
RAVINE_API ravine_status ravine_config_check(const ravine_config *c) RAVINE_MUST_CHECK;

/* ---- where a step runs ----------------------------------------------------------------------- */
typedef void (*ravine_task)(void *arg, int64_t index);
/* Calls task(arg, 0) ... task(arg, ntasks - 1), in any order, on any threads, and returns when all
 * are done. */
typedef void (*ravine_parallel)(void *context, ravine_task task, void *arg, int64_t ntasks);

typedef struct ravine_env {
    uint32_t size;
    int32_t threads; /* of the library's own pool; 0: RAVINE_THREADS, else one per processor */
    const char *isa; /* instruction set of the kernels; NULL: RAVINE_ISA, else the best there is */
    /* 1: keep what ravine_doctor.h looks at. Parameters of up to 4,096 elements are watched as a
     * whole; of longer ones chunks of 128 elements, spread over the parameter: at least 2,048
     * elements, and of very long ones 1 in 128. Watched elements keep their last update and the
     * last two signs of their gradient: 5 bytes each in float32. No parameter changes by a bit. */
    int32_t statistics;
    int32_t reserved;
    /* Memory; both NULL: the C library's. `alignment` is a power of two; NULL when there is none.
     * release() gets the size that was asked for. */
    void *(*allocate)(void *context, size_t bytes, size_t alignment);
    void (*release)(void *context, void *memory, size_t bytes);
    void *allocator;
    /* Your executor in place of the library's pool; NULL: the pool, started on the first step that
     * is worth it. */
    ravine_parallel parallel;
    void *parallel_context;
} ravine_env;
/* The defaults: one thread per processor, the best instruction set, the C library's memory. */
RAVINE_INLINE void ravine_env_init(ravine_env *env);
/* The instruction set that `wanted` selects; NULL: there is none. */
RAVINE_API const char *ravine_isa(const char *wanted);
/* What a handle with such an env.isa would run on this processor, and why, as one line: "x86_v4,
 * the best of GenuineIntel family 6 model 207; asks for memory 2048 bytes ahead, ...".
 * E_UNSUPPORTED and E_RANGE as of ravine_create; E_RANGE if `capacity` bytes do not hold it (256
 * do). */
RAVINE_API ravine_status ravine_kernels_describe(const char *wanted, char *text,
                                                 size_t capacity) RAVINE_MUST_CHECK;

/* The pool by itself, for programs that want to share one between handles and their own work:
 * env.parallel = ravine_pool_run; env.parallel_context = pool. */
typedef struct ravine_pool ravine_pool;
/* `threads` as in ravine_env; they start with the first run that is worth it. E_RANGE: negative or
 * too many; E_NOMEM. */
RAVINE_API ravine_status ravine_pool_create(ravine_pool **out, int32_t threads) RAVINE_MUST_CHECK;
/* A ravine_parallel: calls task(arg, 0) ... task(arg, ntasks - 1) on the threads of the pool and
 * returns when all are done. A run inside another, or beside one of another thread, works alone. */
RAVINE_API void ravine_pool_run(void *pool, ravine_task task, void *arg, int64_t ntasks);
/* How many threads work on a run, the caller's counted. */
RAVINE_API int32_t ravine_pool_threads(const ravine_pool *pool);
/* Ends its threads and gives its memory back. NULL is fine. */
RAVINE_API void ravine_pool_destroy(ravine_pool *pool);

/* The threads of an OpenMP that the process runs already (PyTorch's), which spin while they wait
 * for work: a pool beside them would have to fight them for processors. env.parallel =
 * ravine_openmp_run; env.parallel_context = a ravine_openmp that outlives the optimizer. */
typedef struct ravine_openmp {
    uint32_t size;
    int32_t threads; /* >= 1, of a team */
    /* GOMP_parallel of GNU's, LLVM's or Intel's OpenMP. */
    void (*start)(void (*body)(void *data), void *data, uint32_t threads, uint32_t flags);
    int32_t process; /* getpid(): a child of fork() has none of the threads, and works alone */
    int32_t reserved;
} ravine_openmp;
/* A ravine_parallel, on the threads that *openmp, a ravine_openmp, starts. */
RAVINE_API void ravine_openmp_run(void *openmp, ravine_task task, void *arg, int64_t ntasks);

/* ---- an optimizer: groups of parameters, their rules, their state ------------------------------
 */
/* Kinds of numbers: X(NAME, value, bits of one number, name in safetensors files). Optimizers take
 * F32 and F64; U8 holds the sign history; the others occur in files. Values never change. */
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
/* Fixed text, "F32", and bits of one number; NULL and 0: no such dtype. */
RAVINE_API const char *ravine_dtype_name(int32_t dtype);
RAVINE_API int32_t ravine_dtype_bits(int32_t dtype);

/* A parameter. Its numbers lie at addresses that are multiples of their size. Its name is UTF-8,
 * and one that a checkpoint can hold: not "__metadata__", and not "state.w.exp_avg" beside "w". */
typedef struct ravine_param {
    uint32_t size;        /* sizeof(ravine_param) */
    int32_t dtype;        /* ravine_dtype of data; F32 and F64 in this version */
    int32_t grad_dtype;   /* 0: the same */
    int32_t group;        /* 0 is the group that ravine_create made */
    const char *name;     /* copied; unique in the optimizer; key of the state in a checkpoint */
    void *data;           /* [len], contiguous; must outlive the optimizer or be rebound */
    void *grad;           /* [len]; NULL: none this step; written only when zero_grad is on */
    int64_t len;          /* >= 0 elements */
    const int64_t *shape; /* [ndim], product = len; copied; NULL: [len] */
    int32_t ndim;
    int32_t reserved;
} ravine_param;

typedef enum ravine_nonfinite {
    RAVINE_HOLD,     /* such an element is left as it is, with its state, and counted */
    RAVINE_SKIP,     /* the whole step is left out; costs a read of the gradients */
    RAVINE_PROPAGATE /* nothing is checked, as PyTorch */
} ravine_nonfinite;

/* How every step is made, for all groups together. Change it between any two steps. */
typedef struct ravine_options {
    uint32_t size;
    int32_t nonfinite; /* ravine_nonfinite: what happens to gradients that are not finite */
    int32_t zero_grad; /* 1: gradients are zero after the step */
    int32_t reserved;
    double clip_norm;  /* > 0: bound on the norm of all gradients; inf: off */
    double grad_scale; /* > 0: gradients are divided by it first, as for a scaled loss; 1 */
} ravine_options;
RAVINE_INLINE void ravine_options_init(ravine_options *options);
/* Writes "nonfinite=hold zero_grad=0 clip_norm=inf grad_scale=1", the form in which a checkpoint
 * has them, and its length without the final NUL to *length (may be NULL). E_RANGE if `capacity`
 * bytes do not hold it, or as of ravine_set_options; E_ARG: a pointer is NULL. */
RAVINE_API ravine_status ravine_options_format(const ravine_options *options, char *text,
                                               size_t capacity, size_t *length) RAVINE_MUST_CHECK;

typedef struct ravine_optimizer ravine_optimizer;

/* Makes an optimizer with one group, number 0. `c` and `env` (NULL: the defaults) are copied. E_ARG
 * and E_RANGE as of ravine_config_check, and for what is wrong in *env; E_UNSUPPORTED: env.isa is
 * none that this build and processor have; E_NOMEM. */
RAVINE_API ravine_status ravine_create(ravine_optimizer **out, const ravine_config *c,
                                       const ravine_env *env) RAVINE_MUST_CHECK;
/* Frees the optimizer; parameters and gradients stay. NULL is allowed. */
RAVINE_API void ravine_destroy(ravine_optimizer *o);
/* Adds a group with settings of its own; *group (may be NULL) = its number. E_ARG and E_RANGE as of
 * ravine_config_check; E_NOMEM. */
RAVINE_API ravine_status ravine_add_group(ravine_optimizer *o, const ravine_config *c,
                                          int32_t *group) RAVINE_MUST_CHECK;

/* Adds n parameters and allocates their state: all of them, or none on an error. May be called
 * again later: new parameters start with step count 0. E_ARG: a name that is taken or that a
 * checkpoint cannot hold, an address that is no multiple of its number's size, a shape of another
 * length; E_RANGE: a length, shape or group out of its bounds; E_UNSUPPORTED: another dtype;
 * E_NOMEM. */
RAVINE_API ravine_status ravine_add(ravine_optimizer *o, const ravine_param *p,
                                    int64_t n) RAVINE_MUST_CHECK;
/* Bytes by which ravine_add(o, p, n) makes ravine_memory_bytes(o) grow: exactly. E_ARG, E_RANGE and
 * E_UNSUPPORTED as of ravine_add. */
RAVINE_API ravine_status ravine_state_bytes(const ravine_optimizer *o, const ravine_param *p,
                                            int64_t n, int64_t *bytes) RAVINE_MUST_CHECK;
/* Bytes that the optimizer holds now, its state and its books. */
RAVINE_API int64_t ravine_memory_bytes(const ravine_optimizer *o);

/* Says where data and gradients of the parameters first ... first + n - 1 (in the order of adding)
 * are now. data == NULL leaves all data as they are, grad == NULL all gradients; a NULL in grad[]:
 * this parameter has no gradient, until it is bound again. E_RANGE: there are no such parameters;
 * E_ARG: a NULL in data[], or an address that is no multiple of its number's size. */
RAVINE_API ravine_status ravine_bind(ravine_optimizer *o, int64_t first, int64_t n,
                                     void *const *data, void *const *grad) RAVINE_MUST_CHECK;
/* Addresses of tensors of another library, object[i] for parameter i < n, to be bound as data or as
 * gradients: by DLPack's C exchange, without a copy and without a call for each. `exchange` is that
 * library's DLPackExchangeAPI 1.x (Python: __dlpack_c_exchange_api__ of the tensor's type; call
 * with the interpreter's lock held); an object that is `none` (Python: None) or NULL is no tensor
 * and has the address NULL. *count (may be NULL): how many tensors there are. E_UNSUPPORTED names
 * one that has no memory of its own, or not row-major in the processor's memory and of the
 * parameter's type; E_ARG one of another length, or of another shape than a parameter that has more
 * than one dimension; E_RANGE: there are not n parameters. object, address: [n]. */
RAVINE_API ravine_status ravine_dlpack_addresses(const ravine_optimizer *o, int64_t n,
                                                 const void *exchange, const void *none,
                                                 void *const *object, void **address,
                                                 int64_t *count) RAVINE_MUST_CHECK;

/* A setting of a group from the next step on; `group` -1: of every group. A schedule is evaluated
 * at the number of applied steps, 0 at the first; ravine_set replaces it by a constant. E_STATE:
 * the setting decides which state exists or how it begins (amsgrad, centered, momentum and
 * ema_decay zero or not, initial) and the group has parameters, or a schedule asks for state that
 * the group's config does not make. E_RANGE: a setting is out of bounds, or several are together
 * (lr weight_decay above 1), at a step where a schedule of the group begins, turns or ends, or
 * there is no such group or setting. Where two schedules are too much together in between,
 * ravine_step refuses the step there. E_ARG: the group's rule does not use the setting, or it
 * cannot be scheduled; E_NOMEM: no memory for a schedule. */
RAVINE_API ravine_status ravine_set(ravine_optimizer *o, int32_t group, int setting,
                                    double value) RAVINE_MUST_CHECK;
RAVINE_API ravine_status ravine_set_schedule(ravine_optimizer *o, int32_t group, int setting,
                                             const ravine_schedule *s) RAVINE_MUST_CHECK;
/* The value that the next step will use. E_RANGE: there is no such group or setting; E_ARG: its
 * rule does not use the setting. */
RAVINE_API ravine_status ravine_get(const ravine_optimizer *o, int32_t group, int setting,
                                    double *value) RAVINE_MUST_CHECK;
/* From the next step on. E_RANGE: a member is out of its bounds. */
RAVINE_API ravine_status ravine_set_options(ravine_optimizer *o,
                                            const ravine_options *options) RAVINE_MUST_CHECK;

/* Statistics of how training goes, beside the norms: X(name, meaning), new ones
 * last. g is the gradient as in grad_norm, u the change of the parameters, t the step; a flip is a
 * change of sign, weighted by the g^2 of the element; zero has no sign. A parameter's last step is
 * the last one in which it had a gradient. An element that was held (its gradient was not finite)
 * counts as a gradient of zero in sums, and is left out of shares.
 * grad_dot_update is of all elements. From `line_position` on they are of the watched ones (see
 * ravine_env), momentum_norm in proportion to grad_norm, and NaN where nothing is known: without
 * watching, in the first steps, in a step that was skipped, or for a rule that has no such thing.
 */
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

/* What a step did. Norms are over the gradients after grad_scale and before clipping, over the
 * change of the parameters, and over the parameters after the step; elements that were held count
 * in the last only. Parameters without a gradient count in none. Of float32 the norms are right to
 * 7 2^-24 = 4.2e-7, and grad_dot_update to 13 2^-24 of the sum of |g u|, whatever the sizes are; of
 * float64 to some 1e-15. */
typedef struct ravine_step_stats {
    uint32_t size;
    int32_t group;    /* -1: all groups */
    int64_t step;     /* applied steps, this one included */
    int64_t attempts; /* calls of ravine_step, this one included */
    double lr;        /* of the group, or of group 0 */
    double grad_norm, update_norm, param_norm;
    double clip;       /* factor on the gradients: 1 unless they were clipped */
    int64_t nonfinite; /* elements whose gradient was not finite; 0 under PROPAGATE */
    int64_t nonfinite_param, nonfinite_index; /* the first of them, or -1 */
#define RAVINE_X(name, meaning) double name;
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
} ravine_step_stats;

/* One step of every parameter that has a gradient. OK, CLIPPED, HELD (also when clipped as well),
 * SKIPPED. stats may be NULL: then the norms are not computed. Never allocates; the first step
 * that is worth it starts the threads of the pool. E_RANGE: schedules ask for settings that are too
 * much together, see ravine_set. */
RAVINE_API ravine_status ravine_step(ravine_optimizer *o,
                                     ravine_step_stats *stats) RAVINE_MUST_CHECK;
/* The part of the last step's statistics that belongs to one group; E_STATE if it made none,
 * E_RANGE if there is no such group. */
RAVINE_API ravine_status ravine_group_stats(const ravine_optimizer *o, int32_t group,
                                            ravine_step_stats *stats) RAVINE_MUST_CHECK;

/* The same of one parameter, in the order of adding; its `group` is the parameter's. All norms are
 * 0 if it had no gradient. E_STATE and E_RANGE as of ravine_group_stats. */
RAVINE_API ravine_status ravine_param_stats(const ravine_optimizer *o, int64_t param,
                                            ravine_step_stats *stats) RAVINE_MUST_CHECK;

/* ---- looking at the state -----------------------------------------------------------------------
 */
/* Parameters of all groups; 0 of NULL. */
RAVINE_API int64_t ravine_param_count(const ravine_optimizer *o);
/* Groups, number 0 counted; 0 of NULL. */
RAVINE_API int32_t ravine_group_count(const ravine_optimizer *o);
/* Applied steps: those that were not skipped. */
RAVINE_API int64_t ravine_steps(const ravine_optimizer *o);
/* Steps of a parameter: those in which it had a gradient; -1: there is no such parameter. */
RAVINE_API int64_t ravine_step_count(const ravine_optimizer *o, int64_t param);
/* Views: pointers into the optimizer, valid until it changes. `key` as in PyTorch: exp_avg,
 * exp_avg_sq, momentum_buffer, square_avg, sum, ..., and ema. E_ARG: there is no such parameter or
 * key. */
RAVINE_INLINE ravine_status ravine_param_view(const ravine_optimizer *o, int64_t param,
                                              ravine_param *view) RAVINE_MUST_CHECK;
RAVINE_INLINE ravine_status ravine_state_view(ravine_optimizer *o, const char *param,
                                              const char *key,
                                              ravine_param *view) RAVINE_MUST_CHECK;
/* sigma_t of the parameter's last step, in float64: the step was eta_t / sigma_t * m_t. Corrections
 * of the bias of v count in sigma, those of m in m. adadelta and adopt: the sigma that the next
 * step will use. 1 where there is none (sgd, asgd); E_UNSUPPORTED where only signs count (lion,
 * signum, rprop); E_STATE before the first step; E_ARG: no such parameter, or len is not its len.
 * sigma: [len]. */
RAVINE_API ravine_status ravine_sigma(const ravine_optimizer *o, const char *param, double *sigma,
                                      int64_t len) RAVINE_MUST_CHECK;
/* Key number k of a parameter's state; NULL past the last. */
RAVINE_API const char *ravine_state_key(const ravine_optimizer *o, int64_t param, int32_t k);
/* The steps of a parameter whose state comes from elsewhere, and is written through its views; in
 * [0, 2^53]. E_RANGE: they are not, or there is no such parameter. */
RAVINE_API ravine_status ravine_set_step_count(ravine_optimizer *o, int64_t param,
                                               int64_t step_count) RAVINE_MUST_CHECK;

/* ---- sizes --------------------------------------------------------------------------------------
 *
 * Functions that make a struct, as the library has them: with the size that the struct has for the
 * caller, so that they never write beyond it. C and C++ call them by the names above; other
 * languages call these. A size that no version of the struct has: E_ARG, and nothing is written. */
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
