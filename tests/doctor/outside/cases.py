# SPDX-License-Identifier: Apache-2.0
"""The runs in PyTorch, and the seeds of all runs."""

from outside.cause import Row, warm
from outside.causes import BROKEN, HEALTHY
from outside.tasks import TASKS
from outside.usual import RATES
from outside.world import Setup, constant_rate

# Whoever changes the doctor, or this battery, looks at the first ones only. The final ones are run
# once, when everything else is done.
SEEDS = {"dev": [1, 2, 3], "final": [9001, 9002, 9003]}


class Case(Row):
    """A run in PyTorch."""

    broken_causes = BROKEN
    healthy_kinds = HEALTHY

    def setup(self) -> Setup:
        """What train.run() carries out."""
        made = usual(self.task, self.rule)
        self.what.change(made, self.strength or 0.0)
        return made


def usual(task: str, rule: str) -> Setup:
    """The settings that usually learn a task."""
    known = TASKS[task]
    return Setup(
        known,
        rule,
        RATES[task][rule],
        dict(known.options.get(rule, {})),
        known.steps,
        known.batch,
        shape=warm(known.warmup) if known.warmup else constant_rate,
    )
