/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - the parts of a probe: probe.c (the order of things), probe_curvature.c (spectra),
 * escape.c (the way down from a saddle), probe_line.c (losses along a line), probe_noise.c. */
#ifndef RAVINE_DOCTOR_PROBE_H
#define RAVINE_DOCTOR_PROBE_H

#include "doctor/probe/lanczos.h"
#include "doctor/probe/space.h"

/* A probe under way. */
typedef struct probing {
    space space;
    ravine_probe_options options;
    ravine_probe result;
    lanczos lanczos;        /* its basis and work serve everyone in turn */
    double *g;              /* [n] gradient of the fixed batch */
    double *a, *b;          /* [n] each, for whoever is at work */
    double *memory;         /* all of these */
    size_t bytes;           /* of memory */
    double sign;            /* -1 where the optimizer climbs: then "rises" means falls */
    ravine_optimizer *next; /* has made the next step; NULL: it is not needed */
} probing;

/* Options as given or the defaults, memory, home, loss and gradient there. */
ravine_status ravine_probing_open(probing *p, ravine_optimizer *o, const ravine_problem *problem,
                                  const ravine_probe_options *options);
void ravine_probing_close(probing *p); /* also after an open that failed */

/* Spectrum of H: lambda_*, curvature_noise, flat, krylov_decrease; the Ritz vectors stay. Chooses
 * the distance of finite differences where that is not done. */
ravine_status ravine_probe_spectrum(probing *p);
/* lr and limit of the step that p->next has made; NaN where signs alone count. */
void ravine_probe_limit(probing *p);
/* sharpness under sigma of p->next. */
ravine_status ravine_probe_sharpness(probing *p);

/* The direction of lambda_min into v [n], downhill where the gradient can tell. */
void ravine_escape_direction(const probing *p, double *v);
/* escape_offset and escape_loss along that direction. */
ravine_status ravine_escape_search(probing *p, const double *v);

/* critical_lr and along_update; u: [n] the next step. */
ravine_status ravine_probe_update(probing *p, const double *u);
/* Losses along v of norm 1, whose curvature is `curvature`, at offsets that show its valley. */
ravine_status ravine_probe_slice(probing *p, const double *v, double curvature, ravine_slice *out);

ravine_status ravine_probe_noise(probing *p);

#endif
