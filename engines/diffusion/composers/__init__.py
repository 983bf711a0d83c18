"""Ways to bring several concepts into one picture, one file each; a file registers its class with `@COMPOSERS.register(name)`.

A way is a frozen `Settings` class and loads no torch; its running half, where it is large, lies beside it with an underscore in front.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engines.api.catalog import MethodEntry
from engines.api.compose import Need
from engines.core.registry import Registry, configured

if TYPE_CHECKING:
    from engines.diffusion.sampling import CourseOf
    from engines.diffusion.stage import Stage


class Composer(Protocol):
    """One way to compose: a frozen class whose fields are its settings.

    `tag` is one word on its card, `paper` its source, `needs` what it asks of every concept, `order` its place among the others, best first.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    tag: ClassVar[str]
    paper: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]]
    order: ClassVar[int]

    def staged(self, stage: Stage) -> AbstractContextManager[CourseOf]:
        """Make the base ready for a composition; inside, pictures take the course that is handed over.

        Adapters may be left in the base's weights, known to the stage's generator; everything else is taken out again at the end.

        Raises:
            UserError: it cannot be done, in words.
        """
        ...


COMPOSERS: Registry[type[Any]] = Registry("way to compose")


@functools.cache
def registry() -> Registry[type[Any]]:
    """All ways; their files are imported once."""
    COMPOSERS.discover(__name__)
    return COMPOSERS


def composer_of(name: str, settings: Mapping[str, Any]) -> Composer:
    """The way of this name with these settings.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    composer: Composer = configured(registry(), name, settings, group="compose")
    return composer


def entries() -> tuple[MethodEntry, ...]:
    """All ways as catalogue data, best first."""
    kinds = sorted(registry().items(), key=lambda pair: pair[1].order)
    return tuple(entry_of(name, kind) for name, kind in kinds)


def entry_of(name: str, kind: type[Any]) -> MethodEntry:
    """A way, or a rule of merging, as catalogue data."""
    return MethodEntry(
        name=name,
        title=kind.title,
        sentence=kind.sentence,
        tag=kind.tag,
        paper=kind.paper,
        needs=tuple(kind.needs),
        schema_=kind.model_json_schema(),
    )
