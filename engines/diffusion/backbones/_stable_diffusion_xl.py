"""The running half of Stable Diffusion XL: its networks, opened. What the family is, without torch: `stable_diffusion_xl.py`.

Its denoiser is told more than words (SDXL, Podell et al. 2023): the last-but-one states of two text encoders side by side, the second one's
projection of the whole caption, and how the picture was cut out of its original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from engines.api.errors import ModelError
from engines.core.devices import Device
from engines.core.weights import joint_hash
from engines.diffusion.backbones.stable_diffusion_xl import ABILITIES, NAME
from engines.diffusion.base_info import info_of
from engines.diffusion.contracts import BackboneInfo, Base, Site, TextStates
from engines.diffusion.folders import Opened
from engines.diffusion.resident import Resident
from engines.diffusion.sites import Sites

_VERSION = "sdxl_base_v1-0"
_USUAL_SIZE = 2.57e9
_HEARD = -2
"""Which of a text encoder's states count: those before its last layer."""


def resident(opened: Opened, source: str, device: Device) -> Base:
    """What was opened, ready to be asked; raises ModelError when it is of another kind than text to image."""
    if opened.vae.config.get("latents_mean") is not None:
        title = "This base model cannot be taught here"
        what = "It has the shape of Stable Diffusion XL, but codes pictures and noise in a way of its own."
        raise ModelError(title, what, "Choose another Stable Diffusion XL model.")
    info = info_of(opened, source, family=NAME, version=_VERSION, guidance=5.0, usual_size=_USUAL_SIZE)
    zeros = bool(opened.index.get("force_zeros_for_empty_prompt", True))
    info = replace(info, text_hash=joint_hash([info.text_hash, f"zeros for no words: {zeros}"]))
    overflows = device.dtype == torch.float16 and opened.vae.config.force_upcast
    return Resident(
        opened,
        info,
        _sites(opened),
        _WordsAndFrame(info, _no_words(opened, info).to(device.torch_device) if zeros else None),
        device,
        abilities=ABILITIES,
        vae_in_full=overflows,
    )


def _sites(opened: Opened) -> Sites:
    """All but the first text encoder's last layer: nothing hears of it, so nothing could be learned there."""
    sites = Sites.of(opened.unet, opened.texts)
    first = next(iter(opened.texts))
    silent = f"encoder.layers.{opened.texts[first].config.num_hidden_layers + _HEARD + 1}."

    def heard(site: Site) -> bool:
        return site.network != first or silent not in site.path

    return replace(sites, text=tuple(filter(heard, sites.text)))


def _no_words(opened: Opened, info: BackboneInfo) -> torch.Tensor:
    """Token numbers (1, L) of the empty caption for the first text encoder."""
    tokenizer: Any = next(iter(opened.tokenizers.values()))
    numbers: torch.Tensor = tokenizer(
        [""], padding="max_length", max_length=info.text_length, return_tensors="pt"
    ).input_ids
    return numbers


class _WordsAndFrame:
    """What the denoiser is told.

    Where the model was made so, no words at all are told as zeros instead of the states of an empty caption, both for the negative half of
    making pictures and for captions left out of a training.
    """

    def __init__(self, info: BackboneInfo, no_words: torch.Tensor | None) -> None:
        self._factor, self._no_words = info.latent_factor, no_words

    def states(self, encoders: Sequence[Any], tokens: Sequence[torch.Tensor]) -> TextStates:
        """See `Dialect`."""
        said = [encoder(row, output_hidden_states=True) for encoder, row in zip(encoders, tokens, strict=True)]
        hidden = torch.cat([one.hidden_states[_HEARD] for one in said], dim=-1)
        pooled: torch.Tensor = said[-1].text_embeds
        if self._no_words is not None:
            empty = (tokens[0] == self._no_words).all(dim=1)
            hidden, pooled = hidden.masked_fill(empty[:, None, None], 0.0), pooled.masked_fill(empty[:, None], 0.0)
        return {"hidden": hidden, "pooled": pooled}

    def conditions(self, noisy: torch.Tensor, text: TextStates) -> Mapping[str, Any]:
        """See `Dialect`; without a frame the picture counts as whole and as large as it is made."""
        frame = text.get("frame")
        if frame is None:
            height, width = (side * self._factor for side in noisy.shape[-2:])
            whole = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32, device=noisy.device)
            frame = whole.expand(noisy.shape[0], -1)
        return {"added_cond_kwargs": {"text_embeds": text["pooled"].to(noisy.dtype), "time_ids": frame}}
