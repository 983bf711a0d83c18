"""Library: the project's adapters, their recipes, and exporting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page."""
    from gui.views.library.page import LibraryPage

    return LibraryPage(services)
