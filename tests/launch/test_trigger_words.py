"""Remarks on trigger words: common ones, shared ones, the class word itself; made-up ones pass in silence."""

from __future__ import annotations

import pytest

from engines.launch.trigger_words import remarks


@pytest.mark.parametrize("word", ["tobi", "sks", "ohwx", "tealbear", "zumo", "", "犬太郎"])
def test_made_up_words_pass(word: str) -> None:
    assert remarks(word, "bear", [("Other", "quibo")]) == ()


@pytest.mark.parametrize("word", ["dog", " Robert ", "my cat"])
def test_words_the_base_knows_are_named(word: str) -> None:
    (said,) = remarks(word, "bear", [])
    assert "ordinary word" in said


def test_a_word_of_two_subjects_is_told_with_the_others_name() -> None:
    said = remarks("Zumo", "car", [("Red car", "zumo "), ("Blue car", "quibo"), ("Empty", "")])
    assert len(said) == 1
    assert "Red car" in said[0]


def test_the_class_word_as_trigger() -> None:
    (said,) = remarks("bear", "Bear", [])
    assert "every bear" in said
