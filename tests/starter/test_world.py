"""The clay world tells the truth: pictures are repeatable, and masks, boxes, colours and shadows agree with their pixels."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engines.starter.captions import caption, random_caption
from engines.starter.dataset import SPLITS, Split, load_split, render_split
from engines.starter.materials import colour
from engines.starter.render import render
from engines.starter.samples import references
from engines.starter.sampling import random_scene
from engines.starter.spec import BACKGROUNDS, COLOURS, SHAPES, ObjectSpec, SceneSpec
from engines.starter.subjects import SAMPLE_IDENTS, SUBJECTS, is_held_out, subject


def _single(shape: str, tone: str, background: str = "table") -> SceneSpec:
    scene = random_scene(3, count=1)
    item = ObjectSpec(shape=shape, colour=tone)
    return scene.model_copy(update={"objects": (item,), "background": background})


def test_one_spec_gives_one_picture() -> None:
    spec = random_scene(12)
    again = SceneSpec.model_validate_json(spec.model_dump_json())
    first, second = render(spec), render(again)
    assert np.array_equal(first.picture, second.picture)
    assert np.array_equal(first.labels, second.labels)


def test_another_seed_gives_another_picture() -> None:
    assert not np.array_equal(render(random_scene(1)).picture, render(random_scene(2)).picture)


@pytest.mark.parametrize("size", [48, 64, 128])
def test_any_size_shows_the_same_scene(size: int) -> None:
    made = render(random_scene(5, count=1), size=size)
    assert made.picture.shape == (size, size, 3)
    share = (made.labels == 1).mean()
    reference = (render(random_scene(5, count=1), size=64).labels == 1).mean()
    assert share == pytest.approx(reference, abs=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_seen_whole_and_fills_enough(shape: str) -> None:
    mask = render(_single(shape, "red")).mask(0)
    assert 0.07 < mask.mean() < 0.5
    assert not mask[:, 0].any()
    assert not mask[:, -1].any()


def test_masks_lie_in_their_boxes_and_do_not_overlap() -> None:
    for seed in range(8):
        spec = random_scene(seed, count=2)
        made = render(spec)
        assert set(np.unique(made.labels)) <= {0, 1, 2}
        for index in range(2):
            left, top, right, bottom = made.boxes_xyxy[index]
            mask = made.mask(index)
            assert mask[top:bottom, left:right].sum() == mask.sum() > 0
            assert mask[top].any()
            assert mask[bottom - 1].any()
            assert mask[:, left].any()
            assert mask[:, right - 1].any()


def test_objects_stand_from_left_to_right_as_listed() -> None:
    for seed in range(6):
        (left0, _, right0, _), (left1, _, right1, _) = render(random_scene(seed, count=2)).boxes_xyxy
        assert left0 + right0 < left1 + right1


@pytest.mark.parametrize("tone", COLOURS)
def test_the_mask_holds_the_object_s_colour(tone: str) -> None:
    made = render(_single("ball", tone, "snow" if tone != "white" else "grass"))
    inside = np.median(made.picture[made.mask(0)], axis=0) / 255
    linear = inside**2.2
    direction = linear / np.linalg.norm(linear)
    likeness = {name: float(direction @ (colour(name) / np.linalg.norm(colour(name)))) for name in COLOURS}
    assert likeness[tone] > 0.93


def test_shadow_is_on_the_ground_beside_the_object_and_darker() -> None:
    made = render(_single("ball", "red", "beach"))
    assert made.shadow.any()
    assert not (made.shadow & (made.labels > 0)).any()
    rows = np.flatnonzero(made.shadow.any(axis=1))
    lit = (made.labels == 0) & ~made.shadow
    lit[: rows[0]] = False
    assert made.picture[made.shadow].mean() < made.picture[lit].mean() - 15


def test_backgrounds_look_different() -> None:
    looks = [
        render(_single("ball", "red", place)).picture.astype(float).reshape(-1, 3).mean(axis=0) for place in BACKGROUNDS
    ]
    for index, one in enumerate(looks):
        for other in looks[index + 1 :]:
            assert np.abs(one - other).max() > 8


def test_captions_name_what_is_there() -> None:
    for seed in range(40):
        spec = random_scene(seed)
        words = caption(spec).replace(",", "").split()
        for item in spec.objects:
            assert item.shape in words
            assert item.colour in words
            assert (item.pattern in words) == (item.pattern != "plain")
        assert any(place in caption(spec) for place in (spec.background,))


def test_loose_captions_never_name_what_is_not_there() -> None:
    rng = random.Random(0)
    for seed in range(200):
        spec = random_scene(seed)
        words = set(random_caption(spec, rng).replace(",", "").split())
        assert {item.shape for item in spec.objects} == words & set(SHAPES)
        assert words & set(COLOURS) <= {item.colour for item in spec.objects}


def test_left_and_right_are_told_truly() -> None:
    spec = random_scene(4, count=2)
    first, second = (item.shape for item in spec.objects)
    told = {random_caption(spec, random.Random(seed)) for seed in range(300)}
    leftward, rightward = ([text for text in told if f"to the {side} of" in text] for side in ("left", "right"))
    assert leftward
    assert rightward
    for text in leftward:
        assert text.index(first) < text.index("left") < text.index(second)
    for text in rightward:
        assert text.index(second) < text.index("right") < text.index(first)


def test_subjects_are_many_and_never_in_training() -> None:
    assert len(SUBJECTS) >= 8
    assert len({item.trigger for item in SUBJECTS}) == len(SUBJECTS)
    assert all(is_held_out(item.clay) for item in SUBJECTS)
    for split in SPLITS.values():
        for index in range(0, split.count, 97):
            for item in split.spec(index).objects:
                assert not is_held_out(item)


def test_references_differ_and_are_repeatable() -> None:
    item = subject(SAMPLE_IDENTS[0])
    made = references(item, seed=1, count=8)
    assert len({one.spec.model_dump_json() for one in made}) == 8
    assert len({one.spec.background for one in made}) >= 5
    assert all(f"{item.trigger} {item.class_noun}" in one.caption for one in made)
    again = references(item, seed=1, count=8)
    assert [one.spec for one in again] == [one.spec for one in made]
    assert [one.spec for one in references(item, seed=2, count=8)] != [one.spec for one in made]


def test_a_killed_rendering_goes_on_and_ends_the_same(tmp_path) -> None:  # type: ignore[no-untyped-def]
    split = Split("tiny", 77, 3)
    render_split(split, tmp_path, size=32, workers=1)
    whole = load_split(split, tmp_path)
    shard = next((tmp_path / "tiny").glob("*.npz"))
    shard.unlink()
    shard.with_suffix(".tmp").write_bytes(b"half a shard")
    render_split(split, tmp_path, size=32, workers=1)
    again = load_split(split, tmp_path)
    assert np.array_equal(whole.pictures, again.pictures)
    assert whole.specs == again.specs == tuple(split.spec(index) for index in range(3))
