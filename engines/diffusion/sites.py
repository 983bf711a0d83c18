"""Where adapters can sit in a Stable Diffusion of any size: layers of its attentions, feed-forwards and transformers, by the names diffusers gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from engines.diffusion.contracts import Site

_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_CONTEXT = ("attn2.to_k", "attn2.to_v")
_FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
_PROJECTIONS = ("proj_in", "proj_out")
_TEXT = ("q_proj", "k_proj", "v_proj", "out_proj")


@dataclass(frozen=True)
class Sites:
    """The layers of each kind, in order; see `engines.diffusion.contracts.Backbone`."""

    attention: tuple[Site, ...]
    context: tuple[Site, ...]
    feed_forward: tuple[Site, ...]
    projections: tuple[Site, ...]
    text: tuple[Site, ...]

    @classmethod
    def of(cls, unet: nn.Module, texts: Mapping[str, nn.Module]) -> Sites:
        """Find them in a denoiser and its text encoders."""
        return cls(
            _layers("unet", unet, _ATTENTION),
            _layers("unet", unet, _CONTEXT),
            _layers("unet", unet, _FEED_FORWARD),
            _layers("unet", unet, _PROJECTIONS),
            tuple(site for name, encoder in texts.items() for site in _layers(name, encoder, _TEXT)),
        )


def _layers(network: str, module: nn.Module, endings: tuple[str, ...]) -> tuple[Site, ...]:
    suffixes = tuple("." + ending for ending in endings)
    return tuple(
        Site(network, path)
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear | nn.Conv2d) and path.endswith(suffixes)
    )
