"""Measures a finished run: before and after from the same words and seeds, kept in its folder for Train, Compare and Library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.api.job import Job
from engines.core.contracts import ProgressHook
from engines.diffusion import same_base
from engines.diffusion.backbones import quiet
from engines.diffusion.compare import Comparison, compare
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import StepHook
from engines.launch.evaluation import built, question_of
from engines.launch.folder import read_job

OnPicture = Callable[[int, int], object]


def measure(
    run: Path,
    generator: Generator,
    *,
    progress: ProgressHook = quiet,
    on_picture: OnPicture = lambda _done, _total: None,
    on_step: StepHook | None = None,
) -> dict[str, Any]:
    """Measure a run and return the report; its folder shows nothing of it until all is there.

    Args:
        run: folder of a finished run; the caller holds the project's lock (`engines.launch.evaluation.alone`).
        generator: opened on the run's base if it is not yet.
        progress: of loading the base; may raise to end it, as may the others.
        on_picture: hears (done, total) pictures.
        on_step: hears (done, total) denoising steps.

    Raises:
        JobError: the run is not finished, or its base has changed; UserError: what a comparison may raise.
    """
    job: Job = read_job(run)
    with built(run) as folder:
        wanted = Comparison.of(question_of(run, folder))
        wanted = replace(wanted, base=same_base.address(run, wanted.base))
        generator.open(wanted.base, progress=progress)
        same_base.keep(run, job.base, generator.base)
        total, done = len(wanted.pictures()), 0

        def counted(_made: object) -> None:
            nonlocal done
            done += 1
            on_picture(done, total)

        return compare(generator, wanted, folder, on_picture=counted, on_step=on_step)
