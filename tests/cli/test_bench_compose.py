"""The composing bench looks honestly: groups whose slots never meet, windows where things stand, and a detector that reads rendered scenes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engines.bench import _detector
from engines.bench.compose import PAIRS, SLOTS, TRIPLES, WAYS, Way, composition, drawn, slots_of
from engines.bench.merge import ways
from engines.core.devices import pick
from engines.diffusion.composers import registry
from engines.diffusion.encoders import open_encoder
from engines.diffusion.presets import preset
from engines.launch.composing import misfit
from engines.launch.lanes import capacity
from engines.starter.subjects import SUBJECTS

_NARROWEST = 96
"""Inputs of the starter's narrowest attention layer."""


def test_groups_are_different_and_their_slots_never_meet() -> None:
    slots = slots_of(SUBJECTS)
    assert max(slots.values()) == SLOTS <= capacity(_NARROWEST, int(preset("mergeable").method["rank"]))
    for size, count in ((2, PAIRS), (3, TRIPLES)):
        groups = drawn(SUBJECTS, size, count)
        assert len(set(groups)) == count
        assert groups == drawn(SUBJECTS, size, count)
        assert all(len({slots[one.ident] for one in group}) == size for group in groups)


def test_every_way_is_there_and_gets_what_it_needs(tmp_path: Path) -> None:
    assert {way.strategy for way in WAYS} == {name for name, _ in registry().items()}
    assert {way.taught for way in WAYS if way.taught} <= {way.title for way in ways()}
    pair = SUBJECTS[:2]
    files = {(way.taught, one.ident): tmp_path / "a.safetensors" for way in WAYS for one in pair}
    for way in WAYS:
        wanted = composition(pair, way, files, tmp_path)
        assert misfit(registry().get(way.strategy).needs, wanted) == ""
        assert wanted.prompt == "a tobi bear and a quibo duck on the grass"
    shown = composition(pair, Way("", "", "free_custom"), {}, tmp_path).concepts[0]
    cutout = Image.open(shown.cutout)
    assert {value for _, value in cutout.getcolors()} == {0, 255}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_windows_lie_side_by_side_inside_the_picture(count: int) -> None:
    picture = Image.new("RGB", (128, 128))
    picture.putdata([(x, y, 0) for y in range(128) for x in range(128)])
    found = _detector.windows(picture, count)
    lefts = [crop.getpixel((0, 0))[0] for crop in found]
    assert lefts == sorted(set(lefts))
    assert len(found) == count
    assert found[-1].getpixel((found[-1].width - 1, 0))[0] <= 127
    assert count == 1 or (lefts[0] == 0 and found[-1].getpixel((found[-1].width - 1, 0))[0] == 127)


def test_the_detector_reads_rendered_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_detector, "KIN", 0)
    monkeypatch.setattr(_detector, "VIEWS", 2)
    detector = _detector.Detector(open_encoder(pick("cpu")), SUBJECTS[:3], 2)
    things, scenes = detector.accuracy(3)
    assert things > 0.6
    assert scenes <= things
