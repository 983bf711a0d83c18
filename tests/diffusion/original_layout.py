"""Writes a tiny diffusers Stable Diffusion as one checkpoint file in the original naming, for tests of reading such files.

The naming is that of the first public release (input_blocks, middle_block, output_blocks); the tables below give its counterpart of each diffusers
name.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def original_state(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a diffusers folder under their original names."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    state: dict[str, torch.Tensor] = {}
    layers, blocks = pipeline.unet.config.layers_per_block, len(pipeline.unet.config.block_out_channels)
    for name, tensor in pipeline.unet.state_dict().items():
        state["model.diffusion_model." + _unet(name, layers, blocks)] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        new, changed = _vae(name, tensor, len(pipeline.vae.config.block_out_channels))
        state["first_stage_model." + new] = changed
    for name, tensor in pipeline.text_encoder.state_dict().items():
        state["cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")] = tensor
    return {name: tensor.clone().contiguous() for name, tensor in state.items()}


def _unet(name: str, layers: int, blocks: int) -> str:
    for start, new in _ENDS.items():
        if name.startswith(start + "."):
            return new + name.removeprefix(start)
    parts = name.split(".")
    if parts[0] == "mid_block":
        position = {"attentions": 1, "resnets": 0 if parts[2] == "0" else 2}[parts[1]]
        return f"middle_block.{position}." + _inside(parts[1], parts[3:])
    block, kind, index = int(parts[1]), parts[2], parts[3]
    if parts[0] == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{(block + 1) * (layers + 1)}.0.op." + parts[-1]
        return f"input_blocks.{block * (layers + 1) + int(index) + 1}.{int(kind == 'attentions')}." + _inside(
            kind, parts[4:]
        )
    number = block * (layers + 1) + (layers if kind == "upsamplers" else int(index))
    if kind == "upsamplers":
        has_attention = block == 0 and blocks == 2  # of the tiny layout: only the first up block attends
        return f"output_blocks.{number}.{2 if has_attention else 1}.conv." + parts[-1]
    return f"output_blocks.{number}.{int(kind == 'attentions')}." + _inside(kind, parts[4:])


def _inside(kind: str, rest: list[str]) -> str:
    return ".".join([_RESNET[rest[0]], *rest[1:]] if kind == "resnets" else rest)


def _vae(name: str, tensor: torch.Tensor, levels: int) -> tuple[str, torch.Tensor]:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    parts = name.split(".")
    if "mid_block" in parts:
        kind, index = parts[2], int(parts[3])
        if kind == "resnets":
            return ".".join([parts[0], "mid", f"block_{index + 1}", *parts[4:]]), tensor
        rest = ".".join(parts[4:-1])
        grown = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        return ".".join([parts[0], "mid", "attn_1", _VAE_ATTENTION[rest], parts[-1]]), grown
    if "down_blocks" in parts or "up_blocks" in parts:
        side, block = ("down", int(parts[2])) if "down_blocks" in parts else ("up", levels - 1 - int(parts[2]))
        if parts[3] == "resnets":
            return ".".join([parts[0], side, str(block), "block", *parts[4:]]), tensor
        sampler = "downsample" if side == "down" else "upsample"
        return ".".join([parts[0], side, str(block), sampler, *parts[5:]]), tensor
    return name, tensor
