"""UCE in closed form, as an exact low-rank change (Gandikota et al., WACV 2024).

For keys and values of the cross-attention the edited weight is

    W = (lam W0 + sum_e s W0 g_e c_e^T + sum_p W0 c_p c_p^T) M^-1,   M = lam I + sum_e s c_e c_e^T + sum_p c_p c_p^T

with c_e the state of a target's last word, g_e that of its surrogate, c_p those that are kept. So W - W0 = sum_e s W0 (g_e - c_e) c_e^T M^-1 is of rank
n, the number of edited states; what reads is the same for all layers, and what is kept only enters through M. All in fp64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from engines.api.errors import AdapterError
from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Base
from engines.diffusion.erasing.contracts import Aim
from engines.diffusion.exchange.adapter import Adapter, LoraPair, canonical


def reading(edited: torch.Tensor, kept: torch.Tensor, *, lam: float, strength: float = 1.0) -> torch.Tensor:
    """The half that reads, C_e^T M^-1: edited (n, D), kept (m, D) -> (n, D) fp64.

    Args:
        edited: states of the targets.
        kept: states that stay.
        lam: how firmly the weight as a whole stays what it was; above 0.
        strength: s.
    """
    targets, others = edited.double(), kept.double()
    eye = torch.eye(targets.shape[1], dtype=torch.float64, device=targets.device)
    whole = lam * eye + strength * targets.T @ targets + others.T @ others
    found: torch.Tensor = torch.linalg.solve(whole, targets.T).T
    return found


def writing(weight: torch.Tensor, edited: torch.Tensor, guides: torch.Tensor, *, strength: float = 1.0) -> torch.Tensor:
    """The half that writes, s W0 (g_e - c_e): weight (o, D), edited and guides (n, D) -> (o, n) fp64."""
    return strength * weight.double() @ (guides.double() - edited.double()).T


@torch.no_grad()
def word_states(base: Base, captions: Sequence[str]) -> torch.Tensor:
    """The state of each caption's last word; that of the start mark where there is none: (N, D) fp32."""
    once = list(dict.fromkeys(captions))
    text = base.encode_prompts(once)
    hidden = text["hidden"].float()
    marks = set(base.tokenize([""])[0].tolist())
    rows = text["tokens"][:, : hidden.shape[1]].tolist()
    last = [max((place for place, piece in enumerate(row) if piece not in marks), default=0) for row in rows]
    states = dict(zip(once, hidden[torch.arange(len(last)), last], strict=True))
    return torch.stack([states[words] for words in captions])


@torch.no_grad()
def caption_states(base: Base, captions: Sequence[str]) -> torch.Tensor:
    """The states of captions at all their places, those of a caption together as long as one: (N L, D) fp32."""
    hidden = base.encode_prompts(list(dict.fromkeys(captions)))["hidden"].float()
    found: torch.Tensor = hidden.flatten(0, 1) / hidden.shape[1] ** 0.5
    return found


def edit(
    base: Base, edited: torch.Tensor, guides: torch.Tensor, kept: torch.Tensor, *, lam: float, strength: float
) -> dict[str, LoraPair]:
    """The exact change of every key and value layer; see `reading` and `writing` for the arguments."""
    down = reading(edited, kept, lam=lam, strength=strength).float().cpu()
    networks, modules = base.networks(), {}
    for site in base.context_linears():
        layer = networks[site.network].get_submodule(site.path)
        weight = getattr(layer, "base_layer", layer).weight
        assert isinstance(weight, torch.Tensor)  # noqa: S101 - a linear layer's
        up = writing(weight.detach(), edited, guides, strength=strength).float().cpu()
        modules[canonical(site)] = LoraPair(down.clone(), up, float(len(down)))
    return modules


class Solved:
    """An eraser that is there at once; see `engines.diffusion.erasing.contracts.Erasing`. It learns nothing and leaves the networks alone."""

    aim = Aim(0.0)

    def __init__(self, modules: Mapping[str, LoraPair], metadata: Mapping[str, str]) -> None:
        self._modules = dict(modules)
        self._metadata = dict(metadata)

    def parameter_groups(self) -> list[ParameterGroup]:
        """None."""
        return []

    def state(self) -> dict[str, torch.Tensor]:
        """Nothing."""
        return {}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """See `Trainable`."""
        if state:
            title = "The checkpoint does not fit this run"
            raise AdapterError(title, "This way to erase learns nothing.")

    def metadata(self) -> dict[str, str]:
        """See `Trainable`."""
        rank = str(next(iter(self._modules.values())).rank)
        return {
            "ss_network_module": "networks.lora",
            "ss_network_dim": rank,
            "ss_network_alpha": rank,
            **self._metadata,
        }

    def adapter(self) -> Adapter:
        """See `Erasing`."""
        return Adapter(self._modules, self.metadata())

    def start_from(self, adapter: Adapter) -> None:  # noqa: ARG002 - the contract's
        """Refused: it is solved, not learned."""
        title = "This way to erase cannot go on from another"
        raise AdapterError(title, "It is solved at once.", "Name all concepts in one go.")

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """See `Erasing`."""
        yield

    @contextmanager
    def acting(self, targets: Sequence[int]) -> Iterator[None]:  # noqa: ARG002 - the contract's
        """See `Erasing`."""
        yield

    @contextmanager
    def in_use(self, base: Base) -> Iterator[None]:
        """See `Erasing`."""
        from engines.diffusion.placement import Placement

        placement = Placement(base)
        placement.use([(self.adapter(), 1.0)])
        try:
            yield
        finally:
            placement.clear()

    def penalty(self) -> torch.Tensor | None:
        """See `Erasing`."""
        return None
