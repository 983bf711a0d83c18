"""How far each membrane of an eraser acts on what the denoiser is being told: facilitated transport (SPM, Lyu et al. 2024).

The permeability of a membrane for a prompt p and its concept c is max(likeness(p, c), share of c's tokens that stand in p), one number for each row of
the batch, so that the unguided half of a pair follows its own words. Likeness is the cosine of the text encoder's states, counted from a floor:
the cosine that everyday prompts reach anyway. The plain cosine says little: with the starter the empty prompt has 0.97 with “snowman”.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch

from engines.api.errors import AdapterError, SettingsError
from engines.diffusion.contracts import Base, TextStates
from engines.diffusion.exchange.adapter import Adapter, LoraPair
from engines.launch.eraser_marks import Mark, pack, unpack

_THINGS = ("person", "dog", "cat", "bird", "car", "house", "tree", "ball", "cup", "chair", "flower", "book")
EVERYDAY = ("", *(words for thing in _THINGS for words in (thing, f"a {thing}", f"a photo of a {thing}")))
"""Prompts that no membrane should feel."""
_HIGHEST_FLOOR = 0.995


class Transport:
    """The permeability of membranes, found anew before each pass of the denoiser; see `engines.diffusion.gates.Gate`.

    Attributes:
        mask: (N, 1, r), one number for each row of the pairs.
    """

    def __init__(self, base: Base, marks: Sequence[Mark]) -> None:
        """Listen to a base from now on; its text encoder is asked once, as it stands."""
        self._base = base
        self._concepts = Concepts(base, marks)
        self.mask = torch.empty(0)
        self._ears = base.networks()["unet"].register_forward_pre_hook(self._hear)

    def remove(self) -> None:
        """Listen no longer."""
        self._ears.remove()

    def _hear(self, _denoiser: torch.nn.Module, _inputs: object) -> None:
        self.mask = self._concepts.permeability(self._base.told)


class Concepts:
    """The concepts of membranes as a text encoder sees them."""

    def __init__(self, base: Base, marks: Sequence[Mark]) -> None:
        states = base.encode_prompts([mark.target for mark in marks])
        self._directions, self._length = _directions(states["hidden"]), states["hidden"].shape[1]
        self._pieces = [content_pieces(base, mark.target) for mark in marks]
        self._floors = self._directions.new_tensor([mark.floor or 0.0 for mark in marks])
        self._rows = [mark.rows for mark in marks]

    def permeability(self, told: TextStates) -> torch.Tensor:
        """0..1 for each row of what is told and each row of the pairs: (N, 1, r)."""
        cosine = self._cosine(told["hidden"])
        likeness = (cosine - self._floors) / (1.0 - self._floors)
        shares = torch.stack([_share(told["tokens"], pieces) for pieces in self._pieces], dim=1)
        each = torch.maximum(likeness.clamp(0.0, 1.0), shares)
        columns = [each[:, i : i + 1].expand(-1, rows) for i, rows in enumerate(self._rows)]
        return torch.cat(columns, dim=1).unsqueeze(1)

    def _cosine(self, hidden: torch.Tensor) -> torch.Tensor:
        """Of states (N, L, D) with each concept's, (N, k); of a long prompt, whose chunks stand side by side, that of its nearest chunk."""
        chunks = torch.stack([_directions(chunk) for chunk in torch.split(hidden, self._length, dim=1)])
        return (chunks @ self._directions.T).amax(dim=0)


def membranes_of(adapter: Adapter) -> tuple[Mark, ...]:
    """The concepts of an eraser that act as far as the prompt lets them; none for any other adapter.

    Raises:
        AdapterError: what it says of itself is damaged.
    """
    marks = unpack(adapter.metadata)
    if not marks or any(mark.floor is None for mark in marks):
        return ()
    if any(pair.rank != sum(mark.rows for mark in marks) for pair in adapter.modules.values()):
        title = "The eraser is damaged"
        raise AdapterError(title, "It holds other membranes than it says.", "Export or make it again.")
    return marks


def without(adapter: Adapter, off: Collection[str]) -> Adapter:
    """The eraser without some of its concepts.

    Raises:
        AdapterError: it has no such concept, or its concepts cannot be told apart.
    """
    if not off:
        return adapter
    marks = membranes_of(adapter)
    if odd := set(off) - {mark.target for mark in marks}:
        title = "This concept cannot be switched off"
        what = f"The eraser has no membrane of its own for “{min(odd)}”."
        raise AdapterError(title, what, "Leave the whole eraser out instead.")
    rows = torch.tensor([mark.target not in off for mark in marks for _ in range(mark.rows)])
    left = tuple(mark for mark in marks if mark.target not in off)
    modules = {
        name: LoraPair(pair.down[rows], pair.up[:, rows], pair.scale * int(rows.sum()))
        for name, pair in adapter.modules.items()
        if left
    }
    return Adapter(modules, {**adapter.metadata, **pack(left)}, adapter.format)


def floor_of(base: Base, target: str) -> float:
    """The likeness to a target that everyday prompts reach anyway; those that name it, or part of it, do not count."""
    pieces = set(content_pieces(base, target))
    plain = [words for words in EVERYDAY if not pieces.intersection(base.tokenize([words])[0].tolist())]
    own, everyday = (_directions(base.encode_prompts(words)["hidden"]) for words in ([target], plain))
    return min(_HIGHEST_FLOOR, float((everyday @ own.T).max()))


def content_pieces(base: Base, words: str) -> tuple[int, ...]:
    """The different token numbers of words, without marks of start, end and padding.

    Raises:
        SettingsError: the base cannot spell them.
    """
    marks = set(base.tokenize([""])[0].tolist())
    found = tuple(dict.fromkeys(piece for piece in base.tokenize([words])[0].tolist() if piece not in marks))
    if not found:
        title = f"“{words}” is unknown to the base model"
        raise SettingsError(title, "Its text encoder cannot spell it.", "Say it in other words.")
    return found


def _directions(hidden: torch.Tensor) -> torch.Tensor:
    """All states of each caption (N, L, D) as one unit vector: (N, L D), fp32."""
    return torch.nn.functional.normalize(hidden.float().flatten(1), dim=1)


def _share(tokens: torch.Tensor, pieces: Sequence[int]) -> torch.Tensor:
    """Share of the pieces that stand in each row: tokens (N, L) -> (N,). Plain numbers are compared with, so that nothing is sent to the device."""
    return torch.stack([(tokens == piece).any(dim=1) for piece in pieces]).float().mean(dim=0)
