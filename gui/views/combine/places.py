"""Where each subject shall be: boxes and painted places on a canvas, over the last picture or over an empty one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from PySide6.QtCore import QEvent, QLineF, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.canvas.marking.boxes import WHOLE, Box, Grip, overlap, pulled
from gui.canvas.marking.brushing import BrushTool
from gui.canvas.marking.canvas import MarkingCanvas, Shown
from gui.canvas.marking.piece import Look, Piece
from gui.canvas.marking.placing import Placed, PlaceTool
from gui.canvas.marking.pyramid import Pyramid
from gui.canvas.marking.stroke import Stroke, painted
from gui.canvas.marking.tool import Tool
from gui.theme import tokens as design
from gui.views.combine.board import Board
from gui.views.combine.draft import Painted
from gui.widgets.buttons import IconButton
from gui.widgets.segmented import Segmented
from gui.widgets.text import Label, set_tip
from projects.regions.mask import Mask

_EDGE = 512
_PAUSE_MS = 450
_STEP, _FAR = 0.01, 0.05
_WORTH_SAYING = 0.02
_TOOLS = (("box", "Boxes"), ("brush", "Brush"), ("eraser", "Eraser"))
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_HELP = "Arrows move, with Control they resize, with Shift further; Tab takes the next, Page Up and Page Down change layers, Delete clears."


class PlacesPanel(QWidget):
    """The canvas with its tools; it follows the board."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self._ground = QImage()
        self._pieces: dict[tuple[int, int, str], Piece] = {}
        self._nudged: tuple[int, Box] | None = None
        self.canvas = MarkingCanvas("Choose two subjects at the left; each gets a box here that you can move.")
        self.canvas.setObjectName("combine.canvas")
        self.canvas.setAccessibleName("Where each subject shall be")
        self.canvas.setAccessibleDescription(_HELP)
        self.canvas.keyed = self._keyed
        self.canvas.tabbed = self._tabbed
        self._boxes = PlaceTool(self.canvas, self)
        self._brush = BrushTool(self.canvas, self)
        self._eraser = BrushTool(self.canvas, self, erase=True)
        for brush in (self._brush, self._eraser):
            brush.set_diameter(64.0)
            brush.stroked.connect(self._stroked)
        self.tool = Segmented(_TOOLS, name="combine.tool", label="How to say where a subject shall be")
        self.tool.changed.connect(self._take)
        self._clear = IconButton(
            "close", "Leave the place open (Delete)", name="combine.clear", on_click=self._clear_place
        )
        self._raise = IconButton(
            "chevron-up", "Lay further up (Page Up)", name="combine.raise", on_click=lambda: self._layer(1)
        )
        self._lower = IconButton(
            "chevron-down", "Lay further down (Page Down)", name="combine.lower", on_click=lambda: self._layer(-1)
        )
        self._words = Label(role="small", wrap=True)
        self._words.setObjectName("combine.placeWords")
        set_tip(self._words, _HELP)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._keep_nudge)
        self._lay_out()
        self._boxes.chosen.connect(board.choose)
        self._boxes.placed.connect(self._placed)
        self._boxes.pointed.connect(lambda: self.canvas.setCursor(self._boxes.cursor))
        board.changed.connect(self._renew)
        board.chosen_changed.connect(self._renew)
        self.canvas.set_tool(self._boxes)
        self._show_ground()
        self._renew()

    def set_ground(self, image: QImage) -> None:
        """Show the boxes over a picture; over an empty one when it is null."""
        self._ground = image
        self._show_ground()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """An empty picture wears the colours of the theme."""
        if event.type() == QEvent.Type.PaletteChange and self._ground.isNull():
            self._show_ground()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.tool)
        row.addSpacing(6)
        row.addWidget(self._words, 1)
        for button in (self._lower, self._raise, self._clear):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.canvas, 1)
        column.addLayout(row)

    # --- showing

    @property
    def _size(self) -> tuple[int, int]:
        """The picture's shape on the canvas, at most 512 pixels wide and high."""
        draft = self._board.draft
        width, height = (draft.width, draft.height) if draft.width and draft.height else (1, 1)
        scale = _EDGE / max(width, height)
        return max(round(width * scale), 16), max(round(height * scale), 16)

    def _show_ground(self) -> None:
        if not self._board.draft.parts:
            self.canvas.set_pyramid(None)
            return
        width, height = self._size
        if self._ground.isNull():
            image = _blank(width, height)
        else:
            mode = Qt.TransformationMode.SmoothTransformation
            image = self._ground.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
        frame = self.canvas.frame
        self.canvas.set_pyramid(Pyramid(width, height, ((1, image),)))
        if (frame.picture_w, frame.picture_h) == (width, height):
            self.canvas.look(frame)

    def _renew(self) -> None:
        board = self._board
        parts = board.draft.parts
        shape = (self.canvas.frame.picture_w, self.canvas.frame.picture_h)
        if shape != (self._size if parts else (0, 0)):
            self._show_ground()
        self._boxes.show_things(
            [Placed(part.name, design.concept_colour(n), self._box(n)) for n, part in enumerate(parts)], board.chosen
        )
        self.canvas.set_pieces(self._shown())
        part = board.part
        colour = design.concept_colour(max(board.chosen, 0))
        self._brush.colour = colour
        self._clear.setEnabled(part is not None and part.placed)
        self._raise.setEnabled(part is not None and board.chosen < len(parts) - 1)
        self._lower.setEnabled(part is not None and board.chosen > 0)
        self._say()

    def _box(self, number: int) -> Box | None:
        return (
            self._nudged[1]
            if self._nudged is not None and self._nudged[0] == number
            else self._board.draft.parts[number].box
        )

    def _shown(self) -> Sequence[Shown]:
        """Painted places; what was decoded once is kept while it is in use."""
        kept, shown = {}, []
        for number, part in enumerate(self._board.draft.parts):
            mask = self._mask(number)
            if part.painted is None or mask is None:
                continue
            key = (mask.width, mask.height, part.painted.counts)
            piece = kept[key] = self._pieces.get(key) or Piece(mask)
            colour = design.concept_colour(number)
            fill = QColor(colour)
            fill.setAlpha(150 if number == self._board.chosen else 100)
            shown.append(Shown(piece, Look(fill, colour, 2.0)))
        self._pieces = kept
        return shown

    def _say(self) -> None:
        """What to know about the places: overlaps first, else what is missing, else how to go on."""
        parts = self._board.draft.parts
        self._words.set_role("small")
        shared = [
            (overlap(first, second), one.name, other.name)
            for (n, one), (m, other) in combinations(enumerate(parts), 2)
            if (first := self._box(n)) is not None and (second := self._box(m)) is not None
        ]
        worst = max(shared, default=(0.0, "", ""))
        bare = [part.name for part in parts if not part.placed]
        if worst[0] > _WORTH_SAYING:
            self._words.set_role("warning")
            words = f"“{worst[1]}” and “{worst[2]}” overlap by {100 * worst[0]:.0f} % and may bleed there."
        elif bare:
            words = f"{_listed(bare)} may be anywhere: draw a box or paint."
        else:
            words = "Drag, or use the arrow keys." if parts else ""
        self._words.setText(words)

    # --- doing

    def _take(self, key: str) -> None:
        tools: dict[str, Tool] = {"box": self._boxes, "brush": self._brush, "eraser": self._eraser}
        self.canvas.set_tool(tools[key])

    def _placed(self, number: int, box: Box) -> None:
        rounded = tuple(round(side, 4) for side in box)
        self._nudged = None
        self._board.set_part(number, f"Move {self._board.draft.parts[number].name}", box=rounded, painted=None)

    def _stroked(self, stroke: Stroke) -> None:
        number, part = self._board.chosen, self._board.part
        for brush in (self._brush, self._eraser):
            brush.settle()
        if part is None:
            return
        made = painted(self._mask(number), stroke, *self._size)
        place = Painted.of(made) if made.area else None
        box = None if place is not None else part.box
        self._board.set_part(number, f"Paint the place of {part.name}", painted=place, box=box)

    def _mask(self, number: int) -> Mask | None:
        """A painted place as large as the canvas's picture; one of another shape is fitted to it."""
        part = self._board.draft.parts[number]
        mask = part.painted.mask() if part.painted is not None else None
        width, height = self._size
        if mask is None or (mask.width, mask.height) == (width, height):
            return mask
        rows = [row * mask.height // height for row in range(height)]
        columns = [column * mask.width // width for column in range(width)]
        return Mask.of(mask.array()[rows][:, columns])

    def _clear_place(self) -> None:
        part = self._board.part
        if part is not None:
            self._nudged = None
            self._board.set_part(self._board.chosen, f"Leave the place of {part.name} open", box=None, painted=None)

    def _layer(self, by: int) -> None:
        self._board.raise_part(self._board.chosen, by)

    # --- keys

    def _keyed(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if self._board.part is None:
            return False
        if key in _ARROWS:
            step = _FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
            resize = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._nudge((1, 1) if resize else WHOLE, _ARROWS[key], step)
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self._clear_place()
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            self._layer(1 if key == Qt.Key.Key_PageUp else -1)
        else:
            return False
        return True

    def _nudge(self, grip: Grip, way: tuple[int, int], step: float) -> None:
        """Move the box in hand a little; several presses in a row become one step of the history."""
        number = self._board.chosen
        box = self._box(number)
        if box is not None:
            self._nudged = (number, pulled(box, grip, way[0] * step, way[1] * step))
            self._pause.start()
            self._renew()

    def _keep_nudge(self) -> None:
        if self._nudged is not None and self._nudged[0] < len(self._board.draft.parts):
            self._placed(*self._nudged)

    def _tabbed(self, forwards: bool) -> bool:
        """Tab goes from subject to subject before it leads on."""
        into = self._board.chosen + (1 if forwards else -1)
        if not 0 <= into < len(self._board.draft.parts):
            return False
        self._keep_nudge()
        self._board.choose(into)
        return True


def _blank(width: int, height: int) -> QImage:
    tokens = design.current()
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(tokens.colour("field_hover"))
    with QPainter(image) as painter:
        painter.setPen(QPen(tokens.colour("line_strong"), 1, Qt.PenStyle.DotLine))
        for share in (1 / 3, 2 / 3):
            painter.drawLine(QLineF(width * share, 0, width * share, height))
            painter.drawLine(QLineF(0, height * share, width, height * share))
    return image


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else quoted[0]
