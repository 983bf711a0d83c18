"""What a finished training came to: a picture before and after, then a sentence, and the figures for those who ask."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.views.compare.report import Report, conditions, read_report, sentence
from gui.views.compare.verdict import figures_table
from gui.views.train.viewer import PictureSheet
from gui.widgets.buttons import LinkButton
from gui.widgets.picture import PictureView
from gui.widgets.text import Label, set_tip
from gui.workers.background import Background


class OutcomeView(QWidget):
    """Shows a measured comparison kept in a folder.

    Args:
        background: where files are read.
        name: object name; its parts get `name.before`, `name.after`, `name.numbers`.
        edge: of each picture, in pixels.
        beside: whether words stand beside the pictures instead of below.
    """

    def __init__(self, background: Background, *, name: str, edge: int, beside: bool = False) -> None:
        super().__init__()
        self.setObjectName(name)
        self._background = background
        self._folder: Path | None = None
        self._report: Report | None = None
        self._pair: tuple[tuple[Path, str], tuple[Path, str]] | None = None
        self._before, before = _picture(f"{name}.before", "before", edge)
        self._after, after = _picture(f"{name}.after", "after", edge)
        for place, view in enumerate((self._before, self._after)):
            view.clicked.connect(lambda place=place: self._look(place))
        self._pictures = QWidget()
        pictures = QHBoxLayout(self._pictures)
        pictures.setContentsMargins(0, 0, 0, 0)
        pictures.setSpacing(8)
        pictures.addWidget(before)
        pictures.addWidget(after)
        self._pictures.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._words = Label(role="sentence", wrap=True)
        self._words.setObjectName(f"{name}.sentence")
        self._numbers = LinkButton("Show the numbers", name=f"{name}.numbers", on_click=self._toggle)
        self._small = Label(role="small", wrap=True)
        self._table = QWidget()
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self._words)
        words.addWidget(self._numbers)
        head = QHBoxLayout() if beside else QVBoxLayout()
        head.setSpacing(16 if beside else 10)
        head.addWidget(self._pictures, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        if beside:
            words.addStretch(1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._column.addLayout(head)
        self._column.addWidget(self._table)
        self._column.addWidget(self._small)
        self.hide()

    def show_folder(self, folder: Path | None) -> None:
        """Show the comparison of a folder; None hides it. A damaged one hides it too."""
        if folder == self._folder:
            return
        self._folder, self._report = folder, None
        self.hide()
        if folder is not None:
            self._background.run(lambda _task: read_report(folder), done=lambda report: self._came(folder, report))

    def _came(self, folder: Path, report: Report | None) -> None:
        if folder != self._folder or report is None:
            return
        self._report = report
        self._words.setText(sentence(report))
        self._small.setText(conditions(report))
        self._put_pair(folder, report)
        self._put_table(visible=False)
        self.show()

    def _put_pair(self, folder: Path, report: Report) -> None:
        pair = report.pair()
        self._pictures.setVisible(pair is not None)
        self._pair = None
        if pair is not None:
            before, after = pair
            self._pair = (
                (folder / before.file, f"Before: {before.prompt}, seed {before.seed}"),
                (folder / after.file, f"After: {after.prompt}, seed {after.seed}"),
            )
            for view, (file, words) in zip((self._before, self._after), self._pair, strict=True):
                view.set_clickable(words)
                set_tip(view, words)
                show_file(self._background, view, file, 640)

    def _put_table(self, *, visible: bool) -> None:
        fresh = (figures_table(self._report) if self._report is not None else None) or QWidget()
        self._column.replaceWidget(self._table, fresh)
        self._table.hide()
        self._table.deleteLater()
        self._table = fresh
        self._set_numbers(visible=visible)

    def _toggle(self) -> None:
        self._set_numbers(visible=self._table.isHidden())

    def _set_numbers(self, *, visible: bool) -> None:
        self._table.setVisible(visible)
        self._small.setVisible(visible)
        self._numbers.setText("Hide the numbers" if visible else "Show the numbers")
        self._numbers.setAccessibleName(self._numbers.text())

    def _look(self, place: int) -> None:
        if self._pair is not None:
            PictureSheet(self.window(), list(self._pair), place, self._background).open()


def _picture(name: str, words: str, edge: int) -> tuple[PictureView, QWidget]:
    """A picture with its word below."""
    view = PictureView(name=name)
    view.setFixedSize(edge, edge)
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(view)
    column.addWidget(Label(words, role="small"))
    return view, holder
