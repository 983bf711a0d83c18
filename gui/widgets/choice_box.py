"""A closed list to choose from: words that do not fit are shortened with an ellipsis and told whole by the tooltip, and the wheel scrolls the page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox

from gui.forms.quiet import quiet_wheel
from gui.widgets.text import set_tip


class ChoiceBox(QComboBox):
    """`letters` is how many it shows at least, whatever it holds; 0 makes room for the longest."""

    def __init__(self, *, name: str, label: str, letters: int = 0) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(label)
        if letters:
            self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            self.setMinimumContentsLength(letters)
        self.currentTextChanged.connect(lambda words: set_tip(self, words))
        quiet_wheel(self)

    def shown_text(self) -> str:
        """The words of the chosen entry as they are drawn."""
        return self._drawn().currentText

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """As the style does it, with the words shortened to the room there is."""
        option = self._drawn()
        with QPainter(self) as painter:
            self.style().drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option, painter, self)
            self.style().drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option, painter, self)

    def _drawn(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width()
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        return option
