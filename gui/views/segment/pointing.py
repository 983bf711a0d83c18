"""What was pointed at for one object: clicks and a box, each of which can be taken back and put back."""

from __future__ import annotations

from dataclasses import replace

from gui.canvas.marking.canvas import Points


class Pointing:
    """A short history of `Points`; it begins with nothing."""

    def __init__(self) -> None:
        self._history = [Points()]
        self._place = 0

    @property
    def points(self) -> Points:
        """What holds now."""
        return self._history[self._place]

    @property
    def empty(self) -> bool:
        """Whether nothing was pointed at."""
        return self.points == Points()

    def click(self, x: float, y: float, *, inside: bool) -> None:
        """One more click."""
        self._go_on(replace(self.points, clicks=(*self.points.clicks, (x, y, inside))))

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        """Another box in place of the one before."""
        self._go_on(replace(self.points, box=(left, top, right, bottom)))

    def step(self, by: int) -> bool:
        """Take the last one back (-1) or put it back (1); whether that was possible."""
        if not 0 <= self._place + by < len(self._history):
            return False
        self._place += by
        return True

    def _go_on(self, points: Points) -> None:
        self._history = [*self._history[: self._place + 1], points]
        self._place += 1
