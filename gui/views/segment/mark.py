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
from gui.views.segment.asking import Asking
from gui.views.segment.board import Board
from gui.views.segment.candidates import CandidateThumbs
from gui.views.segment.drawing import Drawing
from gui.views.segment.finding import Finding
from gui.views.segment.foot import Foot
from gui.views.segment.hands import Hands
from gui.views.segment.labels import LabelsCard
from gui.views.segment.looks import NO_LABEL
from gui.views.segment.parts import PartsCard
from gui.views.segment.regions import RegionsCard
from gui.views.segment.strip import Strip
from gui.views.segment.tools import ToolRail
from gui.views.segment.using import Using
from gui.widgets.card import Card
from gui.widgets.notice import Notice
from gui.widgets.progress import ProgressLine

_SIDE_PX = 292
_CORNER_PX = 12


class MarkPanel(QWidget):
    """Puts the parts of marking together."""

    def __init__(self, services: Services, board: Board, thumbnails: Thumbnails, using: Using) -> None:
        super().__init__()
        self._services = services
        self.board = board
        self._using = using
        self.asking = Asking(services, board, self)
        self.finding = Finding(self.asking.questions, board, using, self)
        self.canvas = MarkingCanvas()
        self.canvas.setObjectName("segment.canvas")
        self.canvas.setAccessibleName("Picture to mark")
        self.hands = Hands(self.canvas, board, self.asking, self)
        self.drawing = Drawing(self.canvas, board, self.asking, self.hands, self)
        self.tools = ToolRail(self.hands, find=self.finding.here, accept=self.hands.accept)
        self.labels = LabelsCard(board)
        self.regions = RegionsCard(board)
        self.strip = Strip(board, thumbnails)
        self._progress = ProgressLine(name="segment.finding", on_stop=self.finding.stop)
        self._thumbs = CandidateThumbs(self.canvas)
        self._pyramid: Pyramid | None = None
        self._lay_out()
        self._connect()
        self._finding_changed()
        self._opened()

    def shown(self) -> None:
        """Somebody is marking."""
        self.asking.warming.watch(watched=True)
        self.canvas.setFocus()

    def hidden(self) -> None:
        """Nobody is."""
        self.asking.warming.watch(watched=False)
        self.asking.unhover()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The small answers keep their corner of the canvas."""
        if watched is self.canvas and event.type() == QEvent.Type.Resize:
            self._place_thumbs()
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        card = Card(name="segment.picture", padding=12)
        card.setAccessibleName("The picture")
        card.body.setSpacing(8)
        card.body.addWidget(self._progress)
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
        self.hands.stopped = self.finding.stop
        self.finding.changed.connect(self._finding_changed)
        self.finding.found.connect(self._found)
        self.finding.refused.connect(self._refused)
        self._using.changed.connect(self._another_model)
        self.canvas.installEventFilter(self)

    def _opened(self) -> None:
        self.finding.stop()
        self.strip.set_project(self._services.session.project)
        self._another_model()
        self._enable()

    def _another_model(self) -> None:
        self.asking.use(self._using.model)

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
        """In the corner at the right that is farther from the last click."""
        size, clicks = self._thumbs.sizeHint(), self.asking.points.clicks
        low = bool(clicks) and self.canvas.frame.to_view(*clicks[-1][:2])[1] > self.canvas.height() / 2
        top = _CORNER_PX if low else self.canvas.height() - size.height() - _CORNER_PX
        self._thumbs.move(self.canvas.width() - size.width() - _CORNER_PX, top)

    def _enable(self) -> None:
        marking = self.board.can_edit
        proposals = bool(self.board.proposals) and self.hands.tool == "pick"
        self.tools.enable(
            marking=marking,
            accepting=marking and (self.asking.candidate is not None or proposals),
            finding=marking and not self.finding.busy,
        )

    def _finding_changed(self) -> None:
        # One picture is told of at the foot of the canvas, which keeps its place; many have a line of their own.
        many = self.finding.total > 1
        self._progress.setVisible(self.finding.busy and many)
        self._progress.set(self.finding.done, self.finding.total, self.finding.words)
        self.drawing.say(f"{self.finding.words} · Esc: stop" if self.finding.busy and not many else "")
        self._enable()

    def _found(self, image_id: str, count: int) -> None:
        here = self.board.image is not None and self.board.image.id == image_id
        if here and count:
            self.hands.take("pick")
        elif here:
            text = "The model sees no separate things here."
            if self._using.classes:
                text = f"The model sees nothing here that is {' or '.join(self._using.classes[:3])}."
            self._services.notify(Notice("info", "Nothing was found", text))

    def _refused(self, refused: Refused) -> None:
        self._services.notify(Notice("warning", refused.title, refused.what, refused.hint))
