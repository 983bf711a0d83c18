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
from engines.launch.family import is_larger_file
from engines.launch.tensor_file import read_tensor_file

TEXT_TOKENS = 77
_CONFIG_BYTES = 2**20

Shape = tuple[str, tuple[int, ...]]
"""Name and shape of a weight."""


@dataclass(frozen=True)
class Level:
    """One resolution level of a denoiser: level i has latent cells of 2^i times the side.

    Attributes:
        weights: parameters applied to every cell.
        outputs: channels written for every cell, over all layers.
        attention: summed inner width of its self-attentions.
        sides: summed inputs and outputs of its attention projections that work on cells: what one rank of an adapter computes a cell.
        feed_forward: the same of its feed-forward layers.
    """

    weights: int
    outputs: int
    attention: int
    sides: int
    feed_forward: int


@dataclass(frozen=True)
class TextFigures:
    """A base model's text encoders in numbers: weights applied to every token, outputs a token over all layers, and attention sides as in `Level`."""

    weights: int
    outputs: int
    sides: int


@dataclass(frozen=True)
class BackboneFigures:
    """A base model in numbers.

    Attributes:
        parameters: weights of the denoiser.
        other_parameters: weights of the text encoders and the autoencoder.
        text: the text encoders.
        levels: the denoiser, finest level first.
        attention_sides: summed inputs and outputs of its attention projections: numbers of one rank of an adapter.
        resolution: its own picture size, pixels; `latent_factor` pixels a latent cell along one side.
        layers: weighted layers, each of which costs some fixed time.
        narrowest: inputs of the narrowest attention projection; adapters with directions of their own share these.
    """

    parameters: int
    other_parameters: int
    text: TextFigures
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
            total += 2.0 * level.weights * n + 4.0 * n * (n + TEXT_TOKENS) * level.attention
        return total

    def text_flops(self) -> float:
        """Floating point operations of one pass over one caption."""
        return 2.0 * self.text.weights * TEXT_TOKENS

    def adapter_flops(self, side: int, *, feed_forward: bool, text: bool) -> float:
        """Floating point operations that one rank of an adapter adds to one pass over one square picture."""
        total = 0.0
        for number, level in enumerate(self.levels):
            total += 2.0 * self.cells(side, number) * (level.sides + feed_forward * level.feed_forward)
        return total + 2.0 * TEXT_TOKENS * text * self.text.sides

    def adapter_weights(self, *, feed_forward: bool, text: bool) -> int:
        """Numbers in one rank of an adapter."""
        wide = sum(level.feed_forward for level in self.levels) if feed_forward else 0
        return self.attention_sides + wide + (self.text.sides if text else 0)

    def activations(self, side: int) -> float:
        """Numbers written by the layers in one pass over one square picture."""
        return sum(level.outputs * self.cells(side, number) for number, level in enumerate(self.levels))


STABLE_DIFFUSION_1 = BackboneFigures(
    parameters=859_520_964,
    other_parameters=206_714_343,
    text=TextFigures(weights=84_934_656, outputs=82_944, sides=73_728),
    levels=(
        Level(weights=24_803_840, outputs=32_004, attention=1_600, sides=19_200, feed_forward=22_400),
        Level(weights=99_123_200, outputs=64_640, attention=3_200, sides=38_400, feed_forward=44_800),
        Level(weights=380_108_800, outputs=129_280, attention=6_400, sides=76_800, feed_forward=89_600),
        Level(weights=308_019_200, outputs=44_800, attention=1_280, sides=15_360, feed_forward=17_920),
    ),
    attention_sides=199_296,
    resolution=512,
    latent_factor=8,
    layers=258,
    narrowest=320,
)
"""Counted from the published architecture; stands in for a base that has not been downloaded yet or is one single file."""

STABLE_DIFFUSION_XL = BackboneFigures(
    parameters=2_567_463_684,
    other_parameters=901_374_183,
    text=TextFigures(weights=714_080_256, outputs=451_584, sides=401_408),
    levels=(
        Level(weights=14_563_840, outputs=4_804, attention=0, sides=0, feed_forward=0),
        Level(weights=135_987_200, outputs=112_640, attention=6_400, sides=76_800, feed_forward=89_600),
        Level(weights=2_049_638_400, outputs=1_191_680, attention=76_800, sides=921_600, feed_forward=1_075_200),
    ),
    attention_sides=1_451_520,
    resolution=1024,
    latent_factor=8,
    layers=773,
    narrowest=640,
)
"""The same of the larger kind."""


def figures_of(base: str) -> BackboneFigures:
    """The figures of a base as named in a job; where its files cannot be counted, those of the published model it most likely is."""
    kind, _, place = base.partition(":")
    path = starter("diffusion") if base == "starter" else Path(place)
    try:
        if kind in {"starter", "file"} and path.is_dir():
            return count_folder(path)
        larger = is_larger_file(path) if kind == "file" else kind == "hub" and "xl" in place.lower()
    except (OSError, ValueError, KeyError, TypeError, UserError):
        larger = False
    return STABLE_DIFFUSION_XL if larger else STABLE_DIFFUSION_1


def count_folder(folder: Path) -> BackboneFigures:
    """Count a diffusers folder.

    Raises:
        OSError, ValueError, KeyError, TypeError, UserError: it is incomplete or not of the known layout.
    """
    unet = _config(folder / "unet")
    autoencoder = _config(folder / "vae")
    factor = 2 ** (len(autoencoder["block_out_channels"]) - 1)
    text = [shape for part in sorted(folder.glob("text_encoder*")) for shape in _shapes(part)]
    others = sum(math.prod(shape) for _, shape in (*text, *_shapes(folder / "vae")))
    return count(
        _shapes(folder / "unet"),
        count_text(text),
        levels=len(unet["block_out_channels"]),
        resolution=int(unet["sample_size"]) * factor,
        latent_factor=factor,
        other_parameters=others,
    )


def count_text(shapes: Iterable[Shape]) -> TextFigures:
    """Count text encoders from the names and shapes of their weights (transformers naming)."""
    layers = [(name, shape) for name, shape in shapes if len(shape) == 2 and ".layers." in name]
    return TextFigures(
        weights=sum(math.prod(shape) for _, shape in layers),
        outputs=sum(shape[0] for _, shape in layers),
        sides=sum(sum(shape) for name, shape in layers if ".self_attn." in name),
    )


def count(
    shapes: Iterable[Shape],
    text: TextFigures,
    *,
    levels: int,
    resolution: int,
    latent_factor: int,
    other_parameters: int,
) -> BackboneFigures:
    """Count a denoiser from the names and shapes of its weights (diffusers naming)."""
    weights, outputs, attention, cell_sides, wide = ([0] * levels for _ in range(5))
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
        if ".to_" in name:
            cell_sides[level] += shape[0] + shape[1]
        if ".ff.net." in name:
            wide[level] += shape[0] + shape[1]
        if re.search(r"attn1\.to_q\.", name):
            attention[level] += shape[0]
    counted = tuple(Level(*figures) for figures in zip(weights, outputs, attention, cell_sides, wide, strict=True))
    return BackboneFigures(
        parameters, other_parameters, text, counted, sides, resolution, latent_factor, layers, min(inputs)
    )


def _shapes(folder: Path) -> list[Shape]:
    return [
        (name, entry.shape)
        for path in sorted(folder.glob("*.safetensors"))
        for name, entry in read_tensor_file(path).tensors.items()
    ]


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
