"""The History card: every result with what can be done with it: look at it, put it back, make it again, export it, drag it out, delete it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.views.combine.gallery import Gallery
from gui.views.combine.store import Result
from gui.views.train.words import plural, when
from gui.widgets.buttons import LinkButton
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.menu_button import Entry, MenuButton
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label
from gui.workers.background import Background

_THUMB_PX = 52
_AT_FIRST = 12


class HistoryCard(Card):
    """Follows the gallery.

    Signals:
        wished: (what, result): `restore`, `repeat`, `export`, `folder` or `remove`.
    """

    wished = Signal(str, object)

    def __init__(self, gallery: Gallery, background: Background) -> None:
        super().__init__("History", name="combine.history", padding=16)
        self._gallery = gallery
        self._background = background
        self._most = _AT_FIRST
        self._drawn: object = None
        self._views: dict[str, PictureView] = {}
        self._rows = QVBoxLayout()
        self._rows.setSpacing(8)
        self._more = LinkButton("Show more", name="combine.history.more", on_click=self._show_more)
        self.body.addLayout(self._rows)
        self.body.addWidget(self._more)
        gallery.changed.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        results = self._gallery.results
        shown = results[: self._most]
        drawn = tuple((result.id, len(result.shots), result.seconds) for result in shown)
        if drawn != self._drawn:
            self._drawn = drawn
            clear(self._rows)
            self._views = {}
            for result in shown:
                self._rows.addWidget(self._row(result))
            if not shown:
                words = "Every picture you make is kept here with its recipe."
                self._rows.addWidget(Label(words, role="muted", wrap=True))
        self._more.setVisible(len(results) > self._most)
        for name, view in self._views.items():
            view.set_selected(name == self._gallery.chosen)

    def _show_more(self) -> None:
        self._most += 4 * _AT_FIRST
        self._renew()

    def _row(self, result: Result) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        prompt = result.draft.prompt if result.draft is not None else "The recipe cannot be read"
        view = DragView(result.shots[0].composed, name=f"combine.result.{result.id}")
        view.setFixedSize(_THUMB_PX, _THUMB_PX)
        view.set_clickable(f"Look at it, or drag it out as a file: {prompt}")
        view.clicked.connect(partial(self._gallery.show, result.id))
        show_file(self._background, view, result.shots[0].composed, _THUMB_PX * 2)
        self._views[result.id] = view
        facts = (when(result.created), plural(len(result.shots), "picture"), result.strategy)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(ElidedLabel(prompt))
        words.addWidget(ElidedLabel(", ".join(fact for fact in facts if fact), role="small"))
        words.addStretch(1)
        more = MenuButton("…", partial(self._entries, result), name=f"combine.resultMenu.{result.id}")
        more.setAccessibleName(f"What to do with: {prompt}")
        more.setProperty("small", True)
        line.addWidget(view)
        line.addLayout(words, 1)
        line.addWidget(more)
        return row

    def _entries(self, result: Result) -> Sequence[Entry | None]:
        readable = result.draft is not None
        why = "Its recipe cannot be read."

        def wish(what: str) -> Callable[[], object]:
            return lambda: self.wished.emit(what, result)

        return [
            Entry("Put this layout back", wish("restore"), "undo", enabled=readable, why_not=why),
            Entry("Make it again", wish("repeat"), "repeat", enabled=readable, why_not=why),
            None,
            Entry("Export with its recipe…", wish("export"), "upload"),
            Entry("Show its folder", wish("folder"), "folder"),
            None,
            Entry("Delete", wish("remove"), "trash"),
        ]


class DragView(PictureView):
    """A picture that can be dragged out of the window as its file."""

    def __init__(self, file: Path, *, name: str) -> None:
        super().__init__(name=name, radius=8)
        self._file = file
        self._pressed: QPointF | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """It may become a drag."""
        self._pressed = event.position() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Far enough, it is one."""
        if self._pressed is None:
            return
        if (event.position() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            drag = QDrag(self)
            drag.setMimeData(file_data(self._file))
            drag.setPixmap(QPixmap(self.grab()))
            drag.exec(Qt.DropAction.CopyAction)


def file_data(file: Path) -> QMimeData:
    """A file as other programs take it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    return data
