"""The closed list, and tooltips with words from outside."""

from __future__ import annotations

from PySide6.QtGui import Qt
from pytestqt.qtbot import QtBot

from gui.widgets.choice_box import ChoiceBox
from gui.widgets.text import ElidedLabel, set_tip

LONG = "Lemba the mug, Orthogonal, today at 21:00, four hundred steps"


def test_words_that_do_not_fit_end_in_an_ellipsis_and_are_told_by_the_tooltip(qtbot: QtBot) -> None:
    box = ChoiceBox(name="box", label="Which", letters=6)
    qtbot.addWidget(box)
    box.addItem(LONG)
    box.resize(140, 32)
    box.show()
    assert box.shown_text().endswith("…")
    assert box.toolTip() == LONG
    assert not box.grab().isNull()
    box.resize(900, 32)
    assert box.shown_text() == LONG


def test_the_wheel_does_not_change_what_is_chosen(qtbot: QtBot) -> None:
    box = ChoiceBox(name="box", label="Which")
    qtbot.addWidget(box)
    assert box.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert (box.objectName(), box.accessibleName()) == ("box", "Which")


def test_words_that_look_like_markup_stay_words_in_a_tooltip(qtbot: QtBot) -> None:
    label = ElidedLabel()
    qtbot.addWidget(label)
    set_tip(label, "Trigger word: <img src='file:///somewhere'>")
    assert "<img" not in label.toolTip()
    assert "&lt;img" in label.toolTip()
    set_tip(label, "1 < 2 & 3 > 2")
    assert label.toolTip() == "1 < 2 & 3 > 2"
