"""The line below the canvas: which picture it is, the brush, how strongly marks show, and zooming."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from gui.canvas.marking.canvas import MarkingCanvas
from gui.canvas.picture import zoom_by_key
from gui.forms.quiet import quiet_wheel
from gui.views.segment.board import Board
from gui.views.segment.drawing import Drawing
from gui.views.segment.hands import Hands
from gui.widgets.buttons import IconButton
from gui.widgets.text import ElidedLabel, Label, set_tip

_BRUSH_NOTCHES = 100
_LARGEST_BRUSH = 500.0
_BRUSHES = frozenset({"brush", "eraser"})


class Foot(QWidget):
    """Follows board and hands."""

    def __init__(self, canvas: MarkingCanvas, board: Board, hands: Hands, drawing: Drawing) -> None:
        super().__init__()
        self._canvas, self._board, self._hands, self._drawing = canvas, board, hands, drawing
        self._place = Label(role="muted")
        self._name = ElidedLabel(role="muted", mode=Qt.TextElideMode.ElideMiddle)
        self._brush_words = Label("Brush", role="small")
        self._brush = _slider("segment.brush", "Size of the brush", 0, _BRUSH_NOTCHES)
        self._brush.valueChanged.connect(self._brush_slid)
        self._opacity = _slider("segment.opacity", "How strongly marks show", 0, 100)
        self._opacity.setValue(round(drawing.opacity * 100))
        self._opacity.valueChanged.connect(lambda value: drawing.set_opacity(value / 100))
        self._previous = IconButton(
            "chevron-left", "The picture before (Left, A)", name="segment.previous", on_click=lambda: board.step(-1)
        )
        self._next = IconButton(
            "chevron-right", "The next picture (Right, D)", name="segment.next", on_click=lambda: board.step(1)
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(6)
        row.addWidget(self._previous)
        row.addWidget(self._next)
        row.addWidget(self._place)
        row.addWidget(self._name, 1)
        row.addWidget(self._brush_words)
        row.addWidget(self._brush)
        row.addSpacing(8)
        row.addWidget(Label("Marks", role="small"))
        row.addWidget(self._opacity)
        row.addSpacing(8)
        for icon, words, name, key in (
            ("minus", "Smaller (-)", "segment.zoomOut", Qt.Key.Key_Minus),
            ("search", "All of it (0)", "segment.fit", Qt.Key.Key_0),
            ("plus", "Larger (+)", "segment.zoomIn", Qt.Key.Key_Plus),
        ):
            row.addWidget(IconButton(icon, words, name=name, size=16, on_click=partial(self._zoom, key)))
        board.image_changed.connect(self._refresh)
        board.contents_changed.connect(self._refresh)
        hands.tool_changed.connect(self._refresh)
        hands.brush_changed.connect(self._show_brush)
        self._refresh()
        self._show_brush()

    def _refresh(self) -> None:
        images, place, image = self._board.contents.images, self._board.place, self._board.image
        self._place.setText(f"{place + 1} of {len(images)}" if place >= 0 else "")
        self._name.setText(image.original_name if image is not None else "")
        self._previous.setEnabled(place > 0)
        self._next.setEnabled(0 <= place < len(images) - 1)
        painting = self._hands.tool in _BRUSHES
        self._brush.setVisible(painting)
        self._brush_words.setVisible(painting)

    def _zoom(self, key: Qt.Key) -> None:
        frame = zoom_by_key(self._canvas.frame, key)
        if frame is not None:
            self._canvas.look(frame)

    def _brush_slid(self, notch: int) -> None:
        self._hands.size_brush(_LARGEST_BRUSH ** (notch / _BRUSH_NOTCHES))

    def _show_brush(self) -> None:
        diameter = self._hands.diameter
        self._brush.blockSignals(True)
        self._brush.setValue(round(_BRUSH_NOTCHES * math.log(max(diameter, 1.0)) / math.log(_LARGEST_BRUSH)))
        self._brush.blockSignals(False)
        set_tip(self._brush, f"{diameter:.0f} pixels of the picture ([ and ])")


def _slider(name: str, words: str, least: int, most: int) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setObjectName(name)
    slider.setAccessibleName(words)
    set_tip(slider, words)
    slider.setRange(least, most)
    slider.setFixedWidth(96)
    quiet_wheel(slider)
    slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return slider
