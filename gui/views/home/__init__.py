"""Home: where a session begins."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.services import Services


def build(services: Services) -> QWidget:
    """Build the page."""
    from gui.views.home.page import HomePage

    return HomePage(services)
