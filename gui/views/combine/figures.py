"""The figures behind the verdict: pairs of subjects as a small matrix, and where in the model they meet."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from engines.api.interference import InterferenceReport, PairFigures
from gui.theme import tokens as design
from gui.widgets.chips import Chip, Level
from gui.widgets.layouts import clear
from gui.widgets.text import ElidedLabel, set_tip

_WORTH_A_WORD, _LOUD = 0.25, 0.6
_ROW_PX, _GAP_PX = 20, 4


class PairMatrix(QWidget):
    """One cell for two subjects: how much of what they listen to they have in common; its colour tells of crosstalk."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("combine.pairs")
        self.setAccessibleName("Pairs of subjects")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP_PX)

    def show_report(self, report: InterferenceReport) -> None:
        """Lay out the pairs of a report."""
        clear(self._grid)
        titles = [one.title for one in report.adapters]
        for number, title in enumerate(titles):
            if number < len(titles) - 1:
                self._grid.addWidget(_name(title), 0, number + 1)
            if number:
                self._grid.addWidget(_name(title), number, 0)
        for pair in report.pairs:
            if pair.first < len(titles) and pair.second < len(titles):
                low, high = sorted((pair.first, pair.second))
                self._grid.addWidget(_cell(pair, titles), high, low + 1, Qt.AlignmentFlag.AlignCenter)


class LayerMap(QWidget):
    """A row a subject, a column a layer: how much each changes there; below them where one answers to what another listens to."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("combine.layers")
        self.setAccessibleName("Where in the model they meet")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._report: InterferenceReport | None = None

    def show_report(self, report: InterferenceReport) -> None:
        """Draw the layers of a report."""
        self._report = report
        worst = max(report.layers, key=lambda layer: layer.crosstalk, default=None)
        words = f"Crosstalk is strongest in {worst.name}: {worst.crosstalk:.2f}." if worst is not None else "No layers."
        self.setAccessibleDescription(words)
        self.setFixedHeight((len(report.adapters) + 1) * (_ROW_PX + _GAP_PX))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw the map."""
        report = self._report
        if report is None or not report.layers:
            return
        tokens = design.current()
        most = max((energy for layer in report.layers for energy in layer.energies), default=0.0) or 1.0
        width = self.width() / len(report.layers)
        with QPainter(self) as painter:
            for row in range(len(report.adapters) + 1):
                top = row * (_ROW_PX + _GAP_PX)
                painter.fillRect(QRectF(0, top, self.width(), _ROW_PX), tokens.colour("field"))
                last = row == len(report.adapters)
                colour = tokens.colour("warning") if last else design.concept_colour(row)
                for column, layer in enumerate(report.layers):
                    share = min(layer.crosstalk, 1.0) if last else _share(layer.energies, row, most)
                    _bar(painter, QRectF(column * width, top, max(width - 0.6, 0.6), _ROW_PX), colour, share)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Name the layer under the pointer."""
        report = self._report
        if report is not None and report.layers and self.width():
            column = min(max(int(event.position().x() / self.width() * len(report.layers)), 0), len(report.layers) - 1)
            layer = report.layers[column]
            set_tip(self, f"{layer.name}: crosstalk {layer.crosstalk:.2f}")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw anew in other colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)


def worst_overlap(report: InterferenceReport) -> PairFigures | None:
    """The pair that has most in common."""
    return max(report.pairs, key=lambda pair: pair.overlap, default=None)


def _cell(pair: PairFigures, titles: Sequence[str]) -> Chip:
    talk = max(pair.on_first, pair.on_second)
    level: Level = "bad" if talk >= _LOUD else "warning" if talk >= _WORTH_A_WORD else "good"
    chip = Chip(f"{pair.overlap:.2f}", level=level)
    words = (
        f"{titles[pair.first]} and {titles[pair.second]}: overlap {pair.overlap:.2f} (by chance {pair.chance:.2f}), "
        f"crosstalk {talk:.2f}, alignment {pair.alignment:+.2f}, energy of the sum {pair.energy_ratio:.2f} × its parts"
    )
    chip.setAccessibleName(words)
    set_tip(chip, words)
    return chip


def _name(title: str) -> ElidedLabel:
    label = ElidedLabel(title, role="small")
    label.setMinimumWidth(40)
    return label


def _share(energies: Sequence[float], row: int, most: float) -> float:
    return min(max(energies[row] / most, 0.0), 1.0) ** 0.5 if row < len(energies) else 0.0


def _bar(painter: QPainter, place: QRectF, colour: QColor, share: float) -> None:
    if share > 0:
        painter.fillRect(place.adjusted(0, place.height() * (1 - share), 0, 0), colour)
