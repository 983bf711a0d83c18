"""The names of kohya's scripts and A1111: `lora_unet_..._attn1_to_q.lora_down.weight`, `.lora_up.weight`, `.alpha`, `.dora_scale`.

Stable Diffusion 1.x and 2.x: `lora_unet_` and `lora_te_` before the diffusers path with dots turned into underscores. Stable Diffusion XL:
`lora_te1_` and `lora_te2_`, and the denoiser's layers by the names of its first release (`sgm`); files with diffusers names are read too. A
missing `.alpha` means alpha = rank.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import Adapter, LoraPair, is_larger
from engines.diffusion.exchange.pairs import PairParts, pairs_of
from engines.diffusion.exchange.sgm import FIRST_WORDS, from_sgm, to_sgm

_READ = {
    "lora_unet_": "unet",
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
}
_WRITTEN = {"unet": "lora_unet_", "text_encoder": "lora_te_"}
_WRITTEN_LARGER = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
_PARTS = {"lora_down.weight": "down", "lora_up.weight": "up", "alpha": "alpha", "dora_scale": "dora"}
_WORDS = sorted(
    [
        "down_blocks",
        "up_blocks",
        "mid_block",
        "attentions",
        "transformer_blocks",
        "attn1",
        "attn2",
        "to_q",
        "to_k",
        "to_v",
        "to_out",
        "ff",
        "net",
        "proj",
        "proj_in",
        "proj_out",
        "resnets",
        "downsamplers",
        "upsamplers",
        "conv",
        "conv1",
        "conv2",
        "conv_in",
        "conv_out",
        "conv_shortcut",
        "time_emb_proj",
        "time_embedding",
        "add_embedding",
        "linear_1",
        "linear_2",
        "text_model",
        "encoder",
        "layers",
        "self_attn",
        "q_proj",
        "k_proj",
        "v_proj",
        "out_proj",
        "mlp",
        "fc1",
        "fc2",
        "embeddings",
    ],
    key=len,
    reverse=True,
)


def read(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> dict[str, LoraPair]:  # noqa: ARG001 - one signature for all formats
    """Pairs by canonical name.

    Raises:
        AdapterError: a name that is not understood, a half pair, or a shape that is not right.
    """
    found: dict[str, PairParts] = {}
    for name, tensor in tensors.items():
        module, _, part = name.partition(".")
        if part not in _PARTS:
            title = "The adapter holds something unknown"
            raise AdapterError(title, f"“{name[:100]}” is not part of a LoRA.")
        found.setdefault(_path_of(module), {})[_PARTS[part]] = tensor
    return pairs_of(found)


def write(adapter: Adapter) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and extra metadata; alpha is the true one.

    Where alphas differ between modules, the most common one is written for all and the difference goes into `lora_up`, because diffusers
    (0.42) drops the alphas that are exceptions in files of this format.
    """
    tensors: dict[str, torch.Tensor] = {}
    alphas = [pair.alpha for pair in adapter.modules.values()]
    common = max(dict.fromkeys(alphas), key=alphas.count)
    larger = is_larger(adapter)
    prefixes = _WRITTEN_LARGER if larger else _WRITTEN
    for name, original in adapter.modules.items():
        pair = original.rescaled(common)
        network, _, path = name.partition(".")
        spelt = to_sgm(path) if larger and network == "unet" else path.replace(".", "_")
        module = prefixes[network] + spelt
        tensors[f"{module}.lora_down.weight"] = pair.down
        tensors[f"{module}.lora_up.weight"] = pair.up
        tensors[f"{module}.alpha"] = torch.tensor(pair.alpha, dtype=torch.float32)
        if pair.dora is not None:
            tensors[f"{module}.dora_scale"] = pair.dora.reshape(-1, 1)
    return tensors, {}


def _path_of(module: str) -> str:
    """`lora_unet_mid_block_attentions_0_proj_in` -> `unet.mid_block.attentions.0.proj_in`, by the words diffusers uses."""
    for prefix, network in _READ.items():
        if module.startswith(prefix):
            rest = module.removeprefix(prefix)
            rest = from_sgm(rest) if network == "unet" and rest.startswith(FIRST_WORDS) else rest
            return network + "." + ".".join(_split(rest, module))
    title = "The adapter holds something unknown"
    raise AdapterError(title, f"“{module[:100]}” is not a layer of Stable Diffusion.")


def _split(rest: str, module: str) -> list[str]:
    words: list[str] = []
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        known = (word for word in _WORDS if rest == word or rest.startswith(word + "_"))
        word = rest[:digits] if digits else next(known, "")
        if not word or not (len(rest) == len(word) or rest[len(word)] == "_"):
            title = "The adapter holds something unknown"
            raise AdapterError(title, f"“{module[:100]}” is not a layer of Stable Diffusion.")
        words.append(word)
        rest = rest[len(word) + 1 :]
    return words
