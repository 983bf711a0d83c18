"""Draws a comparison as one picture: the photos on top, a row for each prompt and seed, a column for the base and each adapter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from engines.api.places import resources

MAX_ROWS = 16
MAX_PHOTOS = 8
_CELL, _SMALL, _GAP, _LANE, _MARGIN, _LINE, _LEAST = 176, 84, 10, 28, 24, 20, 560
_PAPER, _INK, _QUIET, _RULE = "#ffffff", "#1d2126", "#68707a", "#e3e6ea"


def draw_sheet(
    report: Mapping[str, Any], open_picture: Callable[[str], Image.Image], photos: Sequence[Image.Image]
) -> Image.Image:
    """The sheet of a report (see `engines.diffusion.compare`); `open_picture` gives a picture by its file name in the report.

    Rows stand in as many lanes beside each other as make the sheet about as wide as it is high.
    """
    columns = report["columns"]
    files = {(row["column"], row["prompt"], row["seed"]): row["file"] for row in report["pictures"]}
    rows = [(row["prompt"], row["seed"]) for row in report["pictures"] if row["column"] == 0][:MAX_ROWS]
    shown = list(photos[:MAX_PHOTOS])
    lane = len(columns) * (_CELL + _GAP) - _GAP
    lanes = max(1, min(len(rows), round((len(rows) * (_CELL + _LINE + _GAP) / (lane + _LANE)) ** 0.5)))
    deep = -(-len(rows) // lanes)
    width = 2 * _MARGIN + max(lanes * (lane + _LANE) - _LANE, min(len(shown), MAX_PHOTOS) * (_SMALL + _GAP), _LEAST)
    head = 2 * _MARGIN + (_LINE + _SMALL + 2 * _GAP if shown else 0)
    height = head + 3 * _LINE + _GAP + deep * (_CELL + _LINE + _GAP) + 2 * _LINE
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _photos(sheet, pen, shown)
    for number in range(lanes):
        place = (_MARGIN + number * (lane + _LANE), top)
        _heads(pen, place, columns)
        for depth, (prompt, seed) in enumerate(rows[number * deep : (number + 1) * deep]):
            under = (place[0], top + 3 * _LINE + _GAP + depth * (_CELL + _LINE + _GAP))
            _text(pen, under, f"{prompt}, seed {seed}", _INK, lane)
            for column in range(len(columns)):
                cell = (under[0] + column * (_CELL + _GAP), under[1] + _LINE)
                sheet.paste(_fitted(open_picture(files[column, prompt, seed]), (_CELL, _CELL)), cell)
    _text(pen, (_MARGIN, height - _MARGIN - _LINE), _conditions(report), _QUIET, width - 2 * _MARGIN)
    return sheet


def _heads(pen: ImageDraw.ImageDraw, place: tuple[int, int], columns: Sequence[Mapping[str, Any]]) -> None:
    """What each column of a lane is, with its figures."""
    for number, column in enumerate(columns):
        left = place[0] + number * (_CELL + _GAP)
        _text(pen, (left, place[1]), column["label"], _INK, _CELL, bold=True)
        _text(pen, (left, place[1] + _LINE), _figure("alike", column["likeness"]), _QUIET, _CELL)
        _text(pen, (left, place[1] + 2 * _LINE), _figure("prompt", column["following"]), _QUIET, _CELL)


def _photos(sheet: Image.Image, pen: ImageDraw.ImageDraw, shown: Sequence[Image.Image]) -> int:
    """Draw the strip of photos; returns where the rest begins."""
    if not shown:
        return _MARGIN
    _text(pen, (_MARGIN, _MARGIN), "The photos", _INK, _CELL, bold=True)
    for number, photo in enumerate(shown):
        sheet.paste(_fitted(photo, (_SMALL, _SMALL)), (_MARGIN + number * (_SMALL + _GAP), _MARGIN + _LINE))
    bottom = _MARGIN + _LINE + _SMALL + _GAP
    pen.line((_MARGIN, bottom, sheet.width - _MARGIN, bottom), fill=_RULE)
    return bottom + _GAP


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The whole picture inside `size`, on the rule's grey; small pictures are enlarged smoothly."""
    scale = min(size[0] / image.width, size[1] / image.height)
    inner = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )
    field = Image.new("RGB", size, _RULE)
    field.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return field


def _figure(name: str, found: Mapping[str, float] | None) -> str:
    if found is None:
        return ""
    width = f"  ({found['low']:.3f} to {found['high']:.3f})" if found["high"] > found["low"] else ""
    return f"{name} {found['mean']:.3f}{width}"


def _conditions(report: Mapping[str, Any]) -> str:
    said = report["conditions"]
    judge = said["encoder"]["name"] if said["encoder"] else "no judge"
    return f"{said['base']}, {said['steps']} steps, guidance {said['guidance']:g}, {judge}"


def _text(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: str, room: int, *, bold: bool = False
) -> None:
    """One line, shortened until it fits."""
    font = _font("Inter-SemiBold" if bold else "Inter-Regular", 14 if bold else 12)
    while text and pen.textlength(text, font=font) > room:
        text = text.rstrip("…")[:-2].rstrip() + "…" if len(text) > 3 else ""
    pen.text(place, text, fill=colour, font=font)


@functools.cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The application's own font; Pillow's where it is missing."""
    try:
        return ImageFont.truetype(resources() / "fonts" / f"{name}.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
