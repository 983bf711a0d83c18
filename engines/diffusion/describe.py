"""The catalog of what is on offer, for `python -m engines describe`. Made without torch: the window waits for it when it is new."""

from __future__ import annotations

import importlib.metadata

from engines.api.catalog import BackboneEntry, Catalog, MethodEntry
from engines.api.erase_job import EraseRecipe
from engines.api.recipe import Recipe
from engines.diffusion import backbones, composers, erasers, merging, methods
from engines.diffusion.presets import PRESETS
from engines.launch.hardware import probe


def describe() -> Catalog:
    """Everything that can be chosen on this computer."""
    families, ways = backbones.registry(), methods.registry()
    known = frozenset(ability for _, family in families.items() for ability in family.abilities)
    return Catalog(
        version=_version(),
        methods=tuple(
            MethodEntry(
                name=name,
                title=kind.title,
                sentence=kind.sentence,
                tag=kind.tag,
                paper=kind.paper,
                needs=tuple(kind.needs),
                schema_=kind.model_json_schema(),
                missing="" if known.issuperset(kind.needs) else "No base model here can do what it needs.",
            )
            for name, kind in ways.items()
        ),
        backbones=tuple(
            BackboneEntry(name=name, title=family.title, abilities=tuple(family.abilities))
            for name, family in families.items()
        ),
        presets=PRESETS,
        recipe_schema=Recipe.model_json_schema(),
        devices=probe(),
        composers=composers.entries(),
        rules=merging.entries(),
        erasers=erasers.entries(),
        erase_schema=EraseRecipe.model_json_schema(),
        broken=tuple(
            f"{place}: {reason}"
            for registry in (families, ways, composers.registry(), merging.registry(), erasers.registry())
            for place, reason in registry.broken.items()
        ),
    )


def _version() -> str:
    try:
        return importlib.metadata.version("lorikeet")
    except importlib.metadata.PackageNotFoundError:
        return "0"
