"""Kinds of jobs, and who knows how to do each: a name and the place of its builder, imported only when such a job runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engines.api.errors import JobError
from engines.core.contracts import Task
from engines.core.devices import Device

TaskBuilder = Callable[[Any, Sequence[Any], Path, Path, Device], Task]
"""Called as (job, images, project root, run folder, device), the first two of its kind; cheap: the work is in `Task.prepare`."""

TASKS: dict[str, str] = {
    "teach": "engines.diffusion.teach:build",
    "erase": "engines.diffusion.erasing.task:build",
    "segment": "engines.segmentation.adapt:build",
}


def builder(kind: str) -> TaskBuilder:
    """The builder for a kind of job.

    Raises:
        JobError: this version knows no such kind.
    """
    if kind not in TASKS:
        raise JobError("This kind of run is unknown", f"This version cannot do “{kind}”.", "Update Lorikeet to run it.")
    module, _, name = TASKS[kind].partition(":")
    found: TaskBuilder = getattr(importlib.import_module(module), name)
    return found
