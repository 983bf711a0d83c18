"""The curve people watch: the error on fixed pictures, fixed noise and fixed noise levels, with the best point marked.

pyqtgraph takes a third of a second to load, so it is loaded on another thread when the page is first shown, and drawn with from then on.
"""

from __future__ import annotations

import importlib
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from gui.theme import tokens as design
from gui.widgets.text import Label
from gui.workers.background import Background

_EDGE_PX = 16
Points = tuple[tuple[int, float], ...]


class CurveView(QWidget):
    """Shows (step, error) points; a sentence while there are fewer than two."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.setObjectName("train.curve")
        self.setAccessibleName("Learning curve")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)
        self._background = background
        self._asked = False
        self._plot: _Plot | None = None
        self._points: Points = ()
        self._total = 0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._words = Label("", role="muted", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self._words)

    @property
    def points(self) -> Points:
        """What is shown."""
        return self._points

    def warm_up(self) -> None:
        """Load the plotting library, once, beside the window."""
        if not self._asked:
            self._asked = True
            self._background.run(lambda _task: importlib.import_module("pyqtgraph"), done=self._loaded)

    def show_points(self, points: Points, *, total: int, words: str = "") -> None:
        """Show a curve; `words` stand where there is none yet."""
        self._words.setText(words)
        if (points, total) == (self._points, self._total) and self._plot is not None:
            return
        self._points, self._total = points, total
        self._draw()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As tall as a curve needs to be read; it takes more where there is more."""
        return QSize(400, 215)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Redraw in the colours of another theme."""
        if event.type() == QEvent.Type.PaletteChange and self._plot is not None:
            self._plot.restyle()
        super().changeEvent(event)

    def _loaded(self, pyqtgraph: Any) -> None:  # noqa: ANN401 - a library without types
        if not isValid(self):
            return  # the window was closed meanwhile
        self._plot = _Plot(pyqtgraph)
        self._column.addWidget(self._plot.widget)
        self._draw()

    def _draw(self) -> None:
        enough = len(self._points) > 1 and self._plot is not None
        self._words.setVisible(not enough)
        if self._plot is None:
            return
        self._plot.widget.setVisible(enough)
        if enough:
            step, loss = min(self._points, key=lambda point: point[1])
            self.setAccessibleDescription(f"Lowest error {loss:.4g}, at step {step}")
            self._plot.draw(self._points, self._total)


class _Plot:
    """The pyqtgraph half."""

    def __init__(self, pyqtgraph: Any) -> None:  # noqa: ANN401 - a library without types
        self._pg = pyqtgraph
        self.widget: Any = pyqtgraph.PlotWidget()
        self.widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.widget.setFrameShape(self.widget.Shape.NoFrame)
        item = self.widget.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setContentsMargins(0, 6, _EDGE_PX, 0)
        self._item = item
        self._line = item.plot([], [], antialias=True)
        self._best = pyqtgraph.ScatterPlotItem(size=13, antialias=True)
        self._words = pyqtgraph.TextItem("best so far", anchor=(0.5, -0.35))
        item.addItem(self._best)
        item.addItem(self._words, ignoreBounds=True)
        self.restyle()

    def draw(self, points: Points, total: int) -> None:
        """Put the points in."""
        steps = [float(step) for step, _loss in points]
        losses = [loss for _step, loss in points]
        self._line.setData(steps, losses)
        best = min(range(len(losses)), key=losses.__getitem__)
        self._best.setData([steps[best]], [losses[best]])
        low, high = min(losses), max(losses)
        room = (high - low or abs(high) or 1.0) * 0.12
        end = max(float(total), steps[-1])
        # Words at the very edge would be cut, so they lean inwards there.
        share = steps[best] / end if end else 0.0
        self._words.setAnchor((0.1 if share < 0.1 else 0.95 if share > 0.93 else 0.5, -0.35))
        self._words.setPos(steps[best], losses[best])
        self._item.setXRange(0, end, padding=0.01)
        # The words stand below the lowest point, where the curve never is.
        self._item.setYRange(low - 2.4 * room, high + room, padding=0)

    def restyle(self) -> None:
        """Colours from the theme in force."""
        tokens = design.current()
        make = self._pg.mkPen
        self.widget.setBackground(None)
        self.widget.setStyleSheet("background: transparent; border: none;")
        accent = tokens.colour("accent")
        self._line.setPen(make(accent, width=2.6))
        self._best.setPen(make(accent, width=2.4))
        self._best.setBrush(self._pg.mkBrush(tokens.colour("card")))
        self._words.setColor(tokens.colour("muted"))
        font = QFont(self.widget.font())
        font.setPixelSize(12)
        self._words.setFont(font)
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.setPen(make(None))
            axis.setTickPen(make(tokens.colour("line"), width=1))
            axis.setTextPen(make(tokens.colour("muted")))
            axis.setZValue(-10)  # the grid belongs behind the curve
            # The last figure stands half beside the axis, in the margin that is kept for it.
            axis.setStyle(tickFont=font, tickLength=0, tickTextOffset=8, maxTickLevel=0, hideOverlappingLabels=_EDGE_PX)
        self._item.getAxis("left").setGrid(255)
        self._item.getAxis("bottom").setGrid(False)
