"""Volumes come in slice by slice, stay together, and go back over their voxels; what is no volume is refused in words before it costs memory."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from projects import edits_regions, queries
from projects.errors import ImportFailure
from projects.project import Project
from projects.splitting import leaks
from projects.volumes.importing import class_numbers, import_volume, places
from projects.volumes.reading import Volume, Window, read_volume
from projects.volumes.writing import write_labels

DEPTH, HEIGHT, WIDTH = 5, 24, 40


def values(seed: int = 0) -> np.ndarray:
    """Voxels (i, j, k) of a scan: smooth, and different in every slice."""
    coarse = np.random.default_rng(seed).normal(size=(WIDTH // 8, HEIGHT // 8, DEPTH)) * 300
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.int16)


def nifti(file: Path, voxels: np.ndarray, *, zooms: tuple[float, ...] = (0.5, 0.5, 3.0), slope: float = 1.0) -> Path:
    nibabel: Any = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(voxels, np.diag([*zooms[:3], 1.0]))
    if slope != 1.0:
        image.header.set_slope_inter(slope, -1000.0)
    nibabel.save(image, file)
    return file


def slices(folder: Path, voxels: np.ndarray) -> Path:
    folder.mkdir()
    for number in range(voxels.shape[2]):
        shades = Window(-600, 600).greys(voxels[:, :, number].T)
        Image.fromarray(shades).save(folder / f"{number + 1}.png")  # 10.png comes after 9.png
    return folder


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_voxels_become_the_pictures_that_viewers_show(tmp_path: Path, name: str) -> None:
    voxels = values()
    volume = read_volume(nifti(tmp_path / name, voxels))
    assert (volume.name, volume.axis, volume.voxels.shape) == ("scan", 2, (DEPTH, HEIGHT, WIDTH))
    assert volume.spacing == (3.0, 0.5, 0.5)
    assert volume.voxels[3, 7, 21] == voxels[21, 7, 3]
    greys = volume.greys(Window(-100.0, 100.0))
    assert greys.dtype == np.uint8
    assert greys[3, 7, 21] == round(min(max((int(voxels[21, 7, 3]) + 100) / 200, 0), 1) * 255)
    assert np.array_equal(volume.in_file(volume.voxels), voxels)


@pytest.mark.parametrize(
    ("axis", "zooms", "found"), [(None, (4.0, 1.0, 1.0), 0), (1, (4.0, 1.0, 1.0), 1), (None, (1.0, 1.0, 1.0), 2)]
)
def test_slices_lie_across_the_largest_steps(
    tmp_path: Path, axis: int | None, zooms: tuple[float, ...], found: int
) -> None:
    voxels = values()
    volume = read_volume(nifti(tmp_path / "scan.nii", voxels, zooms=zooms), axis=axis)
    assert volume.axis == found
    assert len(volume.voxels) == voxels.shape[found]
    assert np.array_equal(volume.in_file(volume.voxels), voxels)


def test_the_window_leaves_out_the_outermost_and_knows_what_numbers_mean(tmp_path: Path) -> None:
    voxels = values()
    voxels[0, 0, 0] = 32000
    volume = read_volume(nifti(tmp_path / "scan.nii.gz", voxels, slope=2.0))
    window = volume.window()
    assert window.high < 32000
    assert -1000 + 2 * voxels.min() <= window.low < window.high <= -1000 + 2 * 32000
    whole = Volume("flat", np.full((2, 4, 4), 7, np.int16))
    assert set(np.unique(whole.greys(whole.window()))) == {0}
    assert Volume("seen", np.zeros((2, 4, 4), np.uint8)).window() == Window(0.0, 255.0)
    with pytest.raises(ImportFailure, match="holds no numbers"):
        Volume("empty", np.full((2, 4, 4), np.nan)).window()


def test_a_folder_of_slices_is_a_volume_in_natural_order(tmp_path: Path) -> None:
    voxels = np.concatenate([values(seed) for seed in (1, 2, 3)], axis=2)
    volume = read_volume(slices(tmp_path / "stack", voxels))
    assert volume.voxels.shape == (15, HEIGHT, WIDTH)
    assert volume.voxels[10, 3, 5] == Window(-600, 600).greys(voxels[5, 3, 10])
    Image.new("L", (8, 8)).save(tmp_path / "stack" / "16.png")
    with pytest.raises(ImportFailure, match=r"16\.png.* of another size"):
        read_volume(tmp_path / "stack")
    (tmp_path / "none").mkdir()
    with pytest.raises(ImportFailure, match="holds 0 pictures"):
        read_volume(tmp_path / "none")


def test_what_is_no_volume_is_refused_before_it_costs_memory(tmp_path: Path) -> None:
    good = nifti(tmp_path / "good.nii", values())
    data = bytearray(good.read_bytes())

    def written(name: str, changed: bytes) -> Path:
        (tmp_path / name).write_bytes(changed)
        return tmp_path / name

    def header(at: int, numbers: list[int], kind: str = "<i2") -> bytes:
        raw = np.array(numbers, kind).tobytes()
        return bytes(data[:at]) + raw + bytes(data[at + len(raw) :])

    for file, said in (
        (written("text.nii", b"no scan at all" * 100), "is no NIfTI file"),
        (written("short.nii", bytes(data[:100])), "is no NIfTI file"),
        (written("cut.nii", bytes(data[:-50])), "damaged or cut short"),
        (written("cut.nii.gz", gzip.compress(bytes(data))[:-40]), "damaged|cannot be opened"),
        (written("plain.nii.gz", bytes(data)), "cannot be opened"),
        (written("huge.nii", header(40, [3, 8000, 8000, 8000])), "too large"),
        (written("wide.nii", header(40, [3, 32000, 2, 2])), "too large"),
        (written("time.nii", header(40, [4, WIDTH, HEIGHT, 1, DEPTH])), "no single volume"),
        (written("complex.nii", header(70, [32, 64])), "no plain numbers"),
        (written("far.nii", header(108, [1e20], "<f4")), "begin nowhere|damaged"),
        (tmp_path / "gone.nii", "no file"),
    ):
        with pytest.raises(ImportFailure, match=said):
            read_volume(file)
    with pytest.raises(ImportFailure, match="no such axis"):
        read_volume(good, axis=3)


def test_masks_go_back_over_their_voxels(tmp_path: Path) -> None:
    nibabel: Any = pytest.importorskip("nibabel")
    source = nifti(tmp_path / "scan.nii.gz", values(), zooms=(1.0, 3.0, 1.0))
    volume = read_volume(source)
    assert volume.axis == 1
    labels = np.zeros(volume.voxels.shape, np.uint8)
    labels[2, 1, 7] = 3
    write_labels(volume, labels, tmp_path / "out.nii.gz")
    back = nibabel.load(tmp_path / "out.nii.gz")
    assert back.shape == (WIDTH, HEIGHT, DEPTH)
    assert np.array_equal(back.affine, nibabel.load(source).affine)
    assert np.argwhere(np.asarray(back.dataobj) == 3).tolist() == [[7, 2, 1]]
    again = class_numbers(volume, read_volume(tmp_path / "out.nii.gz", axis=1))
    assert np.array_equal(again, labels)
    with pytest.raises(ImportFailure, match="not overwritten"):
        write_labels(volume, labels, tmp_path / "out.nii.gz")
    with pytest.raises(ImportFailure, match="no name"):
        write_labels(volume, labels, tmp_path / "out.png")


def test_masks_that_do_not_belong_are_refused() -> None:
    volume = Volume("scan", np.zeros((3, 8, 8), np.int16))
    for masks, said in (
        (Volume("m", np.zeros((3, 8, 9), np.uint8)), "3 x 8 x 9 voxels"),
        (Volume("m", np.full((3, 8, 8), 0.5)), "between whole numbers"),
        (Volume("m", np.full((3, 8, 8), 300, np.int16)), "outside 0 to 255"),
    ):
        with pytest.raises(ImportFailure, match=said):
            class_numbers(volume, masks)
    assert set(np.unique(class_numbers(volume, Volume("m", np.full((3, 8, 8), 255, np.uint8))))) == {1}


def test_slices_come_in_with_their_masks_and_stay_together(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project", "Scans") as project:
        for seed in range(4):
            voxels = values(seed)
            marks = np.zeros(voxels.shape, np.uint8)
            marks[8:20, 8:16, 1:4] = 1
            marks[30:36, 2:8, 2] = 2
            taken = import_volume(
                project,
                slices(tmp_path / f"patient {seed}", voxels),
                masks=slices_of_marks(tmp_path / f"marks {seed}", marks),
                labels=["toy"],
                window=Window(0, 200),
            )
            assert taken.window == Window(0, 200)
            assert len(taken.report.added) == DEPTH
            assert len(taken.report.regions) == 4
        assert {label.name for label in queries.labels(project)} == {"toy", "label 2"}
        told: Any = queries.setting(project, "volumes.patient 0")
        assert told["window"] == [0.0, 200.0]
        assert told["spacing"] == [1.0, 1.0, 1.0]
        lying = places(project)
        assert sorted(lying.values()) == [(f"patient {seed}", depth) for seed in range(4) for depth in range(DEPTH)]
        edits_regions.split_pictures(project)
        parts: dict[str, set[str]] = {}
        for image in queries.images(project):
            if image.split is not None:
                parts.setdefault(lying[image.id][0], set()).add(image.split)
        assert all(len(part) == 1 for part in parts.values())
        assert len(set.union(*parts.values())) > 1
        assert leaks(project) == ()


def slices_of_marks(folder: Path, marks: np.ndarray) -> Path:
    folder.mkdir()
    for number in range(marks.shape[2]):
        Image.fromarray(marks[:, :, number].T).save(folder / f"{number + 1}.png")
    return folder
