"""The names diffusers writes today: `unet.<path>.lora_A.weight`, `lora_B.weight`, `lora_magnitude_vector`.

Most readers of this format know no alpha, or find it only in the file's metadata. So the scale is folded into `lora_B` and alpha = rank is what
everyone assumes and what `lora_adapter_metadata` says; the alpha we trained with is kept as `lorikeet.alpha` and taken out again on reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import NETWORKS, Adapter, LoraPair, with_wrapper
from engines.diffusion.exchange.pairs import PairParts, pairs_of

ALPHA = "lorikeet.alpha"
CONFIG = "lora_adapter_metadata"
OWN = frozenset({ALPHA, CONFIG, "format"})  # true only of the file they were read from

_PART = re.compile(
    r"^(?P<module>(?:unet|text_encoder|text_encoder_2)\..+)\.(?P<part>lora_A\.weight|lora_B\.weight|lora_magnitude_vector(?:\.weight)?)$"
)
_HALVES = {"lora_A.weight": "down", "lora_B.weight": "up"}


def read(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> dict[str, LoraPair]:
    """Pairs by canonical name; raises AdapterError."""
    found: dict[str, PairParts] = {}
    for name, tensor in tensors.items():
        match = _PART.match(name)
        if match is None:
            title = "The adapter holds something unknown"
            raise AdapterError(title, f"“{name[:100]}” is not part of a LoRA.")
        part = _HALVES.get(match["part"], "dora")
        found.setdefault(with_wrapper(match["module"]), {})[part] = tensor
    pairs = pairs_of(found, alphas=_alphas(found, metadata))
    trained = _number(metadata.get(ALPHA, ""))
    return {name: pair.rescaled(trained) for name, pair in pairs.items()} if trained else pairs


def write(adapter: Adapter) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and extra metadata."""
    tensors: dict[str, torch.Tensor] = {}
    for name, pair in adapter.modules.items():
        plain = pair.rescaled(float(pair.rank))
        tensors[f"{name}.lora_A.weight"] = plain.down
        tensors[f"{name}.lora_B.weight"] = plain.up
        if plain.dora is not None:
            # transformers, which loads the text encoder's part, wants the whole name; peft, which loads the UNet's, the short one
            ending = ".weight" if name.startswith("text_encoder") else ""
            tensors[f"{name}.lora_magnitude_vector{ending}"] = plain.dora
    extra: dict[str, str] = {}
    if adapter.common_alpha is not None:
        extra[ALPHA] = f"{adapter.common_alpha:.9g}"
    if adapter.common_rank is not None:
        extra[CONFIG] = json.dumps(_peft_settings(adapter, adapter.common_rank), sort_keys=True)
    return tensors, extra


def _peft_settings(adapter: Adapter, rank: int) -> dict[str, object]:
    settings: dict[str, object] = {}
    for network in NETWORKS:
        modules = [name.removeprefix(network + ".") for name in adapter.modules if name.startswith(network + ".")]
        if not modules:
            continue
        dora = any(adapter.modules[f"{network}.{name}"].dora is not None for name in modules)
        values = {
            "r": rank,
            "lora_alpha": rank,
            "target_modules": _endings(modules),
            "use_dora": dora,
            "use_rslora": False,
        }
        settings |= {f"{network}.{key}": value for key, value in values.items()}
    return settings


def _endings(modules: list[str]) -> list[str]:
    """The end of each path that tells it from layers of another kind: `attn2.to_k`, `attn2.to_out.0`."""
    return sorted({".".join(path.split(".")[-3 if path[-1].isdigit() else -2 :]) for path in modules})


def _alphas(found: Mapping[str, PairParts], metadata: Mapping[str, str]) -> dict[str, float]:
    """Alphas as `lora_adapter_metadata` tells them, rank stabilisation folded in; empty when it tells none."""
    try:
        settings = json.loads(metadata.get(CONFIG, "{}"))
    except (ValueError, RecursionError):
        return {}
    alphas: dict[str, float] = {}
    for name, parts in found.items() if isinstance(settings, dict) else ():
        network, _, path = name.partition(".")
        if "down" in parts:
            alpha = peft_alpha(settings, f"{network}.", path, int(parts["down"].shape[0]))
            if alpha is not None:
                alphas[name] = alpha
    return alphas


def peft_alpha(settings: Mapping[str, object], prefix: str, path: str, rank: int) -> float | None:
    """The effective alpha of a module by peft's settings (`lora_alpha`, `alpha_pattern`, `use_rslora`), or None."""
    alpha = settings.get(prefix + "lora_alpha")
    patterns = settings.get(prefix + "alpha_pattern")
    short = path.removeprefix("text_model.")
    for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
        ending = str(pattern).lstrip("^")
        if any(spelt == ending or spelt.endswith("." + ending) for spelt in (path, short)):
            alpha = value
    if not isinstance(alpha, int | float) or isinstance(alpha, bool):
        return None
    return float(alpha) * rank**0.5 if settings.get(prefix + "use_rslora") is True else float(alpha)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None
