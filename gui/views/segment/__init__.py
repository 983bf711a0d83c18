"""Segment: things in pictures are marked, and a model is taught to find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.services import Services


def build(services: Services) -> QWidget:
    """Make the page."""
    from gui.views.segment.page import SegmentPage

    return SegmentPage(services)
