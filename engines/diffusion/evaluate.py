"""How alike pictures are to photos of the subject (CLIP-I) and to their prompts (CLIP-T), with bootstrap intervals over prompts.

Figures are raw cosines (Radford et al. 2021); the encoder's name goes with them, since figures of different encoders cannot be compared.
CLIP-I is the mean over all pairs of a made picture and a photo (DreamBooth, Ruiz et al. 2023). Intervals resample prompts, not pictures,
because pictures of one prompt are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from engines.api.errors import ModelError
from engines.api.places import starter
from engines.core.devices import Device
from engines.diffusion.folders import plain_failures
from engines.diffusion.weights import read_config, sha256_of, weight_files

RESAMPLES = 2000
FEWEST = 3
"""With fewer prompts an interval says nothing."""
_BATCH = 16


class Encoder:
    """A CLIP model as a judge; `name` and `sha256` identify it in reports."""

    def __init__(self, model: Any, processor: Any, tokenizer: Any, *, name: str, sha256: str) -> None:  # noqa: ANN401 - transformers is untyped
        self._model, self._processor, self._tokenizer = model, processor, tokenizer
        self.name, self.sha256 = name, sha256

    @torch.no_grad()
    def images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """Unit vectors (N, D), fp32 on the CPU."""
        rows = []
        for start in range(0, len(pictures), _BATCH):
            part = [picture.convert("RGB") for picture in pictures[start : start + _BATCH]]
            pixels = self._processor(images=part, return_tensors="pt")["pixel_values"].to(self._model.device)
            rows.append(_vectors(self._model.get_image_features(pixel_values=pixels)))
        return torch.cat(rows)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors (N, D), fp32 on the CPU."""
        length = self._model.config.text_config.max_position_embeddings
        tokens = self._tokenizer(
            list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).to(self._model.device)
        found = self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return _vectors(found)


def open_encoder(device: Device, source: str = "starter") -> Encoder:
    """Load a CLIP folder: `starter`, `hub:owner/name`, or `file:` and a folder.

    Raises:
        ModelError: it is not there or cannot be read.
    """
    from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = encoder_folder(source)
    files, _ = weight_files(folder)
    with plain_failures(folder.name, "encoder"):
        model = CLIPModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        processor = CLIPImageProcessor.from_pretrained(str(folder), local_files_only=True)
        tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = model.float().to(device.torch_device).eval().requires_grad_(False)
    name = "starter CLIP" if source == "starter" else source.partition(":")[2]
    return Encoder(model, processor, tokenizer, name=name, sha256=sha256_of(files[0]))


def encoder_folder(source: str) -> Path:
    """Where an encoder lies; raises ModelError when there is none."""
    kind, _, rest = source.partition(":")
    if source == "starter":
        folder = starter("clip")
    elif kind == "hub":
        from engines.diffusion.hub import fetch_encoder

        folder = fetch_encoder(rest)
    else:
        folder = Path(rest)
    if read_config(folder / "config.json").get("model_type") != "clip":
        title = "This is not a CLIP model"
        raise ModelError(title, f"“{folder.name}”.", "Choose the folder of a CLIP model.")
    return folder


@dataclass(frozen=True)
class Figure:
    """A mean with its 95 % interval; `count` pictures went into it."""

    mean: float
    low: float
    high: float
    count: int

    def as_data(self) -> dict[str, float | int]:
        """Plain data for a report."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "count": self.count}


def likeness(made: torch.Tensor, references: torch.Tensor) -> list[float]:
    """CLIP-I of each made picture (N, D): its mean cosine with the references (M, D)."""
    return [float(value) for value in (made @ references.T).mean(dim=1)]


def following(made: torch.Tensor, prompts: torch.Tensor) -> list[float]:
    """CLIP-T of each made picture (N, D): its cosine with its own prompt (N, D)."""
    return [float(value) for value in (made * prompts).sum(dim=1)]


def change(before: torch.Tensor, after: torch.Tensor) -> list[float]:
    """Drift: how far each picture (N, D) went from its partner of equal words and seed (N, D); 0 is the same picture (1 - cosine)."""
    return [float(value) for value in 1.0 - (before * after).sum(dim=1)]


def spread(made: torch.Tensor, groups: Sequence[str]) -> float:
    """How far pictures (N, D) of one group are from each other, as in `change`, over all groups; 0 where each has only one."""
    found = [float(1.0 - made[i] @ made[j]) for i in range(len(groups)) for j in range(i) if groups[i] == groups[j]]
    return sum(found) / len(found) if found else 0.0


def interval(values: Sequence[float], groups: Sequence[str], *, seed: int = 0) -> Figure:
    """Mean over groups of their means, with a 95 % bootstrap interval over groups; deterministic.

    Args:
        values: one figure a picture; there must be some.
        groups: the prompt of each.
        seed: of the resampling.
    """
    by_group: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by_group.setdefault(group, []).append(value)
    means = np.array([np.mean(found) for found in by_group.values()])
    drawn = np.random.default_rng(seed).integers(0, len(means), (RESAMPLES, len(means)))
    low, high = np.percentile(means[drawn].mean(axis=1), [2.5, 97.5])
    return Figure(float(means.mean()), float(low), float(high), len(values))


def apart(first: Mapping[str, float | int], second: Mapping[str, float | int]) -> bool:
    """Whether two intervals do not overlap."""
    return first["high"] < second["low"] or second["high"] < first["low"]


def _vectors(found: Any) -> torch.Tensor:  # noqa: ANN401 - a tensor in older transformers, an output object in newer
    tensor: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
    return torch.nn.functional.normalize(tensor.float(), dim=-1).cpu()
