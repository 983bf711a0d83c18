"""Train: choose how to teach, start, and watch the subject being learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page."""
    from gui.views.train.page import TrainPage

    return TrainPage(services)
