# SPDX-License-Identifier: Apache-2.0
"""The C API: constants, structures and prototypes, as ctypes has them.

Made by tools/python_api.py from ravine.h, ravine_checkpoint.h, ravine_doctor.h;
python/ravine/_library.py loads the library and uses it.
"""

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)


class ravine_status(c_int):
    """The result of a call that may fail; _library.py raises the negative ones."""


RAVINE_CHECKPOINT_FORMAT = "1"
RAVINE_FOREVER = 9223372036854775807
RAVINE_KEYS = "ravine."
RAVINE_KEY_ATTEMPTS = "ravine.attempts"
RAVINE_KEY_FORMAT = "ravine.format"
RAVINE_KEY_GROUP = "ravine.group."
RAVINE_KEY_GROUPS = "ravine.groups"
RAVINE_KEY_GROUP_OF = "ravine.group_of."
RAVINE_KEY_METRIC = "ravine.metric"
RAVINE_KEY_OPTIONS = "ravine.options"
RAVINE_KEY_SCHEDULE = ".schedule."
RAVINE_KEY_STEPS = "ravine.steps"
RAVINE_KEY_VERSION = "ravine.version"
RAVINE_SEGMENTS_MAX = 16
RAVINE_STATE = "state."
RAVINE_STATE_STEP = "step"
RAVINE_VERSION_MAJOR = 0
RAVINE_VERSION_MINOR = 1
RAVINE_VERSION_PATCH = 0

# enum ravine_status
RAVINE_OK = 0
RAVINE_SKIPPED = 1
RAVINE_CLIPPED = 2
RAVINE_HELD = 3
RAVINE_E_ARG = -1
RAVINE_E_RANGE = -2
RAVINE_E_NOMEM = -3
RAVINE_E_STATE = -4
RAVINE_E_UNSUPPORTED = -5
RAVINE_E_FORMAT = -6
RAVINE_E_IO = -7

# enum ravine_shape
RAVINE_SHAPE_CONSTANT = 0
RAVINE_SHAPE_LINEAR = 1
RAVINE_SHAPE_COSINE = 2
RAVINE_SHAPE_EXPONENTIAL = 3
RAVINE_SHAPE_POLYNOMIAL = 4
RAVINE_SHAPE_STEP = 5
RAVINE_SHAPE_DECAY = 6
RAVINE_SHAPE_INVERSE_SQRT = 7
RAVINE_SHAPE_INVERSE_TIME = 8
RAVINE_SHAPE_CYCLIC = 9
RAVINE_SHAPE_RESTARTS = 10
RAVINE_SHAPE_COUNT = 11


class ravine_segment(Structure):
    """`struct ravine_segment`."""

    _fields_ = [
        ("shape", c_int32),
        ("reserved", c_int32),
        ("steps", c_int64),
        ("from", c_double),
        ("to", c_double),
        ("parameter", c_double * 2),
    ]


class ravine_schedule(Structure):
    """`struct ravine_schedule`."""

    _fields_ = [
        ("size", c_uint32),
        ("nsegments", c_int32),
        ("segment", ravine_segment * 16),
    ]


class ravine_schedule_facts(Structure):
    """`struct ravine_schedule_facts`."""

    _fields_ = [
        ("size", c_uint32),
        ("reserved", c_int32),
        ("first", c_double),
        ("last", c_double),
        ("warmup_end", c_int64),
        ("total", c_int64),
    ]


class ravine_plateau(Structure):
    """`struct ravine_plateau`."""

    _fields_ = [
        ("size", c_uint32),
        ("maximize", c_int32),
        ("factor", c_double),
        ("minimum", c_double),
        ("threshold", c_double),
        ("patience", c_int64),
        ("cooldown", c_int64),
        ("best", c_double),
        ("scale", c_double),
        ("bad", c_int64),
        ("cooling", c_int64),
        ("told", c_int64),
    ]


# enum ravine_setting
RAVINE_LR = 0
RAVINE_MOMENTUM = 1
RAVINE_DAMPENING = 2
RAVINE_BETA1 = 3
RAVINE_BETA2 = 4
RAVINE_BETA3 = 5
RAVINE_ALPHA = 6
RAVINE_RHO = 7
RAVINE_EPS = 8
RAVINE_EPS_FORM = 9
RAVINE_WEIGHT_DECAY = 10
RAVINE_DECAY_FORM = 11
RAVINE_LR_DECAY = 12
RAVINE_INITIAL = 13
RAVINE_INITIAL_FORM = 14
RAVINE_MOMENTUM_DECAY = 15
RAVINE_LAMBD = 16
RAVINE_POWER = 17
RAVINE_AVERAGE_START = 18
RAVINE_ETA_MINUS = 19
RAVINE_ETA_PLUS = 20
RAVINE_STEP_MIN = 21
RAVINE_STEP_MAX = 22
RAVINE_CLIP_VALUE = 23
RAVINE_EMA_DECAY = 24
RAVINE_NESTEROV = 25
RAVINE_AMSGRAD = 26
RAVINE_CENTERED = 27
RAVINE_BIAS_CORRECTION = 28
RAVINE_LR_IN_MOMENTUM = 29
RAVINE_MAXIMIZE = 30
RAVINE_BETA2_DECAY = 31
RAVINE_EPS1 = 32
RAVINE_EPS2 = 33
RAVINE_CLIP_UPDATE = 34
RAVINE_SETTING_COUNT = 35

# enum ravine_eps_form
RAVINE_EPS_OUTSIDE = 0
RAVINE_EPS_HAT = 1
RAVINE_EPS_INSIDE = 2

# enum ravine_decay_form
RAVINE_DECAY_COUPLED = 0
RAVINE_DECAY_DECOUPLED = 1
RAVINE_DECAY_INDEPENDENT = 2
RAVINE_DECAY_PROXIMAL = 3

# enum ravine_initial_form
RAVINE_INITIAL_VALUE = 0
RAVINE_INITIAL_GRADIENT = 1

# enum ravine_setting_kind
RAVINE_KIND_NUMBER = 0
RAVINE_KIND_FLAG = 1
RAVINE_KIND_CHOICE = 2


class ravine_setting_info(Structure):
    """`struct ravine_setting_info`."""

    _fields_ = [
        ("name", c_char_p),
        ("text", c_char_p),
        ("kind", c_int),
        ("interval", c_char_p),
        ("least", c_double),
        ("greatest", c_double),
        ("least_open", c_int32),
        ("greatest_open", c_int32),
        ("nchoices", c_int32),
        ("choice", POINTER(c_char_p)),
    ]


# enum ravine_rule
RAVINE_SGD = 0
RAVINE_ADAGRAD = 1
RAVINE_ADAGRAD_MEAN = 2
RAVINE_RMSPROP = 3
RAVINE_ADADELTA = 4
RAVINE_ADAM = 5
RAVINE_ADAMW = 6
RAVINE_ADAMAX = 7
RAVINE_NADAM = 8
RAVINE_RADAM = 9
RAVINE_ASGD = 10
RAVINE_RPROP = 11
RAVINE_LION = 12
RAVINE_SIGNUM = 13
RAVINE_ADABELIEF = 14
RAVINE_YOGI = 15
RAVINE_ADAN = 16
RAVINE_ADOPT = 17
RAVINE_LAMB = 18
RAVINE_ADAFACTOR = 19
RAVINE_RULE_COUNT = 20

# enum ravine_sigma_kind
RAVINE_SIGMA_ONE = 0
RAVINE_SIGMA_SIGNS = 1
RAVINE_SIGMA_OF_STEP = 2
RAVINE_SIGMA_OF_NEXT_STEP = 3
RAVINE_SIGMA_LATE = 4


class ravine_rule_info(Structure):
    """`struct ravine_rule_info`."""

    _fields_ = [
        ("name", c_char_p),
        ("title", c_char_p),
        ("formula", c_char_p),
        ("paper", c_char_p),
        ("nsettings", c_int32),
        ("setting", POINTER(c_int32)),
        ("state", POINTER(c_int32)),
        ("torch", c_char_p),
        ("torch_settings", c_char_p),
        ("torch_steps", c_int32),
        ("nstates", c_int32),
        ("whole", c_int32),
        ("sigma", c_int32),
    ]


class ravine_state_info(Structure):
    """`struct ravine_state_info`."""

    _fields_ = [
        ("key", c_char_p),
        ("extent", c_char_p),
    ]


class ravine_config(Structure):
    """`struct ravine_config`."""

    _fields_ = [
        ("size", c_uint32),
        ("rule", c_int32),
        ("lr", c_double),
        ("momentum", c_double),
        ("dampening", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("beta3", c_double),
        ("alpha", c_double),
        ("rho", c_double),
        ("eps", c_double),
        ("eps_form", c_double),
        ("weight_decay", c_double),
        ("decay_form", c_double),
        ("lr_decay", c_double),
        ("initial", c_double),
        ("initial_form", c_double),
        ("momentum_decay", c_double),
        ("lambd", c_double),
        ("power", c_double),
        ("average_start", c_double),
        ("eta_minus", c_double),
        ("eta_plus", c_double),
        ("step_min", c_double),
        ("step_max", c_double),
        ("clip_value", c_double),
        ("ema_decay", c_double),
        ("nesterov", c_double),
        ("amsgrad", c_double),
        ("centered", c_double),
        ("bias_correction", c_double),
        ("lr_in_momentum", c_double),
        ("maximize", c_double),
        ("beta2_decay", c_double),
        ("eps1", c_double),
        ("eps2", c_double),
        ("clip_update", c_double),
    ]


ravine_task = CFUNCTYPE(None, c_void_p, c_int64)


ravine_parallel = CFUNCTYPE(None, c_void_p, ravine_task, c_void_p, c_int64)


class ravine_env(Structure):
    """`struct ravine_env`."""

    _fields_ = [
        ("size", c_uint32),
        ("threads", c_int32),
        ("isa", c_char_p),
        ("statistics", c_int32),
        ("reserved", c_int32),
        ("allocate", CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)),
        ("release", CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)),
        ("allocator", c_void_p),
        ("parallel", ravine_parallel),
        ("parallel_context", c_void_p),
    ]


class ravine_openmp(Structure):
    """`struct ravine_openmp`."""

    _fields_ = [
        ("size", c_uint32),
        ("threads", c_int32),
        ("start", CFUNCTYPE(None, CFUNCTYPE(None, c_void_p), c_void_p, c_uint32, c_uint32)),
        ("process", c_int32),
        ("reserved", c_int32),
    ]


# enum ravine_dtype
RAVINE_F32 = 1
RAVINE_F64 = 2
RAVINE_BF16 = 3
RAVINE_F16 = 4
RAVINE_I64 = 5
RAVINE_U8 = 6
RAVINE_BOOL = 7
RAVINE_I8 = 8
RAVINE_I16 = 9
RAVINE_U16 = 10
RAVINE_I32 = 11
RAVINE_U32 = 12
RAVINE_U64 = 13
RAVINE_C64 = 14
RAVINE_F8_E4M3 = 15
RAVINE_F8_E5M2 = 16
RAVINE_F8_E8M0 = 17
RAVINE_F6_E2M3 = 18
RAVINE_F6_E3M2 = 19
RAVINE_F4 = 20
RAVINE_F8_E4M3FNUZ = 21
RAVINE_F8_E5M2FNUZ = 22


class ravine_param(Structure):
    """`struct ravine_param`."""

    _fields_ = [
        ("size", c_uint32),
        ("dtype", c_int32),
        ("grad_dtype", c_int32),
        ("group", c_int32),
        ("name", c_char_p),
        ("data", c_void_p),
        ("grad", c_void_p),
        ("len", c_int64),
        ("shape", POINTER(c_int64)),
        ("ndim", c_int32),
        ("reserved", c_int32),
    ]


# enum ravine_nonfinite
RAVINE_HOLD = 0
RAVINE_SKIP = 1
RAVINE_PROPAGATE = 2


class ravine_options(Structure):
    """`struct ravine_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("nonfinite", c_int32),
        ("zero_grad", c_int32),
        ("reserved", c_int32),
        ("clip_norm", c_double),
        ("grad_scale", c_double),
    ]


class ravine_step_stats(Structure):
    """`struct ravine_step_stats`."""

    _fields_ = [
        ("size", c_uint32),
        ("group", c_int32),
        ("step", c_int64),
        ("attempts", c_int64),
        ("lr", c_double),
        ("grad_norm", c_double),
        ("update_norm", c_double),
        ("param_norm", c_double),
        ("clip", c_double),
        ("nonfinite", c_int64),
        ("nonfinite_param", c_int64),
        ("nonfinite_index", c_int64),
        ("grad_dot_update", c_double),
        ("line_position", c_double),
        ("sign_change_rate", c_double),
        ("sign_change_rate_lag2", c_double),
        ("momentum_norm", c_double),
        ("sigma_ratio", c_double),
        ("eps_share", c_double),
        ("zero_share", c_double),
        ("underflow_share", c_double),
        ("update_max", c_double),
        ("quiet_share", c_double),
    ]


class ravine_tensor(Structure):
    """`struct ravine_tensor`."""

    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("shape", POINTER(c_int64)),
        ("data", c_void_p),
    ]


class ravine_text(Structure):
    """`struct ravine_text`."""

    _fields_ = [
        ("key", c_char_p),
        ("value", c_char_p),
    ]


class ravine_save_options(Structure):
    """`struct ravine_save_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("without_params", c_int32),
        ("verify", c_int32),
        ("reserved", c_int32),
        ("tensors", POINTER(ravine_tensor)),
        ("ntensors", c_int64),
        ("texts", POINTER(ravine_text)),
        ("ntexts", c_int64),
    ]


class ravine_load_options(Structure):
    """`struct ravine_load_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("without_params", c_int32),
        ("partial", c_int32),
        ("reserved", c_int32),
        ("tensors", POINTER(ravine_tensor)),
        ("ntensors", c_int64),
        ("tell", CFUNCTYPE(None, c_void_p, c_char_p)),
        ("context", c_void_p),
    ]


class ravine_saver_options(Structure):
    """`struct ravine_saver_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("keep", c_int32),
        ("keep_best", c_int32),
        ("foreground", c_int32),
        ("verify", c_int32),
        ("reserved", c_int32),
    ]


class ravine_safetensors_options(Structure):
    """`struct ravine_safetensors_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("verify", c_int32),
        ("over_links", c_int32),
        ("reserved", c_int32),
        ("env", POINTER(ravine_env)),
    ]


# enum ravine_severity
RAVINE_SEVERITY_FINE = 0
RAVINE_SEVERITY_NOTE = 1
RAVINE_SEVERITY_WARNING = 2
RAVINE_SEVERITY_URGENT = 3
RAVINE_SEVERITY_COUNT = 4

# enum ravine_verdict
RAVINE_VERDICT_HEALTHY = 0
RAVINE_VERDICT_NONFINITE = 1
RAVINE_VERDICT_DIVERGING = 2
RAVINE_VERDICT_DEAD = 3
RAVINE_VERDICT_SIGMA_BURST = 4
RAVINE_VERDICT_WARMUP_NEEDED = 5
RAVINE_VERDICT_LOCAL_MINIMUM = 6
RAVINE_VERDICT_SADDLE = 7
RAVINE_VERDICT_BOUNCING = 8
RAVINE_VERDICT_VANISHING = 9
RAVINE_VERDICT_NOISE_FLOOR = 10
RAVINE_VERDICT_CRAWLING = 11
RAVINE_VERDICT_UNCLEAR = 12
RAVINE_VERDICT_NOT_LEARNING = 13
RAVINE_VERDICT_NOT_CONNECTED = 14
RAVINE_VERDICT_OVERFITTING = 15
RAVINE_VERDICT_CLIPPED = 16
RAVINE_VERDICT_LR_ZERO = 17
RAVINE_VERDICT_ACCUMULATING = 18
RAVINE_VERDICT_DECAYED_AWAY = 19
RAVINE_VERDICT_DATA_ORDER = 20
RAVINE_VERDICT_UPDATE_LOST = 21
RAVINE_VERDICT_EXPLODING = 22
RAVINE_VERDICT_UNSCALED_INPUT = 23
RAVINE_VERDICT_LABELS_LOST = 24
RAVINE_VERDICT_RESUME_JUMP = 25
RAVINE_VERDICT_COUNT = 26


class ravine_doctor_options(Structure):
    """`struct ravine_doctor_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("window", c_int32),
        ("budget", c_int64),
        ("samples", c_int32),
        ("reserved", c_int32),
    ]


class ravine_observation(Structure):
    """`struct ravine_observation`."""

    _fields_ = [
        ("size", c_uint32),
        ("nparts", c_int32),
        ("loss", c_double),
        ("path_efficiency", c_double),
        ("stats", POINTER(ravine_step_stats)),
        ("part_stats", POINTER(ravine_step_stats)),
        ("part_name", POINTER(c_char_p)),
        ("config", POINTER(ravine_config)),
        ("part_elements", POINTER(c_int64)),
    ]


# enum
RAVINE_SAMPLES_CHUNK = 128
RAVINE_SAMPLES_NOTES = 7


class ravine_samples(Structure):
    """`struct ravine_samples`."""

    _fields_ = [
        ("size", c_uint32),
        ("dtype", c_int32),
        ("state_dtype", c_int32),
        ("twins", c_int32),
        ("elements", c_int64),
        ("len", c_int64),
        ("pitch", c_int64),
        ("data", c_void_p),
        ("gradient", c_void_p),
        ("momentum", c_void_p),
        ("variance", c_void_p),
        ("variance_scale", c_double),
        ("eps_variance", c_double),
        ("decay", c_double),
        ("gradient_scale", c_double),
        ("grad_norm", c_double),
        ("notes", POINTER(c_double)),
        ("way2", c_double),
        ("slope", c_double),
        ("steps", c_int64),
    ]


# enum
RAVINE_SAMPLES_SUMS = 32

# enum ravine_fact
RAVINE_FACT_TOTAL_STEPS = 0
RAVINE_FACT_CONSTANT_LOSS = 1
RAVINE_FACT_CLASSES = 2
RAVINE_FACT_VALIDATION = 3
RAVINE_FACT_EXAMPLE = 4
RAVINE_FACT_UNREACHED_SHARE = 5
RAVINE_FACT_FOREIGN_SHARE = 6
RAVINE_FACT_FROZEN_SHARE = 7
RAVINE_FACT_CLIP_NORM = 8
RAVINE_FACT_RESUMED = 9
RAVINE_FACT_LOSS_INPUT = 10
RAVINE_FACT_INPUT_SIZE = 11
RAVINE_FACT_INPUT_RATIO = 12
RAVINE_FACT_INPUT_PEAK = 13
RAVINE_FACT_TARGET_SIZE = 14
RAVINE_FACT_DROPOUT = 15
RAVINE_FACT_NORMS_UNTRAINED = 16
RAVINE_FACT_TARGET_PEAK = 17
RAVINE_FACT_LR_END = 18
RAVINE_FACT_STATE_LOST = 19
RAVINE_FACT_ASCENT = 20
RAVINE_FACT_WEIGHT_GAIN = 21
RAVINE_FACT_LABELS_KEPT = 22
RAVINE_FACT_COUNT = 23

# enum ravine_warning_kind
RAVINE_WARNING_NONE = 0
RAVINE_WARNING_GROWTH = 1
RAVINE_WARNING_SIGN_CHANGES = 2
RAVINE_WARNING_STABILITY = 3
RAVINE_WARNING_NONFINITE_GRADIENT = 4
RAVINE_WARNING_THROWN = 5
RAVINE_WARNING_COUNT = 6


class ravine_warning(Structure):
    """`struct ravine_warning`."""

    _fields_ = [
        ("size", c_uint32),
        ("kind", c_int32),
        ("since", c_int64),
        ("value", c_double),
        ("limit", c_double),
        ("text", c_char * 160),
    ]


ravine_evaluate = CFUNCTYPE(c_int, c_void_p, c_int64, c_int32, POINTER(c_double))


ravine_product = CFUNCTYPE(c_int, c_void_p, c_int64, POINTER(c_double), POINTER(c_double))


class ravine_problem(Structure):
    """`struct ravine_problem`."""

    _fields_ = [
        ("size", c_uint32),
        ("reserved", c_int32),
        ("evaluate", ravine_evaluate),
        ("context", c_void_p),
        ("batch", c_int64),
        ("nbatches", c_int64),
        ("product", ravine_product),
    ]


# enum
RAVINE_LANCZOS_MAX = 1024
RAVINE_SLICE_MAX = 129


class ravine_probe_options(Structure):
    """`struct ravine_probe_options`."""

    _fields_ = [
        ("size", c_uint32),
        ("lanczos", c_int32),
        ("preconditioned", c_int32),
        ("noise", c_int32),
        ("slice", c_int32),
        ("reserved", c_int32),
        ("seed", c_uint64),
    ]


class ravine_slice(Structure):
    """`struct ravine_slice`."""

    _fields_ = [
        ("count", c_int32),
        ("reserved", c_int32),
        ("offset", c_double * 129),
        ("loss", c_double * 129),
    ]


class ravine_probe(Structure):
    """`struct ravine_probe`."""

    _fields_ = [
        ("size", c_uint32),
        ("lanczos", c_int32),
        ("flat", c_int32),
        ("reserved", c_int32),
        ("step", c_int64),
        ("elements", c_int64),
        ("loss", c_double),
        ("grad_norm", c_double),
        ("param_norm", c_double),
        ("lambda_max", c_double),
        ("lambda_max_residual", c_double),
        ("lambda_min", c_double),
        ("lambda_min_residual", c_double),
        ("curvature_noise", c_double),
        ("escape_offset", c_double),
        ("escape_loss", c_double * 2),
        ("krylov_decrease", c_double),
        ("sharpness", c_double),
        ("lr", c_double),
        ("limit", c_double),
        ("critical_lr", c_double),
        ("noise_scale", c_double),
        ("noise_trace", c_double),
        ("signal", c_double),
        ("gradients", c_int64),
        ("losses", c_int64),
        ("along_update", ravine_slice),
        ("along_max", ravine_slice),
        ("along_min", ravine_slice),
    ]


class ravine_evidence(Structure):
    """`struct ravine_evidence`."""

    _fields_ = [
        ("name", c_char * 32),
        ("value", c_double),
        ("text", c_char * 128),
    ]


# enum ravine_cure_action
RAVINE_CURE_SETTINGS = 0
RAVINE_CURE_ESCAPE = 1
RAVINE_CURE_ADVICE = 2


class ravine_cure(Structure):
    """`struct ravine_cure`."""

    _fields_ = [
        ("action", c_int32),
        ("tried", c_int32),
        ("kind", c_int32),
        ("reserved", c_int32),
        ("old_value", c_double),
        ("new_value", c_double),
        ("text", c_char * 192),
        ("optimizer", c_char * 256),
        ("schedule", c_char * 128),
        ("escape", c_double),
        ("loss_ratio", c_double),
    ]


# enum
RAVINE_EVIDENCE_MAX = 24
RAVINE_CURES_MAX = 6
RAVINE_ALSO_MAX = 6
RAVINE_CANNOT_MAX = 6


class ravine_diagnosis(Structure):
    """`struct ravine_diagnosis`."""

    _fields_ = [
        ("size", c_uint32),
        ("verdict", c_int32),
        ("confidence", c_double),
        ("step", c_int64),
        ("since", c_int64),
        ("nevidence", c_int32),
        ("ncures", c_int32),
        ("nalso", c_int32),
        ("ncannot_tell", c_int32),
        ("evidence", ravine_evidence * 24),
        ("cure", ravine_cure * 6),
        ("not_text", c_char * 192),
        ("also", c_int32 * 6),
        ("cannot_tell", c_char * 160 * 6),
        ("unchanged_loss", c_double),
        ("cure_loss", c_double * 6),
    ]


# enum
RAVINE_SENTENCE_MAX = 768

# enum
RAVINE_DIAGNOSIS_TEXT_MAX = 8192

# enum
RAVINE_NO_EFFECT_PERCENT = 2

PROTOTYPES = {
    "ravine_status_text": (c_char_p, [c_int]),
    "ravine_errmsg": (c_char_p, []),
    "ravine_version": (c_char_p, []),
    "ravine_schedule_format": (
        ravine_status,
        [POINTER(ravine_schedule), c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    "ravine_schedule_check": (ravine_status, [POINTER(ravine_schedule)]),
    "ravine_schedule_at": (c_double, [POINTER(ravine_schedule), c_int64]),
    "ravine_plateau_tell": (ravine_status, [POINTER(ravine_plateau), c_double, POINTER(c_double)]),
    "ravine_setting_describe": (POINTER(ravine_setting_info), [c_int]),
    "ravine_setting_find": (c_int, [c_char_p]),
    "ravine_rule_describe": (POINTER(ravine_rule_info), [c_int]),
    "ravine_rule_find": (c_int, [c_char_p]),
    "ravine_state_describe": (POINTER(ravine_state_info), [c_int]),
    "ravine_config_format": (
        ravine_status,
        [POINTER(ravine_config), c_int32, c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    "ravine_config_set": (ravine_status, [POINTER(ravine_config), c_char_p, c_char_p]),
    "ravine_config_get": (c_double, [POINTER(ravine_config), c_int]),
    "ravine_config_check": (ravine_status, [POINTER(ravine_config)]),
    "ravine_isa": (c_char_p, [c_char_p]),
    "ravine_kernels_describe": (ravine_status, [c_char_p, c_void_p, c_size_t]),
    "ravine_pool_create": (ravine_status, [POINTER(c_void_p), c_int32]),
    "ravine_pool_run": (None, [c_void_p, ravine_task, c_void_p, c_int64]),
    "ravine_pool_threads": (c_int32, [c_void_p]),
    "ravine_pool_destroy": (None, [c_void_p]),
    "ravine_openmp_run": (None, [c_void_p, ravine_task, c_void_p, c_int64]),
    "ravine_dtype_name": (c_char_p, [c_int32]),
    "ravine_dtype_bits": (c_int32, [c_int32]),
    "ravine_options_format": (
        ravine_status,
        [POINTER(ravine_options), c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    "ravine_create": (
        ravine_status,
        [POINTER(c_void_p), POINTER(ravine_config), POINTER(ravine_env)],
    ),
    "ravine_destroy": (None, [c_void_p]),
    "ravine_add_group": (ravine_status, [c_void_p, POINTER(ravine_config), POINTER(c_int32)]),
    "ravine_add": (ravine_status, [c_void_p, POINTER(ravine_param), c_int64]),
    "ravine_state_bytes": (
        ravine_status,
        [c_void_p, POINTER(ravine_param), c_int64, POINTER(c_int64)],
    ),
    "ravine_memory_bytes": (c_int64, [c_void_p]),
    "ravine_bind": (
        ravine_status,
        [c_void_p, c_int64, c_int64, POINTER(c_void_p), POINTER(c_void_p)],
    ),
    "ravine_dlpack_addresses": (
        ravine_status,
        [
            c_void_p,
            c_int64,
            c_void_p,
            c_void_p,
            POINTER(c_void_p),
            POINTER(c_void_p),
            POINTER(c_int64),
        ],
    ),
    "ravine_set": (ravine_status, [c_void_p, c_int32, c_int, c_double]),
    "ravine_set_schedule": (ravine_status, [c_void_p, c_int32, c_int, POINTER(ravine_schedule)]),
    "ravine_get": (ravine_status, [c_void_p, c_int32, c_int, POINTER(c_double)]),
    "ravine_set_options": (ravine_status, [c_void_p, POINTER(ravine_options)]),
    "ravine_step": (ravine_status, [c_void_p, POINTER(ravine_step_stats)]),
    "ravine_group_stats": (ravine_status, [c_void_p, c_int32, POINTER(ravine_step_stats)]),
    "ravine_param_stats": (ravine_status, [c_void_p, c_int64, POINTER(ravine_step_stats)]),
    "ravine_param_count": (c_int64, [c_void_p]),
    "ravine_group_count": (c_int32, [c_void_p]),
    "ravine_steps": (c_int64, [c_void_p]),
    "ravine_step_count": (c_int64, [c_void_p, c_int64]),
    "ravine_sigma": (ravine_status, [c_void_p, c_char_p, POINTER(c_double), c_int64]),
    "ravine_state_key": (c_char_p, [c_void_p, c_int64, c_int32]),
    "ravine_set_step_count": (ravine_status, [c_void_p, c_int64, c_int64]),
    "ravine_schedule_parse_sized": (ravine_status, [POINTER(ravine_schedule), c_size_t, c_char_p]),
    "ravine_schedule_constant_sized": (
        ravine_status,
        [POINTER(ravine_schedule), c_size_t, c_double],
    ),
    "ravine_schedule_describe_sized": (
        ravine_status,
        [POINTER(ravine_schedule), POINTER(ravine_schedule_facts), c_size_t],
    ),
    "ravine_plateau_init_sized": (None, [POINTER(ravine_plateau), c_size_t]),
    "ravine_config_init_sized": (ravine_status, [POINTER(ravine_config), c_size_t, c_int]),
    "ravine_config_parse_sized": (ravine_status, [POINTER(ravine_config), c_size_t, c_char_p]),
    "ravine_env_init_sized": (None, [POINTER(ravine_env), c_size_t]),
    "ravine_options_init_sized": (None, [POINTER(ravine_options), c_size_t]),
    "ravine_param_view_sized": (
        ravine_status,
        [c_void_p, c_int64, POINTER(ravine_param), c_size_t],
    ),
    "ravine_state_view_sized": (
        ravine_status,
        [c_void_p, c_char_p, c_char_p, POINTER(ravine_param), c_size_t],
    ),
    "ravine_save": (ravine_status, [c_void_p, c_char_p, POINTER(ravine_save_options)]),
    "ravine_load": (ravine_status, [c_void_p, c_char_p, POINTER(ravine_load_options)]),
    "ravine_saver_create": (
        ravine_status,
        [POINTER(c_void_p), c_char_p, POINTER(ravine_saver_options), POINTER(ravine_env)],
    ),
    "ravine_saver_save": (
        ravine_status,
        [c_void_p, c_void_p, POINTER(ravine_save_options), c_double],
    ),
    "ravine_saver_wait": (ravine_status, [c_void_p]),
    "ravine_saver_destroy": (None, [c_void_p]),
    "ravine_checkpoint_latest": (ravine_status, [c_char_p, c_void_p, c_size_t, POINTER(c_int64)]),
    "ravine_checkpoint_open": (ravine_status, [POINTER(c_void_p), c_char_p, POINTER(ravine_env)]),
    "ravine_checkpoint_close": (None, [c_void_p]),
    "ravine_checkpoint_tensor_count": (c_int64, [c_void_p]),
    "ravine_checkpoint_tensor": (ravine_status, [c_void_p, c_int64, POINTER(ravine_tensor)]),
    "ravine_checkpoint_find": (c_int64, [c_void_p, c_char_p]),
    "ravine_checkpoint_range": (
        ravine_status,
        [c_void_p, c_int64, POINTER(c_int64), POINTER(c_int64), POINTER(c_int32)],
    ),
    "ravine_checkpoint_read": (ravine_status, [c_void_p, c_int64, c_void_p, c_int64]),
    "ravine_checkpoint_verify": (ravine_status, [c_void_p]),
    "ravine_checkpoint_text": (c_int32, [c_void_p, c_int64, POINTER(ravine_text)]),
    "ravine_checkpoint_find_text": (c_char_p, [c_void_p, c_char_p]),
    "ravine_safetensors_write": (
        ravine_status,
        [
            c_char_p,
            POINTER(ravine_tensor),
            c_int64,
            POINTER(ravine_text),
            c_int64,
            POINTER(ravine_safetensors_options),
        ],
    ),
    "ravine_save_options_init_sized": (None, [POINTER(ravine_save_options), c_size_t]),
    "ravine_load_options_init_sized": (None, [POINTER(ravine_load_options), c_size_t]),
    "ravine_saver_options_init_sized": (None, [POINTER(ravine_saver_options), c_size_t]),
    "ravine_severity_word": (c_char_p, [c_int]),
    "ravine_severity_mark": (c_char_p, [c_int]),
    "ravine_verdict_word": (c_char_p, [c_int]),
    "ravine_verdict_meaning": (c_char_p, [c_int]),
    "ravine_verdict_severity": (c_int, [c_int]),
    "ravine_verdict_exit_code": (c_int, [c_int]),
    "ravine_doctor_create": (
        ravine_status,
        [POINTER(c_void_p), POINTER(ravine_doctor_options), POINTER(ravine_env)],
    ),
    "ravine_doctor_destroy": (None, [c_void_p]),
    "ravine_doctor_observe": (ravine_status, [c_void_p, c_void_p, c_double]),
    "ravine_doctor_feed": (ravine_status, [c_void_p, POINTER(ravine_observation)]),
    "ravine_samples_take": (ravine_status, [POINTER(ravine_samples), c_int32]),
    "ravine_doctor_observe_samples": (
        ravine_status,
        [c_void_p, POINTER(ravine_observation), POINTER(ravine_samples)],
    ),
    "ravine_samples_measure": (
        ravine_status,
        [POINTER(ravine_samples), c_int32, POINTER(c_double)],
    ),
    "ravine_doctor_observe_sums": (
        ravine_status,
        [c_void_p, POINTER(ravine_observation), POINTER(c_double)],
    ),
    "ravine_fact_word": (c_char_p, [c_int]),
    "ravine_doctor_tell": (ravine_status, [c_void_p, c_int, c_double]),
    "ravine_doctor_path_efficiency": (c_double, [c_void_p]),
    "ravine_doctor_state_length": (c_int64, [c_void_p]),
    "ravine_doctor_export": (ravine_status, [c_void_p, POINTER(c_double), c_int64]),
    "ravine_doctor_import": (ravine_status, [c_void_p, POINTER(c_double), c_int64]),
    "ravine_doctor_warning": (ravine_status, [c_void_p, POINTER(ravine_warning)]),
    "ravine_warning_word": (c_char_p, [c_int]),
    "ravine_probe_run": (
        ravine_status,
        [c_void_p, POINTER(ravine_problem), POINTER(ravine_probe_options), POINTER(ravine_probe)],
    ),
    "ravine_escape": (
        ravine_status,
        [c_void_p, POINTER(ravine_problem), POINTER(ravine_probe_options), c_double],
    ),
    "ravine_stability_limit": (c_double, [POINTER(ravine_config), c_double, c_int64]),
    "ravine_effective_lr": (c_double, [POINTER(ravine_config), c_double, c_int64]),
    "ravine_doctor_take_probe": (ravine_status, [c_void_p, POINTER(ravine_probe)]),
    "ravine_cure_word": (c_char_p, [c_int]),
    "ravine_doctor_diagnose": (ravine_status, [c_void_p, POINTER(ravine_diagnosis)]),
    "ravine_diagnosis_sentence": (
        ravine_status,
        [POINTER(ravine_diagnosis), c_char_p, c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    "ravine_diagnosis_format": (
        ravine_status,
        [POINTER(ravine_diagnosis), c_void_p, c_size_t, POINTER(c_size_t)],
    ),
    "ravine_try_cures": (
        ravine_status,
        [c_void_p, POINTER(ravine_problem), c_int64, POINTER(ravine_diagnosis)],
    ),
    "ravine_doctor_options_init_sized": (None, [POINTER(ravine_doctor_options), c_size_t]),
    "ravine_probe_options_init_sized": (None, [POINTER(ravine_probe_options), c_size_t]),
}
