"""The catalog of what is on offer, for `python -m engines describe`."""

from __future__ import annotations

import importlib.metadata

import psutil
import torch

from engines.api.catalog import BackboneEntry, Catalog, DeviceEntry, MethodEntry
from engines.api.recipe import Recipe
from engines.diffusion import backbones, methods
from engines.diffusion.presets import PRESETS


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
        devices=tuple(_devices()),
        broken=tuple(
            f"{place}: {reason}" for registry in (families, ways) for place, reason in registry.broken.items()
        ),
    )


def _devices() -> list[DeviceEntry]:
    found: list[DeviceEntry] = []
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            half = ("bf16", "fp16") if torch.cuda.get_device_capability(number)[0] >= 8 else ("fp16",)
            title = torch.cuda.get_device_name(number)
            found.append(_device("cuda", title, total, free, ("fp32", *half)))
    memory = psutil.virtual_memory()
    if torch.backends.mps.is_available():
        found.append(_device("mps", "Apple graphics", memory.total, memory.available, ("fp32",)))
    cores = psutil.cpu_count(logical=False) or 1
    title = f"Processor, {cores} core{'s' * (cores != 1)}"
    found.append(_device("cpu", title, memory.total, memory.available, ("fp32",)))
    return found


def _device(kind: str, title: str, total: int, free: int, precisions: tuple[str, ...]) -> DeviceEntry:
    return DeviceEntry(kind=kind, title=title, memory_bytes=total, memory_free_bytes=free, precisions=precisions)


def _version() -> str:
    try:
        return importlib.metadata.version("lorikeet")
    except importlib.metadata.PackageNotFoundError:
        return "0"
