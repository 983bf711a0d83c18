"""Small pieces that tests of erasing share."""

from __future__ import annotations

import torch

from engines.api.erase_job import Erasure
from engines.diffusion.contracts import Base
from engines.diffusion.erasers import eraser_of
from engines.diffusion.erasing.contracts import Erasing, Wish
from engines.diffusion.exchange import Adapter
from tests.diffusion.support import RATES

WISH = Wish((Erasure(target="dog", surrogate="cat"), Erasure(target="red hat")), keep=("bird",))


def begin(base: Base, name: str, *, seed: int = 0, wish: Wish = WISH, **settings: object) -> Erasing:
    """An eraser placed in a base, the same way every time."""
    torch.manual_seed(seed)
    return eraser_of(name, settings).attach(base, RATES, wish)


def stir(erasing: Erasing, *, seed: int = 1, size: float = 0.05) -> None:
    """Give every trained tensor random values, as if much had been learned; nothing where nothing is learned."""
    generator = torch.Generator().manual_seed(seed)
    erasing.load_state(
        {name: one + size * torch.randn(one.shape, generator=generator) for name, one in erasing.state().items()}
    )


def stirred(base: Base, name: str, *, seed: int = 1, wish: Wish = WISH, **settings: object) -> Adapter:
    """A finished eraser with a change of some size, made in a base that is used for nothing else."""
    erasing = begin(base, name, seed=seed, wish=wish, **settings)
    stir(erasing, seed=seed)
    return erasing.adapter()
