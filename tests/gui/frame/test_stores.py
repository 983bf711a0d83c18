"""Preferences and recent projects survive broken files, unknown values and homes that cannot be written to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.preferences import Preferences, Values
from gui.recents import MOST, Recent, Recents, age


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe\x00", b'{"theme": 7}', b'{"theme": "neon", "startup": []}', b"[" * 5000],
    ids=["empty", "half", "a list", "null", "not text", "a number", "unknown", "deep"],
)
def test_broken_preferences_heal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "preferences.json"
    path.write_bytes(content)
    preferences = Preferences(path)
    assert preferences.values == Values()
    preferences.set(theme="dark")
    assert Preferences(path).values == Values(theme="dark")


def test_one_bad_value_does_not_cost_the_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text(json.dumps({"theme": "dark", "startup": "never", "future": True}), encoding="utf-8")
    assert Preferences(path).values == Values(theme="dark")


def test_a_misspelt_preference_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Preferences(tmp_path / "p.json").set(thme="dark")


@pytest.mark.parametrize(
    "content", [b"{}", b"[[]]", b'[{"root": 1}]', b'[{"root": "", "name": "", "opened": 0}]', b"\x00"]
)
def test_broken_recents_heal(tmp_path: Path, qtbot: QtBot, content: bytes) -> None:
    path = tmp_path / "recents.json"
    path.write_bytes(content)
    recents = Recents(path)
    assert recents.items == ()
    recents.seen(Recent("/a", "A", 1.0))
    assert Recents(path).items == (Recent("/a", "A", 1.0),)


def test_recents_are_newest_first_without_doubles_and_bounded(tmp_path: Path, qtbot: QtBot) -> None:
    recents = Recents(tmp_path / "recents.json")
    for number in range(MOST + 5):
        recents.seen(Recent(f"/{number}", str(number), float(number)))
    recents.seen(Recent(f"/{MOST}", "again", 99.0))
    assert [item.name for item in recents.items][:3] == ["again", str(MOST + 4), str(MOST + 3)]
    assert len(recents.items) == MOST
    recents.forget(f"/{MOST}")
    assert "again" not in {item.name for item in Recents(tmp_path / "recents.json").items}


@pytest.mark.skipif(sys.platform == "win32", reason="a file in the place of a folder reads differently there")
def test_a_home_that_cannot_be_written_to_does_not_matter(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "state").write_text("a file in the way", encoding="utf-8")
    recents = Recents(tmp_path / "state" / "recents.json")
    recents.seen(Recent("/a", "A", 1.0))
    assert [item.name for item in recents.items] == ["A"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "just now"),
        (61, "1 minute ago"),
        (300, "5 minutes ago"),
        (3700, "1 hour ago"),
        (86400 + 5, "yesterday"),
        (86400 * 3, "3 days ago"),
        (86400 * 20, "2 weeks ago"),
        (86400 * 100, "3 months ago"),
        (-50, "just now"),
    ],
)
def test_age_in_words(seconds: float, words: str) -> None:
    assert age(1_000_000.0 - seconds, now=1_000_000.0) == words
