"""The look holds its promises: contrast, every token used, light and dark at run time, every icon drawable."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engines.api import places
from gui.services import Services
from gui.theme import icons, style, tokens


@pytest.mark.parametrize("theme", [tokens.LIGHT, tokens.DARK], ids=lambda theme: theme.name)
def test_words_can_be_read(theme: tokens.Tokens) -> None:
    colours = asdict(theme)
    weak = {pair: tokens.contrast(colours[pair[0]], colours[pair[1]]) for pair in tokens.TEXT_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [tokens.LIGHT, tokens.DARK], ids=lambda theme: theme.name)
def test_lines_and_dots_can_be_seen(theme: tokens.Tokens) -> None:
    colours = asdict(theme)
    weak = {pair: tokens.contrast(colours[pair[0]], colours[pair[1]]) for pair in tokens.GRAPHIC_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < 3.0} == {}


def test_contrast_agrees_with_the_published_extremes() -> None:
    assert tokens.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert tokens.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_pair_of_the_sheet_is_among_the_checked_ones() -> None:
    """A rule that sets ink on a ground of its own must be in TEXT_PAIRS, so that no new rule escapes the contrast test."""
    sheet = (places.resources() / "theme" / "lorikeet.qss").read_text(encoding="utf-8")
    found = set()
    for body in re.findall(r"\{([^}]*)\}", sheet):
        ink = re.search(r"(?<![-\w])color: \$(\w+)", body)
        ground = re.search(r"(?<!selection-)(?<!alternate-)background: \$(\w+)", body)
        if ink and ground:
            found.add((ink[1], ground[1]))
    assert found, "the sheet was not understood"
    # Disabled controls are exempt by WCAG, and yet these pass too.
    assert found <= set(tokens.TEXT_PAIRS), found - set(tokens.TEXT_PAIRS)


@pytest.mark.parametrize("theme", [tokens.LIGHT, tokens.DARK], ids=lambda theme: theme.name)
def test_the_sheet_fills_in_completely(theme: tokens.Tokens) -> None:
    sheet = style.style_sheet(theme, places.resources())
    assert "$" not in sheet
    drawings = re.findall(r"url\(([^)]*)\)", sheet)
    assert drawings
    for path in drawings:
        assert (places.resources() / path).is_file(), path


def test_the_theme_changes_at_run_time(services: Services, qtbot: QtBot) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    heard = []
    services.theme.changed.connect(lambda: heard.append(services.theme.tokens.name))
    services.theme.set_mode("dark")
    assert tokens.current() is tokens.DARK
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(tokens.DARK.window)
    services.theme.set_mode("light")
    assert heard == ["dark", "light"]
    assert tokens.current() is tokens.LIGHT


def test_the_shipped_font_is_used_with_figures_of_one_width(services: Services, qtbot: QtBot) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    label.ensurePolished()
    assert QFontInfo(label.font()).family() == "Inter"
    metrics = label.fontMetrics()
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("8888")


def test_every_drawing_is_drawn(qtbot: QtBot, qapp: QApplication) -> None:
    assert len(icons.names()) > 40
    for name in icons.names():
        picture = icons.pixmap(name, 24, colour=QColor("#112233")).toImage()
        inked = sum(picture.pixelColor(x, y).alpha() > 60 for x in range(24) for y in range(24))
        assert inked > 4, name


def test_an_icon_follows_the_theme(services: Services) -> None:
    icon = icons.icon("minus", ink="text")
    light = icon.pixmap(24, 24).toImage().pixelColor(12, 12)
    services.theme.set_mode("dark")
    dark = icon.pixmap(24, 24).toImage().pixelColor(12, 12)
    services.theme.set_mode("light")
    assert light.lightnessF() < 0.3 < 0.7 < dark.lightnessF()


def test_an_unknown_drawing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-drawing")
