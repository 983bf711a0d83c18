"""Names of the larger Stable Diffusion's layers in its first public release ("sgm": `input_blocks`, `middle_block`, `output_blocks`).

Kohya's scripts, and with them the web UIs, use these for Stable Diffusion XL, dots turned into underscores; everything else here uses the
names of diffusers. The tables hold for its one layout: three levels with two layers each, no attention on the finest.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

_LEVELS, _LAYERS = 3, 2
_PER_LEVEL = _LAYERS + 1
_INSIDE = {
    "conv1": "in_layers.2",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_AROUND = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
}
FIRST_WORDS = ("input_blocks_", "middle_block_", "output_blocks_", "label_emb_", "time_embed_", "out_2")
"""How such a name begins, with underscores."""


def to_sgm(path: str) -> str:
    """The name of a layer, with underscores: `mid_block.attentions.0.proj_in` -> `middle_block_1_proj_in`. Unknown ones stay as they are."""
    for ours, theirs in _table().items():
        if path == ours or path.startswith(ours + "."):
            path = theirs + path.removeprefix(ours)
            break
    return path.replace(".", "_")


def from_sgm(name: str) -> str:
    """The name of diffusers, with underscores: `middle_block_1_proj_in` -> `mid_block_attentions_0_proj_in`. Unknown ones stay as they are."""
    for ours, theirs in _table().items():
        start = theirs.replace(".", "_")
        if name == start or name.startswith(start + "_"):
            return ours.replace(".", "_") + name.removeprefix(start)
    return name


@functools.cache
def _table() -> dict[str, str]:
    """The diffusers path of every layer or transformer, and its counterpart."""
    return dict([*_AROUND.items(), *_blocks()])


def _blocks() -> Iterator[tuple[str, str]]:
    for level in range(_LEVELS):
        down, up = f"down_blocks.{level}", f"up_blocks.{level}"
        for layer in range(_LAYERS):
            yield from _pair(down, layer, f"input_blocks.{level * _PER_LEVEL + layer + 1}")
        for layer in range(_LAYERS + 1):
            yield from _pair(up, layer, f"output_blocks.{level * _PER_LEVEL + layer}")
        yield f"{down}.downsamplers.0.conv", f"input_blocks.{(level + 1) * _PER_LEVEL}.0.op"
        yield f"{up}.upsamplers.0.conv", f"output_blocks.{level * _PER_LEVEL + _LAYERS}.2.conv"
    yield "mid_block.attentions.0", "middle_block.1"
    for number in range(2):
        yield from _resnet(f"mid_block.resnets.{number}", f"middle_block.{2 * number}")


def _pair(block: str, layer: int, theirs: str) -> Iterator[tuple[str, str]]:
    yield from _resnet(f"{block}.resnets.{layer}", f"{theirs}.0")
    yield f"{block}.attentions.{layer}", f"{theirs}.1"


def _resnet(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    for inside, name in _INSIDE.items():
        yield f"{ours}.{inside}", f"{theirs}.{name}"
