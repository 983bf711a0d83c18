"""The film strip: the same words and the same seed at every stage, beginning with the untouched base model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engines.api.events import Sample
from gui.canvas.loading import show_file
from gui.views.train.viewer import PictureSheet
from gui.widgets.card import Card
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label, set_tip
from gui.workers.background import Background
from gui.workers.runs import RunView

_GAP, _SHOWN, _SMALLEST, _LARGEST, _EDGE = 10, 6, 104, 176, 384


class SamplesCard(Card):
    """Shows the samples of one training, one prompt at a time, in order of step."""

    def __init__(
        self,
        background: Background,
        *,
        first: str,
        seeded: bool = True,
        named: Callable[[str], str] = str,
    ) -> None:
        """`first` says what the first picture shows, while it is waited for; `seeded` whether pictures are drawn by lot.

        `named` puts into words what a sample was made of, where that is no prompt.
        """
        super().__init__(name="train.samples")
        self._first, self._seeded, self._named = first, seeded, named
        self.setAccessibleName("Samples")
        self._background = background
        self._samples: tuple[Sample, ...] = ()
        self._active = False
        self._folder = Path()
        self._key = ""
        self._cells: list[_Cell] = []
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(Label("Samples", role="title"))
        self._prompt = ElidedLabel(role="muted")
        head.addWidget(self._prompt, 1)
        self._choice = ChoiceBox(name="train.samples.prompt", label="Prompt of the samples", letters=12)
        self._choice.setMaximumWidth(280)
        self._choice.activated.connect(lambda _index: self._chosen())
        head.addWidget(self._choice)
        self._strip = _Strip()
        self._strip.resized = self._size_cells
        self._words = Label("", role="muted", wrap=True)
        self.body.addLayout(head)
        self.body.addWidget(self._words)
        self.body.addWidget(self._strip)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_run(self, view: RunView) -> None:
        """Show a training's samples."""
        state = view.state
        if view.info.folder != self._folder:
            self._folder, self._samples, self._key = view.info.folder, (), ""
        if self._samples and (state.samples, view.active) == (self._samples, self._active):
            return
        self._samples, self._active = state.samples, view.active
        prompts = list(dict.fromkeys(sample.prompt for sample in self._samples))
        if self._key not in prompts:
            self._key = prompts[0] if prompts else ""
        self._choice.setVisible(len(prompts) > 1)
        self._prompt.setVisible(len(prompts) <= 1)
        if len(prompts) > 1:
            self._choice.clear()
            for prompt in prompts:
                self._choice.addItem(self._named(prompt), prompt)
            self._choice.setCurrentIndex(prompts.index(self._key))
        never = view.info.any_job is not None and view.info.any_job.recipe.samples.every == 0
        self._words.setText(
            "This training makes no samples by itself; ask for one with Sample now." if never else self._first
        )
        self._words.setVisible(not self._samples)
        self._strip.setVisible(bool(self._samples))
        self._fill()

    def _chosen(self) -> None:
        self._key = str(self._choice.currentData())
        self._fill()

    def _fill(self) -> None:
        mine = sorted((s for s in self._samples if s.prompt == self._key), key=lambda s: (s.step, s.time))
        seeds = {sample.seed for sample in mine}
        lot = f", seed {next(iter(seeds))}" if len(seeds) == 1 and self._seeded else ""
        self._prompt.setText(f"{self._named(self._key)}{lot}")
        wanted = [sample.file for sample in mine]
        if [cell.sample.file for cell in self._cells] != wanted[: len(self._cells)]:
            self._strip.clear()
            self._cells = []
        for sample in mine[len(self._cells) :]:
            cell = _Cell(sample, self._open)
            self._cells.append(cell)
            self._strip.row.insertWidget(self._strip.row.count() - 1, cell)
            self._load(cell, self._folder / sample.file)
        last = len(self._cells) - 1
        for place, cell in enumerate(self._cells):
            cell.name_stage(now=self._active and place == last and place > 0)
        self._size_cells()
        self._strip.to_end()

    def _load(self, cell: _Cell, path: Path) -> None:
        show_file(self._background, cell.picture, path, _EDGE)

    def _open(self, sample: Sample) -> None:
        mine = [cell.sample for cell in self._cells]
        sheet = PictureSheet(
            self.window(),
            [(self._folder / item.file, f"{stage(item.step)}: {self._said(item)}") for item in mine],
            mine.index(sample),
            self._background,
        )
        sheet.open()

    def _said(self, sample: Sample) -> str:
        words = self._named(sample.prompt)
        return f"{words}, seed {sample.seed}" if self._seeded else words

    def _size_cells(self) -> None:
        space = self._strip.viewport().width() - _GAP * (_SHOWN - 1)
        width = min(max(space // _SHOWN, _SMALLEST), _LARGEST)
        for cell in self._cells:
            cell.set_width(width)
        self._strip.setFixedHeight(width + 34)


class _Strip(QScrollArea):
    """A row that scrolls sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.resized: Callable[[], None] = lambda: None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setObjectName("scrollBody")
        self.row = QHBoxLayout(inner)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(_GAP)
        self.row.addStretch(1)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)  # Qt turns it on for whatever it scrolls
        self.viewport().setAutoFillBackground(False)
        self.viewport().installEventFilter(self)
        self._follow = False
        self.horizontalScrollBar().rangeChanged.connect(self._moved)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Size the pictures with the strip, and turn the wheel into a page scroll rather than a sideways one."""
        if event.type() == QEvent.Type.Resize:
            self.resized()
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def clear(self) -> None:
        """Remove every picture."""
        clear(self.row, keep=1)

    def to_end(self) -> None:
        """Show the newest."""
        self._follow = True
        bar = self.horizontalScrollBar()
        bar.setValue(bar.maximum())

    def _moved(self, _low: int, high: int) -> None:
        if self._follow:
            self._follow = False
            self.horizontalScrollBar().setValue(high)


class _Cell(QWidget):
    """One picture with its stage below."""

    def __init__(self, sample: Sample, on_open: Callable[[Sample], None]) -> None:
        super().__init__()
        self.sample = sample
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.picture = PictureView(name=f"train.sample.{sample.step}")
        self.picture.clicked.connect(lambda: on_open(self.sample))
        self._label = Label(stage(sample.step), role="small")
        column.addWidget(self.picture)
        column.addWidget(self._label)
        column.addStretch(1)

    def name_stage(self, *, now: bool) -> None:
        """Say which stage it shows."""
        words = "now" if now else stage(self.sample.step)
        self._label.setText(words)
        set_tip(self._label, stage(self.sample.step))
        self.picture.set_clickable(f"Sample, {words}: {self.sample.prompt}")

    def set_width(self, width: int) -> None:
        """Square, this wide."""
        self.picture.setFixedSize(width, width)


def stage(step: int) -> str:
    """`before` or `step 100`."""
    return "before" if step == 0 else f"step {step}"
