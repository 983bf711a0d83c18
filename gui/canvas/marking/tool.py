"""What a tool of the marking canvas is: it hears of the pointer in the picture's own coordinates and draws what is under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter

from gui.canvas.frame import Frame


@dataclass(frozen=True)
class Touch:
    """Where the pointer is and how it is held.

    Attributes:
        x: in pixels of the picture, which may lie outside it; `y` likewise.
        away: the right button or the Alt key: the opposite of what the tool does.
        more: the Control or the Shift key: in addition to what there is.
    """

    x: float
    y: float
    away: bool = False
    more: bool = False


class Ground(Protocol):
    """What a tool may ask of its canvas."""

    @property
    def frame(self) -> Frame:
        """Where the picture lies in the view."""
        ...

    def bare(self) -> QImage:
        """The view with the picture and nothing on it."""
        ...

    def update(self) -> None:
        """Draw again soon."""
        ...


class Tool(Protocol):
    """One way of marking.

    Attributes:
        cursor: the pointer's look over the picture.
        drags: whether holding the left button down moves the picture, because the tool has no use for it.
    """

    cursor: Qt.CursorShape
    drags: bool

    def press(self, touch: Touch) -> None:
        """A button went down."""
        ...

    def move(self, touch: Touch, *, held: bool) -> None:
        """The pointer moved; `held` with the button down."""
        ...

    def release(self, touch: Touch) -> None:
        """The button went up."""
        ...

    def leave(self) -> None:
        """The pointer left the canvas."""
        ...

    def key(self, key: Qt.Key) -> bool:
        """A key was pressed; whether the tool had a use for it."""
        ...

    def drop(self) -> bool:
        """Forget what is under way; whether there was anything."""
        ...

    def paint(self, painter: QPainter, ground: Ground) -> None:
        """Draw what is under way, in view coordinates."""
        ...


def view_point(frame: Frame, x: float, y: float) -> QPointF:
    """A place of the picture as a point of the view."""
    return QPointF(*frame.to_view(x, y))
