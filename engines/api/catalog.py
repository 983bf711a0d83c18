"""What is on offer as plain data, printed by `python -m engines describe` and cached by version for the window.

The window draws its forms from this; it never imports a method.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict

from engines.api.recipe import Preset

ABILITIES = {
    "attention_linears": "attention layers that an adapter can sit on",
    "context_linears": "layers that read the words",
    "feed_forward_linears": "feed-forward layers that an adapter can sit on",
    "projections": "layers around its transformers that an adapter can sit on",
    "text_linears": "a text encoder that can be taught",
    "word_vectors": "words whose vectors can be taught",
}
"""What a method may ask of a base model, in words."""


def lacking(asks: Collection[str], abilities: Collection[str], base: str) -> str:
    """Why a base model (its title) does not do for what is asked of it, in a sentence; empty when it does."""
    missing = next((ask for ask in asks if ask not in abilities), None)
    return f"“{base}” has no {ABILITIES.get(missing, missing)}." if missing is not None else ""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class MethodEntry(_Entry):
    """One way to teach.

    Attributes:
        name: registered name, as in `job.json`.
        schema_: JSON schema of its settings (see `engines.api.settings.setting` for the extras).
        needs: abilities it asks of a backbone.
        missing: why it cannot be used here, in plain words; empty when it can.
        merges: whether what it teaches can be put into the model's own weights.
        learns: whether it is taught in steps; an eraser that does not is there in seconds.
        separable: whether concepts of one eraser can be switched off one by one (`AdapterUse.off`).
        exact_elsewhere: whether other tools get the same pictures from its file.
    """

    name: str
    title: str
    sentence: str
    tag: str = ""
    paper: str = ""
    merges: bool = True
    learns: bool = True
    separable: bool = False
    exact_elsewhere: bool = True
    needs: tuple[str, ...] = ()
    schema_: dict[str, Any]
    missing: str = ""


class BackboneEntry(_Entry):
    """One family of base models."""

    name: str
    title: str
    abilities: tuple[str, ...]
    missing: str = ""


class DeviceEntry(_Entry):
    """Something that can compute: memory in bytes."""

    kind: str
    title: str
    memory_bytes: int
    memory_free_bytes: int
    precisions: tuple[str, ...]


class Catalog(_Entry):
    """All of it. `recipe_schema` is the JSON schema of `engines.api.recipe.Recipe`, `segment_schema` that of `SegmentRecipe`.

    `composers` are ways to bring several concepts into one picture, best first; their `needs` are those of `engines.api.compose.NEEDS`. `rules` are
    ways to make one adapter of several; those that need “base” look at what the base does.
    """

    version: str
    methods: tuple[MethodEntry, ...]
    backbones: tuple[BackboneEntry, ...]
    presets: tuple[Preset, ...]
    recipe_schema: dict[str, Any]
    devices: tuple[DeviceEntry, ...]
    tuners: tuple[MethodEntry, ...] = ()
    segmenters: tuple[str, ...] = ()
    segment_schema: dict[str, Any] = {}
    erasers: tuple[MethodEntry, ...] = ()
    erase_schema: dict[str, Any] = {}
    composers: tuple[MethodEntry, ...] = ()
    rules: tuple[MethodEntry, ...] = ()
    broken: tuple[str, ...] = ()
