/* SPDX-License-Identifier: Apache-2.0 */
/* How every step is made, for all groups together: its bounds and its text. */
#include "base/sized.h"
#include "base/text_out.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"
#include "text/error.h"
#include "text/number.h"

#include <math.h>
#include <stdio.h>

void ravine_options_init_sized(ravine_options *options, size_t size) {
    const ravine_options usual = {.clip_norm = HUGE_VAL, .grad_scale = 1};
    (void)ravine_sized_make(&ravine_sized_options, options, size, &usual);
}

/* Those of the caller, whole and within their bounds. */
static ravine_status read_options(ravine_options *own, const ravine_options *options) {
    ravine_options_init(own);
    const ravine_status status = ravine_sized_read(&ravine_sized_options, own, options);
    if (status) return status;
    if (own->nonfinite < RAVINE_HOLD || own->nonfinite > RAVINE_PROPAGATE)
        return ravine_fail(RAVINE_E_RANGE, "nonfinite is %d; it must be in [0, %d]", own->nonfinite,
                           RAVINE_PROPAGATE);
    if (own->zero_grad != 0 && own->zero_grad != 1)
        return ravine_fail(RAVINE_E_RANGE, "zero_grad is %d; it must be 0 or 1", own->zero_grad);
    if (!(own->clip_norm > 0))
        return ravine_fail(RAVINE_E_RANGE, "clip_norm is %g; it must be in (0, inf]",
                           own->clip_norm);
    if (!(own->grad_scale > 0) || isinf(own->grad_scale))
        return ravine_fail(RAVINE_E_RANGE, "grad_scale is %g; it must be in (0, inf)",
                           own->grad_scale);
    return RAVINE_OK;
}

ravine_status ravine_set_options(ravine_optimizer *o, const ravine_options *options) {
    ravine_options own;
    if (!o || !options) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = read_options(&own, options);
    if (!status) o->options = own;
    return status;
}

ravine_status ravine_options_format(const ravine_options *options, char *text, size_t capacity,
                                    size_t *length) {
    static const char *const nonfinite[] = {"hold", "skip", "propagate"};
    ravine_options own;
    const ravine_status status = read_options(&own, options);
    if (status) return status;
    char written[OPTIONS_TEXT_MAX], clip[RAVINE_NUMBER_MAX] = "inf", scale[RAVINE_NUMBER_MAX];
    if (!isinf(own.clip_norm)) ravine_number_write(clip, own.clip_norm);
    ravine_number_write(scale, own.grad_scale);
    const int used =
        snprintf(written, sizeof written, "nonfinite=%s zero_grad=%d clip_norm=%s grad_scale=%s",
                 nonfinite[own.nonfinite], own.zero_grad, clip, scale);
    return ravine_text_out(written, (size_t)used, text, capacity, length);
}
