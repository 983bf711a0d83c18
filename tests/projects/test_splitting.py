"""Splits without leaks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from projects import edits, edits_regions, importing, queries, splitting
from projects.project import Project
from projects.splitting import Shares
from tests.projects.marks import block, region
from tests.projects.pictures import photo, save_photo


def _slices(count: int, seed: int, size: tuple[int, int] = (96, 64)) -> list[Image.Image]:
    """Slices of one body that changes slowly, each with grain of its own."""
    rng = np.random.default_rng(seed)
    ends = [np.asarray(photo(seed * 100 + end, size).convert("L"), dtype=np.float64) for end in range(3)]
    found = []
    for number in range(count):
        place = 2 * number / count
        low = int(place)
        mixed = ends[low] * (1 - place + low) + ends[low + 1] * (place - low)
        found.append(Image.fromarray((mixed + rng.normal(0, 6, mixed.shape)).clip(0, 255).astype(np.uint8)))
    return found


def _bring(project: Project, folder: Path, names: Sequence[str], *, marked: bool = True) -> dict[str, str]:
    """Import these files of `folder` as pictures to segment, marked with one label; name -> id."""
    report = importing.import_paths(project, [folder / name for name in names], None)
    images = {image.original_name: image for image in queries.images_to_segment(project)}
    assert len(report.added) == len(names)
    if marked:
        _mark(project, [images[name].id for name in names], "Thing")
    return {name: images[name].id for name in names}


def _mark(project: Project, image_ids: Sequence[str], name: str) -> None:
    known = {label.name: label.id for label in queries.labels(project)}
    label = known.get(name) or edits_regions.add_label(project, name).ids[0]
    sizes = {image.id: (image.width, image.height) for image in queries.images(project)}
    edits_regions.add_regions(
        project, [region(image_id, label, block(sizes[image_id], 1, 1, 5, 5)) for image_id in image_ids]
    )


def _parts(project: Project) -> dict[str, str | None]:
    return {image.original_name: image.split for image in queries.images_to_segment(project)}


def test_different_pictures_are_dealt_out_by_the_shares(project: Project, source: Path) -> None:
    names = [f"IMG_{number:04}.png" for number in range(20)]
    for seed, name in enumerate(names):
        save_photo(source / name, seed, (96, 64))
    _bring(project, source, names)
    assert edits_regions.split_pictures(project).parts == {"splits"}
    assert Counter(_parts(project).values()) == {"train": 13, "validation": 4, "test": 3}
    assert splitting.leaks(project) == ()
    assert edits_regions.split_pictures(project, again=True).parts == frozenset()


def test_the_outcome_depends_on_the_pictures_only(tmp_path: Path) -> None:
    names = [f"{word}.png" for word in "abcdefghij"]
    for seed, name in enumerate(names):
        save_photo(tmp_path / name, seed, (96, 64))
    outcomes = []
    for number in range(3):
        random.Random(number).shuffle(names)
        with Project.create(tmp_path / f"p{number}", "x") as project:
            _bring(project, tmp_path, names)
            edits_regions.split_pictures(project)
            outcomes.append(_parts(project))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_near_duplicates_stay_together(project: Project, source: Path) -> None:
    names = []
    for seed in range(8):
        picture = photo(seed)
        picture.save(source / f"{seed}a.png")
        picture.resize((300, 225)).save(source / f"{seed}b.jpg", quality=70)
        names += [f"{seed}a.png", f"{seed}b.jpg"]
    _bring(project, source, names)
    edits_regions.split_pictures(project)
    parts = _parts(project)
    assert all(parts[f"{seed}a.png"] == parts[f"{seed}b.jpg"] for seed in range(8))
    assert set(parts.values()) == {"train", "validation", "test"}


def test_slices_of_a_volume_stay_together_by_their_looks(project: Project, source: Path) -> None:
    names = []
    for volume in range(5):
        for number, picture in enumerate(_slices(12, volume)):
            names.append(f"patient{'abcde'[volume]}-{number:03}.png")
            picture.save(source / names[-1])
    _bring(project, source, names)
    edits_regions.split_pictures(project)
    parts = _parts(project)
    for volume in "abcde":
        assert len({part for name, part in parts.items() if name.startswith(f"patient{volume}")}) == 1
    assert set(parts.values()) == {"train", "validation", "test"}


def test_numbered_photos_of_different_things_are_no_series(project: Project, source: Path) -> None:
    names = [f"cat_{number}.png" for number in range(9)]
    for seed, name in enumerate(names):
        save_photo(source / name, 50 + seed, (96, 64))
    _bring(project, source, names)
    edits_regions.split_pictures(project)
    assert set(_parts(project).values()) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    "pattern", ["{}_slice{:02}.png", "{}-z{}.png", "{}.frame_{:04}.png", "{}_frame_{:04}_8bit.png"]
)
def test_names_that_speak_of_slices_and_frames_are_enough(project: Project, source: Path, pattern: str) -> None:
    names = [pattern.format(case, number) for case in "pqrst" for number in range(4)]
    for seed, name in enumerate(names):
        save_photo(source / name, seed, (96, 64))
    _bring(project, source, names)
    edits_regions.split_pictures(project)
    parts = _parts(project)
    for case in "pqrst":
        assert len({part for name, part in parts.items() if name.startswith(case)}) == 1


def test_slices_without_marks_are_the_link_between_others(project: Project, source: Path) -> None:
    names = [f"vol-{number:03}.png" for number in range(24)]
    for name, picture in zip(names, _slices(24, 1), strict=True):
        picture.save(source / name)
    for seed in range(8):
        save_photo(source / f"x{seed}.png", 200 + seed, (96, 64))
    ids = _bring(project, source, names, marked=False)
    _bring(project, source, [f"x{seed}.png" for seed in range(8)])
    _mark(project, [ids[name] for name in names[::8]], "Thing")
    edits_regions.split_pictures(project)
    parts = _parts(project)
    assert len({parts[name] for name in names[::8]}) == 1
    assert all(parts[name] is None for name in names if name not in names[::8])


def test_one_volume_alone_is_cut_into_runs_and_says_so(project: Project, source: Path) -> None:
    names = [f"vol-{number}.png" for number in range(20)]
    for name, picture in zip(names, _slices(20, 4), strict=True):
        picture.save(source / name)
    _bring(project, source, names)
    plan = splitting.plan(project)
    assert any("cut into runs" in remark for remark in plan.remarks)
    edits_regions.split_pictures(project)
    row = [_parts(project)[name] for name in names]
    assert row == ["train"] * 13 + ["validation"] * 4 + ["test"] * 3
    assert len(splitting.leaks(project)) == 1


def test_new_pictures_join_what_they_resemble_and_old_ones_stay(project: Project, source: Path) -> None:
    for seed in range(10):
        save_photo(source / f"{seed}.png", seed)
    _bring(project, source, [f"{seed}.png" for seed in range(10)])
    edits_regions.split_pictures(project)
    before = _parts(project)
    for seed in range(10):
        photo(seed).resize((320, 240)).save(source / f"{seed} copy.jpg", quality=80)
    _bring(project, source, [f"{seed} copy.jpg" for seed in range(10)])
    edits_regions.split_pictures(project)
    after = _parts(project)
    assert {name: after[name] for name in before} == before
    assert all(after[f"{seed} copy.jpg"] == before[f"{seed}.png"] for seed in range(10))


def test_every_label_is_learned(project: Project, source: Path) -> None:
    for seed in range(12):
        save_photo(source / f"{seed}.png", seed, (96, 64))
    ids = _bring(project, source, [f"{seed}.png" for seed in range(12)])
    edits_regions.split_pictures(project)
    parts = _parts(project)
    rare = next(name for name, part in parts.items() if part == "test")
    _mark(project, [ids[rare]], "Rare")
    edits_regions.split_pictures(project, again=True)
    assert _parts(project)[rare] == "train"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, {}),
        (1, {"train": 1}),
        (2, {"train": 1, "validation": 1}),
        (3, {"train": 1, "validation": 1, "test": 1}),
        (5, {"train": 3, "validation": 1, "test": 1}),
    ],
)
def test_few_pictures(project: Project, source: Path, count: int, expected: dict[str, int]) -> None:
    for seed in range(count):
        save_photo(source / f"{seed}.png", seed, (96, 64))
    _bring(project, source, [f"{seed}.png" for seed in range(count)])
    edits_regions.split_pictures(project)
    assert Counter(_parts(project).values()) == expected


def test_shares_may_leave_a_part_out(project: Project, source: Path) -> None:
    for seed in range(10):
        save_photo(source / f"{seed}.png", seed, (96, 64))
    _bring(project, source, [f"{seed}.png" for seed in range(10)])
    edits_regions.split_pictures(project, shares=Shares(0.8, 0.2, 0))
    assert Counter(_parts(project).values()) == {"train": 8, "validation": 2}
    assert splitting.plan(project, shares=Shares(0.8, 0.2, 0)).remarks == ()


def test_a_group_torn_apart_by_hand_is_told(project: Project, source: Path) -> None:
    for seed in range(6):
        photo(seed).save(source / f"{seed}a.png")
        photo(seed).resize((200, 150)).save(source / f"{seed}b.png")
    ids = _bring(project, source, [f"{seed}{side}.png" for seed in range(6) for side in "ab"])
    edits_regions.set_split(project, [ids["0a.png"]], "test")
    edits_regions.set_split(project, [ids["0b.png"]], "train")
    edits_regions.split_pictures(project)
    assert [set(group) for group in splitting.leaks(project)] == [{ids["0a.png"], ids["0b.png"]}]


def test_removed_pictures_play_no_part(project: Project, source: Path) -> None:
    for seed in range(6):
        save_photo(source / f"{seed}.png", seed, (96, 64))
    ids = _bring(project, source, [f"{seed}.png" for seed in range(6)])
    edits.remove_images(project, list(ids.values())[:2])
    assert set(splitting.plan(project).chosen) == set(list(ids.values())[2:])
