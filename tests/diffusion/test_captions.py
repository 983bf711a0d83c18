"""The words that go with pictures: the trigger is put in, and what is held apart from it never names it."""

from __future__ import annotations

import pytest

from engines.api.job import JobConcept
from engines.diffusion.captions import held_captions, without_trigger

TOBI = JobConcept(name="Tobi", trigger="tobi", class_noun="bear")
CAPTIONS = ("a tobi bear on the grass", "Tobi bear at night")


def test_what_is_held_never_names_the_trigger() -> None:
    held = held_captions(CAPTIONS, TOBI)
    assert len(held) == len(set(held)) > 30
    assert not any("tobi" in caption.lower() for caption in held)
    assert "a photo of a bear" in held
    assert without_trigger(CAPTIONS[0], "tobi", "bear") == "a bear on the grass"
    assert "a bear on the grass" in held


def test_a_made_up_word_stands_where_the_trigger_stood() -> None:
    renamed = [
        one for one in held_captions(CAPTIONS, TOBI) if one.endswith(" bear on the grass") and len(one.split()) == 6
    ]
    assert len(renamed) == 1
    assert renamed[0].split()[1] not in {"tobi", "bear"}


def test_the_same_photos_give_the_same_captions() -> None:
    assert held_captions(CAPTIONS, TOBI) == held_captions(CAPTIONS, TOBI)


@pytest.mark.parametrize("noun", ["", "bear"])
def test_a_subject_without_a_trigger_holds_other_things(noun: str) -> None:
    concept = JobConcept(name="Tobi", trigger="", class_noun=noun)
    held = held_captions(["a photo"], concept)
    assert any("house" in caption for caption in held)
    assert all(caption.strip() == caption != "" for caption in held)
