"""How marks look: in the colour of their label, white around what is chosen, faint while nobody vouches for them."""

from __future__ import annotations

from PySide6.QtGui import QColor

from gui.canvas.marking.piece import Look

_WHITE = QColor(255, 255, 255)
_NONE = QColor(255, 255, 255, 0)
NO_LABEL = QColor("#0e9f8e")
HOVERED = Look(_NONE, _WHITE)


def of_region(colour: QColor, opacity: float, *, accepted: bool, selected: bool) -> Look:
    """A region of a label in this colour; `opacity` from 0 to 1 as the person set it."""
    if selected:
        return Look(_faded(colour, opacity * 0.7), _WHITE, 2.0)
    if not accepted:
        return Look(_faded(colour, opacity * 0.25), _faded(colour.lighter(135), 0.95), 1.0)
    return Look(_faded(colour, opacity), _faded(colour, min(1.0, opacity + 0.45)))


def of_candidate(colour: QColor, opacity: float) -> Look:
    """The answer that would be accepted."""
    return Look(_faded(colour, max(opacity, 0.35)), _WHITE, 2.0)


def of_preview(colour: QColor) -> Look:
    """What a click here would give."""
    return Look(_faded(colour, 0.28), _faded(_WHITE, 0.75))


def _faded(colour: QColor, opacity: float) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(min(max(opacity, 0.0), 1.0))
    return faded
