"""Which family a base model belongs to, told from a few bytes of its files: torch-free, for choices made before anything is opened."""

from __future__ import annotations

import json
from pathlib import Path

from engines.api.errors import UserError
from engines.api.places import starter
from engines.launch.tensor_file import read_tensor_file

SMALLER, LARGER = "stable-diffusion", "stable-diffusion-xl"
PIPELINES = {"StableDiffusionPipeline": SMALLER, "StableDiffusionXLPipeline": LARGER}
_LARGER_NAMES = ("conditioner.", "model.diffusion_model.label_emb.")
_CONFIG_BYTES = 2**20


def family_of(base: str) -> str:
    """Registered name of the family of a base as named in a job; empty when that cannot be told without fetching or opening it."""
    kind, _, place = base.partition(":")
    path = starter("diffusion") if base == "starter" else Path(place)
    if kind not in {"starter", "file"}:
        return ""
    try:
        if path.is_dir():
            return _of_folder(path)
        return LARGER if is_larger_file(path) else SMALLER
    except (OSError, ValueError, AttributeError, UserError):
        return ""


def is_larger_file(checkpoint: Path) -> bool:
    """Whether a checkpoint is of the larger kind, by its header; raises OSError or UserError when it has none that can be read."""
    return any(name.startswith(_LARGER_NAMES) for name in read_tensor_file(checkpoint).tensors)


def _of_folder(folder: Path) -> str:
    index = folder / "model_index.json"
    if index.stat().st_size > _CONFIG_BYTES:
        return ""
    return PIPELINES.get(str(json.loads(index.read_text(encoding="utf-8")).get("_class_name", "")), "")
