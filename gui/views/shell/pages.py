"""The pages of one window: each is built on its first visit, or sooner, while the window has nothing else to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, cast

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget
from shiboken6 import isValid

from gui import views
from gui.services import Services
from gui.widgets.card import Card

_PAUSE_MS = 20


class _Prepared(Protocol):
    """A page that has more to get ready than its widgets."""

    def prepare(self) -> Iterator[None]: ...


class Pages(QObject):
    """Puts pages into `stack` as they are built.

    While another thread imports what pages are made of (`hold`), none is built: two threads that import the same libraries at once under
    PySide6's import hook can meet one half made.
    """

    def __init__(self, services: Services, stack: QStackedWidget) -> None:
        super().__init__(stack)
        self._services = services
        self._stack = stack
        self._built: dict[str, QWidget] = {}
        self._held = False
        self._waiting: list[Callable[[], object]] = []
        self._steps: Iterator[None] = iter(())
        self._pause = QTimer(self)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._step)

    def __contains__(self, key: str) -> bool:
        return key in self._built

    def get(self, key: str) -> QWidget:
        """A page, built now if it was not yet."""
        page = self._make(key)
        if self._stack.indexOf(page) < 0:
            self._stack.addWidget(page)
        return page

    def hold(self) -> None:
        """Build nothing until `prepare`."""
        self._held = True

    def when_loaded(self, key: str, call: Callable[[], object]) -> None:
        """Call it now, or as soon as the page `key` can be built."""
        if self._held and key not in self._built:
            self._waiting.append(call)
        else:
            call()

    def prepare(self) -> None:
        """Everything is loaded: do what was waiting for that, then build the other pages, a little at a time."""
        self._held = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()
        self._steps = self._prepare_all()
        self._pause.start()

    def _step(self) -> None:
        if next(self._steps, self) is self:
            self._pause.stop()

    def _make(self, key: str) -> QWidget:
        if key not in self._built:
            self._built[key] = views.build(key, self._services)
        return self._built[key]

    def _prepare_all(self) -> Iterator[None]:
        for key in views.KEYS:
            if key in self._built:
                continue
            page = self._make(key)
            yield
            self.get(key)
            yield
            if hasattr(page, "prepare"):
                yield from cast("_Prepared", page).prepare()
            # Laid out before it is seen, so that a first visit has only to be drawn.
            page.resize(self._stack.size())
            for inner in reversed([page, *page.findChildren(QWidget)]):
                layout = inner.layout()
                if layout is not None:
                    layout.activate()
            yield
            # Drawn once for nobody: the first drawing makes what later ones take from stores (edges and shadows, letters, icons).
            for card in page.findChildren(Card):
                if isValid(card):
                    card.grab()
                    yield
