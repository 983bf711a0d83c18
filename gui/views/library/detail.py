"""One adapter closely: its picture, its recipe, the person's note, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPlainTextEdit, QWidget

from gui.canvas.loading import show_file
from gui.views.compare.outcome import OutcomeView
from gui.views.library.items import Item, recipe_lines
from gui.views.train.viewer import PictureSheet
from gui.widgets.buttons import IconButton, LinkButton, PrimaryButton, QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.flow import FlowLayout
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label
from gui.workers.background import Background

_SHORT = 6
_PAIR_PX = 142


@dataclass(frozen=True)
class Wish:
    """What was pressed: `compare`, `export`, `repeat`, `rename`, `remove` or `folder`."""

    what: str
    item: Item


class DetailCard(Card):
    """Shows one item.

    Signals:
        wished: carries a `Wish`.
        noted: (item, text) when the note was edited and left.
    """

    wished = Signal(object)
    noted = Signal(object, str)

    def __init__(self, background: Background) -> None:
        super().__init__(name="library.detail")
        self.setAccessibleName("Adapter")
        self._background = background
        self._item: Item | None = None
        self._all = False
        self._picture = PictureView(name="library.detail.picture", ratio=1.35)
        self._picture.set_clickable("Look at the picture")
        self._picture.clicked.connect(self._look)
        self._outcome = OutcomeView(background, name="library.outcome", edge=_PAIR_PX)
        self._title = Label(role="title", wrap=True)
        self._problem = Label(role="bad", wrap=True)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self._compare = QuietButton("Compare", name="library.compare", on_click=lambda: self._wish("compare"))
        self._export = PrimaryButton("Export…", name="library.export", on_click=lambda: self._wish("export"))
        buttons.addWidget(self._export)
        buttons.addWidget(self._compare)
        buttons.addStretch(1)
        self._recipe = QWidget()
        self._more = LinkButton("All settings", name="library.detail.all", on_click=self._toggle)
        self._note = QPlainTextEdit()
        self._note.setObjectName("library.note")
        self._note.setAccessibleName("Note")
        self._note.setPlaceholderText("Your own words about it")
        self._note.setTabChangesFocus(True)
        self._note.setFixedHeight(84)
        self._note.installEventFilter(self)
        links = QWidget()
        flow = FlowLayout(links, spacing=14)
        self._repeat = LinkButton("Repeat with changes", name="library.repeat", on_click=lambda: self._wish("repeat"))
        self._rename = LinkButton("Rename…", name="library.rename", on_click=lambda: self._wish("rename"))
        self._remove = LinkButton("Remove…", name="library.remove", on_click=lambda: self._wish("remove"))
        folder = LinkButton("Show in folder", name="library.folder", on_click=lambda: self._wish("folder"))
        for button in (self._repeat, self._rename, folder, self._remove):
            flow.addWidget(button)
        for widget in (self._picture, self._title, self._problem):
            self.body.addWidget(widget)
        self.body.addWidget(self._outcome)
        self.body.addLayout(buttons)
        self.body.addWidget(self._recipe)
        self.body.addWidget(self._more)
        self.body.addWidget(Label("Note", role="small"))
        self.body.addWidget(self._note)
        self.body.addWidget(links)

    def show_item(self, item: Item | None) -> None:
        """Show an adapter; None hides the card."""
        self.flush()
        before, self._item = self._item, item
        self.setVisible(item is not None)
        if item is None:
            return
        if before is None or before.id != item.id:
            self._all = False
            self._picture.set_picture(None)
        self._outcome.show_folder(item.measured)
        alone = item.picture is not None and item.measured is None  # the pair of the outcome shows what it makes
        self._picture.setVisible(alone)
        if item.picture is not None and alone:
            show_file(self._background, self._picture, item.picture, 640)
        self._title.setText(item.title)
        self._problem.setText(item.problem)
        self._problem.setVisible(bool(item.problem))
        usable = item.info is not None
        self._compare.setText("Before and after" if item.page else "Compare")
        self._compare.setEnabled(usable and not (item.page and item.imported))
        self._export.setEnabled(usable)
        self._repeat.setVisible(not item.imported)
        self._rename.setVisible(not item.imported)
        if self._note.toPlainText() != item.note and not self._note.hasFocus():
            self._note.setPlainText(item.note)
        self._show_recipe()

    def flush(self) -> None:
        """Hand the note on if it was edited."""
        text = self._note.toPlainText()
        if self._item is not None and text != self._item.note:
            self.noted.emit(self._item, text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The note is kept when it is left."""
        if watched is self._note and event.type() == QEvent.Type.FocusOut:
            self.flush()
        return super().eventFilter(watched, event)

    def _toggle(self) -> None:
        self._all = not self._all
        self._show_recipe()

    def _show_recipe(self) -> None:
        lines = recipe_lines(self._item.info) if self._item is not None and self._item.info is not None else ()
        self._more.setVisible(len(lines) > _SHORT)
        self._more.setText("Fewer settings" if self._all else "All settings")
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(lines if self._all else lines[:_SHORT]):
            if place:
                grid.addWidget(separator(), place * 2 - 1, 0, 1, 3)
            grid.addWidget(Label(name, role="muted"), place * 2, 0)
            grid.addWidget(ElidedLabel(value), place * 2, 1)
            if name == "Trigger word":
                copy = IconButton("copy", "Copy the trigger word", name="library.copyTrigger", size=14)
                copy.clicked.connect(lambda _checked=False, text=value: QGuiApplication.clipboard().setText(text))
                grid.addWidget(copy, place * 2, 2)
        self.body.replaceWidget(self._recipe, fresh, Qt.FindChildOption.FindDirectChildrenOnly)
        self._recipe.hide()
        self._recipe.deleteLater()
        self._recipe = fresh

    def _look(self) -> None:
        if self._item is not None and self._item.picture is not None:
            PictureSheet(self.window(), [(self._item.picture, self._item.title)], 0, self._background).open()

    def _wish(self, what: str) -> None:
        if self._item is not None:
            self.wished.emit(Wish(what, self._item))
