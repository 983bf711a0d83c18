"""Taking a volume into a project: a picture for each slice, its labels as masks, and how they lie together.

What the numbers became black and white by, and where the slices lie, is kept in the project's settings under `volumes.NAME`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from projects import edits, queries
from projects.errors import ImportFailure
from projects.files import readable_text
from projects.importing import ImportReport, Progress, import_paths
from projects.project import Project
from projects.regions.exchange.sheet import Request
from projects.regions.importing import import_masks
from projects.volumes.reading import Bytes, Volume, Window, read_volume

_KEY = "volumes."
_MOST_LABELS = 255
_LONGEST = 80


@dataclass(frozen=True)
class Taken:
    """What came in: the report over its pictures and masks, the volume's name in the project, and the window that was used."""

    report: ImportReport
    name: str
    window: Window


def import_volume(
    project: Project,
    source: Path,
    *,
    window: Window | None = None,
    axis: int | None = None,
    masks: Path | None = None,
    labels: Sequence[str] = (),
    progress: Progress | None = None,
) -> Taken:
    """Take a NIfTI file or a folder of slices in, as pictures to segment. Sources are only ever read.

    Args:
        project: open for writing.
        source: see `read_volume`.
        window: what becomes black and white; None takes `Volume.window`.
        axis: see `read_volume`.
        masks: a volume of the same size whose numbers are classes, 0 for none; a slice without any is known to hold nothing.
        labels: names of the classes 1, 2, ...; those left out are called after their number.
        progress: as for `import_masks`.

    Raises:
        ImportFailure: a volume cannot be read, or the two do not belong together.
        ProjectError: the database fails.
    """
    volume = read_volume(source, axis=axis)
    classes = None if masks is None else class_numbers(volume, read_volume(masks, axis=volume.axis))
    window = window or volume.window()
    taken = set(_kept(project))
    name = readable_text(volume.name)[:_LONGEST]
    name = next(one for one in (name, *(f"{name} ({number})" for number in range(2, 10_000))) if one not in taken)
    with tempfile.TemporaryDirectory(prefix="lorikeet-volume-") as scratch:
        hashes = _write(Path(scratch), name, volume.greys(window), classes, labels)
        if classes is None:
            report = import_paths(project, [Path(scratch)], None, progress=progress)
        else:
            report = import_masks(project, Request(Path(scratch)), kind="indexed", progress=progress)
    known = {image.sha256: image.id for image in queries.images(project)}
    slices = [known[digest] for digest in hashes if digest in known]
    if slices:
        place = None if volume.affine is None else volume.affine.tolist()
        told = {"window": [window.low, window.high], "axis": volume.axis, "spacing": volume.spacing, "affine": place}
        edits.set_setting(project, _KEY + name, {**told, "slices": slices})
    return Taken(report, name, window)


def places(project: Project) -> dict[str, tuple[str, int]]:
    """Of every picture that is a slice: its volume's name, and its number in it."""
    return {
        image_id: (name, number) for name, slices in _kept(project).items() for number, image_id in enumerate(slices)
    }


def _kept(project: Project) -> dict[str, list[str]]:
    """Ids of the slices of each volume, in order. What is not as it was written is left out."""
    found = {}
    for row in project.rows("SELECT key, value FROM settings WHERE substr(key, 1, ?) = ?", (len(_KEY), _KEY)):
        told = json.loads(row["value"])
        slices = told.get("slices") if isinstance(told, dict) else None
        if isinstance(slices, list):
            found[str(row["key"])[len(_KEY) :]] = [str(one) for one in slices]
    return found


def class_numbers(volume: Volume, labels: Volume) -> Bytes:
    """The numbers of classes (D, H, W) that masks of a volume hold.

    Raises:
        ImportFailure: they are of another size, or their numbers are no classes.
    """
    title = "The masks do not belong to this volume"
    if labels.voxels.shape != volume.voxels.shape:
        sides = [" x ".join(str(side) for side in one.voxels.shape) for one in (labels, volume)]
        raise ImportFailure(title, f"They are {sides[0]} voxels, and it is {sides[1]}.", "Choose the masks made on it.")
    title = "These masks hold no numbers of classes"
    found = np.empty(labels.voxels.shape, np.uint8)
    for number, voxels in enumerate(labels.voxels):
        values: npt.NDArray[np.float64] = voxels.astype(np.float64) * labels.slope + labels.intercept
        if not bool(np.isfinite(values).all() and (values == np.rint(values)).all()):
            raise ImportFailure(
                title, f"“{labels.name}” has values between whole numbers.", "Export it without smoothing."
            )
        if values.min() < 0 or values.max() > _MOST_LABELS:
            raise ImportFailure(
                title, f"“{labels.name}” has values outside 0 to {_MOST_LABELS}.", "Choose other masks."
            )
        found[number] = values.astype(np.uint8)
    # Black and white pictures say 255 where files of labels say 1.
    return np.minimum(found, 1) if set(np.unique(found)) <= {0, _MOST_LABELS} else found


def _write(folder: Path, name: str, greys: Bytes, classes: Bytes | None, labels: Sequence[str]) -> list[str]:
    """Write slices, and where there are classes their pictures and names as other tools do; sha256 of each slice's file."""
    pictures, numbers = folder / "JPEGImages", folder / "SegmentationClass"
    pictures.mkdir()
    hashes = []
    for number, slice_ in enumerate(greys):
        file = pictures / f"{_plain(name)} slice {number:04d}.png"
        Image.fromarray(slice_).save(file)
        hashes.append(hashlib.sha256(file.read_bytes()).hexdigest())
    if classes is not None:
        numbers.mkdir()
        for number, slice_ in enumerate(classes):
            Image.fromarray(slice_).save(numbers / f"{_plain(name)} slice {number:04d}.png")
        names = [*labels, *(f"label {number}" for number in range(len(labels) + 1, int(classes.max()) + 1))]
        (folder / "classes.txt").write_text("\n".join(["background", *names]) + "\n", "utf-8")
    return hashes


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_ ()." else "_" for letter in name).strip(". ") or "volume"
