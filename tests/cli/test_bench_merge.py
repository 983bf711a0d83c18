"""The merging bench teaches what it promises: different triples, and slots that never meet, however few a small model has."""

from __future__ import annotations

from engines.bench.merge import draw_triples, slots_for, ways
from engines.diffusion.presets import preset
from engines.launch.lanes import capacity
from engines.starter.subjects import SUBJECTS

_NARROWEST = 96
"""Inputs of the starter's narrowest attention layer."""


def test_triples_are_different_and_always_the_same() -> None:
    triples = draw_triples(SUBJECTS, 3)
    assert triples == draw_triples(SUBJECTS, 3)
    assert len({tuple(one.ident for one in triple) for triple in triples}) == 3
    assert all(len({one.ident for one in triple}) == 3 for triple in triples)


def test_subjects_that_are_added_up_have_slots_of_their_own_and_there_are_enough() -> None:
    triples = draw_triples(SUBJECTS, 3)
    slots = slots_for(SUBJECTS, triples)
    assert slots.keys() == {one.ident for one in SUBJECTS}
    for triple in triples:
        assert len({slots[one.ident] for one in triple}) == 3
    rank = int(preset("mergeable").method["rank"])
    assert max(slots.values()) <= capacity(_NARROWEST, rank)


def test_what_ships_is_measured() -> None:
    measured = {way.title: way for way in ways()}
    for name in ("mergeable", "composable"):
        shipped = preset(name)
        assert measured[shipped.title].method == shipped.method_name
        assert dict(measured[shipped.title].settings) == dict(shipped.method)
