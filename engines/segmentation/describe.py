"""What can be chosen for adapting a segmentation model, as catalog data; made without torch."""

from __future__ import annotations

from typing import Any

from engines.api.catalog import MethodEntry
from engines.api.segment_job import SegmentRecipe
from engines.segmentation import segmenters, tuners


def describe() -> dict[str, Any]:
    """The fields of the catalog that are about segmentation."""
    ways, families = tuners.registry(), segmenters.registry()
    return {
        "tuners": tuple(
            MethodEntry(
                name=name,
                title=kind.title,
                sentence=kind.sentence,
                tag=kind.tag,
                paper=kind.paper,
                merges=kind.merges,
                schema_=kind.model_json_schema(),
            )
            for name, kind in ways.items()
        ),
        "segmenters": tuple(family.title for _, family in families.items()),
        "segment_schema": SegmentRecipe.model_json_schema(),
    }


def broken() -> tuple[str, ...]:
    """Files that could not be used, with their reasons."""
    return tuple(
        f"{place}: {reason}"
        for registry in (tuners.registry(), segmenters.registry())
        for place, reason in registry.broken.items()
    )
