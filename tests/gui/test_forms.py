"""Forms drawn from settings: every kind of field, values back exactly, errors in words, the wheel ignored."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QSpinBox, QWidget

from engines.api.recipe import Recipe
from engines.api.settings import Settings, setting
from gui.forms.form import SettingsForm
from gui.forms.number import parse_number, show_number
from gui.forms.row import FieldRow
from gui.forms.spec import parse


class Inner(Settings):
    """Deeper things.

    With a second paragraph.
    """

    rate: float = setting(1e-4, "Rate", gt=0.0, le=1.0)
    share: float = setting(0.1, "Share", ge=0.0, le=1.0, help="How much of it.")
    words: tuple[str, ...] = setting((), "Words")
    speed: float = setting(0.0, "Speed", ge=0.0, le=1.0, zero="automatic")


class Everything(Settings):
    """All kinds."""

    count: int = setting(300, "Count", ge=1, le=1000, unit="steps")
    size: int = setting(0, "Size", ge=0, le=2048, unit="px", zero="its own")
    few: int = setting(2, "Few", ge=0, le=8)
    on: bool = setting(True, "On")
    mode: Literal["one", "two"] = setting("one", "Mode", choices={"one": "The first"}, advanced=True)
    name: str = setting("", "Name")
    maybe: int | None = setting(None, "Maybe", ge=1, advanced=True)
    odd: dict[str, int] = setting({"a": 1}, "Odd")
    inner: Inner = Inner()


def show_everything(form: SettingsForm) -> None:
    form.set_advanced(advanced=True)
    for spec in form.specs:
        form.row(*spec.path)


@pytest.fixture
def form(qtbot):
    made = SettingsForm(Everything.model_json_schema(), name="form")
    qtbot.addWidget(made)
    made.show()
    return made


def test_defaults_come_back_as_the_model_has_them(form):
    assert Everything.model_validate(form.values()) == Everything()
    assert form.changes() == 0
    assert form.problems() == {}


def test_recipe_round_trips_with_every_setting_changed(qtbot):
    recipe = Recipe.model_validate(
        {
            "data": {
                "resolution": 768,
                "buckets": False,
                "flip": True,
                "unmasked_weight": 0.123456789,
                "caption_dropout": 0.0051,
            },
            "objective": {"class_pictures": 33, "min_snr_gamma": 1 / 3, "noise_offset": 1e-7},
            "loop": {
                "steps": 12345,
                "learning_rate": 3.3e-5,
                "schedule": "linear",
                "seed": 2**31 - 1,
                "precision": "bf16",
            },
            "samples": {"prompts": ["a [trigger] dog, <b>bold</b>", "ünïcode 🐕"], "every": 7, "guidance": 7.1},
        }
    )
    form = SettingsForm(Recipe.model_json_schema(), name="recipe")
    qtbot.addWidget(form)
    form.set_values(recipe.model_dump())
    assert Recipe.model_validate(form.values()) == recipe
    assert form.changes() > 0
    form.set_values(Recipe().model_dump())
    assert Recipe.model_validate(form.values()) == Recipe()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_equal(value):
    assert parse_number(show_number(value)) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("0,5", 0.5), (" 3 ", 3.0), ("abc", None), ("inf", None), ("1_0", None)]
)
def test_numbers_are_understood_as_people_write_them(text, value):
    assert parse_number(text) == value


def test_a_wrong_number_is_explained_at_the_field_and_not_handed_out(form, qtbot):
    row = form.row("inner", "rate")
    row.editor.widget().setText("5")
    assert "up to 1" in row.problem.text()
    assert row.problem.isVisibleTo(form)
    assert row.editor.widget().property("wrong") is True
    assert form.values()["inner"]["rate"] == 1e-4
    assert list(form.problems()) == ["Rate"]
    row.editor.widget().setText("2e-3")
    assert form.problems() == {}
    assert form.values()["inner"]["rate"] == 2e-3


def test_a_number_out_of_bounds_can_be_typed_and_is_explained(form, qtbot):
    row = form.row("count")
    box = row.editor.widget()
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "5000")
    assert row.problem.text() == "1 to 1 000."
    assert form.values()["count"] == 300
    box.stepDown()
    assert box.value() == 1000
    assert form.problems() == {}


def test_nought_is_shown_in_words_and_can_be_typed_over(form, qtbot):
    box = form.row("size").editor.widget()
    assert box.text() == "its own"
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "512")
    assert box.text() == "512 px"
    assert form.values()["size"] == 512
    box.selectAll()
    qtbot.keyClicks(box, "0")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert box.text() == "its own"
    assert form.values()["size"] == 0


def test_nought_in_words_is_a_number_like_any_other(form):
    line = form.row("inner", "speed").editor.widget()
    assert line.text() == "automatic"
    line.setText("1e-3")
    assert form.values()["inner"]["speed"] == 1e-3
    line.setText("Automatic")
    assert form.problems() == {}
    assert form.values()["inner"]["speed"] == 0.0


def test_reset_brings_one_field_back(form, qtbot):
    row = form.row("count")
    row.set_value(77)
    assert row.reset.isVisibleTo(form)
    row.reset.click()
    assert form.values()["count"] == 300
    assert not row.reset.isVisibleTo(form)


def test_the_reference_may_be_a_preset(form):
    form.set_values({"count": 500}, reference={"count": 500})
    assert form.changes() == 0
    form.row("count").set_value(3)
    form.row("count").back()
    assert form.values()["count"] == 500


def wheel(widget: QWidget) -> None:
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_the_wheel_changes_nothing(form):
    before = form.values()
    show_everything(form)
    for kind in (QSpinBox, QComboBox):
        for widget in form.findChildren(kind):
            widget.setFocus()
            wheel(widget)
    wheel(form.findChild(QWidget, "form.few.slider"))
    assert form.values() == before


def test_advanced_settings_show_on_demand_or_when_they_were_changed(form):
    assert not form.row("mode").isVisibleTo(form)
    form.set_advanced(advanced=True)
    assert form.row("mode").isVisibleTo(form)
    form.set_advanced(advanced=False)
    form.set_values({"mode": "two"})
    assert form.row("mode").isVisibleTo(form)


def test_the_advanced_face_is_built_a_little_at_a_time_and_in_order(qtbot):
    form = SettingsForm(Recipe.model_json_schema(), name="recipe")
    qtbot.addWidget(form)
    form.show()
    simple = len(form.findChildren(FieldRow))
    assert simple == sum(not spec.advanced for spec in form.specs)
    form.set_advanced(advanced=True)
    assert len(form.findChildren(FieldRow)) < len(form.specs)
    qtbot.waitUntil(lambda: len(form.findChildren(FieldRow)) == len(form.specs))
    rows = sorted(form.findChildren(FieldRow), key=lambda row: row.mapTo(form, QPoint()).y())
    assert [row.spec.path for row in rows] == [spec.path for spec in form.specs]
    assert all(row.isVisibleTo(form) for row in rows)


def test_settings_that_were_never_shown_keep_what_they_were_given(qtbot):
    form = SettingsForm(Recipe.model_json_schema(), name="recipe")
    qtbot.addWidget(form)
    hidden = next(spec for spec in form.specs if spec.path == ("loop", "seed"))
    assert hidden.advanced
    assert not any(row.spec is hidden for row in form.findChildren(FieldRow))
    form.set_values({"loop": {"seed": 41}}, reference={"loop": {"seed": 41}})
    assert form.values()["loop"]["seed"] == 41
    assert form.changes() == 0
    form.set_values({"loop": {"seed": 42}})
    assert form.changes() == 1
    form.row("loop", "seed").back()
    assert form.values()["loop"]["seed"] == 41


def test_choices_are_in_words_and_an_unknown_one_is_kept_and_named(form):
    row = form.row("mode")
    assert row.editor.widget().currentText() == "The first"
    form.set_values({"mode": "seven"})
    assert row.problem.text()
    assert form.values()["mode"] == "seven"


def test_what_no_field_can_show_keeps_its_value(form):
    form.set_values({"odd": {"b": 2}, "maybe": None})
    assert form.values()["odd"] == {"b": 2}
    form.set_values({"maybe": 4})
    assert form.values()["maybe"] == 4
    form.row("maybe").editor.widget().setText("")
    assert form.values()["maybe"] is None


def test_slider_and_figure_agree(form):
    row = form.row("inner", "share")
    slider = form.findChild(QWidget, "form.inner.share.slider")
    slider.setValue(37)
    assert form.values()["inner"]["share"] == 0.37
    row.set_value(0.123456)
    assert slider.value() == 12
    assert form.values()["inner"]["share"] == 0.123456


def test_every_field_can_be_found_and_read_aloud(form):
    show_everything(form)
    for spec in form.specs:
        widget = form.findChild(QWidget, f"form.{spec.name}")
        assert widget is not None
        assert spec.label in widget.accessibleName()


def test_headings_come_from_the_group_in_words():
    assert {spec.heading for spec in parse(Everything.model_json_schema())} == {"", "Deeper things"}


def test_changes_are_announced_once_a_change(form, qtbot):
    heard: list[int] = []
    form.changed.connect(lambda: heard.append(1))
    form.row("on").editor.widget().click()
    assert len(heard) == 1
    form.set_values({"count": 4, "on": True})
    assert len(heard) == 2
