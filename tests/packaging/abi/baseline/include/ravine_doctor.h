/* SPDX-License-Identifier: Apache-2.0 */
/* ravine_doctor.h - why is training stuck?
 *
 * Training may be stuck although the gradient is large. A doctor watches the loss and the
 * statistics of every step. It gives a verdict, the numbers behind it, what to change, and what it
 * cannot tell.
 *
 *     once:         env.statistics = 1;                    before ravine_create
 *                   ravine_doctor_create(&d, NULL, NULL);
 *     every step:   ravine_step(o, &stats);
 *                   ravine_doctor_observe(d, o, loss);   microseconds
 *     when stuck:   ravine_probe_run(o, &problem, NULL, &probe);  curvature; costs gradients
 *                   ravine_doctor_take_probe(d, &probe);
 *                   ravine_doctor_diagnose(d, &diagnosis);
 *                   ravine_try_cures(o, &problem, 300, &diagnosis);
 *                   ravine_diagnosis_format(&diagnosis, text, sizeof text, NULL);
 *
 * Every judgement is a ratio. The verdict does not change if you multiply the loss, the gradients
 * or the parameters by a constant, or if you reorder the parameters. docs/verdicts/ has a page for
 * each verdict; docs/internals/doctor.md describes the method.
 */
#ifndef RAVINE_DOCTOR_H
#define RAVINE_DOCTOR_H

#include "ravine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- verdicts -----------------------------------------------------------------------------------
 * How much a verdict matters: X(NAME, value, word, mark, meaning); values never change. With FINE
 * and NOTE there is nothing to change, and the command exits with 0. */
#define RAVINE_SEVERITY_LIST(X)                                                   \
    X(FINE, 0, "fine", "", "training goes on as it should")                       \
    X(NOTE, 1, "note", "", "worth knowing; nothing to change")                    \
    X(WARNING, 2, "warning", "!", "training is held up: something should change") \
    X(URGENT, 3, "urgent", "!!", "every further step is wasted until it is changed")
#define RAVINE_X(NAME, value, word, mark, meaning) RAVINE_SEVERITY_##NAME = value,
typedef enum ravine_severity {
    RAVINE_SEVERITY_LIST(RAVINE_X) RAVINE_SEVERITY_COUNT = 4
} ravine_severity;
#undef RAVINE_X
/* The word of a severity, a fixed text; NULL: there is no such severity. */
RAVINE_API const char *ravine_severity_word(int severity);
/* The mark that is written before a verdict of a severity, a fixed text; NULL: there is no such
 * severity. */
RAVINE_API const char *ravine_severity_mark(int severity);

/* X(NAME, value, severity, word, meaning); values never change, new ones come last. */
#define RAVINE_VERDICT_LIST(X)                                                                     \
    X(HEALTHY, 0, FINE, "healthy", "the loss falls at a rate that will take it further")           \
    X(NONFINITE, 1, URGENT, "nonfinite", "a loss, gradient or parameter is not finite")            \
    X(DIVERGING, 2, URGENT, "diverging", "each step ends higher up the wall than it began")        \
    X(DEAD, 3, URGENT, "dead", "nearly all gradients are exactly zero")                            \
    X(SIGMA_BURST, 4, WARNING, "sigma_burst",                                                      \
      "sigma shrank with the gradient until one step was thrown far out of the valley")            \
    X(WARMUP_NEEDED, 5, WARNING, "warmup_needed",                                                  \
      "the first steps, before sigma had settled, were far too long")                              \
    X(LOCAL_MINIMUM, 6, NOTE, "local_minimum", "no gradient, and no way down was found")           \
    X(SADDLE, 7, WARNING, "saddle", "no gradient, but the loss falls along a direction")           \
    X(BOUNCING, 8, WARNING, "bouncing", "steps jump from wall to wall of a ravine")                \
    X(VANISHING, 9, WARNING, "vanishing", "the gradient hardly reaches some or all parameters")    \
    X(NOISE_FLOOR, 10, WARNING, "noise_floor", "the noise of the batches undoes the descent")      \
    X(CRAWLING, 11, WARNING, "crawling", "steps lead straight downhill, but they are too short")   \
    X(UNCLEAR, 12, WARNING, "unclear", "the loss does not fall and no single cause stands out")    \
    X(NOT_LEARNING, 13, WARNING, "not_learning",                                                   \
      "little or nothing is learned, at any learning rate")                                        \
    X(NOT_CONNECTED, 14, URGENT, "not_connected",                                                  \
      "parameters get no gradient, or no optimizer has them")                                      \
    X(OVERFITTING, 15, WARNING, "overfitting",                                                     \
      "the held-out loss rises while the training loss falls")                                     \
    X(CLIPPED, 16, WARNING, "clipped", "every gradient is clipped to a small part of its length")  \
    X(LR_ZERO, 17, WARNING, "lr_zero", "the learning rate is 0 or nearly 0, and steps go on")      \
    X(ACCUMULATING, 18, URGENT, "accumulating", "gradients are never set to zero")                 \
    X(DECAYED_AWAY, 19, WARNING, "decayed_away", "weight decay pulls harder than the gradient")    \
    X(DATA_ORDER, 20, WARNING, "data_order", "the loss shows the order of the examples")           \
    X(UPDATE_LOST, 21, WARNING, "update_lost", "updates are below the last bit of the parameters") \
    X(EXPLODING, 22, WARNING, "exploding", "signals or gradients grow from layer to layer")        \
    X(UNSCALED_INPUT, 23, WARNING, "unscaled_input",                                               \
      "inputs are not of the size that a network expects")                                         \
    X(LABELS_LOST, 24, URGENT, "labels_lost", "nothing is asked for: no label counts")             \
    X(RESUME_JUMP, 25, WARNING, "resume_jump", "the loss leapt up where training went on")

#define RAVINE_X(NAME, value, severity, word, meaning) RAVINE_VERDICT_##NAME = value,
typedef enum ravine_verdict {
    RAVINE_VERDICT_LIST(RAVINE_X) RAVINE_VERDICT_COUNT = 26
} ravine_verdict;
#undef RAVINE_X
/* The word of a verdict, a fixed text; NULL: there is no such verdict. */
RAVINE_API const char *ravine_verdict_word(int verdict);
/* The meaning of a verdict, a fixed text; NULL: there is no such verdict. */
RAVINE_API const char *ravine_verdict_meaning(int verdict);
/* The severity of a verdict, a ravine_severity; -1: there is no such verdict. */
RAVINE_API int ravine_verdict_severity(int verdict);
/* The exit code of the command for a verdict: 0 where there is nothing to change, else 10 +
 * verdict; -1: there is no such verdict. */
RAVINE_API int ravine_verdict_exit_code(int verdict);

typedef struct ravine_doctor_options {
    uint32_t size;
    int32_t window;   /* steps of a window, W; 16 .. 65536; default 256 */
    int64_t budget;   /* steps that training may still take; 0, the default: 10 windows */
    int32_t samples;  /* elements whose path is followed; 0: none; default 4096 */
    int32_t reserved; /* 0 */
} ravine_doctor_options;
/* Fills *options with the defaults, which the comments of the struct name. */
RAVINE_INLINE void ravine_doctor_options_init(ravine_doctor_options *options);

/* ---- watching -----------------------------------------------------------------------------------
 */
typedef struct ravine_doctor ravine_doctor;

/* Makes a doctor. options and env may be NULL: the defaults. Both are copied. E_RANGE: an option is
 * out of its bounds; E_NOMEM. */
RAVINE_API ravine_status ravine_doctor_create(ravine_doctor **out,
                                              const ravine_doctor_options *options,
                                              const ravine_env *env) RAVINE_MUST_CHECK;
/* Frees the doctor. NULL is allowed. */
RAVINE_API void ravine_doctor_destroy(ravine_doctor *d);

/* Call it after each ravine_step that made statistics. It takes the statistics of the step and of
 * each parameter, and the loss of the step's batch (at the parameters before the step). It follows
 * the path of sampled elements. The first call allocates, later calls only when parameters were
 * added: E_NOMEM. E_STATE: the last step made no statistics; E_RANGE: there are more than 2^31 - 1
 * parameters. */
RAVINE_API ravine_status ravine_doctor_observe(ravine_doctor *d, const ravine_optimizer *o,
                                               double loss) RAVINE_MUST_CHECK;

/* An observation as plain numbers, for logs and for other optimizers. An unknown number is NaN. A
 * part is a parameter, in the order of the layers, or a group of parameters. The evidence uses its
 * name. */
typedef struct ravine_observation {
    uint32_t size;
    int32_t nparts;
    double loss;
    double path_efficiency; /* |theta_t - theta_(t-W)| / sum of |u| over W steps, of the sampled
                               elements; NaN: unknown */
    const ravine_step_stats *stats;      /* of all parts */
    const ravine_step_stats *part_stats; /* [nparts] */
    const char *const *part_name;        /* [nparts], for the evidence; NULL: no names */
    const ravine_config *config;  /* of the first part: its rule and settings; NULL: unknown */
    const int64_t *part_elements; /* [nparts], the size of each; NULL: unknown */
} ravine_observation;
/* Takes one observation. E_ARG: there are no statistics, or there are parts without statistics;
 * E_NOMEM: there are more parts than before, and no memory for them. */
RAVINE_API ravine_status ravine_doctor_feed(ravine_doctor *d,
                                            const ravine_observation *o) RAVINE_MUST_CHECK;

/* An observation of another optimizer, from sampled elements of each parameter. The elements are
 * read where they are, and are the same in every step. ravine_samples_take copies them before a
 * step. ravine_doctor_observe_samples compares them with the copy after it. A parameter is one of
 * the parts from its first gradient on. */
enum { RAVINE_SAMPLES_CHUNK = 128, RAVINE_SAMPLES_NOTES = 7 };
typedef struct ravine_samples {
    uint32_t size;
    int32_t dtype;       /* of data and gradient: F32, F64, BF16 or F16 */
    int32_t state_dtype; /* of momentum and variance */
    int32_t twins;       /* 1: all rows or all columns of this weight are the same */
    int64_t elements;    /* number of elements of the parameter */
    int64_t len;         /* number of samples, in chunks of RAVINE_SAMPLES_CHUNK */
    int64_t pitch; /* from one chunk to the next, in all arrays; RAVINE_SAMPLES_CHUNK: no gap */
    const void *data;
    const void *gradient;  /* read before the step; NULL: there is none in this step */
    const void *momentum;  /* mean or buffer of gradients, read after the step; NULL: unknown */
    const void *variance;  /* read before the step; NULL: unknown */
    double variance_scale; /* variance times this is the square of the last step's sigma, without
                              eps */
    double eps_variance;   /* where variance is below it, sigma is mostly eps; NaN: unknown */
    double decay;          /* weight decay that the rule adds to the gradient */
    double gradient_scale; /* the gradients are too large by this factor; 1: they are not */
    double grad_norm;      /* of the whole parameter, over gradient_scale; NaN: from the samples */
    double *notes;         /* [RAVINE_SAMPLES_NOTES, len], zeros before the first step */
    /* The library writes these; they are zeros before the first step. The first [len] of the notes
     * hold the samples as they were before the step. */
    double way2;  /* sum of the squares of the samples' updates */
    double slope; /* <gradient, update> of the last step */
    int64_t steps;
} ravine_samples;
/* Copies what the step will change, of nparts samples. E_ARG: lengths, dtypes or pointers of a
 * sample do not fit together. */
RAVINE_API ravine_status ravine_samples_take(ravine_samples *samples,
                                             int32_t nparts) RAVINE_MUST_CHECK;
/* Takes one observation. It reads loss, path_efficiency, nparts, names and config of the
 * observation, and step, attempts, lr and clip of its statistics; the rest is measured from samples
 * [nparts]. E_ARG as in ravine_samples_take; E_NOMEM as in ravine_doctor_feed. */
RAVINE_API ravine_status ravine_doctor_observe_samples(ravine_doctor *d,
                                                       const ravine_observation *o,
                                                       ravine_samples *samples) RAVINE_MUST_CHECK;

/* The same in two halves, for processes that train one model together; each process has samples of
 * its share. After the step each process measures its own samples. The sums of all processes are
 * added up, number by number, and every process gives the totals to its doctor: so all doctors say
 * the same. A process that has nothing of a part has samples of len 0. Of what several processes
 * hold alike, only one has samples. */
enum { RAVINE_SAMPLES_SUMS = 32 };
/* Measures samples into sums [nparts, RAVINE_SAMPLES_SUMS]. E_ARG as in ravine_samples_take. */
RAVINE_API ravine_status ravine_samples_measure(ravine_samples *samples, int32_t nparts,
                                                double *sums) RAVINE_MUST_CHECK;
/* As ravine_doctor_observe_samples, from the sums [o->nparts, RAVINE_SAMPLES_SUMS] of all
 * processes. The observation has the part_elements of the whole parts. update_max is not known.
 * E_ARG: part_elements or the sums are NULL; E_NOMEM as in ravine_doctor_feed. */
RAVINE_API ravine_status ravine_doctor_observe_sums(ravine_doctor *d, const ravine_observation *o,
                                                    const double *sums) RAVINE_MUST_CHECK;

/* Facts that no step shows. X(NAME, value, word, meaning); values never change, new ones come
 * last. */
#define RAVINE_FACT_LIST(X)                                                                \
    X(TOTAL_STEPS, 0, "total_steps", "steps that the training has made when it ends")      \
    X(CONSTANT_LOSS, 1, "constant_loss",                                                   \
      "the loss of the best prediction that is the same for every example")                \
    X(CLASSES, 2, "classes", "classes of the targets: ln of them bounds constant_loss")    \
    X(VALIDATION, 3, "validation",                                                         \
      "the loss, now, on examples that are not trained on: told again and again")          \
    X(EXAMPLE, 4, "example", "the first example of the next step's batch, by its number")  \
    X(UNREACHED_SHARE, 5, "unreached_share",                                               \
      "share of the optimizer's numbers that no gradient has reached")                     \
    X(FOREIGN_SHARE, 6, "foreign_share",                                                   \
      "share of the model's trainable numbers that the optimizer does not have")           \
    X(FROZEN_SHARE, 7, "frozen_share", "share of the model's numbers that are frozen")     \
    X(CLIP_NORM, 8, "clip_norm", "bound on the gradient's norm where others clip it")      \
    X(RESUMED, 9, "resumed",                                                               \
      "the step from which training goes on, after a checkpoint; 0: from the start")       \
    X(LOSS_INPUT, 10, "loss_input",                                                        \
      "what the loss is given: 0 what it expects, 1 what a softmax or sigmoid has "        \
      "squashed before, 2 a softmax over the examples, 3 what a ReLU has cut at 0, 4 "     \
      "each prediction beside each target, [n, 1] beside [n]")                             \
    X(INPUT_SIZE, 11, "input_size", "root mean square of the inputs")                      \
    X(INPUT_RATIO, 12, "input_ratio",                                                      \
      "the greatest root mean square of a column of inputs over the median one")           \
    X(INPUT_PEAK, 13, "input_peak",                                                        \
      "the greatest root mean square of an example over the median one")                   \
    X(TARGET_SIZE, 14, "target_size", "root mean square of the targets of a regression")   \
    X(DROPOUT, 15, "dropout", "the greatest share of units that a layer drops")            \
    X(NORMS_UNTRAINED, 16, "norms_untrained",                                              \
      "share of the batch norms that use the running means of the start, never trained")   \
    X(TARGET_PEAK, 17, "target_peak",                                                      \
      "the greatest root mean square of an example's targets over the median one")         \
    X(LR_END, 18, "lr_end", "the learning rate with which the schedule will end")          \
    X(STATE_LOST, 19, "state_lost",                                                        \
      "steps that were observed when the optimizer's state was found gone, or older")      \
    X(ASCENT, 20, "ascent", "1: steps make the loss larger, and it is an error")           \
    X(WEIGHT_GAIN, 21, "weight_gain",                                                      \
      "how much the first weights of a layer enlarge its inputs, the greatest one: their " \
      "root mean square times the square root of the number of inputs; He: 1.41")          \
    X(LABELS_KEPT, 22, "labels_kept",                                                      \
      "the least share of a batch's labels that count in the mean; 0: all are masked")
#define RAVINE_X(NAME, value, word, meaning) RAVINE_FACT_##NAME = value,
typedef enum ravine_fact { RAVINE_FACT_LIST(RAVINE_X) RAVINE_FACT_COUNT = 23 } ravine_fact;
#undef RAVINE_X
/* The word of a fact, a fixed text; NULL: there is no such fact. */
RAVINE_API const char *ravine_fact_word(int fact);
/* Tells the doctor a fact, which holds from the next step on; NaN takes it back. E_RANGE: there is
 * no such fact. */
RAVINE_API ravine_status ravine_doctor_tell(ravine_doctor *d, int fact,
                                            double value) RAVINE_MUST_CHECK;

/* The path efficiency that the last ravine_doctor_observe measured, for a log; NaN: unknown. */
RAVINE_API double ravine_doctor_path_efficiency(const ravine_doctor *d);

/* The length of the doctor's memory as numbers, for a checkpoint: everything that later verdicts
 * depend on. */
RAVINE_API int64_t ravine_doctor_state_length(const ravine_doctor *d);
/* Writes the doctor's memory to state[length]. E_ARG: length is not
 * ravine_doctor_state_length(). */
RAVINE_API ravine_status ravine_doctor_export(const ravine_doctor *d, double *state,
                                              int64_t length) RAVINE_MUST_CHECK;
/* Restores the memory of a doctor with the same options. E_FORMAT: the numbers are not those of
 * such a doctor, and nothing has changed; E_NOMEM. */
RAVINE_API ravine_status ravine_doctor_import(ravine_doctor *d, const double *state,
                                              int64_t length) RAVINE_MUST_CHECK;

/* ---- early warning ------------------------------------------------------------------------------
 * X(NAME, value, word, meaning); values never change, new ones come last. */
#define RAVINE_WARNING_LIST(X)                                                                  \
    X(NONE, 0, "none", "nothing to warn of")                                                    \
    X(GROWTH, 1, "growth",                                                                      \
      "the gradient norm grows from step to step while signs flip or the loss climbs")          \
    X(SIGN_CHANGES, 2, "sign_changes", "signs flip as in a bounce, and the loss does not fall") \
    X(STABILITY, 3, "stability", "eta over sigma comes close to the limit of stability")        \
    X(NONFINITE_GRADIENT, 4, "nonfinite_gradient", "elements of the gradient are not finite")   \
    X(THROWN, 5, "thrown", "a step as long as the parameters has thrown the loss up")
#define RAVINE_X(NAME, value, word, meaning) RAVINE_WARNING_##NAME = value,
typedef enum ravine_warning_kind {
    RAVINE_WARNING_LIST(RAVINE_X) RAVINE_WARNING_COUNT
} ravine_warning_kind;
#undef RAVINE_X
typedef struct ravine_warning {
    uint32_t size;
    int32_t kind;        /* ravine_warning_kind */
    int64_t since;       /* step at which it was first seen */
    double value, limit; /* the value that crossed the limit */
    char text[160];      /* one line */
} ravine_warning;
/* The warning that the last observation gives; its kind is RAVINE_WARNING_NONE if there is none. */
RAVINE_API ravine_status ravine_doctor_warning(const ravine_doctor *d,
                                               ravine_warning *warning) RAVINE_MUST_CHECK;
/* The word of a kind of warning, a fixed text; NULL: there is no such kind. */
RAVINE_API const char *ravine_warning_word(int kind);

/* ---- probing: curvature, on demand --------------------------------------------------------------
 *
 * You provide the problem as a function of the optimizer's parameters where they are. It computes
 * the loss of batch number `batch`. If `gradient` is set, it fills the bound gradients with the
 * gradient of that loss (not multiplied by grad_scale); otherwise it may leave them as they are or
 * write anything there. The same batch at the same parameters must give the same numbers: dropout
 * keeps its mask, or is off. Return 0; any other value stops the call with E_STATE. Parameters
 * without a bound gradient do not take part.
 *
 * If your program can multiply by the Hessian, for example by differentiating twice, set `product`,
 * too: out = H x for the loss of batch `batch` at the current parameters; x, out: [n], the elements
 * of the parameters that take part, in the order of adding. Without it H x is computed from
 * differences of gradients; numbers of 16 bits are too coarse for that.
 *
 * A call changes parameters and gradients while it runs. After it they are the same, bit for bit,
 * even when it fails. E_STATE: the loss or the gradient is not finite at the parameters. */
typedef int (*ravine_evaluate)(void *context, int64_t batch, int32_t gradient, double *loss);
typedef int (*ravine_product)(void *context, int64_t batch, const double *x, double *out);
typedef struct ravine_problem {
    uint32_t size;
    int32_t reserved;
    ravine_evaluate evaluate;
    void *context;
    int64_t batch;    /* the fixed batch of curvature probes; large is better */
    int64_t nbatches; /* other batches, numbered batch + 1 ..., for noise and trials; 0: no noise */
    ravine_product product; /* H x; NULL: from differences of gradients */
} ravine_problem;

enum { RAVINE_LANCZOS_MAX = 1024, RAVINE_SLICE_MAX = 129 };
typedef struct ravine_probe_options {
    uint32_t size;
    int32_t lanczos;        /* steps of Lanczos' iteration, 2 gradients each; 0: none; default 20 */
    int32_t preconditioned; /* the same for the sharpness under sigma; 0: none; default 20 */
    int32_t noise;          /* batches for the noise scale; 0 or 1: none; default 8 */
    int32_t slice; /* losses along the update and the extreme eigenvectors; 0, the default: none */
    int32_t reserved;
    uint64_t seed; /* of the random start of Lanczos' iteration */
} ravine_probe_options;
/* Fills *options with the defaults, which the comments of the struct name. */
RAVINE_INLINE void ravine_probe_options_init(ravine_probe_options *options);

/* Losses at theta + offset * direction; the direction has norm 1. */
typedef struct ravine_slice {
    int32_t count, reserved;
    double offset[RAVINE_SLICE_MAX], loss[RAVINE_SLICE_MAX];
} ravine_slice;

typedef struct ravine_probe {
    uint32_t size;
    int32_t lanczos;  /* steps made: as many as asked for, or as there are dimensions */
    int32_t flat;     /* how many Ritz values have a size of at most curvature_noise */
    int32_t reserved; /* 0 */
    int64_t step;     /* the optimizer's applied steps */
    int64_t elements; /* number of elements of the parameters that take part */
    double loss, grad_norm, param_norm;
    /* Both ends of the spectrum of the Hessian H, as Ritz values; an eigenvalue lies within the
     * residual of each. A lambda_min below -curvature_noise proves negative curvature, because it
     * is a Rayleigh quotient. */
    double lambda_max, lambda_max_residual;
    double lambda_min, lambda_min_residual;
    double curvature_noise; /* curvature that finite differences cannot tell from zero */
    double escape_offset;   /* distance along the eigenvector of lambda_min, to the side where the
                               loss is lower */
    double escape_loss[2];  /* losses at -|escape_offset| and +|escape_offset|; NaN: no way down */
    double krylov_decrease; /* 1/2 g' |H|^-1 g in the space seen: how far the loss can fall */
    double sharpness;       /* greatest eigenvalue of P^-1/2 H P^-1/2, P = diag(sigma), H with
                               coupled decay; groups weighed by their rates; NaN: sigma unknown */
    double lr, limit; /* of the next step, with lr as in ravine_effective_lr: it is stable iff lr *
                         sharpness < limit; limit is NaN for rules of signs */
    double critical_lr; /* the lowest lr with which the next step raises the loss of the fixed
                           batch; 0: any; inf: none was found; NaN: the step does not move */
    double noise_scale; /* tr(Sigma)/|G|^2, in batches (McCandlish et al. 2018); inf: no signal */
    double noise_trace; /* tr(Sigma) of one batch's gradient, unbiased */
    double signal;      /* |G|^2, unbiased: may be negative where there is no signal */
    int64_t gradients, losses; /* cost of the probe: calls with and without a gradient; H x counts
                                  as two gradients */
    ravine_slice along_update, along_max, along_min;
} ravine_probe;

/* Measures the loss around the parameters. options NULL: the defaults. Numbers that were not asked
 * for are NaN. It computes 1 + 2 lanczos + 2 preconditioned + noise gradients, and 2 to 10 more to
 * choose the distance of finite differences where |theta| is below 1. Its memory is (max(lanczos,
 * preconditioned) + 4) n doubles for n elements, copies of parameters and gradients, and a second
 * state; it comes from the optimizer's environment and is freed on return. E_STATE: no parameter
 * has a gradient, the problem returns a value other than 0, or its loss or gradient is not finite;
 * E_RANGE: an option or nbatches is out of its bounds; E_NOMEM. */
RAVINE_API ravine_status ravine_probe_run(ravine_optimizer *o, const ravine_problem *problem,
                                          const ravine_probe_options *options,
                                          ravine_probe *probe) RAVINE_MUST_CHECK;
/* Moves the parameters out of a saddle: by `offset` along the eigenvector of the most negative
 * curvature, which a probe with the same options finds here. E_STATE: the probe finds no negative
 * curvature, or as in ravine_probe_run; E_RANGE: offset is not finite, or lanczos is 0; E_NOMEM. */
RAVINE_API ravine_status ravine_escape(ravine_optimizer *o, const ravine_problem *problem,
                                       const ravine_probe_options *options,
                                       double offset) RAVINE_MUST_CHECK;

/* The limit of lr * S up to which the rule is stable at step t = 0, 1, ... when its lr is `lr`; S
 * is the sharpness under sigma. It is 2 for gradient descent, 2 (1 + b) for a heavy ball, 2 (1 +
 * b)/(1 - b) for Adam, and NaN for rules that use signs alone. */
RAVINE_API double ravine_stability_limit(const ravine_config *c, double lr, int64_t t);
/* eta of step t when the schedule gives lr: adagrad and asgd have a decay of their own. */
RAVINE_API double ravine_effective_lr(const ravine_config *c, double lr, int64_t t);

/* Gives the doctor a probe. It uses the probe until the parameters have moved on by a window. */
RAVINE_API ravine_status ravine_doctor_take_probe(ravine_doctor *d,
                                                  const ravine_probe *probe) RAVINE_MUST_CHECK;

/* ---- the diagnosis ------------------------------------------------------------------------------
 */
typedef struct ravine_evidence {
    char name[32]; /* snake_case: a key of the JSON */
    double value;
    char text[128]; /* "signs flip in 98 % of the gradient's energy" */
} ravine_evidence;

typedef enum ravine_cure_action {
    RAVINE_CURE_SETTINGS, /* continue with `optimizer` and `schedule` */
    RAVINE_CURE_ESCAPE,   /* call ravine_escape() first, then continue with them */
    RAVINE_CURE_ADVICE    /* no program can try it: data, model, stopping */
} ravine_cure_action;
typedef struct ravine_cure {
    int32_t action;      /* ravine_cure_action */
    int32_t tried;       /* 1: loss_ratio is known */
    int32_t kind;        /* what is changed, see ravine_cure_word; 0: not known */
    int32_t reserved;    /* 0 */
    double old_value;    /* number of its text: "from 0.1"; NaN: none */
    double new_value;    /* number of its text: "to 0.02"; NaN: none */
    char text[192];      /* "lower lr from 0.1 to 0.02" */
    char optimizer[256]; /* rule and settings, as ravine_config_parse reads them; "": unchanged */
    char schedule[128];  /* schedule of lr from here on, as ravine_schedule_parse reads it; "":
                            constant */
    double escape;       /* offset for ravine_escape */
    double loss_ratio; /* loss with the cure / loss of the unchanged run after as many steps: below
                          1 it helped. If one of them is not positive: 1 + their difference / the
                          greater magnitude. inf: a loss is not finite; NaN: not tried */
} ravine_cure;

/* The word of a kind of cure, such as "lower_lr", a fixed text; NULL: there is no such kind. */
RAVINE_API const char *ravine_cure_word(int kind);

enum { RAVINE_EVIDENCE_MAX = 24, RAVINE_CURES_MAX = 6, RAVINE_ALSO_MAX = 6, RAVINE_CANNOT_MAX = 6 };
typedef struct ravine_diagnosis {
    uint32_t size;
    int32_t verdict;   /* ravine_verdict */
    double confidence; /* [0, 1]: how often such an answer was right (docs/doctor_outside.md) */
    int64_t step;      /* applied steps at the last observation */
    int64_t since;     /* the step from which on the evidence holds; -1: not known */
    int32_t nevidence, ncures, nalso, ncannot_tell;
    ravine_evidence evidence[RAVINE_EVIDENCE_MAX];
    ravine_cure cure[RAVINE_CURES_MAX];       /* the most promising first */
    char not_text[192];                       /* what it is not, with the number that shows it */
    int32_t also[RAVINE_ALSO_MAX];            /* other verdicts whose evidence holds, too */
    char cannot_tell[RAVINE_CANNOT_MAX][160]; /* what it cannot tell, and what would show it */
    /* From ravine_try_cures: the losses behind loss_ratio; inf: not finite; NaN: none. */
    double unchanged_loss;
    double cure_loss[RAVINE_CURES_MAX]; /* in the order of the cures */
} ravine_diagnosis;

/* Diagnoses what holds the training up, as of the last observation. */
RAVINE_API ravine_status ravine_doctor_diagnose(const ravine_doctor *d,
                                                ravine_diagnosis *diagnosis) RAVINE_MUST_CHECK;

/* Writes what is wrong and what to do about it in everyday words: "Each step undoes the last one:
 * ... Lower lr from 5 to 1.2." The language is "en", "zh" (simplified Chinese, UTF-8) or "zh_TW"
 * (Chinese as written in Taiwan; "zh_HK" and "zh-Hant" select it, too). Longer names such as
 * "zh_CN.UTF-8" are allowed; an unknown language gives English. *length (may be NULL) receives the
 * length without the final NUL. E_RANGE: `capacity` bytes do not hold the text; RAVINE_SENTENCE_MAX
 * bytes hold every one. */
enum { RAVINE_SENTENCE_MAX = 768 };
RAVINE_API ravine_status ravine_diagnosis_sentence(const ravine_diagnosis *diagnosis,
                                                   const char *language, char *text,
                                                   size_t capacity,
                                                   size_t *length) RAVINE_MUST_CHECK;

/* Writes the diagnosis as lines of text for a terminal or a log: its sentence, the verdict, then
 * why, what it means, what to do, what it is not, what cannot be told. *length (may be NULL)
 * receives the length without the final NUL. E_RANGE: `capacity` bytes do not hold the text;
 * RAVINE_DIAGNOSIS_TEXT_MAX bytes hold every one. */
enum { RAVINE_DIAGNOSIS_TEXT_MAX = 8192 };
RAVINE_API ravine_status ravine_diagnosis_format(const ravine_diagnosis *diagnosis, char *text,
                                                 size_t capacity, size_t *length) RAVINE_MUST_CHECK;

enum { RAVINE_NO_EFFECT_PERCENT = 2 };
/* Tries every cure that can be tried beside the unchanged run. Each trial makes `steps` steps from
 * a copy of parameters and state, on batches problem->batch + 1 ... It is judged by the loss of the
 * fixed batch: the mean after the last steps (8 at most). The call sets `tried` and `loss_ratio`
 * and sorts the cures: first those that helped, the most helpful first, then those that were not
 * tried, then those without effect (a ratio within RAVINE_NO_EFFECT_PERCENT of 1). Cures that did
 * harm are removed; if none is left, the only cure says so. If the run is lost, but not within so
 * many steps, only a cure that helped counts as tried.
 *
 * A group keeps the settings in which it differs from group 0, and the ratio of its lr to that of
 * group 0. State that both rules use is kept; all other state starts anew. A setting that a group
 * cannot take (see ravine_set) is not tried. Afterwards parameters, gradients and state are as
 * before. E_STATE as in ravine_probe_run; E_RANGE: steps is below 1; E_NOMEM. */
RAVINE_API ravine_status ravine_try_cures(ravine_optimizer *o, const ravine_problem *problem,
                                          int64_t steps,
                                          ravine_diagnosis *diagnosis) RAVINE_MUST_CHECK;

/* ---- sizes, as in ravine.h ----------------------------------------------------------------------
 */
RAVINE_API void ravine_doctor_options_init_sized(ravine_doctor_options *options, size_t size);
RAVINE_API void ravine_probe_options_init_sized(ravine_probe_options *options, size_t size);

static inline void ravine_doctor_options_init(ravine_doctor_options *options) {
    ravine_doctor_options_init_sized(options, sizeof *options);
}
static inline void ravine_probe_options_init(ravine_probe_options *options) {
    ravine_probe_options_init_sized(options, sizeof *options);
}

#ifdef __cplusplus
}
#endif
#endif
