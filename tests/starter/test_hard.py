"""The hard domains: repeatable pictures with true masks, thin things thin, camouflage hidden, and stacks that hold together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.api.errors import UserError
from engines.starter import hard
from engines.starter.render import render
from engines.starter.sampling import crowd, random_scene
from engines.starter.shapes import parts_of
from engines.starter.spec import THIN, ObjectSpec


@pytest.mark.parametrize("domain", hard.DOMAINS)
def test_a_sample_is_a_picture_and_a_mask_and_repeatable(domain: str) -> None:
    picture, mask = hard.sample(domain, 3, size=96)
    assert (picture.shape, picture.dtype) == ((96, 96, 3), np.uint8)
    assert (mask.shape, mask.dtype) == ((96, 96), np.bool_)
    assert 0.01 < mask.mean() < 0.46
    again, same = hard.sample(domain, 3, size=96)
    assert np.array_equal(picture, again)
    assert np.array_equal(mask, same)
    assert not np.array_equal(picture, hard.sample(domain, 4, size=96)[0])


@pytest.mark.parametrize("domain", hard.DOMAINS)
def test_small_samples_are_never_empty(domain: str) -> None:
    assert all(hard.sample(domain, seed, size=48)[1].any() for seed in range(20, 25))


def test_camouflage_hides_an_object() -> None:
    scene = random_scene(3, count=1).model_copy(update={"background": "grass"})
    seen = []
    for share in (0.0, 0.97):
        items = tuple(item.model_copy(update={"colour": "red", "camouflage": share}) for item in scene.objects)
        made = render(scene.model_copy(update={"objects": items}))
        ground = (made.labels == 0) & ~made.shadow
        ground[:40] = False
        seen.append(np.abs(made.picture[made.mask(0)].mean(axis=0) - made.picture[ground].mean(axis=0)).max())
    assert seen[1] < 0.4 * seen[0]


def test_shadows_are_darker_than_the_ground_around_them() -> None:
    gaps = []
    for seed in range(4):
        picture, mask = hard.sample("shadows", seed, size=96)
        near = np.zeros_like(mask)
        for shift in ((6, 0), (-6, 0), (0, 6), (0, -6)):
            near |= np.roll(mask, shift, axis=(0, 1))
        gaps.append(picture[near & ~mask].mean() - picture[mask].mean())
    assert np.median(gaps) > 10


@pytest.mark.parametrize("shape", THIN)
def test_things_of_wire_are_thin(shape: str) -> None:
    scene = random_scene(3, count=1)
    made = render(scene.model_copy(update={"objects": (ObjectSpec(shape=shape, colour="red"),)}), size=128)
    mask = made.mask(0)
    core = mask
    for _ in range(4):
        core = core & np.all([np.roll(core, step, axis=axis) for axis in (0, 1) for step in (-1, 1)], axis=0)
    assert 0.01 < mask.mean() < 0.2
    assert core.sum() < 0.03 * mask.sum()


def test_the_toy_in_a_scan_is_hardly_brighter() -> None:
    for seed in range(4):
        picture, mask = hard.sample("scan", seed)
        grey = picture[..., 0].astype(float)
        lump = grey[60:100, 40:120]
        assert np.array_equal(picture[..., 0], picture[..., 2])
        assert 0 < grey[mask].mean() - np.median(lump) < 2.5 * lump.std()


def test_a_volume_is_one_toy_through_all_slices() -> None:
    slices, masks = hard.volume(5, slices=12, size=64)
    assert slices.shape == masks.shape == (12, 64, 64)
    inside = np.flatnonzero(masks.any(axis=(1, 2)))
    assert len(inside) >= 4
    assert np.array_equal(inside, np.arange(inside[0], inside[-1] + 1))
    for first, second in pairwise(inside):
        assert (masks[first] & masks[second]).any()
    assert np.array_equal(slices, hard.volume(5, slices=12, size=64)[0])


@pytest.mark.parametrize(("domain", "count"), [("scan", 2), ("volumes", 16)])
def test_samples_are_written_as_pictures_and_masks(tmp_path: Path, domain: str, count: int) -> None:
    hard.write_samples(tmp_path, domain, range(2 if domain == "scan" else 1), size=48)
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert len(names) == count
    assert names == sorted(path.name for path in (tmp_path / "masks").iterdir())
    assert set(np.unique(np.asarray(Image.open(tmp_path / "masks" / names[count // 2])))) == {0, 255}


def test_an_unknown_domain_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="camouflage, shadows, thin, scan, volumes"):
        hard.write_samples(tmp_path, "fog", range(1))


def test_parts_cover_their_object_and_nothing_else() -> None:
    for seed in range(6):
        spec = crowd(seed, fancy_share=1.0)
        made = render(spec, size=96)
        assert np.array_equal(made.parts > 0, made.labels > 0)
        for index, item in enumerate(spec.objects):
            assert made.parts[made.mask(index)].max(initial=0) <= len(parts_of(item))


def test_a_part_is_where_its_paint_is() -> None:
    scene = random_scene(3, count=1)
    made = render(scene.model_copy(update={"objects": (ObjectSpec(shape="tree", colour="white"),)}), size=96)
    crown, trunk = (made.picture[made.parts == number].mean(axis=0) for number in (1, 2))
    assert crown.min() > trunk.max() + 40
