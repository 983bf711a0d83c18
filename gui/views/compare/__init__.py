"""Compare: the same words and the same seed with the base model and with the adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page."""
    from gui.views.compare.page import ComparePage

    return ComparePage(services)
