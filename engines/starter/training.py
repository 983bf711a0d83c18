"""The one training loop of the starter models: resumable, device independent, and the same for all of them.

Every random draw of a step comes from a generator seeded by (seed, step), and learning rates are functions of the step, so
a training continued from a checkpoint ends with the same parameters as an undisturbed one.
"""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

Loss = Callable[[int, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: AdamW with a linear warm-up, then a cosine that falls to ``floor`` times the peak rate."""

    steps: int
    rate: float
    seed: int = 0
    warmup: int = 100
    floor: float = 0.0
    decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    average: float = 0.0
    save_every: int = 250
    clip: float = 1.0

    def rate_at(self, step: int) -> float:
        """Learning rate of ``step`` (0-based)."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * share)))


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the steps done, the seconds they took over all sittings, and the averaged weights if any."""

    step: int
    seconds: float
    average: dict[str, torch.Tensor]


def pick_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@functools.cache
def half_precision(device: torch.device) -> bool:
    """Whether bfloat16 autocast pays: always on CUDA; on a CPU only where a short trial is clearly faster than float32.

    Tried once a process: a busy moment must not change the precision in the middle of a training.
    """
    if device.type != "cpu":
        return device.type == "cuda"
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(kind).to(memory_format=torch.channels_last)
        x = torch.zeros(8, 64, 32, 32, dtype=kind).to(memory_format=torch.channels_last)
        layer(x)
        started = time.perf_counter()
        for _ in range(5):
            layer(x).sum().backward()
        seconds[kind] = time.perf_counter() - started
    return seconds[torch.bfloat16] < 0.8 * seconds[torch.float32]


def autocast(device: torch.device, *, half: bool) -> AbstractContextManager[Any]:
    """bfloat16 autocast on ``device`` when ``half``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


def train(
    module: torch.nn.Module,
    loss: Loss,
    schedule: Schedule,
    *,
    checkpoint: Path,
    title: str,
    stop_after: int | None = None,
    report: Callable[[int], None] | None = None,
) -> Trained:
    """Train ``module`` in place, continuing from ``checkpoint`` if it exists.

    ``loss(step, generator)`` returns a scalar. ``report(step)`` runs after each save. ``stop_after`` ends the sitting early
    at that step (with a checkpoint); without it the training runs to ``schedule.steps``.
    """
    weights = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=schedule.rate, betas=schedule.betas, weight_decay=schedule.decay)
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    average = [p.detach().clone() for p in weights] if schedule.average else []
    step, seconds = _restore(checkpoint, module, optimiser, average)
    end = min(schedule.steps, stop_after if stop_after is not None else schedule.steps)
    started, smooth = time.perf_counter() - seconds, 0.0
    module.train()
    with tqdm(total=schedule.steps, initial=step, desc=title, unit="step", mininterval=5.0) as bar:
        while step < end:
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate_at(step)
            value = loss(step, torch.Generator().manual_seed(schedule.seed * 1_000_003 + step))
            optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, schedule.clip)
            optimiser.step()
            if average:
                keep = min(schedule.average, (step + 1) / (step + 10))
                torch._foreach_lerp_(average, [p.detach() for p in weights], 1 - keep)
            step += 1
            smooth = 0.98 * smooth + 0.02 * float(value.detach()) if smooth else float(value.detach())
            bar.update()
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            if step % schedule.save_every == 0 or step == end:
                _save(checkpoint, module, optimiser, average, step, time.perf_counter() - started)
                if report is not None:
                    report(step)
    return Trained(step, time.perf_counter() - started, dict(zip(names, average, strict=False)))


def averaged(module: torch.nn.Module, trained: Trained) -> torch.nn.Module:
    """Put the averaged weights of a training into ``module`` (unchanged if none were kept), ready for evaluation."""
    if trained.average:
        module.load_state_dict(trained.average, strict=False)
    return module.eval()


def load_checkpoint(checkpoint: Path) -> tuple[dict[str, torch.Tensor], list[torch.Tensor], int, float]:
    """(parameters, averages, step, seconds) of a checkpoint; tensors only, never arbitrary objects."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    return state["module"], state["average"], int(state["step"]), float(state["seconds"])


def _restore(
    checkpoint: Path, module: torch.nn.Module, optimiser: torch.optim.Optimizer, average: list[torch.Tensor]
) -> tuple[int, float]:
    if not checkpoint.exists():
        return 0, 0.0
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    module.load_state_dict(state["module"])
    optimiser.load_state_dict(state["optimiser"])
    for mine, saved in zip(average, state["average"], strict=False):
        mine.copy_(saved)
    return int(state["step"]), float(state["seconds"])


def _save(
    checkpoint: Path,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    average: list[torch.Tensor],
    step: int,
    seconds: float,
) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    temporary = checkpoint.with_suffix(".tmp")
    with temporary.open("wb") as stream:
        torch.save(
            {
                "module": module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average,
                "step": step,
                "seconds": seconds,
            },
            stream,
        )
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(checkpoint)
