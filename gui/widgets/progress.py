"""Progress: a thin line, what is being done, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from gui.widgets.buttons import QuietButton
from gui.widgets.text import ElidedLabel, Label


class ProgressLine(QWidget):
    """A line of progress. `total` 0 means that nobody knows how much there is."""

    def __init__(
        self,
        *,
        name: str,
        on_stop: Callable[[], object] | None = None,
        words: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._text = ElidedLabel(role="muted")
        self._count = Label(role="small")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        if words:
            row = QHBoxLayout()
            row.setSpacing(10)
            row.addWidget(self._text, 1)
            row.addWidget(self._count)
            if on_stop is not None:
                row.addWidget(QuietButton("Stop", name=f"{name}.stop", on_click=on_stop))
            column.addLayout(row)
        column.addWidget(self._bar)

    def set(self, done: int, total: int, text: str = "") -> None:
        """Show how far it is."""
        self._bar.setRange(0, max(total, 0))
        self._bar.setValue(min(done, total) if total > 0 else -1)
        self._text.setText(text)
        self._count.setText(f"{done} of {total}" if total > 0 else "")

    @property
    def value(self) -> tuple[int, int]:
        """(done, total) as shown."""
        return self._bar.value(), self._bar.maximum()
