"""Masks: greyscale pictures that say where a picture counts (white) and where it does not (black).

Stored as 8-bit greyscale PNG, upright, of exactly the picture's size, under a new name each time, so that an undo finds the old one.
"""

from __future__ import annotations

import io
import secrets
from pathlib import Path

from PIL import Image, ImageChops

from projects.errors import ImportFailure
from projects.files import atomic_write_bytes
from projects.pixels import Picture, read
from projects.project import Project
from projects.records import Image as ImageRecord

# Sizes that differ by rounding only are the same shape.
_SAME_SHAPE = 0.01


def read_mask(path: Path, picture: Picture) -> tuple[Image.Image, str]:
    """Return the mask in `path` made to fit `picture`, and a remark for the report (empty when it fitted as it was).

    A mask of the picture's shape in another size is resized. One drawn on the pixels as stored is turned upright with them.

    Raises:
        ImportFailure: it cannot be read, has another shape than the picture, or is black everywhere.
    """
    found = read(path)
    grey = found.rgb.convert("L")
    if found.alpha is not None:
        grey = ImageChops.darker(grey, found.alpha)
    lowest, highest = grey.getextrema()
    if highest == 0:
        raise ImportFailure("The mask is black everywhere", "Nothing of the picture would count.", "It was left out.")
    if (lowest, highest) in {(0, 1), (1, 1)}:
        # Label images write 1 where mask pictures write white.
        grey = grey.point([0] + [255] * 255)
    size = (picture.width, picture.height)
    if grey.size == size:
        return grey, ""
    if picture.turned is not None and grey.size == size[::-1]:
        upright = grey.transpose(picture.turned)
        if upright.size == size:
            return upright, "The mask was turned upright together with its picture."
    if abs(grey.width * size[1] - grey.height * size[0]) > _SAME_SHAPE * grey.width * size[1]:
        raise ImportFailure(
            "The mask has another shape than its picture",
            f"It is {grey.width} × {grey.height}, the picture {size[0]} × {size[1]}.",
            "Save the mask in the picture's size and import again; the picture came in without it.",
        )
    resized = grey.resize(size, Image.Resampling.BILINEAR)
    return resized, f"The mask was resized from {grey.width} × {grey.height} to {size[0]} × {size[1]}."


def mask_name(image_id: str) -> str:
    """A fresh relative path for a mask of this picture."""
    return f"masks/{image_id}-{secrets.token_hex(4)}.png"


def encode(mask: Image.Image) -> bytes:
    """The mask as it is stored."""
    data = io.BytesIO()
    mask.convert("L").save(data, "PNG")
    return data.getvalue()


def save_mask(project: Project, image: ImageRecord, mask: Image.Image) -> str:
    """Store a mask painted in the window and return its relative path, to be handed to `edits.set_mask`.

    Args:
        project: open for writing.
        image: the picture it belongs to.
        mask: any mode, of exactly the picture's size; white counts.

    Raises:
        ImportFailure: it has another size than the picture.
        OSError: it could not be written.
    """
    if mask.size != (image.width, image.height):
        raise ImportFailure(
            "The mask has another size than its picture",
            f"It is {mask.width} × {mask.height}, the picture {image.width} × {image.height}.",
        )
    file = mask_name(image.id)
    atomic_write_bytes(project.path(file), encode(mask))
    return file


def mask_from_alpha(project: Project, image: ImageRecord) -> str | None:
    """Store the picture's opacity as a mask and return its relative path, or None when every pixel is opaque.

    Raises:
        ImportFailure: the picture cannot be read.
        OSError: the mask could not be written.
    """
    alpha = read(project.path(image.file)).alpha
    return None if alpha is None else save_mask(project, image, alpha)
