"""Draws a comparison as one picture: the photos on top, a row for each prompt and seed, a column for the base and each adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

MAX_ROWS = 16
MAX_PHOTOS = 8
_CELL, _GAP, _MARGIN, _LINE = 176, 10, 24, 20
_PAPER, _INK, _QUIET, _RULE = "#ffffff", "#1d2126", "#68707a", "#e3e6ea"


def draw_sheet(
    report: Mapping[str, Any], open_picture: Callable[[str], Image.Image], photos: Sequence[Image.Image]
) -> Image.Image:
    """The sheet of a report (see `engines.diffusion.compare`); `open_picture` gives a picture by its file name in the report."""
    columns = report["columns"]
    files = {(row["column"], row["prompt"], row["seed"]): row["file"] for row in report["pictures"]}
    rows = [(row["prompt"], row["seed"]) for row in report["pictures"] if row["column"] == 0][:MAX_ROWS]
    shown = list(photos[:MAX_PHOTOS])
    wide = max(len(columns), min(len(shown), 4), 2)
    head = _LINE * 2 + _GAP + (_strip_height(shown) if shown else 0)
    height = 2 * _MARGIN + head + 3 * _LINE + _GAP + len(rows) * (_CELL + _LINE + _GAP) + 2 * _LINE
    sheet = Image.new("RGB", (2 * _MARGIN + wide * _CELL + (wide - 1) * _GAP, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _photos(sheet, pen, shown)
    for number, column in enumerate(columns):
        left = _MARGIN + number * (_CELL + _GAP)
        _text(pen, (left, top), column["label"], _INK, _CELL, bold=True)
        _text(pen, (left, top + _LINE), _figure("alike", column["likeness"]), _QUIET, _CELL)
        _text(pen, (left, top + 2 * _LINE), _figure("prompt", column["following"]), _QUIET, _CELL)
    top += 3 * _LINE + _GAP
    for prompt, seed in rows:
        _text(pen, (_MARGIN, top), f"{prompt}  ·  seed {seed}", _INK, sheet.width - 2 * _MARGIN)
        for number in range(len(columns)):
            place = (_MARGIN + number * (_CELL + _GAP), top + _LINE)
            sheet.paste(_fitted(open_picture(files[number, prompt, seed]), (_CELL, _CELL)), place)
        top += _CELL + _LINE + _GAP
    _text(pen, (_MARGIN, top), _conditions(report), _QUIET, sheet.width - 2 * _MARGIN)
    return sheet


def _photos(sheet: Image.Image, pen: ImageDraw.ImageDraw, shown: Sequence[Image.Image]) -> int:
    """Draw the strip of photos; returns where the rest begins."""
    if not shown:
        return _MARGIN
    _text(pen, (_MARGIN, _MARGIN), "The photos", _INK, _CELL, bold=True)
    small = _small(shown)
    for number, photo in enumerate(shown):
        place = (_MARGIN + (number % 4) * (small + _GAP), _MARGIN + _LINE + (number // 4) * (small + _GAP))
        sheet.paste(_fitted(photo, (small, small)), place)
    bottom = _MARGIN + _LINE + _strip_height(shown)
    pen.line((_MARGIN, bottom + _GAP // 2, sheet.width - _MARGIN, bottom + _GAP // 2), fill=_RULE)
    return bottom + 2 * _GAP


def _small(shown: Sequence[Image.Image]) -> int:
    return 84 if len(shown) > 2 else 120


def _strip_height(shown: Sequence[Image.Image]) -> int:
    return -(-len(shown) // 4) * (_small(shown) + _GAP)


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
    width = f"  ({found['low']:.3f}–{found['high']:.3f})" if found["high"] > found["low"] else ""
    return f"{name} {found['mean']:.3f}{width}"


def _conditions(report: Mapping[str, Any]) -> str:
    said = report["conditions"]
    judge = said["encoder"]["name"] if said["encoder"] else "no judge"
    return f"{said['base']}, {said['steps']} steps, guidance {said['guidance']:g}, {judge}"


def _text(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: str, room: int, *, bold: bool = False
) -> None:
    """One line, shortened until it fits."""
    font = ImageFont.load_default(14 if bold else 12)
    while text and pen.textlength(text, font=font) > room:
        text = text.rstrip("…")[:-2].rstrip() + "…" if len(text) > 3 else ""
    pen.text(place, text, fill=colour, font=font)
