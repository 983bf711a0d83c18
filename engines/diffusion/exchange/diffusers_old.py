"""Two older spellings of diffusers, read only: `unet.<path>.lora.down.weight` and `....processor.to_q_lora.down.weight`.

The text encoder's is `text_encoder.<path>.lora_linear_layer.down.weight`. There is no alpha: scale 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange.adapter import NETWORKS, LoraPair, with_wrapper
from engines.diffusion.exchange.pairs import PairParts, pairs_of

_PLAIN = re.compile(r"^(?P<module>.+)\.(?:lora|lora_linear_layer)\.(?P<half>down|up)\.weight$")
_PROCESSOR = re.compile(
    r"^(?P<attention>.+)\.processor\.(?P<which>to_q|to_k|to_v|to_out)_lora\.(?P<half>down|up)\.weight$"
)
_SHORT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


def read(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> dict[str, LoraPair]:  # noqa: ARG001 - one signature for all formats
    """Pairs by canonical name; raises AdapterError."""
    found: dict[str, PairParts] = {}
    for name, tensor in tensors.items():
        module, half = _place(name)
        found.setdefault(module, {})[half] = tensor
    return pairs_of(found)


def _place(name: str) -> tuple[str, str]:
    if match := _PROCESSOR.match(name):
        which = match["which"]
        text = match["attention"].startswith("text_encoder")
        module = f"{match['attention']}.{_SHORT[which] if text else which + '.0' * (which == 'to_out')}"
    elif match := _PLAIN.match(name):
        module = match["module"]
    else:
        title = "The adapter holds something unknown"
        raise AdapterError(title, f"“{name[:100]}” is not part of a LoRA.")
    if module.partition(".")[0] not in NETWORKS:
        module = "unet." + module
    return with_wrapper(module), match["half"]
