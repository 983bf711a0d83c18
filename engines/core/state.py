"""Between a running job and a checkpoint: gathers everything the rest of the run depends on, and puts it back exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from engines.api.errors import TrainingError
from engines.core import randomness
from engines.core.checkpoint import Snapshot, is_of, pack_optimizer, unpack_optimizer
from engines.core.contracts import Task

_TRAINED = "trained."
_RANDOM = "random."


@dataclass
class Position:
    """Where the loop stands.

    Attributes:
        step: optimiser steps done.
        best: lowest validation loss so far.
        measured: step and loss of the last validation; None before the first.
    """

    step: int = 0
    best: float = float("inf")
    measured: tuple[int, float] | None = None


def take(
    task: Task,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None,
    position: Position,
    *,
    seconds: float,
) -> Snapshot:
    """Gather a snapshot.

    Raises:
        TrainingError: a trained number is not finite; such a state is not worth keeping.
    """
    trained = task.trainable.state()
    for name, tensor in trained.items():
        if not bool(torch.isfinite(tensor).all()):
            raise TrainingError(
                "The training went astray",
                f"At step {position.step} {name} holds numbers that are none. The last checkpoint is from before that.",
                "Start again with a lower learning rate, or with fp32 precision.",
            )
    moments, groups = pack_optimizer(optimizer)
    random = randomness.capture()
    plain: dict[str, Any] = {
        "optimizer": groups,
        "scaler": scaler.state_dict() if scaler is not None else None,
        "batches": task.batches.state(),
        "random": random.plain,
        "best": position.best,
        "measured": position.measured,
        "seconds": seconds,
    }
    tensors = {
        **{_TRAINED + name: tensor for name, tensor in trained.items()},
        **moments,
        **{_RANDOM + name: tensor for name, tensor in random.tensors.items()},
    }
    here = position.measured is not None and position.measured[0] == position.step
    return Snapshot(position.step, tensors, plain, position.measured[1] if here and position.measured else None)


def put_back(
    snapshot: Snapshot, task: Task, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler | None
) -> Position:
    """Put a snapshot back; the random states last, since everything before may draw from them.

    The state of another kind of optimiser is left out, see `optimiser_fits`.
    """
    task.trainable.load_state(_under(_TRAINED, snapshot.tensors))
    if optimiser_fits(snapshot, optimizer):
        unpack_optimizer(optimizer, snapshot.tensors, snapshot.plain["optimizer"])
    if scaler is not None and snapshot.plain["scaler"]:
        scaler.load_state_dict(snapshot.plain["scaler"])
    task.batches.load_state(snapshot.plain["batches"])
    randomness.restore(randomness.RandomStates(snapshot.plain["random"], _under(_RANDOM, snapshot.tensors)))
    measured = snapshot.plain["measured"]
    return Position(snapshot.step, float(snapshot.plain["best"]), None if measured is None else tuple(measured))


def optimiser_fits(snapshot: Snapshot, optimizer: torch.optim.Optimizer) -> bool:
    """Whether what the optimiser of a snapshot remembered is of use to this one."""
    return is_of(optimizer, snapshot.plain["optimizer"])


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
