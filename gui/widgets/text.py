"""Words on a page: always plain text, never read as markup."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtGui import Qt as QtText
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

Role = str
"""A look from the style sheet: page-title, title, strong, sentence, muted, small, figure, accent, warning, bad, good, key."""


class Label(QLabel):
    """A label in one of the looks of the style sheet."""

    def __init__(
        self,
        text: str = "",
        *,
        role: Role = "",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.setWordWrap(wrap)
        if role:
            self.setProperty("role", role)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )

    def set_role(self, role: Role) -> None:
        """Change the look."""
        self.setProperty("role", role)
        restyle(self)


class ElidedLabel(QLabel):
    """One line that ends in dots where there is no room; the whole text is its tooltip then."""

    def __init__(
        self,
        text: str = "",
        *,
        role: Role = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show another text."""
        super().setText(text.replace("\n", " "))
        self.setAccessibleName(text)
        self._refresh_tip()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Any width will do."""
        return QSize(12, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The tooltip is needed only where the text is cut."""
        super().resizeEvent(event)
        self._refresh_tip()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name
        """Draw what fits."""
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            shown = self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())
            painter.drawText(self.contentsRect(), int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), shown)

    def _refresh_tip(self) -> None:
        cut = self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width() + 1
        set_tip(self, self.text() if cut else "")


def set_tip(widget: QWidget | QAction, words: str) -> None:
    """Give a widget or a command its tooltip. Qt takes words that look like markup for rich text there, so those are escaped."""
    escaped = QtText.convertFromPlainText(words, Qt.WhiteSpaceMode.WhiteSpaceNormal)
    widget.setToolTip(escaped if QtText.mightBeRichText(words) else words)


def restyle(widget: QWidget) -> None:
    """Read the style sheet again for one widget, after one of its properties changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
