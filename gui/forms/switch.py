"""Yes or no: a switch."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QWidget

from gui.forms.editor import Kind
from gui.forms.spec import FieldSpec, FormValue
from gui.theme import tokens as design

_WIDTH, _HEIGHT = 38, 22


class SwitchEditor(QCheckBox):
    """A check box drawn as a switch; keyboard, focus and accessibility are the check box's own."""

    def __init__(self, spec: FieldSpec, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._spec = spec
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.toggled.connect(lambda _on: on_change())

    def widget(self) -> QWidget:
        """The switch itself."""
        return self

    def value(self) -> FormValue:
        """Whether it is on."""
        return self.isChecked()

    def set_value(self, value: FormValue) -> None:
        """Turn it on or off."""
        self.setChecked(bool(value))

    def problem(self) -> str:
        """A switch is never wrong."""
        return ""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The switch with room for its focus ring."""
        return QSize(_WIDTH + 4, _HEIGHT + 4)

    def hitButton(self, pos: QPoint) -> bool:  # noqa: N802 - Qt's name
        """All of it can be clicked."""
        return self.rect().contains(pos)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the track and the knob."""
        tokens = design.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(2, (self.height() - _HEIGHT) / 2, _WIDTH, _HEIGHT)
        on = self.isChecked()
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("accent_fill" if on else "line_strong"))
        painter.drawRoundedRect(track, _HEIGHT / 2, _HEIGHT / 2)
        knob = QPointF(track.right() - _HEIGHT / 2 if on else track.left() + _HEIGHT / 2, track.center().y())
        painter.setBrush(tokens.colour("on_accent" if on else "card"))
        painter.drawEllipse(knob, _HEIGHT / 2 - 3, _HEIGHT / 2 - 3)
        if self.hasFocus():
            painter.setPen(QPen(tokens.colour("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(track.adjusted(-1.5, -1.5, 1.5, 1.5), _HEIGHT / 2 + 1, _HEIGHT / 2 + 1)
        painter.end()


def _fits(spec: FieldSpec) -> bool:
    return spec.kind == "boolean"


KIND = Kind("switch", _fits, SwitchEditor)
