"""What a person has chosen for erasing; nothing has been started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engines.api.erase_job import EraseJob, EraseRecipe, Erasure
from engines.api.job import JobMethod
from engines.launch.erase_plan import plan_erasure
from engines.launch.folder import create_run
from projects.project import Project


@dataclass(frozen=True)
class EraseDraft:
    """See `engines.launch.erase_plan.plan_erasure`."""

    targets: tuple[Erasure, ...]
    keep: tuple[str, ...] = ()
    method: JobMethod = field(default_factory=lambda: JobMethod(name="spm"))
    recipe: EraseRecipe = field(default_factory=EraseRecipe)
    base: str = "starter"
    after: tuple[str, ...] = ()
    concept_id: None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return self.job().title

    @property
    def gpu(self) -> bool:
        """Whether it may run on a graphics card."""
        return self.recipe.loop.device != "cpu"

    def job(self) -> EraseJob:
        """The job as it would be started now.

        Raises:
            SettingsError: it cannot work; says why.
        """
        settings: Mapping[str, object] = self.method.settings
        return plan_erasure(
            self.targets,
            keep=self.keep,
            base=self.base,
            method=self.method.name,
            settings=settings,
            recipe=self.recipe,
            after=self.after,
        )

    def make(self, project: Project) -> Path:
        """Write the run's folder; it learns from no pictures."""
        return create_run(project.root, self.job(), [])
