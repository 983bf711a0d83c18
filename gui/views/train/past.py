"""The project's trainings, to look at again, repeat, rename or take off the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.views.train.upnext import summary
from gui.views.train.words import phase, when
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip, Level
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel
from gui.workers.background import Background
from gui.workers.runs import RunView

_FIRST = 5
_THUMB = 44
_LEVELS: dict[str, Level] = {"finished": "good", "failed": "bad", "interrupted": "warning", "waiting": "plain"}


class PastCard(Card):
    """One line for each training, the newest first. Callables get the run's id."""

    def __init__(
        self,
        background: Background,
        *,
        title: str = "Trainings",
        look: Callable[[str], object],
        repeat: Callable[[str], object],
        rename: Callable[[str], object],
        remove: Callable[[str], object],
    ) -> None:
        super().__init__(title, name="train.past")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._background = background
        self._look, self._repeat, self._rename, self._remove = look, repeat, rename, remove
        self._all = False
        self._views: Sequence[RunView] = ()
        self._current = ""
        self._key: tuple[object, ...] = ()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.body.addLayout(self._rows)
        self._more = LinkButton("Show all", name="train.past.all", on_click=self._show_all)
        self.body.addWidget(self._more)

    def show_runs(self, views: Sequence[RunView], current: str) -> None:
        """Show these trainings; `current` is the one on the page."""
        self._views, self._current = views, current
        self.setVisible(len(views) > 1 or (len(views) == 1 and views[0].id != current))
        shown = views if self._all else views[:_FIRST]
        self._more.setVisible(len(views) > len(shown))
        key = tuple(
            (view.id, view.title, view.state.phase, view.place, len(view.state.samples), view.id == current)
            for view in shown
        )
        if key == self._key:
            return
        self._key = key
        clear(self._rows)
        for view in shown:
            self._rows.addWidget(self._row(view))

    def _show_all(self) -> None:
        self._all = True
        self.show_runs(self._views, self._current)

    def _row(self, view: RunView) -> QWidget:
        row = Card(name=f"train.past.{view.id}", clickable=True, padding=8)
        row.setAccessibleName(f"Look at {view.title}, {phase(view.state)}, {when(view.created)}")
        row.set_checked(view.id == self._current)
        row.clicked.connect(lambda: self._look(view.id))
        line = QHBoxLayout()
        line.setSpacing(12)
        picture = PictureView(radius=8)
        picture.setFixedSize(_THUMB, _THUMB)
        line.addWidget(picture)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(ElidedLabel(view.title, role="strong"))
        words.addWidget(ElidedLabel(f"{summary(view)}, {when(view.created)}", role="small"))
        line.addLayout(words, 1)
        text = "In the queue" if view.place >= 0 else phase(view.state)
        chip = Chip(text, level=_LEVELS.get(view.state.phase, "accent"))
        line.addWidget(chip)
        line.addWidget(self._menu(view))
        row.body.addLayout(line)
        if view.state.samples:
            path = view.info.folder / view.state.samples[-1].file
            show_file(self._background, picture, path, _THUMB * 2)
        return row

    def _menu(self, view: RunView) -> IconButton:
        button = IconButton("more", f"More for {view.title}", name=f"train.past.{view.id}.more")

        def show() -> None:
            menu = QMenu(button)
            menu.addAction("Repeat with changes", lambda: self._repeat(view.id))
            menu.addAction("Rename…", lambda: self._rename(view.id))
            away = menu.addAction("Take off the list", lambda: self._remove(view.id))
            away.setEnabled(not view.active)
            menu.exec(button.mapToGlobal(button.rect().bottomLeft()))

        button.clicked.connect(show)
        return button
