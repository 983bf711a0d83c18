"""Work on other threads with its results delivered on the window's thread; a task that nobody wants any more is cancelled.

Qt itself carries the results over (a queued signal), so nothing here touches a widget from another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal
from shiboken6 import isValid

from gui.widgets.notice import Notice, of_error
from projects.errors import UserError

T = TypeVar("T")


class Task(Generic[T]):
    """A piece of work under way. `cancel` means: do not start it if it has not started, and never deliver its result.

    The work itself may ask `cancelled` (or hand it to a callee) and stop early.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._finished = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more; may be read from any thread."""
        return self._cancelled.is_set()

    @property
    def finished(self) -> bool:
        """Whether the work itself is over."""
        return self._finished.is_set()

    def cancel(self) -> None:
        """Stop waiting for it."""
        self._cancelled.set()

    def mark_finished(self) -> None:
        """Called by the pool when the work is over."""
        self._finished.set()


class Background(QObject):
    """A small pool of threads beside the window.

    An expected failure goes to the caller as a notice. Anything else is a bug: it reaches `sys.excepthook` and with it the window's hook.
    """

    _deliver = Signal(object)

    def __init__(self, threads: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._tasks: set[Task[object]] = set()
        self._deliver.connect(_call, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Callable[[Task[T]], T],
        *,
        done: Callable[[T], object] | None = None,
        failed: Callable[[Notice], object] | None = None,
        owner: QObject | None = None,
        priority: int = 0,
    ) -> Task[T]:
        """Do `work(task)` on another thread.

        Args:
            work: the work; it gets its own task so that it can ask whether it is still wanted.
            done: gets the result, on the window's thread.
            failed: gets an expected failure as a notice, on the window's thread.
            owner: who asked; nothing is delivered once it has been deleted.
            priority: higher goes first.
        """
        task: Task[T] = Task()
        runnable = _Runnable(lambda: self._work(task, work, done, failed, owner))
        self._tasks.add(task)  # type: ignore[arg-type] # kept alive only, never read
        self._pool.start(runnable, priority)
        return task

    def post(self, call: Callable[[], object]) -> None:
        """Have something called on the window's thread; the one thing work on another thread may do to the window."""
        self._deliver.emit(call)

    def active(self) -> int:
        """Threads at work now."""
        return self._pool.activeThreadCount()

    def stop(self, wait_ms: int = 3000) -> bool:
        """Cancel everything and wait for what is under way; True when all of it ended in time."""
        for task in tuple(self._tasks):
            task.cancel()
        self._pool.clear()
        return self._pool.waitForDone(wait_ms)

    def _work(
        self,
        task: Task[T],
        work: Callable[[Task[T]], T],
        done: Callable[[T], object] | None,
        failed: Callable[[Notice], object] | None,
        owner: QObject | None,
    ) -> None:
        call: Callable[[], object] | None = None
        try:
            if not task.cancelled:
                result = work(task)
                call = (lambda: done(result)) if done is not None else None
        except UserError as error:
            notice = of_error(error)
            call = (lambda: failed(notice)) if failed is not None else None
        finally:
            self._finish(task, call, owner)

    def _finish(self, task: Task[T], call: Callable[[], object] | None, owner: QObject | None) -> None:
        def deliver() -> None:
            self._tasks.discard(task)
            if call is not None and not task.cancelled and (owner is None or isValid(owner)):
                call()

        task.mark_finished()
        self._deliver.emit(deliver)


class _Runnable(QRunnable):
    """One call on one thread of the pool."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def run(self) -> None:
        """Do it."""
        self._call()


def _call(call: Callable[[], object]) -> None:
    call()
