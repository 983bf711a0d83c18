"""What a base model weighs and computes, counted from its files' headers without loading it.

Counted per resolution level of the denoiser, because a weight works once for every cell of its level: floating point operations are twice
the weights times the cells, plus the attention's own products (4 n^2 d a layer).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import UserError
from engines.api.places import starter
from engines.launch.tensor_file import read_tensor_file

_TEXT_TOKENS = 77
_CONFIG_BYTES = 2**20


@dataclass(frozen=True)
class Level:
    """One resolution level of a denoiser: level i has latent cells of 2^i times the side.

    Attributes:
        weights: parameters applied to every cell.
        outputs: channels written for every cell, over all layers.
        attention: summed inner width of its self-attentions.
    """

    weights: int
    outputs: int
    attention: int


@dataclass(frozen=True)
class BackboneFigures:
    """A base model in numbers.

    Attributes:
        parameters: weights of the denoiser.
        other_parameters: weights of the text encoder and the autoencoder.
        levels: the denoiser, finest level first.
        attention_sides: summed inputs and outputs of its attention projections: what one rank of an adapter costs.
        resolution: its own picture size, pixels; `latent_factor` pixels a latent cell along one side.
        layers: weighted layers, each of which costs some fixed time.
        narrowest: inputs of the narrowest attention projection; adapters with directions of their own share these.
    """

    parameters: int
    other_parameters: int
    levels: tuple[Level, ...]
    attention_sides: int
    resolution: int
    latent_factor: int
    layers: int
    narrowest: int

    def cells(self, side: int, level: int) -> float:
        """Latent cells of a level for square pictures of `side` pixels."""
        return float((side / self.latent_factor / 2**level) ** 2)

    def forward_flops(self, side: int) -> float:
        """Floating point operations of one pass over one square picture."""
        total = 0.0
        for number, level in enumerate(self.levels):
            n = self.cells(side, number)
            total += 2.0 * level.weights * n + 4.0 * n * (n + _TEXT_TOKENS) * level.attention
        return total

    def activations(self, side: int) -> float:
        """Numbers written by the layers in one pass over one square picture."""
        return sum(level.outputs * self.cells(side, number) for number, level in enumerate(self.levels))


STABLE_DIFFUSION_1 = BackboneFigures(
    parameters=859_520_964,
    other_parameters=206_714_343,
    levels=(
        Level(weights=24_803_840, outputs=32_004, attention=1_600),
        Level(weights=99_123_200, outputs=64_640, attention=3_200),
        Level(weights=380_108_800, outputs=129_280, attention=6_400),
        Level(weights=308_019_200, outputs=44_800, attention=1_280),
    ),
    attention_sides=199_296,
    resolution=512,
    latent_factor=8,
    layers=258,
    narrowest=320,
)
"""Counted from the published architecture; stands in for a base that has not been downloaded yet or is one single file."""


def figures_of(base: str) -> BackboneFigures:
    """The figures of a base as named in a job; where its files cannot be counted, those of Stable Diffusion 1.x."""
    kind, _, place = base.partition(":")
    folder = starter("diffusion") if base == "starter" else Path(place)
    if kind in {"starter", "file"} and folder.is_dir():
        try:
            return count_folder(folder)
        except (OSError, ValueError, KeyError, TypeError, UserError):
            return STABLE_DIFFUSION_1
    return STABLE_DIFFUSION_1


def count_folder(folder: Path) -> BackboneFigures:
    """Count a diffusers folder.

    Raises:
        OSError, ValueError, KeyError, TypeError, UserError: it is incomplete or not of the known layout.
    """
    unet = _config(folder / "unet")
    autoencoder = _config(folder / "vae")
    factor = 2 ** (len(autoencoder["block_out_channels"]) - 1)
    shapes = [
        (name, entry.shape)
        for path in sorted((folder / "unet").glob("*.safetensors"))
        for name, entry in read_tensor_file(path).tensors.items()
    ]
    others = sum(
        math.prod(entry.shape)
        for part in ("vae", "text_encoder")
        for path in sorted((folder / part).glob("*.safetensors"))
        for entry in read_tensor_file(path).tensors.values()
    )
    return count(
        shapes,
        levels=len(unet["block_out_channels"]),
        resolution=int(unet["sample_size"]) * factor,
        latent_factor=factor,
        other_parameters=others,
    )


def count(
    shapes: Iterable[tuple[str, tuple[int, ...]]],
    *,
    levels: int,
    resolution: int,
    latent_factor: int,
    other_parameters: int,
) -> BackboneFigures:
    """Count a denoiser from the names and shapes of its weights (diffusers naming)."""
    weights, outputs, attention = [0] * levels, [0] * levels, [0] * levels
    parameters = sides = layers = 0
    inputs: list[int] = []
    for name, shape in shapes:
        size = math.prod(shape)
        parameters += size
        if len(shape) < 2 or "time_emb" in name or "add_embedding" in name:
            continue
        layers += 1
        level = _level(name, levels)
        if re.search(r"attn\d\.to_(q|k|v|out)", name):
            sides += shape[0] + shape[1]
            inputs.append(shape[1])
        if re.search(r"attn2\.to_[kv]\.", name):
            continue  # works on the words, not on the cells
        weights[level] += size
        outputs[level] += shape[0]
        if re.search(r"attn1\.to_q\.", name):
            attention[level] += shape[0]
    counted = tuple(Level(*figures) for figures in zip(weights, outputs, attention, strict=True))
    return BackboneFigures(parameters, other_parameters, counted, sides, resolution, latent_factor, layers, min(inputs))


def _level(name: str, levels: int) -> int:
    found = re.match(r"(down|up)_blocks\.(\d+)\.", name)
    if found is None:
        return levels - 1 if name.startswith("mid_block") else 0
    number = int(found.group(2))
    return min(number, levels - 1) if found.group(1) == "down" else max(0, levels - 1 - number)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if path.stat().st_size > _CONFIG_BYTES:
        msg = f"{path} is too large for a configuration"
        raise ValueError(msg)
    config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        msg = f"{path} is not a configuration"
        raise TypeError(msg)
    return config
