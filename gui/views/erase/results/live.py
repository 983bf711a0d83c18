"""Switches for an eraser at work: how strongly it acts, which of its concepts, and which other erasers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from gui.forms.quiet import quiet_wheel
from gui.views.erase.results.measured import Eraser
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.text import Label, set_tip

_PAUSE_MS = 250
_MOST = 200
_NOTCH = 5
_LONGEST = 24
_FIGURE_PX = 34


class LiveSwitches(QWidget):
    """Shows the switches of one eraser.

    Signals:
        changed: something is switched differently, and has been for a moment.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._eraser: Eraser | None = None
        self._others: tuple[Eraser, ...] = ()
        self._off: set[str] = set()
        self._beside: set[str] = set()
        self._pause = QTimer(self)  # a slider that is dragged asks for no picture at every notch
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("erase.strength")
        self._slider.setAccessibleName("How strongly the eraser acts, in hundredths: 100 as it was made, 0 not at all")
        set_tip(self._slider, "1 as it was made, 0 not at all")
        self._slider.setRange(0, _MOST)
        self._slider.setSingleStep(_NOTCH)
        self._slider.setPageStep(4 * _NOTCH)
        self._slider.setValue(100)
        quiet_wheel(self._slider)
        self._figure = Label(role="strong")
        self._figure.setFixedWidth(_FIGURE_PX)
        self._slider.valueChanged.connect(self._slid)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(Label("Strength", role="muted"))
        row.addWidget(self._slider, 1)
        row.addWidget(self._figure)
        boxes = QWidget()
        self._boxes = FlowLayout(boxes, spacing=14)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(boxes)
        self._slid(100)
        self._pause.stop()

    @property
    def strength(self) -> float:
        """How strongly the eraser acts."""
        return self._slider.value() / 100

    @property
    def off(self) -> tuple[str, ...]:
        """Concepts that are switched off."""
        concepts = self._eraser.concepts if self._eraser is not None else ()
        return tuple(concept for concept in concepts if concept in self._off)

    @property
    def beside(self) -> tuple[Path, ...]:
        """Files of other erasers that act too; those that this one was made after always do."""
        together = self._eraser.together if self._eraser is not None else ()
        chosen = (one.file for one in self._others if one.run in self._beside)
        return tuple(dict.fromkeys((*together, *chosen)))

    def words(self) -> str:
        """How it is switched, for the picture: `Eraser at 0.50, without “car”`."""
        parts = ["With eraser" if self.strength == 1.0 else f"Eraser at {self.strength:.2f}"]
        parts += [f"without “{concept}”" for concept in self.off[:2]]
        parts += [f"{len(self._beside)} more"] if self._beside else []
        return ", ".join(parts)

    def show_eraser(self, eraser: Eraser, others: Sequence[Eraser]) -> None:
        """Show the switches of an eraser; another one is at full strength with all its concepts."""
        before, self._eraser = self._eraser, eraser
        if before is None or before.run != eraser.run:
            self.reset()
        known = tuple(one for one in others if one.file not in eraser.together)
        if (before, self._others) != (eraser, known):
            self._others = known
            self._beside &= {one.run for one in known}
            self._draw()

    def reset(self) -> None:
        """As it was measured: everything on, nothing beside; nobody is told."""
        self._off, self._beside = set(), set()
        self._slider.blockSignals(True)
        self._slider.setValue(100)
        self._slider.blockSignals(False)
        self._figure.setText("1.00")
        self._draw()

    def _draw(self) -> None:
        clear(self._boxes)
        eraser = self._eraser
        if eraser is None:
            return
        if eraser.separable:
            for place, concept in enumerate(eraser.concepts):
                spoken = f"Erase “{concept}” now"
                box = _box(f"no {concept}", spoken, f"erase.membrane.{place}", on=concept not in self._off)
                box.toggled.connect(partial(self._switch, concept))
                self._boxes.addWidget(box)
        for place, other in enumerate(self._others):
            spoken = f"Let “{other.title}” act too"
            box = _box(f"+ {other.title}", spoken, f"erase.beside.{place}", on=other.run in self._beside)
            box.toggled.connect(partial(self._add, other.run))
            self._boxes.addWidget(box)

    def _slid(self, value: int) -> None:
        self._figure.setText(f"{value / 100:.2f}")
        self._pause.start()

    def _switch(self, concept: str, on: bool) -> None:
        self._off = self._off - {concept} if on else self._off | {concept}
        self._pause.start()

    def _add(self, run: str, on: bool) -> None:
        self._beside = self._beside | {run} if on else self._beside - {run}
        self._pause.start()


def _box(words: str, spoken: str, name: str, *, on: bool) -> QCheckBox:
    short = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
    box = QCheckBox(short.replace("&", "&&"))
    box.setObjectName(name)
    box.setAccessibleName(spoken)
    set_tip(box, spoken)
    box.setChecked(on)
    return box
