"""All adapters added up in the base model's weights, exactly: what every tool does, and what one merged file does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from engines.api.compose import Need
from engines.api.settings import Settings
from engines.diffusion.composers import COMPOSERS

if TYPE_CHECKING:
    from engines.diffusion.sampling import CourseOf
    from engines.diffusion.stage import Stage


@COMPOSERS.register("sum")
class Sum(Settings):
    """The sum, without settings: each adapter's weight belongs to its concept."""

    title: ClassVar[str] = "Add up"
    sentence: ClassVar[str] = (
        "Adds all changes to the model at once. Works best with Mergeable adapters, and can be saved as one file."
    )
    tag: ClassVar[str] = "Everywhere"
    paper: ClassVar[str] = "Editing Models with Task Arithmetic, ICLR 2023"
    needs: ClassVar[tuple[Need, ...]] = ("adapters",)
    order: ClassVar[int] = 60

    @contextmanager
    def staged(self, stage: Stage) -> Iterator[CourseOf]:
        """See `Composer`."""
        stage.generator.use(stage.uses(focus=lambda _: ""))
        yield stage.guided
