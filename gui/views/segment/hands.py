"""The hands that mark: which tool they hold, what its doings become, and what the keys mean over the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent

from gui.canvas.marking.boxing import BoxTool
from gui.canvas.marking.brushing import BrushTool
from gui.canvas.marking.canvas import MarkingCanvas
from gui.canvas.marking.clicking import ClickTool
from gui.canvas.marking.outlining import PolygonTool
from gui.canvas.marking.picking import PickTool
from gui.canvas.marking.stroke import Stroke
from gui.canvas.marking.tool import Tool, Touch
from gui.views.segment import marks
from gui.views.segment.asking import Asking
from gui.views.segment.board import Board
from gui.views.segment.looks import NO_LABEL
from projects.records import Origin

_BRUSH_SHARE = 0.04


@dataclass(frozen=True)
class ToolWords:
    """A tool as the person knows it.

    Attributes:
        key: its name here.
        title: what it is called; `letter` the key that takes it in hand; `icon` its drawing.
        hint: what it does, in a few words at the foot of the canvas.
    """

    key: str
    title: str
    letter: str
    icon: str
    hint: str


TOOLS: tuple[ToolWords, ...] = (
    ToolWords("click", "Click what belongs to it", "C", "plus", "click: belongs · right click: does not · Enter: keep"),
    ToolWords(
        "away", "Click what does not belong to it", "X", "minus", "click: does not belong · right click: belongs"
    ),
    ToolWords("box", "Draw a box around it", "B", "box", "drag a box around an object · Enter: keep"),
    ToolWords("brush", "Paint", "P", "brush", "paint · right button: take away · [ ]: size · Enter: next object"),
    ToolWords("eraser", "Take away", "E", "erase", "take away · right button: paint · [ ]: size"),
    ToolWords(
        "polygon", "Draw its outline", "G", "polygon", "click from corner to corner, or hold and draw · Enter: close"
    ),
    ToolWords("pick", "Choose what is marked", "V", "cursor", "click: choose · Ctrl: several · drag: move the picture"),
)
_PROPOSALS_HINT = "click: keep · right click: drop · Enter: keep all · Esc: drop the rest"


class Hands(QObject):
    """Joins canvas, board and questions.

    Attributes:
        stopped: called by the Escape key when nothing is in hand; True when there was something to stop.

    Signals:
        tool_changed: another tool is in hand (`tool`).
        brush_changed: the brush has another size (`diameter`).
        hovered_changed: the pointer is over another region (`hovered`, an id or empty).
        hint_changed: the words at the foot are different.
    """

    tool_changed = Signal()
    brush_changed = Signal()
    hovered_changed = Signal()
    hint_changed = Signal()

    def __init__(self, canvas: MarkingCanvas, board: Board, asking: Asking, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas, self._board, self._asking = canvas, board, asking
        self.tool = "click"
        self.hovered = ""
        self.stopped: Callable[[], bool] = lambda: False
        self._sized_for = ""
        self._brush = BrushTool(canvas, self)
        self._eraser = BrushTool(canvas, self, erase=True)
        self._polygon = PolygonTool(canvas, self)
        self._pick = PickTool(self)
        self._box = BoxTool(canvas, self)
        self._clicks = {True: ClickTool(self), False: ClickTool(self, inside=False)}
        self._tools: dict[str, Tool] = {
            "click": self._clicks[True],
            "away": self._clicks[False],
            "box": self._box,
            "brush": self._brush,
            "eraser": self._eraser,
            "polygon": self._polygon,
            "pick": self._pick,
        }
        self._connect()
        canvas.keyed, canvas.stepped, canvas.tabbed = self._keyed, self._stepped, self._tabbed
        self.take("click")

    @property
    def diameter(self) -> float:
        """Of the brush, in pixels of the picture."""
        return self._brush.diameter

    @property
    def hint(self) -> str:
        """What can be done now, in a few words."""
        if self.tool == "pick" and self._board.proposals:
            return _PROPOSALS_HINT
        return next(words.hint for words in TOOLS if words.key == self.tool)

    def take(self, tool: str) -> None:
        """Take a tool in hand. What was answered to clicks is kept first when something else than clicking begins."""
        if tool not in {"click", "away", "box"} and self._asking.candidate is not None:
            self.accept()
        self.tool = tool
        self._canvas.set_tool(self._tools[tool])
        self._asking.unhover()
        self.tool_changed.emit()
        self.hint_changed.emit()

    def size_brush(self, diameter: float) -> None:
        """Another brush, in pixels of the picture."""
        for tool in (self._brush, self._eraser):
            tool.set_diameter(diameter)

    def accept(self) -> None:
        """Keep the answer in hand as a region; without one keep proposals, or have done with the chosen region."""
        if self._asking.points.clicks or self._asking.points.box is not None:
            self._asking.when_answered(self._accept_candidate)
        elif self._board.proposals and self.tool == "pick":
            chosen = tuple(key for key in self._board.proposals if key in self._board.selected)
            self._board.do(marks.accept(chosen or self._board.proposals))
        else:
            self._board.select(())

    def drop(self) -> None:
        """Forget the answer in hand; without one drop proposals, or have done with the chosen region."""
        if self._asking.drop() or self.stopped():
            return
        if self._board.selected:
            self._board.select(())
        elif self._board.proposals and self.tool == "pick":
            self._board.do(marks.remove(self._board.proposals))

    # --- what tools do

    def _connect(self) -> None:
        for tool in (self._brush, self._eraser):
            tool.stroked.connect(self._stroked)
            tool.sized.connect(self._sized)
        for click in self._clicks.values():
            click.clicked.connect(self._clicked)
            click.hovered.connect(self._asking.hover)
            click.left.connect(self._asking.unhover)
        self._box.boxed.connect(self._boxed)
        self._polygon.outlined.connect(self._board.outline)
        self._pick.picked.connect(self._picked)
        self._pick.hovered.connect(self._hover)
        self._pick.left.connect(lambda: self._set_hovered(""))
        self._board.image_changed.connect(self._another_picture)
        self._board.regions_changed.connect(self._regions_changed)
        self._board.label_changed.connect(self._colour)
        self._board.contents_changed.connect(self._colour)

    def _clicked(self, x: float, y: float, inside: bool) -> None:
        image = self._board.image
        if self._board.can_edit and image is not None and 0 <= x < image.width and 0 <= y < image.height:
            self._board.select(())
            self._asking.click(x, y, inside=inside)

    def _boxed(self, left: float, top: float, right: float, bottom: float) -> None:
        if self._board.can_edit:
            self._board.select(())
            self._asking.box(left, top, right, bottom)

    def _stroked(self, made: Stroke) -> None:
        if not self._board.paint(made):
            self._settle()

    def _picked(self, touch: Touch) -> None:
        here = self._board.at(touch.x, touch.y)
        if here is None:
            if not touch.more:
                self._board.select(())
        elif not here.region.accepted and self._board.can_edit:
            self._board.do(marks.remove([here.region.id]) if touch.away else marks.accept([here.region.id]))
        elif touch.more:
            self._board.select(self._board.selected ^ {here.region.id})
        else:
            self._board.select({here.region.id})

    def _accept_candidate(self) -> None:
        candidate, origin = self._asking.candidate, self._origin()
        if candidate is not None and candidate.mask.area:
            self._board.add([candidate.mask], origin)
        self._asking.drop()

    def _origin(self) -> Origin:
        return "click" if self._asking.points.clicks else "box"

    def _hover(self, x: float, y: float) -> None:
        here = self._board.at(x, y)
        self._set_hovered(here.region.id if here is not None else "")

    def _set_hovered(self, region_id: str) -> None:
        if region_id != self.hovered:
            self.hovered = region_id
            self.hovered_changed.emit()

    # --- keys

    def _keyed(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.AltModifier)
        calls: dict[Qt.Key, Callable[[], object]] = {
            Qt.Key.Key_Return: self.accept,
            Qt.Key.Key_Enter: self.accept,
            Qt.Key.Key_Escape: self.drop,
            Qt.Key.Key_Backspace: lambda: self._asking.step(-1),
            Qt.Key.Key_Delete: self._board.remove_selected,
            Qt.Key.Key_Left: lambda: self._board.step(-1),
            Qt.Key.Key_Right: lambda: self._board.step(1),
        }
        if plain and key in calls:
            calls[key]()
            return True
        return plain and Qt.Key.Key_1 <= key <= Qt.Key.Key_9 and self._digit(key - Qt.Key.Key_1, event)

    def _digit(self, number: int, event: QKeyEvent) -> bool:
        """A number takes a candidate while there are several, else a label; with Alt always a label."""
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if len(self._asking.candidates) > 1 and not alt:
            return self._asking.choose(number)
        labels = self._board.contents.labels
        if number < len(labels):
            self._board.choose_label(labels[number].id)
        return number < len(labels)

    def _stepped(self, back: bool) -> bool:
        if back and self.tool == "polygon" and self._polygon.take_back():
            return True
        return self._asking.step(-1 if back else 1)

    def _tabbed(self, forwards: bool) -> bool:
        count = len(self._asking.candidates)
        if count > 1:
            self._asking.choose((self._asking.chosen + (1 if forwards else -1)) % count)
        return count > 1

    # --- following

    def _another_picture(self) -> None:
        for tool in self._tools.values():
            tool.drop()
        image = self._board.image
        if image is not None and not self._sized_for:
            self._sized_for = image.id
            self.size_brush(max(2.0, round(_BRUSH_SHARE * min(image.width, image.height))))
        self._set_hovered("")

    def _regions_changed(self) -> None:
        if not self._board.editing.busy:
            self._settle()
        if self.hovered not in {item.region.id for item in self._board.marked}:
            self._set_hovered("")
        self.hint_changed.emit()

    def _settle(self) -> None:
        for tool in (self._brush, self._eraser):
            tool.settle()

    def _sized(self, diameter: float) -> None:
        for tool in (self._brush, self._eraser):
            tool.set_diameter(diameter)
        self.brush_changed.emit()

    def _colour(self) -> None:
        label = self._board.label
        colour = QColor(label.colour) if label is not None else NO_LABEL
        self._brush.colour = self._eraser.colour = self._polygon.colour = colour
