/* SPDX-License-Identifier: Apache-2.0 */
/* watch_memory.h - what a doctor remembers of a run.
 *
 * A ring of the last steps, medians of the loss over a few windows, extremes and events since the
 * start, running means of each part (a parameter, or a group of them), what it was told beside the
 * steps. ring.c has its life, observe.c what is taken from a step, parts.c, path.c and events.c
 * what becomes of it, state.c writes it down.
 *
 * Everything remembered is a double, so that the memory is an array of numbers (state.c). NaN is a
 * number that is not known.
 */
#ifndef RAVINE_DOCTOR_WATCH_MEMORY_H
#define RAVINE_DOCTOR_WATCH_MEMORY_H

#include "ravine_doctor.h"

#include <stdbool.h>

enum {
    DOCTOR_BLOCKS = 64, /* block medians of the loss: 4 windows of 16 blocks */
    DOCTOR_BLOCKS_A_WINDOW = 16,
    DOCTOR_QUARTERS = 4,     /* of a window, in the measure of the path */
    DOCTOR_BURSTS = 16,      /* the latest that are remembered */
    DOCTOR_EARLY = 8,        /* losses of the start */
    DOCTOR_EARLY_STEPS = 20, /* that count as the first ones */
    DOCTOR_VALIDATIONS = 32, /* the latest that are remembered */
    DOCTOR_RUN = 64          /* followed elements come in runs of as many neighbours */
};

/* One step of the window. Those whose loss or gradient was not finite are not among them. */
typedef struct doctor_step {
    double step, loss, lr;
    double gradient, update, param; /* norms */
    double clip;                    /* factor on the gradients */
    double slope;                   /* <g, u> */
    double line_position, sign_change_rate, sign_change_rate_lag2;
    double momentum, sigma_ratio, zero_share, quiet_share, underflow_share, eps_share, update_max;
} doctor_step;

typedef struct doctor_burst {
    double start, peak;      /* steps */
    double before;           /* loss */
    double noise;            /* the farthest that a single loss lay from its neighbours then */
    double update;           /* greatest update norm over lr / its slow mean before */
    double loss;             /* greatest rise of the loss, over |before| */
    double sign_change_rate; /* greatest short mean */
    double sigma_ratio;      /* greatest */
} doctor_burst;

/* A part's running means over about half a window: sums with weights that decay. */
typedef struct doctor_part {
    double elements; /* 1 where nobody said how many */
    double twins;    /* 1: a weight whose rows were all the same after the first step */
    double weight, gradient, update, param;
    double sign_change_weight, sign_change_rate;
    double share_weight, zero_share, quiet_share, underflow_share, eps_share;
    double gradient_most;
    double steps;       /* observed, also those without a gradient */
    double silent;      /* of them in a row until now without any gradient but 0 */
    double param_first; /* norm after the first step that had a gradient */
    double way;         /* sum of update norms */
} doctor_part;

/* The last steps: medians of eight of them, and the gradient against the least of the window. */
typedef struct doctor_recent {
    double gradient, line_position, sign_change_rate;
    double growth, growth_least; /* of the gradient's norm a step; the least of the eight */
    double rise;                 /* gradient's norm now / the least of the window */
} doctor_recent;

/* How gradients and signals go through the layers: parts in the order of being added. */
typedef struct doctor_scales {
    double faint;  /* gradient of an element in the first third of the parts over the last third */
    double input;  /* size of what the first layer is given, as gradients tell it */
    double signal; /* the greatest size of what later ones are given */
} doctor_scales;

typedef struct doctor_validation {
    double step, loss;
    double train; /* median of the last losses of the training then */
} doctor_validation;

typedef struct doctor_history {
    double observed; /* steps, also those that were not finite */
    double kept;     /* of them, in the window: finite */
    double step;     /* applied steps, at the last observation */
    double first_step;
    double early[DOCTOR_EARLY]; /* the first losses */
    double loss_first, loss_least, loss_most;
    double gradient_most, param_most;
    double gradient_alive; /* norm at the last step that had one above 0 */
    double thrown;         /* greatest loss of the first steps */
    double update_first;   /* norm of the first update, and of the parameters after it */
    double param_first;
    double way_early; /* sum of update norms over the first steps */
    double move_most; /* greatest update norm over that of the parameters, and its step */
    double move_most_step;
    double sign_change_short; /* mean of sign_change_rate over the last few steps */
    double way;               /* sum of update norms */
    double update_slow;       /* mean of log(update norm / lr) over about a window */
    double still;             /* steps in a row until now that changed no parameter */
    double silent;            /* and that had no gradient but 0 */
    double same_norm;         /* and whose gradient was as long as the one before it */
    double zero_losses;       /* and whose loss was exactly 0 */
    double bursts;            /* how many so far */
    double burst_open;        /* 1: steps are unusually long */
    double burst_counted;     /* 1: and this is a burst */
    double quiet;             /* steps since the open burst calmed down */
    double nonfinite_first;   /* steps made before it; -1: none */
    double nonfinite_last;    /* the number of the observation */
    double nonfinite_steps;   /* how many */
    double nonfinite_count;   /* elements, at the first of them */
    double nonfinite_param, nonfinite_index;
    double nonfinite_loss;    /* 1: it was the loss that was not finite first */
    double nonfinite_example; /* the fact EXAMPLE at the first of them */
    doctor_recent before_nonfinite;
    doctor_scales start; /* at the first step */
    double twins;        /* share of the numbers in weights whose rows were the same then */
    double blocks;       /* block medians so far */
    double block_least;  /* the least of them, and the step at which it ended */
    double block_least_step;
    double efficiency; /* of the path */
    double warning, warning_since, warning_value, warning_limit;
    double lr_first, lr_most; /* since the start: is there a schedule, a warm-up? */
    double lr_low_since;      /* the step from which lr was next to nothing of lr_most; -1 */
    doctor_burst burst;       /* the open one */
    doctor_burst past[DOCTOR_BURSTS];
    double block[DOCTOR_BLOCKS];    /* block k at k % DOCTOR_BLOCKS */
    double length[DOCTOR_QUARTERS]; /* of the path of the sampled elements, each quarter */
    double quarters;                /* ended ones */
    double walked;                  /* of the quarter that is going on */
    double walked_steps;
    double validations; /* how many so far */
    double validation_first, validation_least, validation_least_step;
    doctor_validation validation[DOCTOR_VALIDATIONS]; /* the k-th at k % DOCTOR_VALIDATIONS */
    double fact[RAVINE_FACT_COUNT];                   /* as told last; NaN: never */
    double rule;                                      /* -1: unknown */
    double setting[RAVINE_SETTING_COUNT];
    /* The last probe; step -1: none. */
    double probe_step, probe_elements, probe_flat, probe_lanczos, probe_loss, probe_gradient;
    double probe_max, probe_max_residual, probe_min, probe_min_residual, probe_noise;
    double probe_escape, probe_escape_loss[2], probe_decrease, probe_sharpness, probe_lr;
    double probe_limit, probe_critical_lr, probe_noise_scale, probe_signal;
} doctor_history;

struct ravine_doctor {
    ravine_env env;
    ravine_doctor_options options;
    doctor_history h;
    doctor_step *window; /* [options.window], step k of the kept ones at k % window */

    int32_t nparts;
    doctor_part *parts;    /* [nparts] */
    char (*part_name)[64]; /* [nparts], "" where there is none */
    /* [nparts] each, room for ravine_doctor_observe. */
    ravine_step_stats *all_stats;
    int64_t *elements;
    const char **names;

    int64_t nsamples; /* followed elements */
    int64_t nparams;  /* when they were chosen */
    int64_t *sample; /* [nsamples / DOCTOR_RUN rounded up, 3]: parameter, first element, how many */
    int64_t nruns;
    double *position; /* [nsamples], at the last step */
    double *quarter;  /* [DOCTOR_QUARTERS, nsamples], where each of the last quarters began */
};

/* ---- ring.c */
int64_t ravine_doctor_window_length(const ravine_doctor *d); /* steps in the window now */
const doctor_step *ravine_doctor_back(const ravine_doctor *d,
                                      int64_t k); /* k steps ago; 0: the last */
/* Median of value(d, k) over the last n steps, those that are not known left out: of a long window
 * over every so many steps. NaN where there is none. */
typedef double (*doctor_value)(const ravine_doctor *d, int64_t k);
/* Of the step k steps ago. */
double ravine_doctor_loss_of(const ravine_doctor *d, int64_t k);
double ravine_doctor_line_position_of(const ravine_doctor *d, int64_t k);
double ravine_doctor_sign_change_rate_of(const ravine_doctor *d, int64_t k);
/* How far the loss before it lay from the mean of its neighbours, which has 3/2 of the variance of
 * its noise; NaN at the window's end. */
double ravine_doctor_surprise_of(const ravine_doctor *d, int64_t k);
double ravine_doctor_median_back(const ravine_doctor *d, int64_t n, doctor_value value);
double ravine_doctor_mean_back(const ravine_doctor *d, int64_t n, doctor_value value);
doctor_recent ravine_doctor_recent_of(const ravine_doctor *d);

/* ---- parts.c */
/* Room for so many parts in place of what there was; those of before keep their numbers. */
ravine_status ravine_doctor_make_parts(ravine_doctor *d, int32_t nparts);
void ravine_doctor_release_parts(ravine_doctor *d);
/* A step's statistics of part k; name may be NULL. */
void ravine_doctor_watch_part(ravine_doctor *d, int32_t k, const ravine_step_stats *r,
                              int64_t elements, const char *name);

/* A gradient of it, mean over about half a window; 0: there was none. */
double ravine_doctor_part_gradient(const doctor_part *p);
/* Share of its gradients that were 0 in every step; where that is not known, in a step. */
double ravine_doctor_part_quiet(const doctor_part *p);
/* Has it a layer that feeds its state back, by the name that PyTorch and others give its weight? */
bool ravine_doctor_is_recurrent(const ravine_doctor *d);

doctor_scales ravine_doctor_scales_of(const ravine_doctor *d);
void ravine_doctor_find_twins(ravine_doctor *d, const ravine_optimizer *o);
double ravine_doctor_share_of_twins(const ravine_doctor *d);

/* ---- path.c */
ravine_status ravine_doctor_make_path(ravine_doctor *d, int64_t nsamples, int64_t nruns);
ravine_status ravine_doctor_follow(ravine_doctor *d, const ravine_optimizer *o);
void ravine_doctor_release_path(ravine_doctor *d);

/* ---- events.c */
void ravine_doctor_watch_events(ravine_doctor *d, const doctor_step *now);
bool ravine_doctor_is_adaptive(
    const ravine_doctor *d); /* the rule has a sigma, as far as it is known */
/* The k-th burst before the last one, which is k = 0; k < DOCTOR_BURSTS and < bursts. */
static inline const doctor_burst *doctor_burst_back(const doctor_history *h, int64_t k) {
    return &h->past[((int64_t)h->bursts - 1 - k) % DOCTOR_BURSTS];
}

/* ---- warning.c */
void ravine_doctor_watch_warnings(ravine_doctor *d);

#endif
