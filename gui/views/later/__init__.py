"""Combine and Erase: what they will do, told calmly, and that they are not built yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services, key: str) -> QWidget:
    """Make the page for `combine` or `erase`."""
    from gui.views.later.page import LaterPage

    return LaterPage(services, key)
