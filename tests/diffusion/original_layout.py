"""Writes a tiny diffusers Stable Diffusion, of either kind, as one checkpoint file in the original naming, for tests of reading such files.

The naming is that of the first public releases (input_blocks, middle_block, output_blocks; for the larger kind two embedders, the second as
OpenCLIP keeps it); the tables below give its counterpart of each diffusers name.
"""

from __future__ import annotations

from pathlib import Path

import torch

from tests.diffusion.support import stock

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
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm": "ln_final",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
    "encoder.layers": "transformer.resblocks",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def original_state(folder: Path) -> dict[str, torch.Tensor]:
    """All weights of a diffusers folder under their original names."""
    pipeline = stock(folder)
    state: dict[str, torch.Tensor] = {}
    unet = pipeline.unet.config
    attending = {number for number, kind in enumerate(unet.up_block_types) if "Attn" in kind}
    for name, tensor in pipeline.unet.state_dict().items():
        state["model.diffusion_model." + _unet(name, unet.layers_per_block, attending)] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        new, changed = _vae(name, tensor, len(pipeline.vae.config.block_out_channels))
        state["first_stage_model." + new] = changed
    larger = hasattr(pipeline, "text_encoder_2")
    start = "conditioner.embedders.0" if larger else "cond_stage_model"
    for name, tensor in pipeline.text_encoder.state_dict().items():
        state[f"{start}.transformer.text_model." + name.removeprefix("text_model.")] = tensor
    if larger:
        second = _open_clip(pipeline.text_encoder_2.state_dict())
        state |= {f"conditioner.embedders.1.model.{name}": tensor for name, tensor in second.items()}
    return {name: tensor.clone().contiguous() for name, tensor in state.items()}


def _open_clip(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Query, key and value as one tensor, the projection turned over."""
    found: dict[str, torch.Tensor] = {"text_projection": state["text_projection.weight"].T}
    for name, tensor in state.items():
        if "k_proj" in name or "v_proj" in name or name.startswith("text_projection"):
            continue
        new = name.removeprefix("text_model.")
        for ours, theirs in _OPEN_CLIP.items():
            new = new.replace(ours, theirs)
        if "q_proj" in name:
            tensor = torch.cat([tensor, *(state[name.replace("q_proj", other)] for other in ("k_proj", "v_proj"))])  # noqa: PLW2901
            new = new.replace("self_attn.q_proj.", "attn.in_proj_")
        found[new] = tensor
    return found


def _unet(name: str, layers: int, attending: set[int]) -> str:
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
        return f"output_blocks.{number}.{2 if block in attending else 1}.conv." + parts[-1]
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
