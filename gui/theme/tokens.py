"""Design tokens: the few colours, sizes and spaces from which the whole look is made.

Colours are CSS hex strings. Where a colour of the design would be too faint for words, there are two: the plain one for graphics (lines,
dots, progress: at least 3:1) and the one ending in `_text` or `_fill` for words and for what carries words (at least 4.5:1).
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QGuiApplication, QPalette

PAGE_MARGIN = 30
GAP = 14
CARD_RADIUS = 14
FIELD_RADIUS = 10
CHIP_RADIUS = 11
BODY_PX = 13
CARD_TITLE_PX = 14
PAGE_TITLE_PX = 22
SMALL_PX = 12

CONCEPT_COLOURS = ("#17A99A", "#EC6A5C", "#D9962B", "#8B6FD6", "#4C8FD6", "#D765A0", "#7F9A3C", "#6F8794")
"""Only to tell concepts apart: teal, coral, amber, violet, blue, rose, olive, slate."""


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme."""

    name: str
    window: str
    card: str
    line: str
    line_strong: str
    rail: str
    field: str
    field_hover: str
    text: str
    muted: str
    accent: str
    accent_text: str
    accent_fill: str
    accent_fill_hover: str
    accent_tint: str
    on_accent: str
    warning: str
    warning_text: str
    warning_tint: str
    bad: str
    bad_text: str
    bad_tint: str
    good: str
    good_text: str
    good_tint: str
    shadow: str
    overlay: str
    on_overlay: str

    @property
    def dark(self) -> bool:
        """Whether this is the dark theme."""
        return self.name == "dark"

    def colour(self, name: str) -> QColor:
        """A token as a colour; `AttributeError` for a name that is no token."""
        return QColor(getattr(self, name))


LIGHT = Tokens(
    name="light",
    window="#F6F6F3",
    card="#FFFFFF",
    line="#E7E6E1",
    line_strong="#D3D1CA",
    rail="#EFEEEA",
    field="#F3F2EE",
    field_hover="#EAE8E2",
    text="#1B1D1F",
    muted="#66696E",
    accent="#0E9F8E",
    accent_text="#0B786B",
    accent_fill="#0B7F72",
    accent_fill_hover="#0A7166",
    accent_tint="#E2F4F1",
    on_accent="#FFFFFF",
    warning="#C9622B",
    warning_text="#A84B1A",
    warning_tint="#FBEEE6",
    bad="#C8403C",
    bad_text="#B23330",
    bad_tint="#FBE9E8",
    good="#2F8F4E",
    good_text="#257A41",
    good_tint="#E6F3EA",
    shadow="#1A1B1D1F",
    overlay="#C814181B",
    on_overlay="#FFFFFF",
)

DARK = Tokens(
    name="dark",
    window="#141618",
    card="#1C1F22",
    line="#2B2F33",
    line_strong="#3B4046",
    rail="#111315",
    field="#23272B",
    field_hover="#2B3035",
    text="#ECEDED",
    muted="#9A9EA4",
    accent="#2CC4B1",
    accent_text="#2CC4B1",
    accent_fill="#2CC4B1",
    accent_fill_hover="#4AD3C2",
    accent_tint="#17332F",
    on_accent="#04201C",
    warning="#F0935C",
    warning_text="#F0935C",
    warning_tint="#3A251A",
    bad="#F07A76",
    bad_text="#F28A86",
    bad_tint="#3B1F1F",
    good="#5CC27B",
    good_text="#5CC27B",
    good_tint="#1B3324",
    shadow="#00000000",
    overlay="#C814181B",
    on_overlay="#FFFFFF",
)

TEXT_PAIRS: tuple[tuple[str, str], ...] = (
    *(
        (ink, ground)
        for ink in ("text", "muted")
        for ground in ("window", "card", "rail", "field", "accent_tint", "warning_tint")
    ),
    *((ink, ground) for ink in ("text", "muted") for ground in ("bad_tint", "good_tint")),
    ("text", "field_hover"),
    ("accent_text", "window"),
    ("accent_text", "card"),
    ("accent_text", "rail"),
    ("accent_text", "field"),
    ("accent_text", "accent_tint"),
    ("on_accent", "accent_fill"),
    ("on_accent", "accent_fill_hover"),
    ("warning_text", "card"),
    ("warning_text", "field"),
    ("warning_text", "warning_tint"),
    ("bad_text", "card"),
    ("bad_text", "field"),
    ("bad_text", "bad_tint"),
    ("good_text", "card"),
    ("good_text", "field"),
    ("good_text", "good_tint"),
)
"""(ink, ground): every pair in which words are set; each must reach 4.5:1."""

GRAPHIC_PAIRS: tuple[tuple[str, str], ...] = (
    ("accent", "window"),
    ("accent", "card"),
    ("warning", "card"),
    ("bad", "card"),
    ("good", "card"),
    ("good", "field"),
)
"""(ink, ground): pairs used for dots, lines of a curve, progress and icons; each must reach 3:1."""


def current() -> Tokens:
    """The tokens in force, read off the application's palette, so that widgets that paint themselves need no reference to the theme."""
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if window.lightnessF() < 0.5 else LIGHT


def concept_colour(position: int) -> QColor:
    """The colour that tells a concept from the others; repeats after eight."""
    return QColor(CONCEPT_COLOURS[position % len(CONCEPT_COLOURS)])


def contrast(ink: str, ground: str) -> float:
    """Contrast of two opaque hex colours, 1 to 21, after WCAG 2.2 (relative luminance)."""
    brighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(value: str) -> float:
    channels = [int(value[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
