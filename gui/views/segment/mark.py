"""Marking: tools at the left, the picture in the middle, labels and marks at the right, all pictures at the foot."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.api.requests import Refused
from gui.canvas.marking.canvas import MarkingCanvas
from gui.canvas.marking.pyramid import Pyramid
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.theme import tokens as design
from gui.views.segment import marks
from gui.views.segment.asking import Asking
from gui.views.segment.board import Board
from gui.views.segment.candidates import CandidateThumbs
from gui.views.segment.drawing import Drawing
from gui.views.segment.foot import Foot
from gui.views.segment.hands import Hands
from gui.views.segment.labels import LabelsCard
from gui.views.segment.looks import NO_LABEL
from gui.views.segment.parts import PartsCard
from gui.views.segment.questions import Found
from gui.views.segment.regions import RegionsCard
from gui.views.segment.strip import Strip
from gui.views.segment.tools import ToolRail
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from projects.records import Image

_SIDE_PX = 292
_CORNER_PX = 12


class MarkPanel(QWidget):
    """Puts the parts of marking together."""

    def __init__(self, services: Services, board: Board) -> None:
        super().__init__()
        self._services = services
        self.board = board
        self.thumbnails = Thumbnails(services.background, self)
        self.asking = Asking(services, board, self)
        self.canvas = MarkingCanvas()
        self.canvas.setObjectName("segment.canvas")
        self.canvas.setAccessibleName("Picture to mark")
        self.hands = Hands(self.canvas, board, self.asking, self)
        self.drawing = Drawing(self.canvas, board, self.asking, self.hands, self)
        self.tools = ToolRail(self.hands, find=self.find_everything, accept=self.hands.accept)
        self.labels = LabelsCard(board)
        self.regions = RegionsCard(board)
        self.strip = Strip(board, self.thumbnails)
        self._thumbs = CandidateThumbs(self.canvas)
        self._pyramid: Pyramid | None = None
        self._lay_out()
        self._connect()
        self._opened()

    def shown(self) -> None:
        """Somebody is marking."""
        self.asking.warming.watch(watched=True)
        self.canvas.setFocus()

    def hidden(self) -> None:
        """Nobody is."""
        self.asking.warming.watch(watched=False)
        self.asking.unhover()

    def find_everything(self) -> None:
        """Look for all there is in this picture; what is found waits as proposals."""
        if self.board.can_edit:
            self.asking.find(self._found)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The small answers keep their corner of the canvas."""
        if watched is self.canvas and event.type() == QEvent.Type.Resize:
            self._place_thumbs()
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        card = Card(name="segment.picture", padding=12)
        card.setAccessibleName("The picture")
        card.body.setSpacing(8)
        card.body.addWidget(self.canvas, 1)
        card.body.addWidget(Foot(self.canvas, self.board, self.hands, self.drawing))
        middle = QVBoxLayout()
        middle.setSpacing(10)
        middle.addWidget(card, 1)
        middle.addWidget(self.strip)
        side = QVBoxLayout()
        side.setSpacing(design.GAP)
        side.addWidget(self.labels)
        side.addWidget(self.regions, 1)
        side.addWidget(PartsCard(self.board))
        right = QWidget()
        right.setFixedWidth(_SIDE_PX)
        side.setContentsMargins(0, 0, 0, 0)
        right.setLayout(side)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(design.GAP)
        row.addWidget(self.tools)
        row.addLayout(middle, 1)
        row.addWidget(right)

    def _connect(self) -> None:
        session, board = self._services.session, self.board
        session.opened.connect(self._opened)
        session.closed.connect(self._opened)
        board.failed.connect(self._services.notify)
        board.regions_changed.connect(self._enable)
        board.contents_changed.connect(self._enable)
        board.image_changed.connect(self._another_picture)
        board.scenes.picture_read.connect(self._have_picture)
        self.hands.tool_changed.connect(self._enable)
        self.asking.changed.connect(self._asking_changed)
        self.asking.refused.connect(self._refused)
        self._thumbs.chosen.connect(self.asking.choose)
        self.canvas.installEventFilter(self)

    def _opened(self) -> None:
        self.thumbnails.forget()
        self.strip.set_project(self._services.session.project)
        self._enable()

    def _another_picture(self) -> None:
        self._pyramid = None
        self._enable()

    def _have_picture(self, image_id: str, pyramid: Pyramid) -> None:
        if self.board.image is not None and self.board.image.id == image_id:
            self._pyramid = pyramid

    def _asking_changed(self) -> None:
        label = self.board.label
        colour = QColor(label.colour) if label is not None else NO_LABEL
        self._thumbs.show_candidates(self.asking.candidates, self.asking.chosen, self._pyramid, colour)
        self._place_thumbs()
        self._enable()

    def _place_thumbs(self) -> None:
        size = self._thumbs.sizeHint()
        self._thumbs.move(
            self.canvas.width() - size.width() - _CORNER_PX, self.canvas.height() - size.height() - _CORNER_PX
        )

    def _enable(self) -> None:
        marking = self.board.can_edit
        proposals = bool(self.board.proposals) and self.hands.tool == "pick"
        self.tools.enable(
            marking=marking,
            accepting=marking and (self.asking.candidate is not None or proposals),
            finding=marking and not self.asking.finding,
        )

    def _found(self, image: Image, found: tuple[Found, ...]) -> None:
        label = self.board.label
        masks = [thing.mask for thing in sorted(found, key=lambda thing: -thing.score)]
        if not masks:
            self._services.notify(Notice("info", "Nothing was found", "The model sees no separate things here."))
            return
        self.board.need_label()
        self.board.do(marks.propose(image, label.id if label is not None else "", masks))
        self.hands.take("pick")

    def _refused(self, refused: Refused) -> None:
        self._services.notify(Notice("warning", refused.title, refused.what, refused.hint))
