"""Files of strangers, any part of which may be anything: a reader hands over marks and lines, or refuses in words, and never stumbles."""

from __future__ import annotations

import copy
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.errors import ImportFailure
from projects.regions.exchange.formats import FORMATS, detect
from projects.regions.exchange.sheet import Drawn, Frame, Request
from projects.regions.mask import Mask
from projects.report import ReportLine
from tests.projects.foreign import SIZE, A, coco, corners, labelme, png, save_json, save_picture, shape

_ODD = (
    *(
        None,
        True,
        -1,
        0,
        1,
        7,
        2**70,
        -(2**63),
        0.5,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        "7",
        "\ud800",
        "\0",
        "../a.png",
        "a" * 5000 + ".png",
    ),
    *([], {}, [[]], [None], [1], [1, 2], [[1, 2, 3, 4, 5, 6]], {"size": [36, 48], "counts": "x"}, {"id": 7}),
)
_COCO = coco(
    [
        {"segmentation": [corners(4, 6, 20, 30)]},
        {"segmentation": {"size": [36, 48], "counts": Mask.of(A).text}},
        {"segmentation": {"size": [36, 48], "counts": Mask.of(A).counts.tolist()}, "category_id": 90},
    ]
)
_LABELME = labelme(
    [
        shape("polygon", [[4, 6], [20, 6], [20, 30]]),
        shape("circle", [[4, 6], [20, 6]], group_id=1),
        shape("mask", [[4, 6], [19, 29]], mask=png(A[6:30, 4:20].astype(np.uint8))),
        shape("rectangle", [[4, 6], [20, 6]], group_id=1),
    ]
)
_YOLO = "0 .1 .1 .5 .1 .5 .5 .1 .5\n1 .1 .1 .5 .1 .5 .5\n0 .5 .5 .1 .1\n"


def _places(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The way to every part of a document."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield from _places(child, (*path, key))


def _spoilt(document: object, choose: random.Random) -> object:
    """The document with one to three of its parts replaced by something odd, or left out."""
    document = copy.deepcopy(document)
    for _ in range(choose.randint(1, 3)):
        *way, last = choose.choice([path for path in _places(document) if path])
        node = document
        for key in way:
            node = node[key]
        if choose.random() < 0.15:
            del node[last]
        else:
            node[last] = copy.deepcopy(choose.choice(_ODD))
    return document


def _read(kind: str, path: Path) -> list[Drawn | ReportLine]:
    frame = Frame(*SIZE)
    try:
        reading = FORMATS[kind].read(Request(path))
    except ImportFailure:
        return []
    found: list[Drawn | ReportLine] = list(reading.lines)
    for sheet in reading.sheets:
        assert sheet.picture is None or sheet.picture.is_relative_to(path.resolve())
        try:
            found += list(sheet.draw(frame))
            if sheet.embedded is not None:
                sheet.embedded()
        except ImportFailure:
            continue
    return found


def _hold(found: list[Drawn | ReportLine]) -> None:
    for one in found:
        if isinstance(one, Drawn):
            assert (one.mask.width, one.mask.height) == SIZE
            assert one.mask.area > 0
            assert one.mask.counts.sum() == SIZE[0] * SIZE[1]
        else:
            assert one.title


@pytest.mark.parametrize(("kind", "document"), [("coco", _COCO), ("labelme", _LABELME)], ids=["coco", "labelme"])
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_json_that_may_hold_anything(kind: str, document: object, seed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_picture(folder / "a.png")
        save_json(folder / "a.json", _spoilt(document, random.Random(seed)))
        _hold(_read(kind, folder))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([json.dumps(_COCO), json.dumps(_LABELME), _YOLO]), st.integers(0, 2**32))
def test_text_with_bytes_that_may_be_anything(text: str, seed: int) -> None:
    choose = random.Random(seed)
    data = bytearray(text.encode())
    for _ in range(choose.randint(1, 6)):
        place = choose.randrange(len(data))
        data[place : place + choose.randint(0, 4)] = bytes(choose.randrange(256) for _ in range(choose.randint(0, 4)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_picture(folder / "a.png")
        (folder / ("a.txt" if text is _YOLO else "a.json")).write_bytes(bytes(data))
        (folder / "data.yaml").write_bytes(bytes(data))
        for kind in ("coco", "labelme", "yolo"):
            _hold(_read(kind, folder))
        with suppress(ImportFailure):
            assert detect(Request(folder)) in FORMATS


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_in_circles(source: Path) -> None:
    save_picture(source / "images" / "a.png")
    (source / "images" / "b.png").symlink_to(source / "images" / "c.png")
    (source / "images" / "c.png").symlink_to(source / "images" / "b.png")
    (source / "images" / "deeper").symlink_to(source, target_is_directory=True)
    for kind, document in (("coco", _COCO), ("labelme", _LABELME)):
        save_json(source / "x.json", document)
        assert sum(isinstance(one, Drawn) for one in _read(kind, source)) == 3
