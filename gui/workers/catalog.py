"""What is on offer (methods, presets, base models, devices): read from the kept file, or asked of the engines once.

Another process answers, since the window never imports a method; the answer is kept for as long as the code stays the same.
"""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from engines.api.catalog import Catalog, MethodEntry
from engines.launch.catalog import describe_command, load_cached, store
from engines.launch.local import checkout, child_environment


class CatalogLoader(QObject):
    """Loads the catalog once; `loaded` carries it, `failed` the words for why it could not be had."""

    loaded = Signal(object)
    failed = Signal(str)

    def __init__(self, command: list[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._process: QProcess | None = None
        self.catalog: Catalog | None = None
        self.problem = ""

    def load(self) -> None:
        """Have the catalog loaded; at once from the kept file, else in a while. Harmless when it is there or on its way."""
        if self.catalog is not None or self._process is not None:
            return
        kept = load_cached()
        if kept is not None:
            self._have(kept)
            return
        self._ask()

    def method(self, name: str) -> MethodEntry | None:
        """A method of the catalog by its registered name."""
        methods = self.catalog.methods if self.catalog is not None else ()
        return next((entry for entry in methods if entry.name == name), None)

    def stop(self) -> None:
        """End the asking, if it is still going on."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.kill()
            process.waitForFinished(1000)

    def _ask(self) -> None:
        command = self._command or describe_command()
        process = QProcess(self)
        process.setProgram(command[0])
        process.setArguments(command[1:])
        process.setWorkingDirectory(str(checkout()))
        environment = QProcessEnvironment()
        for name, value in child_environment().items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._could_not_start)
        self._process = process
        self.problem = ""
        process.start()

    def _finished(self, _code: int, _status: QProcess.ExitStatus) -> None:
        # A method and not a lambda: a lambda would own this object, which owns the process, and both would die in each other's arms.
        self._answered()

    def _could_not_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._answered()

    def _answered(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        text = bytes(process.readAllStandardOutput().data())
        errors = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        process.deleteLater()
        try:
            self._have(store(text))
        except (ValidationError, OSError):
            self.problem = errors.splitlines()[-1][:400] if errors else "The engines gave no answer."
            self.failed.emit(self.problem)

    def _have(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.loaded.emit(catalog)
