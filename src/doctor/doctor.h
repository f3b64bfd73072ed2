/* doctor.h - what a doctor remembers of a run, and what its rooms find in it.
 *
 * Its rooms: window.c (life, observations), path.c (how straight the way was), events.c (bursts,
 * first steps, what was not finite), state.c (memory as numbers), trend.c and findings.c
 * (statistics of the window), verdict.c (the rules), evidence.c and cure.c (what is said),
 * warning.c. Curvature has rooms of its own: space.h, lanczos.h.
 *
 * Everything remembered is a double, so that the memory is an array of numbers (state.c). NaN is a
 * number that is not known.
 */
#ifndef RAVINE_DOCTOR_DOCTOR_H
#define RAVINE_DOCTOR_DOCTOR_H

#include "ravine_doctor.h"

#include <stdbool.h>

enum {
    DOCTOR_BLOCKS = 64, /* block medians of the loss: 4 windows of 16 blocks */
    DOCTOR_BLOCKS_A_WINDOW = 16,
    DOCTOR_QUARTERS = 4, /* of a window, in the measure of the path */
    DOCTOR_BURSTS = 16,  /* the latest that are remembered */
    DOCTOR_RUN = 64      /* followed elements come in runs of as many neighbours */
};

/* One step of the window. Those whose loss or gradient was not finite are not among them. */
typedef struct doctor_step {
    double step, loss, lr;
    double gradient, update, param; /* norms */
    double slope;                   /* <g, u> */
    double alpha, flips, flips_two;
    double momentum, sigma_ratio, zero_share, lost_share, eps_share, update_max;
} doctor_step;

typedef struct doctor_burst {
    double start, peak; /* steps */
    double before;      /* loss */
    double update;      /* greatest update norm / its slow mean before */
    double loss;        /* greatest rise of the loss, over |before| */
    double flips;       /* greatest short mean */
    double sigma_ratio; /* greatest */
} doctor_burst;

/* A group's running means over about half a window: sums with weights that decay. */
typedef struct doctor_group {
    double weight, gradient, update, param;
    double flips_weight, flips;
    double share_weight, zero_share, lost_share, eps_share;
    double gradient_most;
} doctor_group;

typedef struct doctor_history {
    double observed; /* steps, also those that were not finite */
    double kept;     /* of them, in the window: finite */
    double step;     /* applied steps, at the last observation */
    double first_step;
    double loss_first, loss_least, loss_most;
    double gradient_most, param_most;
    double gradient_alive; /* norm at the last step that had one above 0 */
    double thrown;         /* greatest loss of the first steps */
    double update_first;   /* norm of the first update, and of the parameters after it */
    double param_first;
    double flips_short;     /* mean of flips over the last few steps */
    double way;             /* sum of update norms */
    double update_slow;     /* mean of log(update norm) over about a window */
    double bursts;          /* how many so far */
    double burst_open;      /* 1: steps are unusually long */
    double burst_counted;   /* 1: and this is a burst */
    double quiet;           /* steps since the open burst calmed down */
    double nonfinite_first; /* steps made before it; -1: none */
    double nonfinite_last;  /* the number of the observation */
    double nonfinite_count; /* elements, at the first of them */
    double nonfinite_param, nonfinite_index;
    double nonfinite_loss;    /* 1: it was the loss that was not finite first */
    double nonfinite_growing; /* 1: the gradient was growing from step to step before that */
    double blocks;            /* block medians so far */
    double efficiency;        /* of the path */
    double warning, warning_since, warning_value, warning_limit;
    double lr_first, lr_most; /* since the start: is there a schedule, a warm-up? */
    doctor_burst burst;       /* the open one */
    doctor_burst past[DOCTOR_BURSTS];
    double block[DOCTOR_BLOCKS];    /* block k at k % DOCTOR_BLOCKS */
    double length[DOCTOR_QUARTERS]; /* of the path of the sampled elements, each quarter */
    double quarters;                /* ended ones */
    double walked;                  /* of the quarter that is going on */
    double walked_steps;
    double rule; /* -1: unknown */
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

    int32_t ngroups;
    doctor_group *groups;   /* [ngroups] */
    char (*group_name)[64]; /* [ngroups], "" where there is none */
    ravine_report *reports; /* [ngroups], room for ravine_doctor_observe */

    int64_t nsamples; /* followed elements */
    int64_t nparams;  /* when they were chosen */
    int64_t *sample; /* [nsamples / DOCTOR_RUN rounded up, 3]: parameter, first element, how many */
    int64_t nruns;
    double *position; /* [nsamples], at the last step */
    double *quarter;  /* [DOCTOR_QUARTERS, nsamples], where each of the last quarters began */
};

/* ---- window.c */
int64_t doctor_window_length(const ravine_doctor *d);              /* steps in the window now */
const doctor_step *doctor_back(const ravine_doctor *d, int64_t k); /* k steps ago; 0: the last */
/* The k-th burst before the last one, which is k = 0; k < DOCTOR_BURSTS and < bursts. */
static inline const doctor_burst *doctor_burst_back(const doctor_history *h, int64_t k) {
    return &h->past[((int64_t)h->bursts - 1 - k) % DOCTOR_BURSTS];
}
/* Room for so many groups and followed elements in place of what there was; those of before keep
 * their numbers. */
ravine_status doctor_make_groups(ravine_doctor *d, int32_t ngroups);

/* ---- path.c */
ravine_status doctor_make_path(ravine_doctor *d, int64_t nsamples, int64_t nruns);
ravine_status doctor_follow(ravine_doctor *d, const ravine_optimizer *o);
void doctor_release_path(ravine_doctor *d);

/* ---- events.c */
void doctor_watch_events(ravine_doctor *d, const doctor_step *now);
bool doctor_is_adaptive(const ravine_doctor *d); /* the rule has a sigma, as far as it is known */

/* ---- warning.c */
void doctor_watch_warnings(ravine_doctor *d);

/* ---- trend.c */
double doctor_median(double *values, int64_t n); /* reorders them; NaN where there are none */
typedef struct doctor_trend {
    int64_t points;
    double drop;  /* from the first to the last quarter of the span, over |loss| there */
    double error; /* of drop: its standard error, neighbours correlated */
    double z;     /* drop / error */
} doctor_trend;
/* Of the loss over the last `windows` windows, or as many as there are. */
doctor_trend doctor_loss_trend(const ravine_doctor *d, int64_t windows);

/* ---- findings.c: what the window shows, computed once for a diagnosis. NaN: not known. */
typedef struct doctor_findings {
    int64_t steps;           /* in the window */
    double loss, loss_range; /* the last; greatest - least so far */
    double loss_scale;       /* the greater of its magnitude and its range */
    double gradient;         /* norm now, a median */
    double gradient_share;   /* of the greatest so far */
    double gradient_rise;    /* over the least of the window */
    double gradient_peak;    /* greatest of the window over its median */
    double flips, flips_two; /* means over the window */
    double alpha;            /* of the window: sum <g_t, u_(t-1)> over -sum <g_(t-1), u_(t-1)> */
    double alpha_median;
    double drift, drift_z; /* -mean <g_t, u_(t-1)>, and in standard errors: still downhill */
    double noise;          /* share of the slope that the loss did not follow */
    bool rounded;          /* the slopes are no more than roundings of the loss */
    double zeta;           /* 0 coherent, 1 white noise, 2 a bounce */
    double recent_alpha, recent_flips, growth; /* medians of the last 8 steps */
    double growth_least;                       /* of them */
    double zero_share, lost_share;
    double efficiency; /* of the path */
    double flattens;   /* share of the slope that is gone after a step; noise left out */
    double elasticity; /* |g| |theta| / loss_scale */
    double remaining;  /* loss to be had along this way / the lesser of its magnitude
                          and its range */
    doctor_trend long_trend, trend; /* over 4 windows, over 2 */
    bool falling;                   /* the loss falls, and has not stopped */
    bool adaptive;
    bool exploded;           /* thrown out far, where the loss came to rest: nothing leads back */
    double burst_age;        /* steps since the last burst */
    double burst_interval;   /* between the last two; of one alone, two windows */
    int64_t bursts;          /* within the horizon of events */
    double lr, limit;        /* eta, and the rule's limit of stability */
    double stability;        /* eta S / limit: from the probe, or at least, from the steps */
    double curvature;        /* lambda along the wall, from the growth of the gradient */
    bool probed;             /* there is a probe of these parameters, or nearly */
    bool negative_curvature; /* certified by the probe, or by a slope that steepens */
    ravine_config config;    /* of group 0; rule -1: unknown */
} doctor_findings;
void doctor_find(const ravine_doctor *d, doctor_findings *f);

/* ---- verdict.c */
bool doctor_climbs(const ravine_doctor *d, const doctor_findings *f); /* each step ends higher */

/* ---- evidence.c: what is said */
void doctor_explain(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);

/* ---- cure.c */
void doctor_prescribe(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);

#endif
