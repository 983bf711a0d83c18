"""What is done to layouts in many places."""

from __future__ import annotations

from PySide6.QtWidgets import QLayout


def clear(layout: QLayout, *, keep: int = 0) -> None:
    """Remove and delete every widget from the first on; the last `keep` items stay (a stretch at the end)."""
    while layout.count() > keep:
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
