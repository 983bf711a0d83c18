"""Places low-rank adapters in a backbone's networks through peft, and is their running half.

Every method built on low-rank pairs calls `inject` with its own choice of layers and peft options; what comes back is a `Trainable` that can
also tell its adapter and start from another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from engines.api.errors import AdapterError
from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Backbone, LearningRates, Site, TextStates
from engines.diffusion.exchange.adapter import Adapter, LoraPair, canonical
from engines.diffusion.exchange.taught_words import pack
from engines.diffusion.starts import Start, starts_of, weights_kept
from engines.diffusion.trained_word import TrainedWord

SLOT = "taught"
"""peft's name for the adapter being trained."""

_DOWN, _UP = "lora_A.weight", "lora_B.weight"


def inject(
    backbone: Backbone,
    sites: Sequence[Site],
    rates: LearningRates,
    *,
    fixed_down: Mapping[int, torch.Tensor] | None = None,
    metadata: Mapping[str, str] | None = None,
    from_weights: bool = False,
    **options: Any,  # noqa: ANN401 - peft checks the names
) -> LowRankAdapter:
    """Place pairs on `sites` and return their running half.

    Args:
        backbone: changed in place.
        sites: layers to adapt.
        rates: learning rates of the two kinds of network.
        fixed_down: the first half (r, in) of every pair by its inputs, which then stays as it is; None trains both halves.
        metadata: what the method says of itself in its files.
        from_weights: the pairs take their first values from the weights (`engines.diffusion.starts`), as the options say.
        **options: fields of `peft.LoraConfig` (`r`, `lora_alpha`, ...); an unknown name is a TypeError there.
    """
    from peft import LoraConfig, inject_adapter_in_model

    networks = backbone.networks()
    for name in dict.fromkeys(site.network for site in sites):
        paths = [site.path for site in sites if site.network == name]
        changed = [networks[name].get_submodule(path) for path in paths] if from_weights else []
        with weights_kept(changed):
            inject_adapter_in_model(LoraConfig(target_modules=paths, **options), networks[name], adapter_name=SLOT)
    layers: dict[Site, Any] = {site: networks[site.network].get_submodule(site.path) for site in sites}
    if fixed_down is not None:
        for layer in layers.values():
            weight = layer.lora_A[SLOT].weight
            weight.data = fixed_down[layer.in_features].to(weight.device, torch.float32)
    starts = starts_of(layers, SLOT) if from_weights else {}
    return LowRankAdapter(layers, rates, down_trains=fixed_down is None, metadata=metadata or {}, starts=starts)


class LowRankAdapter:
    """The running half of a method that trains low-rank pairs; see `engines.core.contracts.Trainable`.

    Attributes:
        penalties: errors of the words alone that are added to the training error.
        word: the trigger word's own vectors, where they are taught too.
    """

    def __init__(
        self,
        layers: Mapping[Site, Any],
        rates: LearningRates,
        *,
        down_trains: bool = True,
        metadata: Mapping[str, str] | None = None,
        starts: Mapping[Site, Start] | None = None,
    ) -> None:
        self.penalties: list[Callable[[TextStates], torch.Tensor | None]] = []
        self.word: TrainedWord | None = None
        self._layers: Mapping[Site, Any] = layers
        self._rates = rates
        self._metadata = dict(metadata or {})
        self._down_trains = down_trains
        self._starts = dict(starts or {})
        for layer in self._layers.values():
            layer.lora_dropout.train()
            for name, parameter in self._parts(layer).items():
                parameter.data = parameter.data.float()
                parameter.requires_grad_(down_trains or name != _DOWN)

    def parameter_groups(self) -> list[ParameterGroup]:
        """One group for each network that trains, and one for the word."""
        trained: dict[str, list[nn.Parameter]] = {}
        for site, layer in self._layers.items():
            trained.setdefault(site.network, []).extend(self._trained(layer))
        groups = [ParameterGroup(name, found, self._rates.of(name)) for name, found in trained.items()]
        return groups if self.word is None else [*groups, self.word.group()]

    def state(self) -> dict[str, torch.Tensor]:
        """Every trained tensor of every pair, and what it began with; halves that stay as they are follow from the settings."""
        return {
            name: parameter.detach().to("cpu", torch.float32, copy=True) for name, parameter in self._named().items()
        }

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put a `state()` back; raises AdapterError when names or shapes differ."""
        own = self._named()
        if odd := sorted(set(own) ^ set(state)):
            title = "The checkpoint does not fit this run"
            raise AdapterError(title, f"{len(odd)} tensors are missing or too many, such as “{odd[0]}”.")
        for name, parameter in own.items():
            if parameter.shape != state[name].shape:
                title = "The checkpoint does not fit this run"
                raise AdapterError(
                    title, f"“{name}” is {tuple(state[name].shape)} there and {tuple(parameter.shape)} here."
                )
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(state[name])

    def metadata(self) -> dict[str, str]:
        """Rank and alpha in kohya's words, and what the method says of itself."""
        first: Any = next(iter(self._layers.values()))
        rank = int(first.r[SLOT]) * (2 if self._starts else 1)
        return {
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(rank),
            "ss_network_alpha": f"{first.scaling[SLOT] * rank:.9g}",
            **self._metadata,
            **(pack(self.word.vectors()) if self.word is not None else {}),
        }

    def halves(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Both halves of every pair as they are learned: (r, in) and (out, r)."""
        return [(parts[_DOWN], parts[_UP]) for parts in map(self._parts, self._layers.values())]

    def layer(self, site: Site) -> Any:  # noqa: ANN401 - peft is untyped
        """Peft's layer at a site; KeyError when this method leaves the site alone."""
        return self._layers[site]

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """The networks answer as the base does inside; words keep their learned vectors.

        peft's own switch also changes what may train, layer by layer, which costs more than the pass through a small network.
        """
        for layer in self._layers.values():
            layer._disable_adapters = True  # noqa: SLF001
        try:
            yield
        finally:
            for layer in self._layers.values():
                layer._disable_adapters = False  # noqa: SLF001

    def penalty(self, text: TextStates) -> torch.Tensor | None:
        """See `engines.diffusion.contracts.Teachable`."""
        errors = [error for one in self.penalties if (error := one(text)) is not None]
        return torch.stack(errors).sum() if errors else None

    def adapter(self) -> Adapter:
        """The pairs as they stand, fp32 on the CPU."""
        modules: dict[str, LoraPair] = {}
        for site, layer in self._layers.items():
            parts = {name: p.detach().to("cpu", torch.float32, copy=True) for name, p in self._parts(layer).items()}
            down, up = parts[_DOWN], parts[_UP]
            alpha = float(layer.scaling[SLOT]) * down.shape[0]
            pair = LoraPair(down, up, alpha, parts.get("lora_magnitude_vector"))
            modules[canonical(site)] = self._starts[site].taken_off(pair) if site in self._starts else pair
        return Adapter(modules, self.metadata())

    def start_from(self, adapter: Adapter) -> None:
        """Begin with the change another adapter makes; spare ranks keep their fresh directions and add nothing yet.

        Raises:
            AdapterError: it has layers this run does not adapt, a higher rank, or is weight-decomposed where this run is not.
        """
        if self.word is not None:
            self.word.start_from(adapter.words)
        by_name = {canonical(site): layer for site, layer in self._layers.items()}
        starts = {canonical(site): start for site, start in self._starts.items()}
        title = "The adapter cannot be taught further with these settings"
        for name, pair in adapter.modules.items():
            layer = by_name.get(name)
            if layer is None:
                raise AdapterError(
                    title, f"It acts on “{name}”, which these settings leave alone.", "Teach more parts of the model."
                )
            parts, start = self._parts(layer), starts.get(name)
            if start is not None and pair.rank == 2 * parts[_DOWN].shape[0]:
                pair = start.become(pair.rescaled(float(layer.scaling[SLOT]) * pair.rank))  # noqa: PLW2901
                starts.pop(name)
            if pair.rank > parts[_DOWN].shape[0]:
                raise AdapterError(title, f"Its rank is {pair.rank}.", f"Choose a rank of {pair.rank} or more.")
            if (pair.dora is not None) != ("lora_magnitude_vector" in parts):
                raise AdapterError(
                    title,
                    "One of the two is weight-decomposed (DoRA) and the other is not.",
                    "Switch DoRA on or off so that both agree.",
                )
            if pair.down.shape[1:] != parts[_DOWN].shape[1:] or pair.up.shape[0] != parts[_UP].shape[0]:
                raise AdapterError(title, f"“{name}” has another size there.", "It was made for another base model.")
            if not self._down_trains and not torch.allclose(
                parts[_DOWN][: pair.rank].cpu(), pair.down.float(), atol=1e-5
            ):
                raise AdapterError(
                    title, "It changes the model along other directions than this run's.", "Choose its slot and rank."
                )
            _fill(parts, pair.rescaled(float(layer.scaling[SLOT]) * pair.rank))
        for name, start in starts.items():
            start.remove()  # another adapter is the beginning now, and zero where that changes nothing
            if name not in adapter.modules:
                by_name[name].lora_B[SLOT].weight.data.zero_()
        self._starts = {site: start for site, start in self._starts.items() if canonical(site) not in starts}

    def _named(self) -> dict[str, torch.Tensor]:
        pairs: dict[str, torch.Tensor] = {
            f"{canonical(site)}.{part}": parameter
            for site, layer in self._layers.items()
            for part, parameter in self._parts(layer).items()
            if self._down_trains or part != _DOWN
        }
        for site, start in self._starts.items():
            pairs |= {f"{canonical(site)}.start.{_DOWN}": start.down, f"{canonical(site)}.start.{_UP}": start.up}
        return pairs if self.word is None else {**pairs, **self.word.named()}

    def _trained(self, layer: Any) -> list[nn.Parameter]:  # noqa: ANN401 - peft is untyped
        return [parameter for parameter in self._parts(layer).values() if parameter.requires_grad]

    @staticmethod
    def _parts(layer: Any) -> dict[str, nn.Parameter]:  # noqa: ANN401 - peft is untyped
        parts = {_DOWN: layer.lora_A[SLOT].weight, _UP: layer.lora_B[SLOT].weight}
        if SLOT in layer.lora_magnitude_vector:
            parts["lora_magnitude_vector"] = layer.lora_magnitude_vector[SLOT].weight
        return parts


@torch.no_grad()
def _fill(parts: Mapping[str, nn.Parameter], pair: LoraPair) -> None:
    parts[_DOWN][: pair.rank] = pair.down
    parts[_UP].zero_()
    parts[_UP][:, : pair.rank] = pair.up
    if pair.dora is not None:
        parts["lora_magnitude_vector"].copy_(pair.dora)
