"""The scaffold of a page: margins, header, scrolling, and what an empty page says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui.theme import tokens as design
from gui.widgets.buttons import PrimaryButton
from gui.widgets.mark import Mark
from gui.widgets.text import Label

Margins = tuple[int, int, int, int]
PAGE: Margins = (design.PAGE_MARGIN, design.PAGE_MARGIN - 6, design.PAGE_MARGIN, design.PAGE_MARGIN)
"""Left, top, right and bottom of a page that scrolls as a whole."""
GUTTER: Margins = (0, 0, design.GAP, 0)
"""Of a column of cards within a page, which is wider than its cards by the gap to the next one."""
_BAR_PX = 12


class PageHeader(QWidget):
    """The title of a page, a sentence under it, and its buttons at the right (`buttons` is the row)."""

    def __init__(
        self, title: str, subtitle: str = "", *, buttons: Sequence[QWidget] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(5)
        self._title = Label(title, role="page-title")
        self._subtitle = Label(subtitle, role="muted", wrap=True)
        words.addWidget(self._title)
        words.addWidget(self._subtitle)
        row.addLayout(words, 1)
        # Only now that it has a parent, or it would be shown as a window of its own for a moment.
        self._subtitle.setVisible(bool(subtitle))
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(12)
        for button in buttons:
            self.buttons.addWidget(button)
        row.addLayout(self.buttons)

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title.setText(title)

    def set_subtitle(self, subtitle: str) -> None:
        """Another sentence; empty hides it."""
        self._subtitle.setText(subtitle)
        self._subtitle.setVisible(bool(subtitle))


def columned(page: QWidget, header: QWidget, columns: QHBoxLayout, empty: QWidget) -> QStackedWidget:
    """Lay out a page whose columns scroll by themselves, below a header; the stack returned shows them (0) or what an empty page says (1).

    Columns end one gap further right than the header, where their scroll bars stand (`GUTTER`).
    """
    both = QWidget()
    columns.setContentsMargins(0, 0, 0, 0)
    both.setLayout(columns)
    stack = QStackedWidget()
    stack.addWidget(both)
    stack.addWidget(empty)
    header.setContentsMargins(0, 0, design.GAP, 0)
    column = QVBoxLayout(page)
    column.setContentsMargins(design.PAGE_MARGIN, design.PAGE_MARGIN - 6, design.PAGE_MARGIN - design.GAP, 20)
    column.setSpacing(18)
    column.addWidget(header)
    column.addWidget(stack, 1)
    return stack


class ScrollBody(QScrollArea):
    """A column that scrolls when it must, without moving: its bar comes and goes in the margin at the right. Put things into `column`."""

    def __init__(self, *, margins: Margins = PAGE, spacing: int = design.GAP, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._margins = margins
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        inner = QWidget()
        inner.setObjectName("scrollBody")
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(*margins)
        self.column.setSpacing(spacing)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)  # Qt turns it on for whatever it scrolls
        self.verticalScrollBar().rangeChanged.connect(self._make_room)

    def _make_room(self, _low: int, high: int) -> None:
        left, top, right, bottom = self._margins
        self.column.setContentsMargins(left, top, right - _BAR_PX if high > 0 else right, bottom)


class EmptyState(QWidget):
    """What a page says while there is nothing on it yet: a drawing, what this place is for, and the next step."""

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        *,
        name: str,
        button: str = "",
        on_click: Callable[[], object] | None = None,
        extra: Sequence[QWidget] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(1)
        picture = Mark(icon, 44, ink="accent")
        self._title = Label(title, role="title")
        self._text = Label(text, role="muted", wrap=True)
        self._text.setMaximumWidth(440)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(4)
        column.addWidget(self._title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(_centred(self._text))
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        if button:
            row.addWidget(PrimaryButton(button, name=f"{name}.button", on_click=on_click))
        for widget in extra:
            row.addWidget(widget)
        row.addStretch(1)
        column.addSpacing(8)
        column.addLayout(row)
        column.addStretch(1)

    def set_words(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)


def _centred(widget: QWidget) -> QWidget:
    """A row in which a widget of limited width stands in the middle; an alignment would deny it its height for width."""
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch(1)
    row.addWidget(widget, 1000)
    row.addStretch(1)
    return box
