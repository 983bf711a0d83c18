"""Keeps the canvas up with the board, the questions and the hands: what is drawn, in which colours, and the words at its foot."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor

from gui.canvas.marking.canvas import MarkingCanvas, Shown
from gui.canvas.marking.pyramid import Pyramid
from gui.views.segment import looks
from gui.views.segment.asking import Asking
from gui.views.segment.board import Board
from gui.views.segment.hands import Hands
from gui.widgets.notice import Notice
from projects.records import Label

_READING = "Reading the picture…"
_CLICKS = frozenset({"click", "away", "box"})


class Drawing(QObject):
    """Draws; `opacity` of the marks is from 0 to 1."""

    def __init__(
        self, canvas: MarkingCanvas, board: Board, asking: Asking, hands: Hands, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._canvas, self._board, self._asking, self._hands = canvas, board, asking, hands
        self.opacity = 0.45
        self._said = ""
        board.image_changed.connect(self._another_picture)
        board.regions_changed.connect(self._pieces)
        board.contents_changed.connect(self._pieces)
        board.label_changed.connect(self._over)
        board.scenes.picture_read.connect(self._have_picture)
        board.scenes.picture_failed.connect(self._no_picture)
        asking.changed.connect(self._over)
        asking.preview_changed.connect(self._over)
        hands.hovered_changed.connect(self._over)
        hands.hint_changed.connect(self._words)
        self._words()

    def set_opacity(self, opacity: float) -> None:
        """Show marks more or less strongly."""
        self.opacity = opacity
        self._pieces()

    def say(self, words: str) -> None:
        """Say what else is being done; empty for nothing."""
        self._said = words
        self._words()

    def _pieces(self) -> None:
        colours = {label.id: QColor(label.colour) for label in self._board.contents.labels}
        self._canvas.set_pieces(
            [
                Shown(
                    item.piece,
                    looks.of_region(
                        colours.get(item.region.label_id, looks.NO_LABEL),
                        self.opacity,
                        accepted=item.region.accepted,
                        selected=item.region.id in self._board.selected,
                    ),
                )
                for item in self._board.shown()
            ]
        )
        self._over()

    def _over(self) -> None:
        colour, shown = _colour(self._board.label), []
        shown += [
            Shown(item.piece, looks.HOVERED) for item in self._board.shown() if item.region.id == self._hands.hovered
        ]
        if self._asking.preview is not None:
            shown.append(Shown(self._asking.preview, looks.of_preview(colour)))
        if self._asking.candidate is not None:
            shown.append(Shown(self._asking.candidate.piece, looks.of_candidate(colour, self.opacity)))
        self._canvas.set_over(shown)
        self._canvas.set_points(self._asking.points)
        self._words()

    def _words(self) -> None:
        asking = self._asking
        problem = asking.warming.problem
        if self._said:
            self._canvas.set_words(self._said)
        elif asking.words:
            self._canvas.set_words(f"{asking.words}…")
        elif problem is not None and self._hands.tool in _CLICKS:
            self._canvas.set_words(f"Clicks are not answered: {problem.title}")
        elif asking.candidate is not None:
            more = " · Tab: another" if len(asking.candidates) > 1 else ""
            took = f"{asking.took_s * 1000:.0f} ms" if asking.took_s < 2 else f"{asking.took_s:.1f} s"
            self._canvas.set_words(f"Enter: keep{more} · Esc: drop · {took}")
        else:
            self._canvas.set_words(self._hands.hint)

    def _another_picture(self) -> None:
        self._canvas.empty = _READING if self._board.image is not None else ""
        self._canvas.set_pyramid(None)

    def _have_picture(self, image_id: str, pyramid: Pyramid) -> None:
        if self._board.image is not None and image_id == self._board.image.id:
            self._canvas.set_pyramid(pyramid)

    def _no_picture(self, image_id: str, notice: Notice) -> None:
        if self._board.image is not None and image_id == self._board.image.id:
            self._canvas.empty = " ".join(part for part in (f"{notice.title}.", notice.text, notice.hint) if part)
            self._canvas.set_pyramid(None)


def _colour(label: Label | None) -> QColor:
    return QColor(label.colour) if label is not None else looks.NO_LABEL
