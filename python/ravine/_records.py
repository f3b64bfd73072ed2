# SPDX-License-Identifier: Apache-2.0
"""Records of what the library tells: structures of the C API as values of Python.

Made by tools/python_api.py from ravine.h, ravine_checkpoint.h, ravine_doctor.h.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatsRecord:
    """What a step did: ravine_step_stats."""

    #: -1: all groups
    group: int
    #: applied steps, including this one
    step: int
    #: calls of ravine_step, including this one
    attempts: int
    #: of the group; of group 0 where `group` is -1
    lr: float
    grad_norm: float
    update_norm: float
    param_norm: float
    #: factor on the gradients; 1: they were not clipped
    clip: float
    #: elements whose gradient was not finite; 0 under PROPAGATE
    nonfinite: int
    #: the first of them, or -1
    nonfinite_param: int
    #: the first of them, or -1
    nonfinite_index: int
    #: <g_t, u_t>: the change of the loss to first order
    grad_dot_update: float
    line_position: float
    #: share of the squared gradient whose sign changed since the step before
    sign_change_rate: float
    #: the same against two steps before
    sign_change_rate_lag2: float
    #: norm of the mean or buffer of gradients after the step
    momentum_norm: float
    #: root mean square of g_t / sigma_(t-1), both as the rule takes them, no eps
    sigma_ratio: float
    #: share of elements whose sigma is mostly eps
    eps_share: float
    #: share of elements whose gradient is exactly zero
    zero_share: float
    underflow_share: float
    #: greatest |u|
    update_max: float
    #: share of elements whose gradient was exactly zero in all of the last 192 to 255 steps of
    #: their parameter, or in all so far
    quiet_share: float


@dataclass(frozen=True, slots=True)
class Cure:
    """What to change when training is stuck: ravine_cure."""

    #: ravine_cure_action
    action: int
    #: 1: loss_ratio is known
    tried: int
    #: what is changed, see ravine_cure_word; 0: not known
    kind: int
    #: number of its text: "from 0.1"; NaN: none
    old_value: float
    #: number of its text: "to 0.02"; NaN: none
    new_value: float
    #: "lower lr from 0.1 to 0.02"
    text: str
    #: rule and settings, as ravine_config_parse reads them; "": unchanged
    optimizer: str
    #: schedule of lr from here on, as ravine_schedule_parse reads it; "": constant
    schedule: str
    #: offset for ravine_escape
    escape: float
    #: loss with the cure / loss of the unchanged run after as many steps: below 1 it helped. If one
    #: of them is not positive: 1 + their difference / the greater magnitude. inf: a loss is not
    #: finite; NaN: not tried
    loss_ratio: float


@dataclass(frozen=True, slots=True)
class Probe:
    """How the loss curves around the parameters: ravine_probe."""

    #: steps made: as many as asked for, or as there are dimensions
    lanczos: int
    #: how many Ritz values have a size of at most curvature_noise
    flat: int
    #: the optimizer's applied steps
    step: int
    #: number of elements of the parameters that take part
    elements: int
    loss: float
    grad_norm: float
    param_norm: float
    lambda_max: float
    lambda_max_residual: float
    lambda_min: float
    lambda_min_residual: float
    #: curvature that finite differences cannot tell from zero
    curvature_noise: float
    #: distance along the eigenvector of lambda_min, to the side where the loss is lower
    escape_offset: float
    #: 1/2 g' |H|^-1 g in the space seen: how far the loss can fall
    krylov_decrease: float
    #: greatest eigenvalue of P^-1/2 H P^-1/2, P = diag(sigma), H with coupled decay; groups weighed
    #: by their rates; NaN: sigma unknown
    sharpness: float
    #: of the next step, with lr as in ravine_effective_lr: it is stable iff lr * sharpness < limit;
    #: limit is NaN for rules of signs
    lr: float
    #: of the next step, with lr as in ravine_effective_lr: it is stable iff lr * sharpness < limit;
    #: limit is NaN for rules of signs
    limit: float
    #: the lowest lr with which the next step raises the loss of the fixed batch; 0: any; inf: none
    #: was found; NaN: the step does not move
    critical_lr: float
    #: tr(Sigma)/|G|^2, in batches (McCandlish et al. 2018); inf: no signal
    noise_scale: float
    #: tr(Sigma) of one batch's gradient, unbiased
    noise_trace: float
    #: |G|^2, unbiased: may be negative where there is no signal
    signal: float
    #: cost of the probe: calls with and without a gradient; H x counts as two gradients
    gradients: int
    #: cost of the probe: calls with and without a gradient; H x counts as two gradients
    losses: int
