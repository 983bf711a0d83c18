"""What happens when the window meets a bug: a report is written, the last lines are shown, and the person can go on."""

from __future__ import annotations

import platform
import sys
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from engines.api import places

if TYPE_CHECKING:
    from gui.widgets.sheet import Sheet

_LAST_LINES = 12
_MOST_REPORTS = 20


class Hook(QObject):
    """Stands in for `sys.excepthook` and `threading.excepthook`; may be called on any thread.

    Signals:
        crashed: (text of the report, its path or an empty string), delivered on the window's thread.
    """

    crashed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sheet: Sheet | None = None
        self.crashed.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """From now on, bugs come here."""
        sys.excepthook = self.take
        threading.excepthook = self._take_thread

    def take(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Write the report and have it shown."""
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        if sys.stderr is not None:
            sys.stderr.write(text)
        try:
            path = str(write_report(text))
        except Exception:  # noqa: BLE001 - the hook is the one place in the window that may: nothing is left to catch it after this
            path = ""
        self.crashed.emit(text, path)

    def _take_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.take(args.exc_type, args.exc_value, args.exc_traceback)

    def _show(self, text: str, path: str) -> None:
        from gui.widgets.sheet import Sheet

        if self._sheet is not None:
            return  # one at a time: a bug in a timer must not bury the window
        sheet = Sheet(
            QApplication.activeWindow(),
            "Something went wrong in Lorikeet",
            "This is a mistake in the program, not yours. Your project is saved, and a training that is under way goes on. "
            "You can keep working; if things look odd, close and reopen the window.",
            name="crash",
            accept="Keep working",
            reject="Show the report" if path else "",
        )
        lines = QPlainTextEdit("\n".join(text.strip().splitlines()[-_LAST_LINES:]))
        lines.setReadOnly(True)
        lines.setAccessibleName("The last lines of the report")
        lines.setMinimumSize(560, 180)
        sheet.body.addWidget(lines)
        sheet.rejected.connect(lambda: path and QDesktopServices.openUrl(QUrl.fromLocalFile(path)))
        sheet.finished.connect(self._forget)
        self._sheet = sheet
        sheet.open()

    def _forget(self) -> None:
        self._sheet = None


def write_report(text: str) -> Path:
    """Write a crash report and return its path; the oldest ones go.

    Raises:
        OSError: the state folder cannot be written to.
    """
    folder = crash_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"window-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}.txt"
    head = f"Lorikeet window\n{time.strftime('%Y-%m-%d %H:%M:%S')}\nPython {platform.python_version()}, {platform.platform()}\n\n"
    path.write_text(head + text, encoding="utf-8")
    for old in sorted(folder.glob("window-*.txt"))[:-_MOST_REPORTS]:
        old.unlink(missing_ok=True)
    return path


def crash_folder() -> Path:
    """Where crash reports lie."""
    return places.state_home() / "crashes"
