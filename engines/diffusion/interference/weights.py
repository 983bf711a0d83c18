"""What the files alone tell of adapters that are to be added up; no base model is needed.

Every figure follows from the small Gram matrices of the factors: with a change dW = B A (scale and strength in B), <dW_i, dW_j> is the sum of
(A_i A_j^T) o (B_i^T B_j), and so nothing of the size of a weight is ever made. Row-space overlap is the mean squared cosine of the principal
angles between what two adapters listen to (Orthogonal Adaptation, Po et al. 2024, rests on its being 0). Crosstalk is
|dW_j dW_i^T| / |dW_i dW_i^T|: what the second answers to inputs that the first listens to, as strongly as it listens, against its own answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from engines.api.interference import LayerFigures, PairFigures
from engines.diffusion.exchange.adapter import Adapter

_CONTEXT = (".attn2.to_k", ".attn2.to_v")


@dataclass(frozen=True)
class Voice:
    """An adapter with the strength it acts at; `focused` when its cross-attention keeps to its own word and so disturbs nobody."""

    adapter: Adapter
    strength: float = 1.0
    focused: bool = False

    def spoken(self) -> _Spoken:
        """Factors of the layers where it acts on everything."""
        return _Spoken.of(
            {
                name: (self.strength * pair.scale * pair.up.float().flatten(1), pair.down.float().flatten(1))
                for name, pair in self.adapter.modules.items()
                if not (self.focused and name.endswith(_CONTEXT))
            }
        )


@dataclass(frozen=True)
class _Spoken:
    """An adapter's factors by layer, `up` (out, r) and `down` (r, in), and what follows from them for all L layers at once.

    Gram matrices (L, R, R) of both factors are padded with zeros to the highest rank; `ranks` (L,), `energies` (L,) are squared norms.
    """

    rows: Mapping[str, int]
    factors: Sequence[tuple[torch.Tensor, torch.Tensor]]
    up: torch.Tensor
    down: torch.Tensor
    inverse: torch.Tensor
    ranks: torch.Tensor
    energies: torch.Tensor

    @classmethod
    def of(cls, factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> _Spoken:
        found = list(factors.values())
        widest = max((down.shape[0] for _, down in found), default=1)
        up = _padded([up.T @ up for up, _ in found], widest, widest)
        down = _padded([down @ down.T for _, down in found], widest, widest)
        inverse = torch.linalg.pinv(down.double(), hermitian=True, rtol=1e-6).float() if found else down
        ranks = torch.tensor([float(down.shape[0]) for _, down in found])
        rows = {name: row for row, name in enumerate(factors)}
        return cls(rows, found, up, down, inverse, ranks, (up * down).sum((1, 2)).clamp_min(0))

    def energy(self, name: str) -> float:
        """Squared norm of its change of a layer; 0 where it leaves it alone."""
        row = self.rows.get(name)
        return 0.0 if row is None else float(self.energies[row])

    def shape(self, name: str) -> tuple[int, int]:
        """Of the weight it changes."""
        up, down = self.factors[self.rows[name]]
        return up.shape[0], down.shape[1]


def _padded(matrices: Sequence[torch.Tensor], high: int, wide: int) -> torch.Tensor:
    whole = torch.zeros(len(matrices), high, wide)
    for row, one in enumerate(matrices):
        whole[row, : one.shape[0], : one.shape[1]] = one
    return whole


@dataclass(frozen=True)
class Weighed:
    """All figures of a group of adapters: see `engines.api.interference`."""

    energies: tuple[float, ...]
    pairs: tuple[PairFigures, ...]
    layers: tuple[LayerFigures, ...]
    total: float
    shapes_differ: tuple[tuple[int, int], ...]


def weigh(voices: Sequence[Voice]) -> Weighed:
    """Hold adapters against each other, every pair of them.

    `total` is the squared energy of the sum; `shapes_differ` names pairs with a layer of the same name and another size: other base models.
    """
    spoken = [voice.spoken() for voice in voices]
    crosstalk: dict[str, float] = {}
    pairs, misfits, inner = [], [], 0.0
    for first, second in itertools.combinations(range(len(voices)), 2):
        one, other = spoken[first], spoken[second]
        shared = [name for name in one.rows if name in other.rows]
        if any(one.shape(name) != other.shape(name) for name in shared):
            misfits.append((first, second))
            continue
        met = _meet(one, other, shared)
        for name, worst in zip(shared, met.worst(), strict=True):
            crosstalk[name] = max(crosstalk.get(name, 0.0), worst)
        pairs.append(_pair(first, second, met, float(one.energies.sum()), float(other.energies.sum())))
        inner += float(met.inner.sum())
    names = list(dict.fromkeys(itertools.chain.from_iterable(one.rows for one in spoken)))
    layers = tuple(
        LayerFigures(
            name=name,
            energies=tuple(one.energy(name) ** 0.5 for one in spoken),
            crosstalk=crosstalk.get(name, 0.0),
        )
        for name in names
    )
    whole = [float(one.energies.sum()) for one in spoken]
    return Weighed(
        tuple(one**0.5 for one in whole), tuple(pairs), layers, max(sum(whole) + 2 * inner, 0.0), tuple(misfits)
    )


@dataclass(frozen=True)
class _Meeting:
    """Two adapters in the L layers both change, all (L,): inner products, energies, common share of row spaces, squared answers."""

    inner: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    overlap: torch.Tensor
    chance: torch.Tensor
    on_first: torch.Tensor
    on_second: torch.Tensor
    own_first: torch.Tensor
    own_second: torch.Tensor

    def worst(self) -> list[float]:
        """Crosstalk of each layer, the worse of the two ways."""
        shares = torch.stack([_ratio(self.on_first, self.own_first), _ratio(self.on_second, self.own_second)])
        return [float(value) for value in shares.amax(0)]


def _meet(one: _Spoken, other: _Spoken, shared: Sequence[str]) -> _Meeting:
    rows, others = [one.rows[name] for name in shared], [other.rows[name] for name in shared]
    sizes = one.up.shape[1], other.up.shape[1]
    both = [(one.factors[row], other.factors[beside]) for row, beside in zip(rows, others, strict=True)]
    across = _padded([first[1] @ second[1].T for first, second in both], *sizes)
    upward = _padded([first[0].T @ second[0] for first, second in both], *sizes)
    ups, downs = (one.up[rows], other.up[others]), (one.down[rows], other.down[others])
    ranks = torch.stack([one.ranks[rows], other.ranks[others]])
    widths = torch.tensor([float(first[1].shape[1]) for first, _ in both])
    return _Meeting(
        (across * upward).sum((1, 2)),
        one.energies[rows],
        other.energies[others],
        ((one.inverse[rows] @ across @ other.inverse[others]) * across).sum((1, 2)).div(ranks.amin(0)).clamp(0, 1),
        (ranks.amax(0) / widths).clamp_max(1),
        _answered(ups[1], across.mT, ups[0]),
        _answered(ups[0], across, ups[1]),
        _answered(ups[0], downs[0], ups[0]),
        _answered(ups[1], downs[1], ups[1]),
    )


def _answered(answering: torch.Tensor, across: torch.Tensor, listening: torch.Tensor) -> torch.Tensor:
    """|B_j A_j A_i^T B_i^T|^2 (L,) from B_j^T B_j, A_j A_i^T and B_i^T B_i."""
    return ((answering @ across) * (across @ listening)).sum((1, 2)).clamp_min(0)


def _pair(first: int, second: int, met: _Meeting, energy: float, other: float) -> PairFigures:
    weights = (met.first * met.second).sqrt()
    both, scale = float(met.inner.sum()), (energy * other) ** 0.5
    return PairFigures(
        first=first,
        second=second,
        layers=len(met.inner),
        overlap=_mean(met.overlap, weights),
        chance=_mean(met.chance, weights),
        alignment=both / scale if scale else 0.0,
        energy_ratio=1 + 2 * both / (energy + other) if energy + other else 1.0,
        on_first=float(_ratio(met.on_first.sum(), met.own_first.sum())),
        on_second=float(_ratio(met.on_second.sum(), met.own_second.sum())),
    )


def _ratio(answered: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Of norms whose squares are given; 0 where there is nothing to compare with."""
    return torch.where(own > 0, answered / own.clamp_min(torch.finfo(own.dtype).tiny), torch.zeros_like(own)).sqrt()


def _mean(values: torch.Tensor, weights: torch.Tensor) -> float:
    total = float(weights.sum())
    return float((values * weights).sum()) / total if total else 0.0
