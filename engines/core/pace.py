"""How fast a run goes and how long it will take: measured, with the interruptions counted apart from the steps."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engines.api.recipe import AnyRecipe

_WARM_STEPS = 2
_WINDOW_STEPS = 200
_TELL_S = 0.4


class Pace:
    """A stopwatch for one life of a run.

    A step's time is the mean over the last steps, the first two (warming up) left out. Validations, samples and checkpoints are timed each
    by their kind; what has not been done yet counts nothing.
    """

    def __init__(
        self, recipe: AnyRecipe, *, already_s: float = 0.0, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._recipe = recipe
        self._clock = clock
        self._born = clock()
        self._already_s = already_s
        self._lap = clock()
        self._told = float("-inf")
        self._steps: deque[float] = deque(maxlen=_WINDOW_STEPS)
        self._asides: dict[str, float] = {}
        self.steps_here = 0

    def elapsed_s(self) -> float:
        """Seconds spent on this run, earlier lives included."""
        return self._already_s + self._clock() - self._born

    def step_done(self) -> None:
        """One optimiser step is done."""
        now = self._clock()
        self.steps_here += 1
        if self.steps_here > _WARM_STEPS:
            self._steps.append(now - self._lap)
        self._lap = now

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Time something other than a step (the newest of a kind counts); it does not burden the steps' time."""
        begun = self._clock()
        yield
        self._asides[kind] = self._clock() - begun
        self._lap = self._clock()

    def due(self) -> bool:
        """Whether it is time to tell about the steps again (a few times a second)."""
        now = self._clock()
        if now - self._told < _TELL_S:
            return False
        self._told = now
        return True

    @property
    def step_s(self) -> float:
        """Seconds a step; 0 while too little is known."""
        return sum(self._steps) / len(self._steps) if self._steps else 0.0

    def seconds_of(self, kind: str) -> float:
        """How long the last one of a kind of aside took; 0 when there was none."""
        return self._asides.get(kind, 0.0)

    def left_s(self, step: int) -> float:
        """Seconds until the last step, as far as known at this step."""
        loop, samples = self._recipe.loop, self._recipe.samples
        counts = {
            "validation": _remaining(step, loop.steps, loop.validate_every),
            "checkpoint": _remaining(step, loop.steps, loop.checkpoint_every),
            "samples": _remaining(step, loop.steps, samples.every) if samples.every else 0,
        }
        asides = sum(count * self._asides.get(kind, 0.0) for kind, count in counts.items())
        return (loop.steps - step) * self.step_s + asides


class Phases:
    """How long each phase of the preparations took."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._now = ("", clock())
        self._seconds: dict[str, float] = {}

    def enter(self, phase: str) -> None:
        """This phase is at work from now on."""
        before, since = self._now
        self._now = (phase, self._clock())
        self._seconds[before] = self._seconds.get(before, 0.0) + self._now[1] - since

    def seconds_of(self, phase: str) -> float:
        """Seconds spent in a phase that is over."""
        return self._seconds.get(phase, 0.0)


def _remaining(step: int, total: int, every: int) -> int:
    """How often something due every so many steps, and at the last one, is still due."""
    return total // every - step // every + (1 if total % every and step < total else 0)
