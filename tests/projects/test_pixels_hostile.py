"""Files that lie, end too early, or were made to hurt: each is an `ImportFailure`, never a crash and never a full memory."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image

from projects.errors import ImportFailure
from projects.pixels import header_pixels, read
from tests.projects.pictures import photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF"]


def encoded(kind: str, size: tuple[int, int] = (96, 64)) -> bytes:
    data = io.BytesIO()
    photo(1, size).save(data, kind)
    return data.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def tiff_claiming(width: int, height: int) -> bytes:
    """A tiny TIFF whose header claims any size."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 100)]
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + b"\0" * 100


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.98, 0.6, 0.1])
def test_a_truncated_file_is_caught(kind: str, share: float) -> None:
    data = encoded(kind)
    for at_least in (None, 16):
        with pytest.raises(ImportFailure):
            read(io.BytesIO(data[: int(len(data) * share)]), at_least=at_least)


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(20_000, 20_000),
        png_claiming(2**31 - 1, 2**31 - 1),
        png_claiming(1_000_000, 100),
        tiff_claiming(4_000_000_000, 4_000_000_000),
        tiff_claiming(20_000, 20_000),
    ],
    ids=["png", "png-max", "png-long", "tiff-max", "tiff"],
)
def test_a_bomb_is_refused_before_memory_is_spent(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ImportFailure):
        read(io.BytesIO(data))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert header_pixels(io.BytesIO(data)) >= 0


def test_a_bomb_is_called_too_large() -> None:
    with pytest.raises(ImportFailure, match="too large") as found:
        read(io.BytesIO(png_claiming(17_000, 17_000)))
    assert "17000 × 17000" in found.value.what
    assert "250 megapixels" in found.value.what


def test_a_caller_may_set_a_lower_bound() -> None:
    with pytest.raises(ImportFailure, match="too large"):
        read(io.BytesIO(encoded("PNG")), max_pixels=1000)


@pytest.mark.parametrize(
    "data",
    [b"", b"just a text file\n" * 50, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * 5000, b"%!PS-Adobe-3.0"],
)
def test_what_is_no_picture_is_called_that(data: bytes) -> None:
    with pytest.raises(ImportFailure, match="Not a picture"):
        read(io.BytesIO(data))


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_never_crash(kind: str) -> None:
    whole = encoded(kind)
    rng = random.Random(kind)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            # Headers sit at the beginning; that is where lies do most.
            reach = len(data) if rng.random() < 0.4 else min(200, len(data))
            data[rng.randrange(reach)] = rng.randrange(256)
        try:
            picture = read(io.BytesIO(bytes(data)), at_least=rng.choice([None, 16]), max_pixels=4_000_000)
        except ImportFailure:
            continue
        assert picture.rgb.mode == "RGB"


def test_damaged_camera_data_does_not_cost_the_picture(source: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    good = exif.tobytes()
    for damage in range(6, len(good), 3):
        data = bytearray(good)
        data[damage] ^= 0xFF
        photo(1).save(source / "a.jpg", exif=bytes(data))
        assert read(source / "a.jpg").rgb.width in {400, 300}
