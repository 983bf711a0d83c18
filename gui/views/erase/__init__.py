"""Erase: make a model forget something, and see what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page."""
    from gui.views.erase.page import ErasePage

    return ErasePage(services)
