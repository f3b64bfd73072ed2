# SPDX-License-Identifier: Apache-2.0
"""Every cause and every kind of healthy run by its name."""

from outside import causes_data, causes_loop, causes_net, causes_settings, healthy
from outside.cause import Cause

BROKEN: dict[str, Cause] = {
    cause.name: cause
    for module in (causes_settings, causes_data, causes_net, causes_loop)
    for cause in module.CAUSES
}
HEALTHY: dict[str, Cause] = {kind.name: kind for kind in [*healthy.CONTROLS, *healthy.KINDS]}
