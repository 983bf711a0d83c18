"""Preferences: theme, folders, the model hub, and where everything lies."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.services import Services


def build(services: Services) -> QWidget:
    """Build the page."""
    from gui.views.preferences.page import PreferencesPage

    return PreferencesPage(services)
