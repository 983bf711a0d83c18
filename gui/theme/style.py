"""From design tokens to Qt: one palette and one style sheet."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QPalette

from gui.theme.tokens import Tokens

_ROLES: tuple[tuple[QPalette.ColorRole, str], ...] = (
    (QPalette.ColorRole.Window, "window"),
    (QPalette.ColorRole.WindowText, "text"),
    (QPalette.ColorRole.Base, "card"),
    (QPalette.ColorRole.AlternateBase, "field"),
    (QPalette.ColorRole.Text, "text"),
    (QPalette.ColorRole.PlaceholderText, "muted"),
    (QPalette.ColorRole.Button, "field"),
    (QPalette.ColorRole.ButtonText, "text"),
    (QPalette.ColorRole.BrightText, "on_accent"),
    (QPalette.ColorRole.Highlight, "accent_fill"),
    (QPalette.ColorRole.HighlightedText, "on_accent"),
    (QPalette.ColorRole.Accent, "accent"),
    (QPalette.ColorRole.Link, "accent_text"),
    (QPalette.ColorRole.LinkVisited, "accent_text"),
    (QPalette.ColorRole.ToolTipBase, "card"),
    (QPalette.ColorRole.ToolTipText, "text"),
    (QPalette.ColorRole.Light, "card"),
    (QPalette.ColorRole.Midlight, "line"),
    (QPalette.ColorRole.Mid, "line"),
    (QPalette.ColorRole.Dark, "line_strong"),
    (QPalette.ColorRole.Shadow, "line_strong"),
)
_FADED = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
    QPalette.ColorRole.HighlightedText,
)


def palette(tokens: Tokens) -> QPalette:
    """The palette of a theme, for what Qt draws without a rule of the style sheet."""
    colours = asdict(tokens)
    made = QPalette()
    for role, name in _ROLES:
        made.setColor(role, QColor(colours[name]))
    for role in _FADED:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.muted))
    return made


def style_sheet(tokens: Tokens, resources: Path) -> str:
    """The style sheet of a theme.

    Args:
        tokens: the colours to fill in.
        resources: the folder of shipped data; holds `theme/lorikeet.qss` and `icons/`.

    Raises:
        KeyError: the sheet names a token that does not exist.
    """
    text = (resources / "theme" / "lorikeet.qss").read_text(encoding="utf-8")
    return Template(text).substitute(asdict(tokens), icons=(resources / "icons").as_posix())
