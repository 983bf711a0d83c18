"""Data sets as other tools leave them, made by hand: one picture size, one truth, every layout."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from projects import queries
from projects.project import Project
from projects.regions.exchange.sheet import Request
from projects.regions.importing import import_masks
from projects.regions.mask import Mask
from projects.report import ImportReport
from tests.projects.pictures import photo

SIZE = (48, 36)


def square(left: int, top: int, right: int, bottom: int) -> NDArray[np.bool_]:
    """(36, 48): the pixels from left, top up to right, bottom, which are not included."""
    inside = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    inside[top:bottom, left:right] = True
    return inside


A, B = square(4, 6, 20, 30), square(30, 2, 40, 12)


def corners(left: float, top: float, right: float, bottom: float) -> list[float]:
    """A rectangle as COCO writes an outline: x and y by turns."""
    return [left, top, right, top, right, bottom, left, bottom]


def save_picture(path: Path, seed: int = 0, size: tuple[int, int] = SIZE, **options: object) -> Path:
    """A picture of the common size; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photo(seed, size).save(path, **options)
    return path


def save_values(path: Path, values: NDArray[np.generic], **options: object) -> Path:
    """A mask picture with these numbers; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def save_json(path: Path, document: object) -> Path:
    """A JSON file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def coco(annotations: Sequence[dict[str, object]], **about: object) -> dict[str, object]:
    """A document with one picture, `a.png`, and two classes whose numbers have a gap."""
    image = {"id": 7, "file_name": "a.png", "width": SIZE[0], "height": SIZE[1], **about}
    marks = [
        {"id": place, "image_id": 7, "category_id": 3, "iscrowd": 0, **one} for place, one in enumerate(annotations)
    ]
    categories = [{"id": 3, "name": "cat", "supercategory": "animal"}, {"id": 90, "name": "brush"}]
    return {"images": [image], "annotations": marks, "categories": categories}


def shape(kind: str, points: Sequence[Sequence[float]], label: str = "cat", **about: object) -> dict[str, object]:
    """A shape of labelme."""
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **about}


def labelme(shapes: Sequence[dict[str, object]], **about: object) -> dict[str, object]:
    """A document of labelme for `a.png`."""
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": SIZE[1],
        "imageWidth": SIZE[0],
        **about,
    }


def png(values: NDArray[np.generic]) -> str:
    """Numbers as a PNG in base64."""
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def bring(project: Project, path: Path, **options: object) -> ImportReport:
    """Import the masks in `path`."""
    kind = options.pop("kind", "auto")
    return import_masks(project, Request(path, **options), kind=kind)


def marks(project: Project) -> dict[str, list[tuple[str, NDArray[np.bool_]]]]:
    """Picture's name -> label and pixels of each of its regions, in order."""
    names = {label.id: label.name for label in queries.labels(project)}
    return {
        image.original_name: [
            (names[region.label_id], Mask.from_text(region.counts, image.width, image.height).array())
            for region in queries.regions(project, image.id)
        ]
        for image in queries.images(project)
    }


def same(found: list[tuple[str, NDArray[np.bool_]]], expected: list[tuple[str, NDArray[np.bool_]]]) -> bool:
    """Whether labels and pixels are equal, in whatever order."""
    ours, theirs = (sorted((label, inside.tobytes()) for label, inside in one) for one in (found, expected))
    return ours == theirs


def told(report: ImportReport, level: str = "") -> list[str]:
    """The lines of a report, in words."""
    return [f"{line.file}: {line.title}" for line in report.lines if line.level == level or not level]
