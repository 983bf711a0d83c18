"""Starts the window: builds every long-lived object once and passes it on."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import importlib
import locale
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from engines.api import places
from gui import views
from gui.crash import Hook
from gui.preferences import Preferences
from gui.recents import Recents
from gui.services import Services
from gui.session import Session
from gui.theme.theme import MODES, Mode, Theme
from gui.views.shell.window import MainWindow
from gui.workers.background import Background

if TYPE_CHECKING:
    from engines.api.catalog import DeviceEntry

_GIVE_WAY_S = 0.0005


def main(argv: Sequence[str]) -> int:
    """Open the window and stay until it is closed; return the exit code."""
    options = _parse(argv)
    _watch_for_faults()
    app = make_app()
    hook = Hook(app)
    hook.install()
    services = make_services(app, theme=options.theme)
    window = MainWindow(services)
    window.painted.connect(lambda: QTimer.singleShot(0, lambda: _after_first_paint(services, window, options)))
    window.show()
    if options.first_paint_exit:
        window.painted.connect(lambda: QTimer.singleShot(0, lambda: _print_first_paint(app)))
    # Ctrl+C in a terminal ends the window as closing it does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = app.exec()
    services.stop()
    services.session.close()
    return code


def make_app() -> QApplication:
    """The application object, with Lorikeet's name and icon."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Lorikeet")
    app.setDesktopFileName("lorikeet")
    QGuiApplication.setWindowIcon(QIcon(str(places.resources() / "icons" / "app" / "lorikeet.svg")))
    # Qt takes the locale of the system over; numbers in files must keep their point.
    locale.setlocale(locale.LC_NUMERIC, "C")
    # A thread at work beside the window gives way to it after this long; Python's own 5 ms are a third of a frame each time.
    sys.setswitchinterval(_GIVE_WAY_S)
    return app


def make_services(app: QApplication, *, theme: Mode | None = None) -> Services:
    """Everything long-lived behind one window; tests build theirs with this too."""
    preferences = Preferences()
    background = Background(parent=app)
    return Services(
        session=Session(app),
        background=background,
        theme=Theme(app, theme or preferences.values.theme),
        preferences=preferences,
        recents=Recents(parent=app, background=background),
    )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lorikeet app", description="Open the window of Lorikeet.")
    parser.add_argument("project", nargs="?", type=Path, help="folder of the project to open")
    parser.add_argument("--fresh", action="store_true", help="start without reopening the last project")
    parser.add_argument("--theme", choices=MODES, help="light, dark, or as the system has it, for this time only")
    parser.add_argument("--first-paint-exit", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(list(argv))


def get_ready(services: Services, window: MainWindow) -> None:
    """What can wait until there is something to look at: the computer, the trainings, what is on offer, and the other pages."""
    window.pages.hold()
    services.background.run(lambda _task: _load(services, window), done=lambda _none: window.pages.prepare())


def _after_first_paint(services: Services, window: MainWindow, options: argparse.Namespace) -> None:
    if options.first_paint_exit:
        return
    get_ready(services, window)
    last = services.recents.items[0].root if services.recents.items else ""
    if options.project is not None:
        _open(services, options.project.absolute(), quietly=False)
    elif last and not options.fresh and services.preferences.values.startup == "last":
        _open(services, Path(last), quietly=True)


def _load(services: Services, window: MainWindow) -> None:
    """Look at the computer and import everything that the window will need, on another thread.

    The window's thread uses each only once it is here: two threads importing pydantic at once under PySide6's import hook can meet it
    half made.
    """
    # Looking for garbage among what is being loaded stops every thread for a frame or two, again and again; and what is loaded stays.
    gc.disable()
    try:
        from engines.launch.hardware import probe
        from gui.views.shell import news  # noqa: F401 - loaded here so that the window's thread need not
        from gui.workers import catalog, runs  # noqa: F401 - as above

        devices = probe()
        services.background.post(lambda: _follow(services, window, devices))
        views.load_all()
        importlib.import_module("pyqtgraph")
    finally:
        gc.freeze()
        gc.enable()


def _follow(services: Services, window: MainWindow, devices: tuple[DeviceEntry, ...]) -> None:
    """Follow the project's trainings, whichever page is in view, and have what is on offer ready before its page is visited."""
    services.set_devices(devices)
    window.follow_trainings()
    services.catalog.load()


def _open(services: Services, root: Path, *, quietly: bool) -> None:
    from gui import opening

    opening.open_path(services, root, quietly=quietly)


def _print_first_paint(app: QApplication) -> None:
    seconds = _age_s()
    if sys.stdout is not None:
        sys.stdout.write(f"{seconds:.3f} {'torch' in sys.modules}\n")
        sys.stdout.flush()
    app.quit()


def _age_s() -> float:
    """Seconds since this process began."""
    now = time.time()
    stat = Path("/proc/self/stat")
    if stat.is_file():
        # Ticks since the machine started: exact to 10 ms, where the date of that start is only known to a second.
        ticks = int(stat.read_text(encoding="ascii").rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    import psutil

    return now - float(psutil.Process().create_time())


def _watch_for_faults() -> None:
    """A crash below Python leaves its trace too. The file stays open for as long as the process lives."""
    try:
        folder = places.state_home()
        folder.mkdir(parents=True, exist_ok=True)
        trace: TextIO = (folder / "fault.log").open("w", encoding="utf-8")
    except OSError:
        return  # a home that cannot be written to must not stop the start
    faulthandler.enable(trace)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
