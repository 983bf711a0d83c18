"""The Checkpoints card: the stages of an adapter, each with its picture, to choose the one that is best."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.views.compare.subject import Stage, Subject
from gui.widgets.card import Card
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.picture import PictureView
from gui.widgets.text import Label
from gui.workers.background import Background

_CELL = 76


class CheckpointsCard(Card):
    """Shows the stages; `choose` gets the one that was clicked."""

    def __init__(self, background: Background, choose: Callable[[Stage], object]) -> None:
        super().__init__("Checkpoints", name="compare.checkpoints")
        self._background = background
        self._choose = choose
        self._cells: dict[int, tuple[PictureView, Label]] = {}
        holder = QWidget()
        self._flow = FlowLayout(holder, spacing=10)
        self.body.addWidget(holder)
        self._hint = Label(role="small", wrap=True)
        self.body.addWidget(self._hint)

    def show_subject(self, subject: Subject, chosen: Stage | None) -> None:
        """Show the stages of a subject."""
        self.setVisible(len(subject.stages) > 1)
        clear(self._flow)
        self._cells = {}
        for stage in subject.stages:
            self._flow.addWidget(self._cell(subject, stage))
        best = next((stage for stage in subject.stages if stage.best), None)
        self._hint.setText(
            "“best” had the lowest error while learning; trust your eyes as well." if best is not None else ""
        )
        self._hint.setVisible(best is not None)
        self.mark(chosen)

    def mark(self, chosen: Stage | None) -> None:
        """Mark the chosen stage."""
        for step, (picture, label) in self._cells.items():
            mine = chosen is not None and chosen.step == step
            picture.set_selected(mine)
            label.set_role("accent" if mine else "small")

    def _cell(self, subject: Subject, stage: Stage) -> QWidget:
        cell = QWidget()
        column = QVBoxLayout(cell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        made = next(
            (s for s in reversed(subject.samples) if s.step == stage.step and s.prompt == subject.prompts[0]), None
        )
        picture = PictureView(name=f"compare.checkpoint.{stage.step}", radius=8, empty="" if made else "play")
        picture.setFixedSize(_CELL, _CELL)
        picture.set_clickable(f"Checkpoint {stage.title}" if made else f"Checkpoint {stage.title}: make its picture")
        picture.clicked.connect(lambda: self._choose(stage))
        label = Label(stage.title, role="small")
        column.addWidget(picture)
        column.addWidget(label)
        if made is not None:
            show_file(self._background, picture, subject.sample_folder / made.file, _CELL * 2)
        self._cells[stage.step] = (picture, label)
        return cell
