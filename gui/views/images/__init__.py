"""Images: the photos to learn from, and the words to learn them by."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.services import Services


def build(services: Services) -> QWidget:
    """Build the page."""
    from gui.views.images.page import ImagesPage

    return ImagesPage(services)
