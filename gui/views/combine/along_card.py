"""The card “Do they get along?”: a verdict, three figures, what to do about it, and the test on pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from engines.api.interference import Finding, InterferenceReport
from engines.api.interference import Level as Verdict
from gui.views.combine.along import Along
from gui.views.combine.cures import Cure, Cures
from gui.views.combine.figures import LayerMap, PairMatrix, worst_overlap
from gui.views.combine.trial import Trial
from gui.widgets.buttons import LinkButton, QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.chips import Chip, Level
from gui.widgets.layouts import clear
from gui.widgets.progress import ProgressLine
from gui.widgets.text import ElidedLabel, Label

_CHIPS: dict[Verdict, tuple[str, Level]] = {
    "fine": ("yes", "good"),
    "careful": ("maybe", "warning"),
    "fight": ("no", "bad"),
}
_MOST_FINDINGS = 6


class AlongCard(Card):
    """Follows the report and the test."""

    def __init__(self, along: Along, trial: Trial, cures: Cures) -> None:
        super().__init__("Do they get along?", name="combine.along", padding=16)
        self._along, self._trial, self._cures = along, trial, cures
        self._open = False
        self._drawn: InterferenceReport | None = None
        self._chip = Chip(name="combine.verdict")
        if self.head is not None:
            self.head.insertWidget(1, self._chip)
        self._verdict = Label(wrap=True)
        self._verdict.setObjectName("combine.verdictWords")
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(10)
        self._figures.setVerticalSpacing(6)
        self._kept = QGridLayout()
        self._kept.setHorizontalSpacing(10)
        self._kept.setVerticalSpacing(6)
        self._findings = QVBoxLayout()
        self._findings.setSpacing(10)
        self._more = LinkButton("Pairs and layers", name="combine.figures", icon="chevron-down", on_click=self._turn)
        self._pairs, self._layers = PairMatrix(), LayerMap()
        self._try = QuietButton("Try them on pictures", name="combine.tryTogether", on_click=trial.start)
        self._progress = ProgressLine(name="combine.tryProgress", words=False)
        self._said = ElidedLabel(role="small")
        self._stop = QuietButton("Stop", name="combine.tryStop", on_click=trial.stop)
        self._lay_out()
        along.changed.connect(self._renew)
        trial.changed.connect(self._renew)
        trial.progress.connect(self._progressed)
        self._progressed("", 0, 0)
        self._renew()

    def _lay_out(self) -> None:
        self._shown = QWidget()
        column = QVBoxLayout(self._shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for title, widget in (("Overlap and crosstalk", self._pairs), ("Layer by layer", self._layers)):
            column.addWidget(Label(title, role="small"))
            column.addWidget(widget)
        self._shown.hide()
        self.body.addWidget(self._verdict)
        self.body.addLayout(self._figures)
        self.body.addLayout(self._kept)
        self.body.addLayout(self._findings)
        self.body.addWidget(self._more)
        self.body.addWidget(self._shown)
        for under in (self._try, self._progress, self._said, self._stop):
            self.body.addWidget(under)

    def _renew(self) -> None:
        along, report = self._along, self._along.report
        self.setVisible(bool(along.question))
        self._chip.setVisible(report is not None)
        self._more.setVisible(report is not None)
        self._shown.setVisible(report is not None and self._open)
        self._try.setEnabled(report is not None and not self._trial.busy)
        self._try.setText("Try them again" if self._trial.kept else "Try them on pictures")
        if report is None:
            self._verdict.setText(along.problem or "Looking at their files…")
        else:
            self._chip.set(*_CHIPS[report.level])
            self._verdict.setText(report.verdict)
        self._draw_figures(report)
        if report != self._drawn:
            self._drawn = report
            self._draw_findings(report)
            if report is not None:
                self._pairs.show_report(report)
                self._layers.show_report(report)

    def _draw_figures(self, report: InterferenceReport | None) -> None:
        clear(self._figures)
        rows: list[tuple[str, str]] = []
        if report is not None:
            worst = worst_overlap(report)
            if worst is not None:
                rows.append(("Overlap", f"{worst.overlap:.2f}"))
            rows.append(("Energy of the sum", f"{report.energy_ratio:.2f} ×"))
        _fill(self._figures, rows)
        clear(self._kept)
        if self._trial.kept:
            self._kept.addWidget(Label("Likeness kept in pictures", role="small"), 0, 0, 1, 2)
            _fill(self._kept, [(one.title or "All of them", one.words) for one in self._trial.kept], first=1)

    def _draw_findings(self, report: InterferenceReport | None) -> None:
        clear(self._findings)
        if report is None:
            return
        for place, finding in enumerate(report.findings[:_MOST_FINDINGS]):
            self._findings.addWidget(self._finding(place, finding, report))
        weighs = any(finding.cure == "weigh" for finding in report.findings)
        common = () if weighs else self._cures.common(report)
        for cure in common:
            self._findings.addWidget(_button(cure, "combine.cure.common"))

    def _finding(self, place: int, finding: Finding, report: InterferenceReport) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(separator())
        column.addWidget(Label(finding.title, role="strong", wrap=True))
        column.addWidget(Label(finding.text, role="small", wrap=True))
        for number, cure in enumerate(self._cures.of(finding, report)):
            column.addWidget(_button(cure, f"combine.cure.{place}.{number}"))
        return box

    def _turn(self) -> None:
        self._open = not self._open
        self._renew()

    def _progressed(self, words: str, done: int, total: int) -> None:
        for widget in (self._progress, self._said, self._stop):
            widget.setVisible(bool(words))
        self._try.setVisible(not words)
        self._progress.set(done, total)
        self._said.setText(words)


def _fill(grid: QGridLayout, rows: Sequence[tuple[str, str]], *, first: int = 0) -> None:
    """A row for each name with its value."""
    for row, (name, value) in enumerate(rows, start=first):
        figure = Label(value)
        figure.setAccessibleName(f"{name}: {value}")
        grid.addWidget(ElidedLabel(name, role="muted"), row, 0)
        grid.addWidget(figure, row, 1)
    grid.setColumnStretch(0, 1)


def _button(cure: Cure, name: str) -> QWidget:
    button = LinkButton(cure.words, name=name, on_click=cure.run)
    button.setAccessibleName(cure.whole or cure.words)
    return button
