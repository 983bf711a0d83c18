"""An adapter apart from any file format: low-rank pairs by the diffusers path of the layer each acts on, and its metadata.

Names are those found in files everywhere: `unet.<path>`, `text_encoder.text_model.<path>`, and `text_encoder_2.text_model.<path>` where there is a
second one. Newer transformers lack the part `text_model.` in memory; `canonical` and `in_memory` translate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from engines.api.errors import AdapterError
from engines.diffusion.contracts import Backbone, Site
from engines.diffusion.exchange.taught_words import unpack

NETWORKS = ("unet", "text_encoder", "text_encoder_2")
"""The networks an adapter may act on."""

_TEXT = "text_encoder"
_WRAPPER = "text_model."
_NOTHING = 1e-12
_LARGER_ONLY = ("text_encoder_2.", ".transformer_blocks.1.")


@dataclass(frozen=True)
class LoraPair:
    """The change of one layer: scale x up @ down, with scale = alpha / rank.

    Attributes:
        down: (r, in), or (r, in, k, k) for a convolution; kohya's `lora_down`, peft's `lora_A`.
        up: (out, r), or (out, r, 1, 1).
        alpha: effective alpha, so that alpha / rank is the whole scale (rank-stabilised scales are folded into it).
        dora: magnitude (out,) of a weight-decomposed adapter (DoRA, Liu et al. 2024), or None.
    """

    down: torch.Tensor
    up: torch.Tensor
    alpha: float
    dora: torch.Tensor | None = None

    @property
    def rank(self) -> int:
        """The inner width r."""
        return int(self.down.shape[0])

    @property
    def scale(self) -> float:
        """Factor on up @ down."""
        return self.alpha / self.rank

    def delta(self) -> torch.Tensor:
        """Scale x up @ down as (out, in), fp32; a convolution's kernel flattened behind its inputs. Without the magnitude."""
        return self.scale * self.up.float().flatten(1) @ self.down.float().flatten(1)

    @property
    def changes(self) -> bool:
        """Whether it changes anything; pairs that begin with the weights do not by what was taken off again (`engines.diffusion.starts`)."""
        up, down = self.up.double().flatten(1), self.down.double().flatten(1)
        energy = float(((up.T @ up) * (down @ down.T)).sum())
        return energy > _NOTHING * float(up.square().sum() * down.square().sum())

    def rescaled(self, alpha: float) -> LoraPair:
        """The same change with another alpha; `up` takes the difference."""
        if alpha == self.alpha:
            return self
        return LoraPair(self.down, self.up.float() * (self.alpha / alpha), alpha, self.dora)


@dataclass(frozen=True)
class Adapter:
    """Pairs by canonical name, the file's metadata, and the format it was read from."""

    modules: Mapping[str, LoraPair]
    metadata: Mapping[str, str] = field(default_factory=dict)
    format: str = "diffusers"

    @property
    def words(self) -> dict[str, list[torch.Tensor]]:
        """Vectors (k, D) of taught words for each text encoder; raises AdapterError when they are damaged."""
        return unpack(self.metadata)

    @property
    def common_rank(self) -> int | None:
        """The rank when all modules share one."""
        ranks = {pair.rank for pair in self.modules.values()}
        return ranks.pop() if len(ranks) == 1 else None

    @property
    def common_alpha(self) -> float | None:
        """The effective alpha when all modules share one."""
        alphas = {pair.alpha for pair in self.modules.values()}
        return alphas.pop() if len(alphas) == 1 else None


def canonical(site: Site) -> str:
    """The name of a site in adapter files."""
    path = site.path
    if site.network.startswith(_TEXT) and not path.startswith(_WRAPPER):
        path = _WRAPPER + path
    return f"{site.network}.{path}"


def with_wrapper(name: str) -> str:
    """A module name from a file, with `text_model.` where the file left it out."""
    network, _, path = name.partition(".")
    return canonical(Site(network, path)) if network.startswith(_TEXT) else name


def in_memory(name: str, networks: Mapping[str, nn.Module]) -> Site:
    """The site of a canonical name in networks as they are loaded."""
    network, _, path = name.partition(".")
    if network.startswith(_TEXT) and network in networks and not hasattr(networks[network], "text_model"):
        path = path.removeprefix(_WRAPPER)
    return Site(network, path)


def is_larger(adapter: Adapter) -> bool:
    """Whether it was made for Stable Diffusion XL: by what it says of itself, else by layers that only that has."""
    if any(name.startswith(_LARGER_ONLY[0]) for name in adapter.modules):
        return True
    if version := adapter.metadata.get("ss_base_model_version"):
        return version.startswith("sdxl")
    return any(_LARGER_ONLY[1] in name for name in adapter.modules)


def check_fit(adapter: Adapter, backbone: Backbone) -> None:
    """Say whether every pair finds a layer of its shape in the backbone.

    Raises:
        AdapterError: it does not; names the first layer that does not fit.
    """
    networks = backbone.networks()
    layers = {name: dict(network.named_modules()) for name, network in networks.items()}
    for name, pair in adapter.modules.items():
        site = in_memory(name, networks)
        layer = layers.get(site.network, {}).get(site.path)
        layer = getattr(layer, "base_layer", layer)
        weight = getattr(layer, "weight", None)
        if not isinstance(weight, torch.Tensor):
            raise _misfit(adapter, backbone, f"it acts on “{name}”, which this base model does not have")
        wanted, found = (weight.shape[0], weight[0].numel()), (pair.up.shape[0], pair.down[0].numel())
        if wanted != found:
            sizes = f"“{name}” is {wanted[0]} x {wanted[1]} here and {found[0]} x {found[1]} in the file"
            raise _misfit(adapter, backbone, sizes)


def _misfit(adapter: Adapter, backbone: Backbone, why: str) -> AdapterError:
    title = "The adapter does not fit the base model"
    kinds = ("Stable Diffusion 1.x or 2.x", "Stable Diffusion XL")
    made_for, found = is_larger(adapter), NETWORKS[2] in backbone.networks()
    if made_for != found:
        what = f"It was made for {kinds[made_for]}, and “{backbone.info.title}” is {kinds[found]}."
        return AdapterError(title, what, "Choose a base model of its kind, or another adapter.")
    return AdapterError(
        title, f"{why[0].upper()}{why[1:]}.", f"It was made for another base than “{backbone.info.title}”."
    )
