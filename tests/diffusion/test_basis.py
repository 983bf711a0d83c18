"""The shared basis: orthonormal in every width, the same for ever, and divided without overlap."""

from __future__ import annotations

import hashlib

import pytest
import torch

from engines.diffusion.basis import directions
from engines.launch.lanes import Lane, capacity, free_slot, lane, slot_of


@pytest.mark.parametrize("width", [96, 192, 320, 768])
def test_all_directions_of_a_width_are_orthonormal(width: int) -> None:
    rows = directions(width, Lane(0, width))
    assert torch.allclose(rows @ rows.T, torch.eye(width, dtype=torch.float64), atol=1e-12)


def test_the_basis_is_the_published_one() -> None:
    """A changed digit here would make adapters of different years meet."""
    rows = torch.cat([directions(width, Lane(0, width)).flatten() for width in (32, 320)])
    digest = hashlib.sha256((rows * 1e6).round().to(torch.int64).numpy().astype("<i8").tobytes()).hexdigest()
    assert digest == "fea2b7bdb6df2f5834610722ef9c3edc1fd84d6842ec83831ab26abd92b40679"


def test_directions_depend_on_their_number_alone() -> None:
    whole = directions(320, Lane(0, 320))
    assert torch.equal(directions(320, Lane(40, 8)), whole[40:48])


def test_directions_look_like_noise() -> None:
    """No input is favoured: the largest entry stays near that of an even spread."""
    rows = directions(768, Lane(100, 64)).abs()
    assert float(rows.max()) <= (2 / 768) ** 0.5 + 1e-9
    signs = directions(768, Lane(0, 768)).sign()
    assert abs(float(signs.mean())) < 0.02


@pytest.mark.parametrize("outside", [Lane(-1, 4), Lane(30, 4), Lane(0, 0)])
def test_a_width_has_only_so_many_directions(outside: Lane) -> None:
    with pytest.raises(ValueError, match="no directions"):
        directions(32, outside)


def test_slots_of_one_rank_never_meet() -> None:
    lanes = [lane(slot, 8) for slot in range(1, capacity(96, 8) + 1)]
    assert len(lanes) == 12
    assert not any(one.overlaps(other) for one in lanes for other in lanes if one is not other)
    assert lanes[-1].end == 96


def test_a_free_slot_avoids_lanes_of_any_rank() -> None:
    assert free_slot([], width=96, rank=8) == 1
    assert free_slot([lane(1, 16)], width=96, rank=8) == 3
    assert free_slot([lane(2, 8)], width=96, rank=16) == 2
    assert free_slot([Lane(0, 96)], width=96, rank=1) is None


def test_a_word_finds_its_slot_again() -> None:
    slots = {word: slot_of(word, width=320, rank=8) for word in ("tobi", "quibo", "zumo")}
    assert slots == {word: slot_of(f" {word.upper()} ", width=320, rank=8) for word in slots}
    assert all(1 <= slot <= 40 for slot in slots.values())
    assert len(set(slots.values())) > 1
