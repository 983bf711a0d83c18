"""Cards: the white (or dark) sheets on which everything lies; some of them are choices or doors."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import tokens as design
from gui.widgets import plate
from gui.widgets.chips import Chip
from gui.widgets.text import Label

_EDGE_PX = 8


class Card(QFrame):
    """A rounded sheet. Put things into `body`.

    A clickable card is a button: it takes the keyboard, shows hover and focus, and sends `clicked`. A checked one wears the accent.

    Args:
        title: an optional title in the first row.
        name: object name; also the accessible name when there is no title.
        clickable: whether the whole card is a button.
        padding: from the edge to the content, in pixels.
        accent: hex colour of the edge while checked; empty for the accent of the theme.
    """

    clicked = Signal()

    def __init__(
        self,
        title: str = "",
        *,
        name: str = "",
        clickable: bool = False,
        padding: int = 18,
        accent: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title or name)
        self._clickable = clickable
        self._checked = False
        self._hovered = False
        self._dashed = False
        self._ring = False
        self._accent = accent
        if clickable:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(padding, padding, padding, padding + plate.SHADOW_PX)
        self.body.setSpacing(10)
        self.head: QHBoxLayout | None = None
        if title:
            self.head = QHBoxLayout()
            self.head.setSpacing(10)
            self.head.addWidget(Label(title, role="title"))
            self.head.addStretch(1)
            self.body.addLayout(self.head)

    def is_checked(self) -> bool:
        """Whether this choice is the chosen one."""
        return self._checked

    def set_checked(self, checked: bool) -> None:
        """Choose this card, or not."""
        if checked != self._checked:
            self._checked = checked
            self.update()

    def set_ringed(self, ringed: bool) -> None:
        """A strong edge: the keyboard is here, or what is dragged would land here."""
        self._ring = ringed
        self.update()

    def set_dashed(self, dashed: bool) -> None:
        """A dashed edge: a place to drop something into."""
        self._dashed = dashed
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the sheet, its edge, and in the light theme its soft shadow."""
        tokens = design.current()
        ground = self._ground(tokens)
        with QPainter(self) as painter:
            if self.rect().adjusted(_EDGE_PX, _EDGE_PX, -_EDGE_PX, -_EDGE_PX).contains(event.rect()):
                painter.fillRect(event.rect(), ground)  # something on the card moved, its edge did not
            elif self._dashed:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setBrush(ground)
                painter.setPen(self._pen(tokens))
                sheet = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5 - plate.SHADOW_PX)
                painter.drawRoundedRect(sheet, design.CARD_RADIUS, design.CARD_RADIUS)
            else:
                pen = self._pen(tokens)
                shadow = not tokens.dark
                plate.paint(painter, self.rect(), plate.Plate(ground.rgba(), pen.color().rgba(), pen.widthF(), shadow))

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """The mouse came."""
        super().enterEvent(event)
        self._hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """The mouse went."""
        super().leaveEvent(event)
        self._hovered = False
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.set_ringed(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """The keyboard is elsewhere."""
        super().focusOutEvent(event)
        self.set_ringed(False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click that ends on the card counts."""
        super().mouseReleaseEvent(event)
        if (
            self._clickable
            and event.button() == Qt.MouseButton.LeftButton
            and self.rect().contains(event.position().toPoint())
        ):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter and Space press the card."""
        if self._clickable and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.clicked.emit()
            return
        super().keyPressEvent(event)

    def _ground(self, tokens: design.Tokens) -> QColor:
        if self._checked:
            return tokens.colour("accent_tint")
        if self._dashed:
            return tokens.colour("field") if self._hovered and self._clickable else QColor(0, 0, 0, 0)
        return tokens.colour("card")

    def _pen(self, tokens: design.Tokens) -> QPen:
        if self._ring:
            return QPen(tokens.colour("accent"), 2.0)
        if self._checked:
            return QPen(QColor(self._accent) if self._accent else tokens.colour("accent"), 1.2)
        strong = self._dashed or (self._hovered and self._clickable)
        pen = QPen(tokens.colour("line_strong" if strong else "line"), 1.0)
        if self._dashed:
            pen.setStyle(Qt.PenStyle.DashLine)
        return pen


def choice_card(title: str, sentence: str, *, name: str, tag: str = "", accent: str = "") -> Card:
    """A choice: a plain title, one sentence and a tag. Connect `clicked`, then call `set_checked`."""
    card = Card(name=name, clickable=True, padding=14, accent=accent)
    card.setAccessibleName(f"{title}. {sentence}")
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(Label(title, role="title"))
    if tag:
        row.addWidget(Chip(tag, level="accent"))
    row.addStretch(1)
    card.body.setSpacing(4)
    card.body.addLayout(row)
    card.body.addWidget(Label(sentence, role="muted", wrap=True))
    return card


def separator() -> QFrame:
    """A one-pixel line between rows of a card."""
    line = QFrame()
    line.setProperty("role", "line")
    return line
