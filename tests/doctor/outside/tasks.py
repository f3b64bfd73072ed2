# SPDX-License-Identifier: Apache-2.0
"""Every task by its name."""

from outside import tasks_images, tasks_others, tasks_sequences, tasks_tables
from outside.world import Task

TASKS: dict[str, Task] = {
    task.name: task
    for module in (tasks_tables, tasks_images, tasks_sequences, tasks_others)
    for task in module.TASKS
}
