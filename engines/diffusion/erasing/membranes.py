"""Membranes while they are learned: for each concept one row of every pair, which acts on the rows of a batch it is meant for.

A membrane never meets another while it is learned, and never stands in another's way in use, since the gate keeps the rows of a pair apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from engines.api.errors import AdapterError
from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Base, LearningRates, Site
from engines.diffusion.erasing.contracts import Aim
from engines.diffusion.erasing.selection import chosen, group_penalty
from engines.diffusion.exchange.adapter import Adapter, LoraPair, canonical
from engines.diffusion.gates import change
from engines.diffusion.transport import Transport
from engines.launch.eraser_marks import Mark, pack


class Membranes:
    """The running half of SPM; see `engines.diffusion.erasing.contracts.Erasing`.

    Attributes:
        aim: what is learned towards.
        marks: the concepts, each with the floor its membrane will use.
    """

    def __init__(
        self, base: Base, sites: Sequence[Site], rates: LearningRates, marks: Sequence[Mark], aim: Aim, *, sparse: float
    ) -> None:
        """Put membranes that change nothing yet on the layers of a base."""
        self.aim, self.marks = aim, tuple(marks)
        self._rates, self._sparse = rates, sparse
        self._mask: torch.Tensor | None = None
        self._transport: Transport | None = None
        self._pairs: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        networks = base.networks()
        for site in sites:
            layer: Any = networks[site.network].get_submodule(site.path)
            pair = _fresh(getattr(layer, "base_layer", layer).weight, len(marks))
            self._pairs[canonical(site)] = pair
            layer.register_forward_hook(self._adding(*pair))

    def parameter_groups(self) -> list[ParameterGroup]:
        """See `Trainable`."""
        return [ParameterGroup("unet", list(self._named().values()), self._rates.denoiser)]

    def state(self) -> dict[str, torch.Tensor]:
        """See `Trainable`."""
        return {name: one.detach().to("cpu", torch.float32, copy=True) for name, one in self._named().items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """See `Trainable`."""
        own, title = self._named(), "The checkpoint does not fit this run"
        if odd := sorted(set(own) ^ set(state)):
            raise AdapterError(title, f"{len(odd)} tensors are missing or too many, such as “{odd[0]}”.")
        if misshapen := [name for name, one in own.items() if one.shape != state[name].shape]:
            raise AdapterError(title, f"“{misshapen[0]}” has another shape there.")
        with torch.no_grad():
            for name, one in own.items():
                one.copy_(state[name])

    def metadata(self) -> dict[str, str]:
        """See `Trainable`."""
        rank = str(len(self.marks))
        network = {"ss_network_module": "networks.lora", "ss_network_dim": rank, "ss_network_alpha": rank}
        return {**network, **pack(self.marks)}

    def adapter(self) -> Adapter:
        """See `Erasing`."""
        state, rank = self.state(), float(len(self.marks))
        modules = {name: LoraPair(state[f"{name}.down"], state[f"{name}.up"], rank) for name in self._pairs}
        return Adapter(chosen(modules) if self._sparse else modules, self.metadata())

    def start_from(self, adapter: Adapter) -> None:
        """See `Erasing`."""
        title = "The eraser cannot be taught further"
        with torch.no_grad():
            for name, pair in adapter.modules.items():
                own = self._pairs.get(name)
                if own is None or own[0].shape != pair.down.shape or own[1].shape != pair.up.shape:
                    raise AdapterError(title, f"“{name}” is another there.", "Erase the same concepts, on its base.")
                own[0].copy_(pair.down)
                own[1].copy_(pair.scale * pair.up)

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """See `Erasing`."""
        before, self._mask = self._mask, None
        try:
            yield
        finally:
            self._mask = before

    @contextmanager
    def acting(self, targets: Sequence[int]) -> Iterator[None]:
        """See `Erasing`. Stays in force behind the block for what is computed backwards with recomputing."""
        device = next(iter(self._pairs.values()))[0].device
        rows = torch.tensor(targets).unsqueeze(1) == torch.arange(len(self.marks))
        self._mask = rows.float().unsqueeze(1).to(device)
        yield

    @contextmanager
    def in_use(self, base: Base) -> Iterator[None]:
        """See `Erasing`."""
        self._transport = Transport(base, self.marks)
        try:
            yield
        finally:
            self._transport.remove()
            self._transport = None

    def penalty(self) -> torch.Tensor | None:
        """See `Erasing`."""
        return self._sparse * group_penalty(self._pairs.values()) if self._sparse else None

    def _adding(self, down: nn.Parameter, up: nn.Parameter) -> Any:  # noqa: ANN401 - a hook of torch's
        def add(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            mask = self._transport.mask if self._transport is not None else self._mask
            if mask is None:
                return output
            inside = inputs[0]
            return output + change(
                getattr(layer, "base_layer", layer), inside, down.to(inside.dtype), up.to(inside.dtype), mask
            )

        return add

    def _named(self) -> dict[str, nn.Parameter]:
        return {
            f"{name}.{half}": parameter
            for name, pair in self._pairs.items()
            for half, parameter in zip(("down", "up"), pair, strict=True)
        }


def _fresh(weight: torch.Tensor, count: int) -> tuple[nn.Parameter, nn.Parameter]:
    """A pair of `count` rows for a layer: what reads begins at random (Kaiming), what writes at zero."""
    down = torch.empty(count, *weight.shape[1:], device=weight.device)
    nn.init.kaiming_uniform_(down.view(count, -1), a=5**0.5)
    up = torch.zeros(weight.shape[0], count, *(1,) * (weight.ndim - 2), device=weight.device)
    return nn.Parameter(down), nn.Parameter(up)
