"""The large picture: the same words and seed with and without the eraser under a slider, and everything that can be switched live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.canvas.compare import CompareView
from gui.canvas.loading import read_for
from gui.services import Services
from gui.views.compare.maker import Maker
from gui.views.compare.prompt import PromptBar
from gui.views.compare.store import Wanted
from gui.views.erase.results.live import LiveSwitches
from gui.views.erase.results.measured import Eraser
from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.progress import ProgressLine

LEAST_PX = 340
_Key = tuple[object, ...]


class StageCard(Card):
    """Shows one eraser at work."""

    def __init__(self, services: Services) -> None:
        super().__init__(name="erase.stage", padding=14)
        self.setAccessibleName("With and without the eraser")
        self._background = services.background
        self._eraser: Eraser | None = None
        self._maker = Maker(services.interactive, self)
        self.view = CompareView("Press Try to see the same words with and without the eraser.")
        self.view.setObjectName("erase.view")
        self.view.setAccessibleName("With and without the eraser")
        self.view.setMinimumHeight(LEAST_PX)
        self.prompt = PromptBar(strength=False)
        self.live = LiveSwitches()
        self._progress = QWidget()
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._line = ProgressLine(name="erase.making")
        row.addWidget(self._line, 1)
        row.addWidget(QuietButton("Stop", name="erase.making.stop", on_click=self._maker.stop))
        self._progress.hide()
        self.body.addWidget(self.view, 1)
        for widget in (self._progress, self.prompt, self.live):
            self.body.addWidget(widget)
        self.prompt.pressed.connect(self.try_words)
        self.prompt.edited.connect(self._edited)
        self.live.changed.connect(self.try_words)
        self._maker.made.connect(self._made)
        self._maker.progress.connect(self._progressed)
        self._maker.failed.connect(services.notify)

    def show_eraser(self, eraser: Eraser, others: Sequence[Eraser], *, prompt: str) -> None:
        """Another eraser, or more of what is known of it; `others` can act beside it, `prompt` is tried first."""
        fresh = self._eraser is None or self._eraser.run != eraser.run
        self._eraser = eraser
        self.live.show_eraser(eraser, others)
        if fresh:
            self._maker.stop()
            self.prompt.set_all(prompt, 7, "")
            self._clear()
        self.setEnabled(not eraser.problem)

    def show_pair(self, base: Path, erased: Path, prompt: str, seed: int) -> None:
        """Show a pair that was measured, with its words ready to be tried further."""
        self._maker.stop()
        self.live.reset()
        self.prompt.set_all(prompt, seed, "")
        self.prompt.say_news("")
        self.view.set_words("Base", self.live.words())
        key = self._key()
        read_for(self._background, self, base, 0, lambda image: self._set(self.view.set_before, image, key))
        read_for(self._background, self, erased, 0, lambda image: self._set(self.view.set_after, image, key))

    def try_words(self) -> None:
        """Make what is missing of the words as they are and the eraser as it is switched."""
        asked = self.prompt.asked
        if self._eraser is None or self._eraser.problem or not asked.prompt:
            return
        self.prompt.say_news("")
        self.view.set_words("Base", self.live.words())
        missing = []
        for wanted in self._wanted():
            file = wanted.kept()
            if file is None:
                missing.append(wanted)
            else:
                self._made(wanted, file)
        if missing:
            self._maker.make(missing)

    def stop(self) -> None:
        """Drop what is being made."""
        self._maker.stop()

    def _wanted(self) -> tuple[Wanted, ...]:
        eraser, asked = self._eraser, self.prompt.asked
        if eraser is None:
            return ()
        live = self.live
        plain = Wanted(eraser.base, None, 1.0, asked.prompt, asked.seed)
        erased = Wanted(
            eraser.base, eraser.file, live.strength, asked.prompt, asked.seed, off=live.off, beside=live.beside
        )
        return plain, erased

    def _made(self, wanted: Wanted, file: Path) -> None:
        if wanted not in self._wanted():
            return  # words or switches are others by now
        show = self.view.set_before if wanted.adapter is None else self.view.set_after
        key = self._key()
        read_for(self._background, self, file, 0, lambda image: self._set(show, image, key))

    def _set(self, show: Callable[[QImage], None], image: QImage, key: _Key) -> None:
        if self._key() == key:
            show(image)

    def _key(self) -> _Key:
        """What is on show: a picture that arrives for anything else is not put up."""
        return (self._eraser.run if self._eraser is not None else "", *self._wanted())

    def _edited(self) -> None:
        old = self.view.complete()
        self.prompt.say_news("The pictures show what was asked before; press Try." if old else "")

    def _clear(self) -> None:
        self.view.set_before(QImage())
        self.view.set_after(QImage())
        self.view.set_words("Base", self.live.words())

    def _progressed(self, words: str, done: int, total: int) -> None:
        self._progress.setVisible(bool(words))
        if words:
            self._line.set(done, total, words)
