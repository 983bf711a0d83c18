"""Token-aware injection: every adapter acts on its own trigger word and leaves the words of the others alone (TARA, Peng et al., AAAI 2026).

Adapters that were taught token-aware are made for this; any other can be kept to its word too, which masks what it does to the words but was not
how it learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from engines.api.compose import Need
from engines.api.settings import Settings, setting
from engines.diffusion.composers import COMPOSERS

if TYPE_CHECKING:
    from engines.diffusion.sampling import CourseOf
    from engines.diffusion.stage import Stage


@COMPOSERS.register("token_aware")
class TokenAware(Settings):
    """Its settings."""

    title: ClassVar[str] = "Each at its own word"
    sentence: ClassVar[str] = (
        "Every adapter listens to its own trigger word only. Needs no boxes; best with Composable adapters."
    )
    tag: ClassVar[str] = "No boxes"
    paper: ClassVar[str] = "TARA: Token-Aware LoRA for Composable Personalization in Diffusion Models, AAAI 2026"
    needs: ClassVar[tuple[Need, ...]] = ("adapters", "words")
    order: ClassVar[int] = 20

    any_adapter: bool = setting(
        True,
        "Also keep ordinary adapters to their words",
        help="Off, only adapters that were taught token-aware are kept to theirs.",
    )

    @contextmanager
    def staged(self, stage: Stage) -> Iterator[CourseOf]:
        """See `Composer`."""
        stage.generator.use(stage.uses(focus=lambda concept: concept.trigger.strip() if self.any_adapter else None))
        yield stage.guided
