"""An eraser made of ordinary low-rank pairs while it is learned: it acts on whatever the denoiser is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch

from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Base
from engines.diffusion.erasing.contracts import Aim
from engines.diffusion.erasing.selection import chosen, group_penalty
from engines.diffusion.exchange.adapter import Adapter
from engines.diffusion.injection import LowRankAdapter


class LearnedEraser:
    """Pairs with an aim; see `engines.diffusion.erasing.contracts.Erasing`."""

    def __init__(self, pairs: LowRankAdapter, aim: Aim, *, sparse: float) -> None:
        self.aim, self._pairs, self._sparse = aim, pairs, sparse

    def parameter_groups(self) -> list[ParameterGroup]:
        """See `Trainable`."""
        return self._pairs.parameter_groups()

    def state(self) -> dict[str, torch.Tensor]:
        """See `Trainable`."""
        return self._pairs.state()

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """See `Trainable`."""
        self._pairs.load_state(state)

    def metadata(self) -> dict[str, str]:
        """See `Trainable`."""
        return self._pairs.metadata()

    def adapter(self) -> Adapter:
        """See `Erasing`."""
        whole = self._pairs.adapter()
        return Adapter(chosen(whole.modules), whole.metadata) if self._sparse else whole

    def start_from(self, adapter: Adapter) -> None:
        """See `Erasing`."""
        self._pairs.start_from(adapter)

    def switched_off(self) -> AbstractContextManager[None]:
        """See `Erasing`."""
        return self._pairs.switched_off()

    @contextmanager
    def acting(self, targets: Sequence[int]) -> Iterator[None]:  # noqa: ARG002 - it acts on every row alike
        """See `Erasing`."""
        yield

    @contextmanager
    def in_use(self, base: Base) -> Iterator[None]:  # noqa: ARG002 - likewise
        """See `Erasing`."""
        yield

    def penalty(self) -> torch.Tensor | None:
        """See `Erasing`."""
        return self._sparse * group_penalty(self._pairs.halves()) if self._sparse else None
