"""What a person has chosen for adapting a segmentation model to a project's marked pictures; nothing has been started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engines.api.job import JobMethod
from engines.api.segment_job import SegmentRecipe
from engines.launch.folder import create_run
from engines.launch.segment_plan import plan_adaptation, start_of
from projects.project import Project


@dataclass(frozen=True)
class SegmentDraft:
    """See `engines.launch.segment_plan.plan_adaptation`; `start_from` is a finished adapter of the project, or None."""

    title: str
    method: JobMethod
    recipe: SegmentRecipe
    base: str = "starter"
    start_from: Path | None = None
    concept_id: None = None

    @property
    def gpu(self) -> bool:
        """Whether it may run on a graphics card."""
        return self.recipe.loop.device != "cpu"

    def make(self, project: Project) -> Path:
        """Write the run's folder from the project as it is now; everything in it is a frozen copy."""
        start = start_of(project.root, self.start_from) if self.start_from is not None else None
        job, scenes = plan_adaptation(
            project,
            title=self.title,
            base=self.base,
            tuner=self.method.name,
            settings=self.method.settings,
            recipe=self.recipe,
            start=start,
        )
        return create_run(project.root, job, scenes)
