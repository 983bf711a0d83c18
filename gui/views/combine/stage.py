"""The large picture: places to lay out, or what came of them under a slider beside the plain sum, and the other pictures of the same result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from gui.canvas.compare import CompareView, Mode
from gui.canvas.loading import read_for, show_file
from gui.views.combine.places import PlacesPanel
from gui.views.combine.store import Shot
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.progress import ProgressLine
from gui.widgets.segmented import Segmented
from gui.widgets.text import ElidedLabel
from gui.workers.background import Background

_FACES = (("places", "Places"), ("slider", "Picture"), ("side", "Side by side"), ("difference", "Difference"))
_THUMB_PX = 54
_EMPTY = "Press Make: the picture appears here, under a slider beside the plain sum on the same seed."
PLAIN = "Plain sum"


class StageCard(Card):
    """Shows one shot of a result, or the places.

    Signals:
        picked: another picture of the result is wanted; carries its place among them.
        stopped: what is being made shall be dropped.
    """

    picked = Signal(int)
    stopped = Signal()

    def __init__(self, places: PlacesPanel, background: Background) -> None:
        super().__init__(name="combine.stage", padding=14)
        self.setAccessibleName("The picture")
        self._background = background
        self._wanted: dict[str, Path | None] = {"before": None, "after": None}
        self.places = places
        self.view = CompareView(_EMPTY)
        self.view.setObjectName("combine.view")
        self.view.setAccessibleName("The plain sum and the chosen way, on the same seed")
        self._stack = QStackedWidget()
        self._stack.addWidget(places)
        self._stack.addWidget(self.view)
        self.face = Segmented(_FACES, name="combine.face", label="What to show")
        self.face.changed.connect(self._show_face)
        self._words = ElidedLabel(role="small")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.face)
        head.addWidget(self._words, 1)
        strip = QWidget()
        self._strip = FlowLayout(strip, spacing=6)
        self._thumbs: list[PictureView] = []
        self._strip_box = strip
        strip.hide()
        self._progress = QWidget()
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._line = ProgressLine(name="combine.progress", words=False)
        self._said = ElidedLabel(role="muted")
        row.addWidget(self._line, 2)
        row.addWidget(self._said, 3)
        row.addWidget(QuietButton("Stop", name="combine.stop", on_click=self.stopped.emit))
        self._progress.hide()
        self.body.addLayout(head)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(strip)
        self.body.addWidget(self._progress)

    def show_shots(self, shots: Sequence[Shot], chosen: int, strategy: str, words: str) -> None:
        """Show pictures of a result, one of them large; `words` say what they are of."""
        self._words.setText(words)
        if [shot.composed for shot in shots] != [thumb.property("file") for thumb in self._thumbs]:
            self._draw_strip(shots)
        for place, thumb in enumerate(self._thumbs):
            thumb.set_selected(place == chosen)
        self._show_strip()
        shot = shots[chosen] if 0 <= chosen < len(shots) else None
        self.view.set_words(PLAIN, f"{strategy}, first look" if shot is not None and shot.rough else strategy)
        self._put("before", shot.plain if shot is not None else None)
        self._put("after", shot.composed if shot is not None else None)
        if shot is not None:
            self.view.set_split(0.5 if shot.plain is not None else 0.0)

    def show_progress(self, words: str, done: int, total: int) -> None:
        """Show how far it is; empty words for nothing under way."""
        self._progress.setVisible(bool(words))
        self._line.set(done, total)
        self._said.setText(words)

    def show_face(self, key: str) -> None:
        """Turn to the places or to the picture."""
        self.face.set_value(key)
        self._show_face(key)

    def _show_face(self, key: str) -> None:
        self._stack.setCurrentWidget(self.places if key == "places" else self.view)
        modes: dict[str, Mode] = {"slider": "slider", "side": "side", "difference": "difference"}
        if key in modes:
            self.view.set_mode(modes[key])
        self._show_strip()

    def _show_strip(self) -> None:
        self._strip_box.setVisible(len(self._thumbs) > 1 and self._stack.currentWidget() is self.view)

    def _put(self, side: str, file: Path | None) -> None:
        if self._wanted[side] == file:
            return
        self._wanted[side] = file
        if file is None:
            self._came(side, QImage())
            return

        def came(image: QImage) -> None:
            if self._wanted[side] == file:
                self._came(side, image)

        read_for(self._background, self, file, 0, came)

    def _came(self, side: str, image: QImage) -> None:
        if side == "before":
            self.view.set_before(image)
        else:
            self.view.set_after(image)
            self.places.set_ground(image)

    def _draw_strip(self, shots: Sequence[Shot]) -> None:
        clear(self._strip)
        self._thumbs = []
        for place, shot in enumerate(shots):
            thumb = PictureView(name=f"combine.shot.{place}", radius=7)
            thumb.setFixedSize(_THUMB_PX, _THUMB_PX)
            thumb.setProperty("file", shot.composed)
            thumb.set_clickable(f"Picture on seed {shot.seed}")
            thumb.clicked.connect(lambda place=place: self.picked.emit(place))
            show_file(self._background, thumb, shot.composed, _THUMB_PX * 2)
            self._thumbs.append(thumb)
            self._strip.addWidget(thumb)
