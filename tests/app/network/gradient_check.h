/* SPDX-License-Identifier: Apache-2.0 */
/* gradient_check.h - the gradients of a float64 network against central differences; after
 * cmocka.h. */
#ifndef TESTS_APP_NETWORK_GRADIENT_CHECK_H
#define TESTS_APP_NETWORK_GRADIENT_CHECK_H

#include "app/network/net_f64.h"

#include <math.h>

/* |analytic - numeric| <= 1e-6 |numeric| in the norm of each parameter, over at most SAMPLE of its
 * numbers. Differences of 1e-6 are far below the distance to the kinks for the seeds of the tests.
 */
enum { SAMPLE = 30 };

/* loss(context) evaluates the network and leaves its gradients. */
static void check_gradients(net64 *n, double (*loss)(const void *), const void *context) {
    const double h = 1e-6;
    for (int64_t t = 0; t < net64_param_count(n); t++) {
        const net64_tensor v = net64_param(n, t);
        const int64_t stride = (v.len + SAMPLE - 1) / SAMPLE;
        double analytic[SAMPLE], error = 0, size = 0;
        loss(context);
        for (int64_t i = 0; i < v.len; i += stride) analytic[i / stride] = v.grad[i];
        for (int64_t i = 0; i < v.len; i += stride) {
            const double was = v.data[i];
            v.data[i] = was + h;
            const double above = loss(context);
            v.data[i] = was - h;
            const double below = loss(context);
            v.data[i] = was;
            const double numeric = (above - below) / (2 * h);
            error += (analytic[i / stride] - numeric) * (analytic[i / stride] - numeric);
            size += numeric * numeric;
        }
        if (!(sqrt(error) <= 1e-6 * sqrt(size) + 1e-9) || sqrt(size) < 1e-4)
            fail_msg("%s: error %.3g of %.3g", v.name, sqrt(error), sqrt(size));
    }
}

#endif
