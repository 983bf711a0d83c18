"""Reading pictures of any kind into upright sRGB pixels; import, thumbnails and training see exactly the same.

Whatever the file is (16 bits, CMYK, palette, transparent, turned by the camera, in a wide colour space, the first of several frames),
what comes out is 8-bit RGB as a person sees it on a white page. Files come from anywhere, so their claims are checked before memory
is spent on them, and every way in which a decoder can stumble becomes an `ImportFailure` in plain words.
"""

from __future__ import annotations

import functools
import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from projects.errors import ImportFailure

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF")
MAX_PIXELS = 250_000_000
_LONGEST_SIDE = 200_000
_ROWS_AT_ONCE = 256
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))
"""The turns after which width and height have changed places."""
# What decoders raise on hostile or damaged bytes; found by feeding them such bytes (tests/projects/test_pixels_hostile.py).
_STUMBLES = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
)
Source = Path | IO[bytes]


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        rgb: upright 8-bit sRGB, transparent parts over white; smaller than the original when a smaller one was asked for.
        alpha: 8-bit opacity of the same size, or None when every pixel is opaque.
        width: of the original after turning it upright, in pixels.
        height: of the original after turning it upright, in pixels.
        format: of the file ("JPEG"), whatever its name says.
        turned: how the stored pixels were turned or mirrored to stand upright, or None.
    """

    rgb: Image.Image
    alpha: Image.Image | None
    width: int
    height: int
    format: str
    turned: Image.Transpose | None


def load_rgb(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the picture at `path` as upright 8-bit sRGB of its full size, transparent parts over white.

    Raises:
        ImportFailure: it is missing, damaged, not a picture, or has more than `max_pixels` pixels.
    """
    return read(path, max_pixels=max_pixels).rgb


def header_pixels(source: Source) -> int:
    """How many pixels the file claims to have, found without decoding them; 0 when it cannot be told."""
    _prepare_pillow()
    try:
        with Image.open(source, formats=FORMATS) as opened:
            return opened.width * opened.height
    except (*_STUMBLES, Image.DecompressionBombError):
        return 0
    finally:
        if not isinstance(source, Path):
            source.seek(0)


def read(source: Source, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None) -> Picture:
    """Decode a whole picture.

    Args:
        source: a file's path, or an open binary file.
        max_pixels: larger pictures are refused before they are decoded.
        at_least: a picture whose short side still has this many pixels will do; a JPEG is then decoded several times faster.

    Raises:
        ImportFailure: it cannot be read; says why.
    """
    with _opened(source, max_pixels) as opened:
        return _decode(opened, at_least)


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers that a mask or label picture holds, as they are stored: classes, objects, or shades.

    Attributes:
        numbers: (h, w), upright, whole numbers of as many bits as the file has; of a picture in colours, its shades from 0 to 255.
        white: what a full white would be: 1, 255 or 65535 by the kind of file.
        colours: it shows colours, which are neither numbers nor shades.
        palette: the numbers stand for colours of a palette.
    """

    numbers: NDArray[np.integer[Any]]
    white: int
    colours: bool = False
    palette: bool = False

    @property
    def levels(self) -> NDArray[np.integer[Any]]:
        """The numbers that occur, in rising order."""
        if self.numbers.dtype.itemsize > 2:
            return np.unique(self.numbers)
        # Counting in portions is many times faster than sorting hundreds of megapixels, and takes no memory.
        counts = np.zeros(1 << 16, dtype=np.int64)
        for row in range(0, len(self.numbers), _ROWS_AT_ONCE):
            counts += np.bincount(self.numbers[row : row + _ROWS_AT_ONCE].ravel(), minlength=len(counts))
        return np.flatnonzero(counts)


def read_values(source: Source, *, max_pixels: int = MAX_PIXELS) -> Values:
    """Decode a mask or label picture without turning its numbers into shades.

    Raises:
        ImportFailure: it cannot be read, or holds several pictures; says why.
    """
    with _opened(source, max_pixels) as opened:
        if getattr(opened, "n_frames", 1) > 1:
            raise ImportFailure(
                "The file holds several pictures",
                f"It is a stack of {getattr(opened, 'n_frames', 1)}.",
                "Save them as one file each.",
            )
        opened.load()
        turned = _turn(opened)
        values = _values(opened)
    return (
        values if turned is None else Values(turn(values.numbers, turned), values.white, values.colours, values.palette)
    )


def turned_by(source: Source) -> Image.Transpose | None:
    """How the stored pixels of a picture are turned or mirrored to stand upright, found without decoding them.

    Raises:
        ImportFailure: it cannot be read.
    """
    with _opened(source, MAX_PIXELS) as opened:
        return _turn(opened)


def turn(pixels: NDArray[Any], turned: Image.Transpose) -> NDArray[Any]:
    """Turn (h, w) as Pillow's `transpose` turns a picture."""
    turns: dict[Image.Transpose, NDArray[Any]] = {
        Image.Transpose.FLIP_LEFT_RIGHT: pixels[:, ::-1],
        Image.Transpose.FLIP_TOP_BOTTOM: pixels[::-1],
        Image.Transpose.ROTATE_90: np.rot90(pixels),
        Image.Transpose.ROTATE_180: pixels[::-1, ::-1],
        Image.Transpose.ROTATE_270: np.rot90(pixels, -1),
        Image.Transpose.TRANSPOSE: pixels.T,
        Image.Transpose.TRANSVERSE: pixels[::-1, ::-1].T,
    }
    return turns[turned]


@contextmanager
def _opened(source: Source, max_pixels: int) -> Iterator[Image.Image]:
    """The file opened by Pillow, its size checked; every way in which it stumbles in the block becomes an `ImportFailure`."""
    _prepare_pillow()
    try:
        # A path would let Pillow map the file into memory, which garbles plain TIFFs that lie on their side (seen with 13.0).
        with (
            source.open("rb") if isinstance(source, Path) else nullcontext(source) as handle,
            Image.open(handle, formats=FORMATS) as opened,
        ):
            _check_size(opened.size, max_pixels)
            yield opened
    except Image.DecompressionBombError as error:
        raise _too_large("", max_pixels) from error
    except MemoryError as error:
        raise ImportFailure(
            "The picture needs too much memory",
            "There was not enough memory to decode it.",
            "Close other programs, or make the picture smaller first.",
        ) from error
    except UnidentifiedImageError as error:
        raise ImportFailure(
            "Not a picture that can be read",
            "Its content is not JPEG, PNG, WebP, AVIF, BMP, GIF or TIFF, whatever its name says.",
            "Open it in the program that made it and save it as PNG or JPEG.",
        ) from error
    except _STUMBLES as error:
        raise _unreadable(error) from error


@functools.cache
def _prepare_pillow() -> None:
    """Keep Pillow's remarks off the terminal, since what matters becomes an `ImportFailure`, and lift its limit to ours."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\b")
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    # The check itself stays on as a second line of defence: from twice this number Pillow refuses by itself.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, MAX_PIXELS)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImportFailure("The picture is empty", f"It is {width} × {height} pixels large.")
    if width * height > max_pixels or max(size) > _LONGEST_SIDE:
        raise _too_large(f"It says that it is {width} × {height} pixels large. ", max_pixels)


def _too_large(claim: str, max_pixels: int) -> ImportFailure:
    return ImportFailure(
        "The picture is too large",
        f"{claim}Up to {max_pixels / 1e6:.0f} megapixels are taken.",
        "Make it smaller in a picture editor; training uses about one megapixel.",
    )


def _unreadable(error: BaseException) -> ImportFailure:
    if isinstance(error, OSError) and error.errno is not None:
        return ImportFailure(
            "The file cannot be read",
            f"{error.strerror or error}.",
            "Check that it is still there and that you may open it.",
        )
    return ImportFailure(
        "The picture is damaged",
        "It ends too early or its content makes no sense.",
        "Fetch the original again; a viewer may still show the part that is whole.",
    )


def _decode(opened: Image.Image, at_least: int | None) -> Picture:
    stored_format = (opened.format or "").replace("MPO", "JPEG")
    width, height = opened.size
    if at_least is not None:
        opened.draft(None, (at_least, at_least))
    opened.load()
    if opened.format == "TIFF":
        # Pillow turns TIFF upright by itself while loading.
        width, height = opened.size
    profile = opened.info.get("icc_profile")
    turned = _turn(opened)
    image = _plain_mode(opened)
    if at_least is not None:
        times = min(image.size) // at_least
        image = image.reduce(times) if times > 1 else image
    rgb, alpha = _flatten(image, profile if isinstance(profile, bytes) else None)
    if turned is not None:
        rgb = rgb.transpose(turned)
        alpha = alpha.transpose(turned) if alpha is not None else None
    elif rgb is opened:
        # What is handed out must not hang on a file that is about to be closed.
        rgb = rgb.copy()
    width, height = (height, width) if turned in SIDEWAYS else (width, height)
    return Picture(rgb, alpha, width, height, stored_format, turned)


def _turn(opened: Image.Image) -> Image.Transpose | None:
    try:
        orientation = opened.getexif().get(_ORIENTATION_TAG)
    except _STUMBLES:
        # Broken camera data is common and no reason to refuse the pixels.
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _plain_mode(opened: Image.Image) -> Image.Image:
    """Return the picture in one of L, LA, RGB, RGBA, CMYK or LAB, 8 bits a channel."""
    mode = opened.mode
    if mode.startswith("I") or mode == "F":
        return _eight_bits(opened)
    if mode in {"P", "PA", "RGBa", "La"} or ("transparency" in opened.info and mode in {"1", "L", "RGB"}):
        return opened.convert("RGBA")
    if mode in {"L", "LA", "RGB", "RGBA", "CMYK", "LAB"}:
        return opened
    return opened.convert("L" if mode == "1" else "RGB")


def _values(opened: Image.Image) -> Values:
    mode = opened.mode
    if mode in {"1", "L", "P"}:
        return Values(np.asarray(opened).astype(np.uint8), 1 if mode == "1" else 255, palette=mode == "P")
    if mode.startswith("I"):
        numbers = np.asarray(opened)
        return Values(numbers.astype(np.uint16 if numbers.dtype.itemsize == 2 else np.int32), 65535)
    if mode == "F":
        shades = np.nan_to_num(np.asarray(opened), nan=0.0, posinf=0.0, neginf=0.0)
        whole = bool((shades == np.rint(shades)).all())
        # Fractions are shades between 0 and 1; whole numbers count something.
        shades = shades.clip(-(2**30), 2**30) if whole else np.rint(shades.clip(0, 1) * 255)
        return Values(shades.astype(np.int32), 65535 if whole else 255)
    rgb = np.asarray(_plain_mode(opened).convert("RGBA"))
    grey = bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())
    shades = np.minimum(np.asarray(opened.convert("L")), rgb[..., 3])
    return Values(shades, 255, colours=not grey)


def _eight_bits(opened: Image.Image) -> Image.Image:
    values = np.asarray(opened)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        top = float(values.max())
        # Floating point pictures hold 0 to 1 by convention, but 0 to 255 and raw measurements exist as well.
        scale = 255.0 if top <= 1.0 else 1.0 if top <= 255.0 else 255.0 / top
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    if values.dtype.itemsize > 2:
        top_int = int(values.max())
        values = values.clip(0, None) if top_int <= 0xFFFF else values.clip(0, None) // (top_int // 0xFFFF + 1)
    return Image.fromarray((values >> 8).astype(np.uint8))


def _flatten(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, Image.Image | None]:
    alpha = None
    if image.mode in {"LA", "RGBA"}:
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
        if alpha.getextrema() == (255, 255):
            alpha = None
    rgb = _to_srgb(image, profile)
    if alpha is not None:
        page = Image.new("RGB", rgb.size, "white")
        page.paste(rgb, mask=alpha)
        rgb = page
    return rgb, alpha


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    converted = _through_profile(image, profile) if profile else None
    if converted is not None:
        return converted
    if image.mode == "LAB":
        return _checked(
            ImageCms.profileToProfile(
                image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        )
    return image if image.mode == "RGB" else image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB":
            if "srgb" in (source.profile.profile_description or "").lower():
                return None
            image = image if image.mode == "RGB" else image.convert("RGB")
        elif {"GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space) != image.mode:
            return None
        return _checked(ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"))
    except (ImageCms.PyCMSError, *_STUMBLES):
        # A broken profile says nothing; the pixels are then taken as sRGB, as viewers do.
        return None


def _checked(image: Image.Image | None) -> Image.Image:
    if image is None:
        msg = "the colour conversion returned nothing"
        raise ValueError(msg)
    return image
