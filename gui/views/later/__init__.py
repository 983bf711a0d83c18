"""Erase: what it will do, told calmly, and that it is not built yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page for `erase`."""
    from gui.views.later.page import LaterPage

    return LaterPage(services, "erase")
