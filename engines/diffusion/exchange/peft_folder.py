"""Folders as peft saves them: `adapter_config.json` beside `adapter_model.safetensors`, one folder a network (`unet/`, `text_encoder/`, ...)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import NETWORKS, Adapter, LoraPair, with_wrapper
from engines.diffusion.exchange.diffusers_current import peft_alpha
from engines.diffusion.exchange.pairs import PairParts, pairs_of

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_PARTS = {".lora_A.weight": "down", ".lora_B.weight": "up", ".lora_magnitude_vector": "dora"}
_MAX_CONFIG = 1_000_000


def networks_in(folder: Path) -> dict[str, Path]:
    """Folder of each network; a lone folder is taken for the UNet's, unless its targets are those of a text encoder."""
    if (folder / CONFIG).is_file():
        targets = str(read_config(folder).get("target_modules"))
        return {"text_encoder" if "q_proj" in targets else "unet": folder}
    found = {name: folder / name for name in NETWORKS if (folder / name / CONFIG).is_file()}
    if not found:
        title = "The folder is not an adapter"
        raise AdapterError(title, f"“{folder.name}” holds no {CONFIG}.", "Choose the folder that peft wrote.")
    return found


def read_config(folder: Path) -> dict[str, object]:
    """The folder's settings; raises AdapterError."""
    title = "The adapter is damaged"
    path = folder / CONFIG
    try:
        if path.stat().st_size > _MAX_CONFIG:
            raise AdapterError(title, f"{CONFIG} is far too large.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(title, f"{CONFIG} cannot be read.") from error
    if not isinstance(found, dict) or found.get("peft_type") != "LORA":
        title = "The adapter is of an unknown kind"
        raise AdapterError(title, f"{CONFIG} does not describe a LoRA.")
    return found


def read(network: str, tensors: Mapping[str, torch.Tensor], settings: Mapping[str, object]) -> dict[str, LoraPair]:
    """Pairs by canonical name of one network's tensors; raises AdapterError."""
    found: dict[str, PairParts] = {}
    for name, tensor in tensors.items():
        part = next((part for ending, part in _PARTS.items() if name.endswith(ending)), None)
        if part is None:
            title = "The adapter holds something unknown"
            raise AdapterError(title, f"“{name[:100]}” is not part of a LoRA.")
        ending = next(ending for ending, known in _PARTS.items() if known == part)
        module = with_wrapper(f"{network}." + name.removeprefix(_PREFIX).removesuffix(ending))
        found.setdefault(module, {})[part] = tensor
    alphas: dict[str, float] = {}
    for module, parts in found.items():
        if "down" in parts:
            alpha = peft_alpha(settings, "", module.partition(".")[2], int(parts["down"].shape[0]))
            alphas |= {} if alpha is None else {module: alpha}
    return pairs_of(found, alphas=alphas)


def write(adapter: Adapter, network: str) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """Tensors and settings of one network; ranks and alphas that differ go into patterns."""
    inside = {
        name.removeprefix(network + "."): pair
        for name, pair in adapter.modules.items()
        if name.startswith(network + ".")
    }
    if network == "text_encoder":  # in newer transformers only the second has `text_model.`; peft matches names exactly
        inside = {name.removeprefix("text_model."): pair for name, pair in inside.items()}
    ranks = [pair.rank for pair in inside.values()]
    alphas = [pair.alpha for pair in inside.values()]
    rank, alpha = max(set(ranks), key=ranks.count), max(set(alphas), key=alphas.count)
    tensors: dict[str, torch.Tensor] = {}
    for name, pair in inside.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = pair.down
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = pair.up
        if pair.dora is not None:
            tensors[f"{_PREFIX}{name}.lora_magnitude_vector"] = pair.dora
    settings: dict[str, object] = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {name: pair.rank for name, pair in inside.items() if pair.rank != rank},
        "alpha_pattern": {name: pair.alpha for name, pair in inside.items() if pair.alpha != alpha},
        "target_modules": sorted(inside),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "use_rslora": False,
        "use_dora": any(pair.dora is not None for pair in inside.values()),
    }
    return tensors, settings
