"""Cuts a subject out of one of its photos, for ways to compose that need no teaching: a click, and Segment Anything answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QWidget
from shiboken6 import isValid

from engines.api.requests import Answer, Done, Refused
from gui.canvas.marking.canvas import MarkingCanvas, Points, Shown
from gui.canvas.marking.clicking import ClickTool
from gui.canvas.marking.piece import Look, Piece
from gui.canvas.marking.pyramid import Pyramid, read_pyramid
from gui.services import Services
from gui.theme import tokens as design
from gui.views.combine.board import Board
from gui.views.combine.draft import Painted
from gui.views.segment.questions import Candidate, Questions
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label
from projects import queries
from projects.records import Image

_SIZE = QSize(520, 420)
_WAITING = "Click on the subject; right-click on what does not belong to it."


def photos_of(board: Board, number: int) -> tuple[Image, ...]:
    """The photos of a subject that the project still has."""
    project, candidate = board.project, board.candidate(board.draft.parts[number])
    if project is None or candidate is None:
        return ()
    known = {project.path(image.file): image for image in queries.images(project)}
    return tuple(known[photo] for photo in candidate.photos if photo in known)


class CutSheet(Sheet):
    """Shows a photo, takes clicks, and puts what was cut out into the layout."""

    def __init__(self, parent: QWidget, services: Services, board: Board, number: int, photos: Sequence[Image]) -> None:
        part = board.draft.parts[number]
        super().__init__(
            parent,
            f"Cut out {part.name}",
            "Ways that need no teaching look at this.",
            name="combine.cut",
            accept="Use it",
        )
        self._services, self._board, self._number = services, board, number
        self._photos, self._place = tuple(photos), 0
        self._questions = Questions(services, self)
        self._points = Points()
        self._piece: Piece | None = None
        self._request = ""
        self.canvas = MarkingCanvas("Reading the photo…")
        self.canvas.setObjectName("combine.cut.canvas")
        self.canvas.setAccessibleName(f"A photo of {part.name}")
        self.canvas.setMinimumSize(_SIZE)
        tool = ClickTool(self)
        tool.clicked.connect(self.click)
        self.canvas.set_tool(tool)
        self._words = Label(_WAITING, role="small", wrap=True)
        row = QHBoxLayout()
        row.addWidget(
            IconButton("chevron-left", "The photo before", name="combine.cut.before", on_click=lambda: self._go(-1))
        )
        row.addWidget(
            IconButton("chevron-right", "The next photo", name="combine.cut.next", on_click=lambda: self._go(1))
        )
        row.addWidget(LinkButton("Its middle", name="combine.cut.middle", on_click=self._click_middle))
        row.addWidget(self._words, 1)
        self.body.addWidget(self.canvas, 1)
        self.body.addLayout(row)
        self.accepted.connect(self._keep)
        start = next((place for place, image in enumerate(photos) if image.file == part.photo), 0)
        self._show(start)

    @property
    def photo(self) -> Image:
        """The photo on show."""
        return self._photos[self._place]

    def click(self, x: float, y: float, inside: bool) -> None:
        """A place of the photo belongs to the subject, or does not."""
        self._points = Points((*self._points.clicks, (x, y, inside)))
        self.canvas.set_points(self._points)
        self._words.setText("Looking…")
        if self._request:
            self._questions.cancel(self._request)
        self._request = self._questions.mask(self.photo, self._points, self._answered)

    def done(self, result: int) -> None:
        """Nothing is waited for any more."""
        if self._request:
            self._questions.cancel(self._request)
        super().done(result)

    def _click_middle(self) -> None:
        """For the keyboard: most photos have their subject there."""
        self.click(self.photo.width / 2, self.photo.height / 2, True)

    def _go(self, by: int) -> None:
        self._show((self._place + by) % len(self._photos))

    def _show(self, place: int) -> None:
        self._place, self._points = place, Points()
        self.canvas.set_points(self._points)
        self.canvas.set_pyramid(None)
        self._take(None)
        project, photo = self._board.project, self.photo
        if project is None:
            return
        path = project.path(photo.file)

        def came(pyramid: Pyramid) -> None:
            if self.photo is photo:
                self.canvas.set_pyramid(pyramid)

        self._services.background.run(
            lambda _task: read_pyramid(path), done=came, failed=self._services.notify, owner=self, priority=4
        )

    def _answered(self, answer: Answer) -> None:
        if not isValid(self) or answer.id != self._request:
            return
        if isinstance(answer, Refused):
            self._request = ""
            self._words.setText(" ".join(part for part in (answer.title + ".", answer.what, answer.hint) if part))
        elif isinstance(answer, Done):
            self._request = ""
            photo = self.photo

            def decoded(found: tuple[Candidate, ...]) -> None:
                if self.photo is photo:
                    self._take(found[0].piece if found else None)

            self._questions.candidates(answer, photo, decoded)

    def _take(self, piece: Piece | None) -> None:
        self._piece = piece if piece is not None and piece.area else None
        self.accept_button.setEnabled(self._piece is not None)
        self._words.setText(_WAITING)
        colour = design.concept_colour(self._number)
        fill = QColor(colour)
        fill.setAlpha(120)
        self.canvas.set_over([Shown(self._piece, Look(fill, colour, 2.0))] if self._piece is not None else [])

    def _keep(self) -> None:
        if self._piece is not None and self._number < len(self._board.draft.parts):
            name = self._board.draft.parts[self._number].name
            cutout = Painted.of(self._piece.mask)
            self._board.set_part(self._number, f"Cut out {name}", photo=self.photo.file, cutout=cutout)
