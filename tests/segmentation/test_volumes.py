"""Volumes: the encoder looks from slice to slice where it shall, an object is followed as far as it goes, and masks lie over their voxels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engines.api.errors import AdapterError, SettingsError
from engines.api.segment_job import Scene, SceneObject
from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.segmentation.batches import Showing
from engines.segmentation.lesson import classes_followed
from engines.segmentation.scenes import SceneShelf
from engines.segmentation.segmenters import open_segmenter
from engines.segmentation.tuners import tuner_of
from engines.segmentation.views import PLAIN
from engines.segmentation.volumes import VolumeSession, dice, middle_of
from projects.project import Project
from projects.regions.mask import Mask
from tests.segmentation.support import cpu, open_tiny, pixels, stir, write_adapter, write_tiny

DEPTH, SIDE = 9, 64


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


def ball() -> tuple[np.ndarray, np.ndarray]:
    """A bright ball in dark slices, and where it is; it is in neither the first slice nor the last two."""
    z, y, x = np.ogrid[:DEPTH, :SIDE, :SIDE]
    inside = ((z - 3.5) * 6) ** 2 + (y - 30) ** 2 + (x - 36) ** 2 < 17**2
    noise = np.random.default_rng(0).normal(scale=4.0, size=inside.shape)
    return (np.where(inside, 200, 40) + noise).clip(0, 255).astype(np.uint8), inside


def scenes(root: Path) -> list[Scene]:
    """The ball's slices, shuffled, and a picture by itself."""
    slices, inside = ball()
    (root / "images").mkdir()
    found = []
    for depth in (4, 2, 8, 0, 1, 7, 3, 5, 6):
        Image.fromarray(slices[depth]).save(root / "images" / f"{depth}.png")
        mask = inside[depth]
        objects = (SceneObject(label=0, counts=Mask.of(mask).text),) if mask.any() else ()
        found.append(
            Scene(file=f"images/{depth}.png", width=SIDE, height=SIDE, objects=objects, volume="ball", depth=depth)
        )
    alone = Scene(file="images/4.png", width=SIDE, height=SIDE, objects=found[0].objects)
    return [*found, alone]


def quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_the_encoder_looks_at_neighbours_only(tiny: Path) -> None:
    model = open_tiny(tiny)
    tuning: Any = tuner_of("3dsam-adapter", {"reach": 1}).attach(model)
    stir(tuning)
    first, second = pixels(3, seed=1), pixels(3, seed=2)
    with torch.no_grad():
        alone = model.encode(first)
        looked = model.encode(torch.cat([first, second]), together=3)
        by_itself = model.encode(first, together=3)
        other = model.encode(torch.cat([first[:2], second[:1]]), together=3)
        state = tuning.state()
        name = "image_encoder.depth.places"
        tuning.load_state({**state, name: torch.zeros_like(state[name])})
        plain = model.encode(first[:1])
        same = model.encode(first[:1].repeat(3, 1, 1, 1), together=3)
    assert not torch.allclose(looked[1], alone[1], atol=1e-3)
    assert not torch.allclose(looked[1], other[1], atol=1e-3)
    # Other volumes beside it change nothing, and a slice by itself is one of a volume of its like.
    torch.testing.assert_close(looked[:3], by_itself, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(same[1], plain[0], rtol=1e-3, atol=1e-4)


def test_neighbours_are_those_of_the_volume(tiny: Path, tmp_path: Path) -> None:
    shelf = SceneShelf(open_tiny(tiny), tmp_path, scenes(tmp_path), cpu().torch_device)
    depths = [[shelf.scenes[near].depth for near in shelf.around(number, 2)] for number in (0, 2, 3)]
    assert depths == [[2, 3, 4, 5, 6], [6, 7, 8, 8, 8], [0, 0, 0, 1, 2]]
    assert shelf.around(9, 1) == [9, 9, 9]
    embeddings = shelf.encoded([(0, PLAIN), (9, PLAIN)], 1)
    assert embeddings.shape == (2, 32, 8, 8)
    torch.testing.assert_close(embeddings[0], embeddings[1])  # the plain model looks at no neighbours


def test_what_is_followed_comes_from_the_neighbour(tiny: Path, tmp_path: Path) -> None:
    shelf = SceneShelf(open_tiny(tiny), tmp_path, scenes(tmp_path), cpu().torch_device)
    place = {scene.depth: number for number, scene in enumerate(shelf.scenes[:9])}
    lonely = [Showing(9, PLAIN, ()), Showing(place[8], PLAIN, ())]
    assert classes_followed(shelf, lonely, 1) is None  # no neighbour, or nothing in it
    ends = set()
    for _ in range(8):
        found = classes_followed(shelf, [*lonely, Showing(place[0], PLAIN, ()), Showing(place[4], PLAIN, ())], 1)
        if found is not None:
            asked, before = found
            assert len(asked.truth) == len(before)
            assert bool((before.amax(dim=(1, 2)) > 0.5).all())
            ends |= {float(one.sum()) > 0 for one in asked.truth}
    assert ends == {False, True}  # it is also told where the object has ended


def test_one_click_is_followed_through_the_volume() -> None:
    slices, inside = ball()
    session = VolumeSession(open_segmenter("starter", cpu()), slices)
    found = session.follow(middle_of(inside), quiet)
    assert middle_of(inside)[2] in {3.0, 4.0}
    assert found.shape == inside.shape
    assert dice(found, inside) > 0.8
    assert dice(found[2:6], inside[2:6]) > 0.9
    with pytest.raises(SettingsError, match="64 columns, 64 rows and 9 slices"):
        session.follow((10.0, 10.0, 9.0), quiet)
    with pytest.raises(AdapterError, match="without being asked"):
        session.classes(quiet)
    assert dice(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)) == 1.0
    assert dice(inside, ~inside) == 0.0


def test_masks_of_a_volume_are_written_over_its_voxels(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nibabel: Any = pytest.importorskip("nibabel")
    slices, inside = ball()
    affine = np.diag([0.7, 0.7, 3.0, 1.0])
    for name, values in (("scan", slices), ("truth", inside.astype(np.uint8))):
        nibabel.save(nibabel.Nifti1Image(values.transpose(2, 1, 0), affine), tmp_path / f"{name}.nii.gz")
    words = ["segment", "volume", str(tmp_path / "scan.nii.gz"), "--truth", str(tmp_path / "truth.nii.gz"), "--json"]
    assert main([*words, "--click", "36,30,4", "--out", str(tmp_path / "out.nii.gz")]) == FINE
    (row,) = json.loads(capsys.readouterr().out)["found"]
    back = nibabel.load(tmp_path / "out.nii.gz")
    labels = np.asarray(back.dataobj).transpose(2, 1, 0)
    np.testing.assert_allclose(back.affine, affine, rtol=1e-6)
    assert row["dice"] == pytest.approx(dice(labels == 1, inside))
    assert row["dice"] > 0.8
    assert row["voxels"] == int((labels == 1).sum())
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", "3dsam-adapter")
    named = [*words, "--adapter", str(adapter), "--base", str(tiny)]
    assert main([*named, "--out", str(tmp_path / "named.nii")]) == FINE
    assert [one["label"] for one in json.loads(capsys.readouterr().out)["found"]] == ["leaf", "a bird"]
    for more, said in (
        (["--out", str(tmp_path / "out.nii.gz"), "--click", "1,2,3"], "not overwritten"),
        (["--out", str(tmp_path / "x.png"), "--click", "1,2,3"], "no name"),
        (["--out", str(tmp_path / "x.nii"), "--click", "1,2"], "3 numbers"),
        (["--out", str(tmp_path / "x.nii"), "--window", "5,5"], "window is empty"),
        (["--out", str(tmp_path / "x.nii")], "without being asked"),
    ):
        assert main([*words, *more]) == EXPECTED
        assert said in capsys.readouterr().err
    assert not (tmp_path / "x.nii").exists()


def test_a_volume_comes_into_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engines.launch.segment_plan import plan_adaptation

    slices, inside = ball()
    for folder, values in (("scan", slices), ("marks", inside.astype(np.uint8) * 255)):
        (tmp_path / folder).mkdir()
        for depth, slice_ in enumerate(values):
            Image.fromarray(slice_).save(tmp_path / folder / f"{depth}.png")
    Project.create(tmp_path / "project", "Scans").close()
    words = ["volumes", "import", str(tmp_path / "project"), str(tmp_path / "scan"), "--json"]
    assert main([*words, "--masks", str(tmp_path / "marks"), "--label", "ball"]) == FINE
    told = json.loads(capsys.readouterr().out)
    assert (told["volume"], told["pictures"], told["window"]) == ("scan", DEPTH, [0.0, 255.0])
    with Project.open(tmp_path / "project") as project:
        job, planned = plan_adaptation(project, tuner="3dsam-adapter")
    marked = {scene.depth for scene in planned if scene.objects}
    assert job.classes == ("ball",)
    assert marked == set(np.flatnonzero(inside.any(axis=(1, 2))).tolist())
    assert {scene.volume for scene in planned} == {"scan"}
    assert main([*words[:3], str(tmp_path / "nowhere.nii")]) == EXPECTED
    assert "no file" in capsys.readouterr().err
