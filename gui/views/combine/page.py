"""The Combine page: subjects at the left, the large picture in the middle, ways and history at the right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui.actions import Action
from gui.services import Services
from gui.theme import tokens as design
from gui.views.combine import store
from gui.views.combine.along import Along
from gui.views.combine.along_card import AlongCard
from gui.views.combine.board import Board
from gui.views.combine.commands import page_actions
from gui.views.combine.concepts import ConceptCards
from gui.views.combine.cures import Cures
from gui.views.combine.cutting import CutSheet, photos_of
from gui.views.combine.draft import Draft
from gui.views.combine.gallery import Gallery
from gui.views.combine.history import HistoryCard
from gui.views.combine.maker import Made, Maker
from gui.views.combine.places import PlacesPanel
from gui.views.combine.prompt import PromptPanel
from gui.views.combine.ready import Readiness, look
from gui.views.combine.stage import StageCard
from gui.views.combine.store import Result, Shot
from gui.views.combine.strategy import StrategyCard
from gui.views.combine.trial import Trial
from gui.views.train.words import duration
from gui.widgets.buttons import PrimaryButton
from gui.widgets.notice import Notice
from gui.widgets.page import GUTTER, EmptyState, PageHeader, ScrollBody, columned
from gui.widgets.text import Label
from projects.files import safe_name

_LEFT_PX, _RIGHT_PX = 268, 292


class CombinePage(QWidget):
    """Arranges the page; the board holds the layout, the gallery what came of it."""

    title = "Combine"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.combine")
        self._services = services
        self.board = Board(services, self)
        self.gallery = Gallery(services, self)
        self.maker = Maker(services, self)
        self.make_button = PrimaryButton("Make the picture", name="combine.make", on_click=self.make)
        self._header = PageHeader("Combine", buttons=(self.make_button,))
        self.along = Along(services, self.board, self)
        self.trial = Trial(services, self.board, self.along, self)
        self.verdict = AlongCard(self.along, self.trial, Cures(services, self.board))
        self.concepts = ConceptCards(self.board, services.background)
        self.prompt = PromptPanel(self.board)
        self.strategy = StrategyCard(self.board)
        self.stage = StageCard(PlacesPanel(self.board), services.background)
        self.history = HistoryCard(self.gallery, services.background)
        self._advice = Label(role="warning", wrap=True)
        self._advice.setObjectName("combine.advice")
        self._advice.hide()
        self._empty = EmptyState(
            "combine",
            "Bring your subjects together",
            "Here two to five subjects share one picture, each in its own place and itself. Teach two of them first; the preset "
            "Mergeable makes adapters that get along.",
            name="combine.empty",
            button="Go to Train",
            on_click=lambda: services.navigate("train" if services.session.project is not None else "home"),
        )
        self._lay_out()
        self._connect()
        self._renew()

    def page_actions(self) -> tuple[Action, ...]:
        """Commands for the palette and its shortcuts."""
        return page_actions(self)

    def shown(self) -> None:
        """The page came into view."""
        self._services.catalog.load()
        self.board.look()
        self.gallery.look()
        self.along.wake()

    def hidden(self) -> None:
        """The page went out of view."""
        self.prompt.keep()
        self.along.rest()

    def make(self) -> None:
        """Make the pictures of the layout as it is."""
        self.prompt.keep()
        readiness, offer = self.readiness, self.board.offer()
        if not readiness.ready or offer is None:
            self._services.notify(Notice("info", readiness.words or "There is nothing to make yet"))
            return
        self.stage.show_face("slider")
        self.maker.make(self.board.draft, offer.entry.name, offer.entry.title)

    def cut(self, number: int) -> None:
        """Have a subject cut out of one of its photos."""
        photos = photos_of(self.board, number)
        name = self.board.draft.parts[number].name
        if photos:
            CutSheet(self.window(), self._services, self.board, number, photos).open()
        else:
            words = "It was brought in as a file, or its photos were removed."
            self._services.notify(Notice("info", f"There is no photo of “{name}” in this project", words))

    @property
    def readiness(self) -> Readiness:
        """Whether pictures can be made of the layout."""
        return look(self.board, read_only=self._services.session.read_only)

    def do(self, what: str, result: Result) -> None:
        """What was wished for a result: `restore`, `repeat`, `export`, `folder` or `remove`."""
        if what in {"restore", "repeat"} and result.draft is not None:
            self._restore(result.draft)
            if what == "repeat":
                self.make()
        elif what == "export":
            self._export(result)
        elif what == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(result.folder)))
        elif what == "remove":
            self.gallery.remove(result.id)

    # --- building

    def _lay_out(self) -> None:
        self.left = ScrollBody(margins=GUTTER)
        self.left.setFixedWidth(_LEFT_PX + design.GAP)
        self.left.column.addWidget(self.concepts)
        self.left.column.addWidget(self.verdict)
        self.left.column.addStretch(1)
        self.stage.body.addWidget(self.prompt)
        self.stage.body.addWidget(self._advice)
        middle = QVBoxLayout()
        middle.setContentsMargins(0, 0, design.GAP, 0)
        middle.addWidget(self.stage)
        right = ScrollBody(margins=GUTTER)
        right.setFixedWidth(_RIGHT_PX + design.GAP)
        for card in (self.strategy, self.history):
            right.column.addWidget(card)
        right.column.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(0)
        columns.addWidget(self.left)
        columns.addLayout(middle, 1)
        columns.addWidget(right)
        self._stack = columned(self, self._header, columns, self._empty)

    def _connect(self) -> None:
        board, gallery, maker = self.board, self.gallery, self.maker
        board.changed.connect(self._renew)
        board.candidates_changed.connect(self._renew)
        board.looked_over.connect(self._renew)
        self._services.runs.changed.connect(self._moved)
        gallery.changed.connect(self._show)
        for owner in (board, gallery, maker, self.trial):
            owner.failed.connect(self._services.notify)
        maker.began.connect(gallery.begin)
        maker.made.connect(self._made)
        maker.progress.connect(self._progressed)
        maker.ended.connect(gallery.end)
        self.stage.stopped.connect(maker.stop)
        self.stage.picked.connect(lambda place: gallery.show(gallery.chosen, place))
        self.concepts.wanted.connect(self.prompt.insert)
        self.concepts.cutting.connect(self.cut)
        self.prompt.entered.connect(self.make)
        self.history.wished.connect(self.do)

    # --- following

    def _moved(self) -> None:
        if self.isVisible():  # else it looks when it comes into view
            self.board.look()

    def _renew(self) -> None:
        board = self.board
        nothing = board.project is None or (board.listed and not board.candidates and not board.draft.parts)
        self._stack.setCurrentIndex(1 if nothing and not self.gallery.results else 0)
        self.make_button.setVisible(not nothing)
        readiness = self.readiness
        count = board.draft.count
        self.make_button.setText("Make the picture" if count == 1 else f"Make {count} pictures")
        self.make_button.setAccessibleName(self.make_button.text())
        self.make_button.setEnabled(readiness.ready)
        self._advice.setText(readiness.words)
        self._advice.set_role("warning" if readiness.wrong else "small")
        self._advice.setVisible(bool(readiness.words))

    def _made(self, made: Made) -> None:
        self.gallery.take(made)

    def _progressed(self, words: str, done: int, total: int) -> None:
        self.stage.show_progress(words, done, total)

    def _show(self) -> None:
        gallery = self.gallery
        result = gallery.shown
        shots = result.shots if result is not None else ()
        chosen = min(gallery.place, len(shots) - 1)
        took = f", {duration(result.seconds)}" if result is not None and result.seconds else ""
        words = f"seed {shots[chosen].seed}{took}" if shots else ""
        self.stage.show_shots(shots, chosen, result.strategy if result is not None else "", words)
        self._renew()

    # --- doing

    def _restore(self, draft: Draft) -> None:
        self.board.put(draft, "Put a layout back")
        self.board.choose(0)
        self.stage.show_face("places")

    def _export(self, result: Result) -> None:
        shot = self.gallery.shot if result.id == self.gallery.chosen else result.shots[0]
        if shot is None:
            return
        prompt = result.draft.prompt if result.draft is not None else "Picture"
        name = safe_name(f"{prompt[:60]}, seed {shot.seed}.png")
        path, _kind = QFileDialog.getSaveFileName(
            self, "Export the picture", str(Path.home() / name), "Pictures (*.png)"
        )
        if path:
            self.export_to(shot, Path(path))

    def export_to(self, shot: Shot, target: Path) -> None:
        """Copy a picture with its recipe inside."""

        def saved(where: Path) -> None:
            self._services.notify(Notice("good", "The picture was exported", f"{where}. Its recipe is inside."))

        self._services.background.run(
            lambda _task: store.export(shot, target), done=saved, failed=self._services.notify, owner=self
        )
