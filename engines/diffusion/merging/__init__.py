"""Rules by which several adapters become one, one file each; a file registers its class with `@RULES.register(name)`.

A rule is a frozen `Settings` class and loads no torch. The result is always one adapter that any tool reads: exact where the rule keeps to the
adapters' own directions, else the nearest one of a rank, with the share it lacks told.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engines.api.catalog import MethodEntry
from engines.api.settings import setting
from engines.core.registry import Registry, configured
from engines.diffusion.composers import entry_of

if TYPE_CHECKING:
    from engines.diffusion.merging._layers import Merged, Seen, Weighted


class Rule(Protocol):
    """One rule: a frozen class whose fields are its settings.

    `needs` holds “base” where the rule looks at what the base does with each adapter; `exact` says that nothing is lost; `order` is its place among the others.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    tag: ClassVar[str]
    paper: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    exact: ClassVar[bool]
    order: ClassVar[int]

    def merged(self, parts: Sequence[Weighted], seen: Seen | None) -> Merged:
        """One adapter of several.

        Args:
            parts: adapters at their strengths.
            seen: what the layers were asked while each adapter was at work; given where the rule needs the base.
        """
        ...


RULES: Registry[type[Any]] = Registry("rule of merging")


@functools.cache
def registry() -> Registry[type[Any]]:
    """All rules; their files are imported once."""
    RULES.discover(__name__)
    return RULES


def rule_of(name: str, settings: Mapping[str, Any]) -> Rule:
    """The rule of this name with these settings.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    rule: Rule = configured(registry(), name, settings, group="merge")
    return rule


def entries() -> tuple[MethodEntry, ...]:
    """All rules as catalogue data, the plainest first."""
    kinds = sorted(registry().items(), key=lambda pair: pair[1].order)
    return tuple(entry_of(name, kind) for name, kind in kinds)


def rank_setting() -> Any:  # noqa: ANN401 - a field, as `setting` gives it
    """The rank of the file, for rules whose result has none of its own."""
    return setting(
        0,
        "Rank",
        help="Of the merged file: the higher, the less is lost and the larger it is. 0 takes the ranks of all adapters together.",
        ge=0,
        le=512,
        zero="of all together",
    )
