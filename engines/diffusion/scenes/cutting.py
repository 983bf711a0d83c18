"""Cuts subjects out of photos with their masks, and puts them on a canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

from engines.diffusion.scenes.layout import Spot
from projects.errors import ImportFailure
from projects.pixels import read

_LARGEST, _LEAST = 1024, 8
_HALF = 127


@dataclass(frozen=True)
class Laid:
    """Cut-outs on a canvas: the picture, and the mask of each (L, white where it is)."""

    picture: Image.Image
    masks: tuple[Image.Image, ...]


def cut_out(photo: Path, mask: Path) -> Image.Image:
    """The part of a photo that its mask shows, upright and no larger than needed, with the mask as its alpha (RGBA).

    Raises:
        ImportFailure: a file cannot be read, or the mask shows nothing.
    """
    colours = read(photo, at_least=_LARGEST).rgb
    area = read(mask, at_least=_LARGEST).rgb.convert("L")
    if area.size != colours.size:
        area = area.resize(colours.size, Image.Resampling.BILINEAR)
    box = area.point(lambda value: 255 if value > _HALF else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < _LEAST:
        title = "A mask shows nothing"
        raise ImportFailure(title, f"There is nothing to cut out of {photo.name}.", "Mark the subject again.")
    found = colours.convert("RGBA")
    found.putalpha(area)
    return found.crop(box)


def laid(background: Image.Image, cutouts: Sequence[Image.Image], spots: Sequence[Spot]) -> Laid:
    """Put cut-outs on a background, each filling its spot; edges are softened by about a pixel in a hundred."""
    picture = background.convert("RGB")
    width, height = picture.size
    masks = []
    for cutout, spot in zip(cutouts, spots, strict=True):
        size = max(1, round(spot.width * width)), max(1, round(spot.height * height))
        small = cutout.resize(size, Image.Resampling.LANCZOS)
        place = round(spot.left * width), round(spot.top * height)
        mask = Image.new("L", picture.size)
        mask.paste(small.getchannel("A"), place)
        picture.paste(small.convert("RGB"), place, small.getchannel("A").filter(ImageFilter.GaussianBlur(width / 250)))
        masks.append(mask)
    return Laid(picture, tuple(masks))
