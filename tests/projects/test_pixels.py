"""Reading pictures: whatever the file is, what comes out is what a person sees."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from projects.errors import ImportFailure
from projects.pixels import header_pixels, load_rgb, read, read_values, turn, turned_by
from tests.projects.pictures import photo, save_photo


def _colour(image: Image.Image, at: tuple[int, int] = (2, 2)) -> tuple[int, int, int]:
    red, green, blue = image.getpixel(at)
    return red, green, blue


def _near(found: Image.Image, expected: Image.Image, tolerance: float) -> bool:
    apart = np.abs(np.asarray(found, dtype=np.int16) - np.asarray(expected, dtype=np.int16))
    return found.size == expected.size and float(apart.mean()) <= tolerance


@pytest.mark.parametrize(
    ("name", "tolerance"), [("a.jpg", 10), ("a.png", 0), ("a.webp", 8), ("a.avif", 8), ("a.bmp", 0), ("a.tif", 0)]
)
def test_every_format(source: Path, name: str, tolerance: float) -> None:
    path = save_photo(source / name, 1)
    assert _near(load_rgb(path), photo(1), tolerance)


def test_the_content_decides_not_the_name(source: Path) -> None:
    save_photo(source / "a.png", 1)
    (source / "a.png").rename(source / "a.jpg")
    assert read(source / "a.jpg").format == "PNG"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_camera_says_which_way_is_up(source: Path, orientation: int, kind: str) -> None:
    upright = Image.new("RGB", (80, 48), "white")
    upright.paste("red", (0, 0, 24, 16))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    stored = upright.transpose(back) if back is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    stored.save(source / "a", kind, exif=exif, **options)
    for at_least in (None, 20):
        picture = read(source / "a", at_least=at_least)
        assert (picture.width, picture.height) == (80, 48)
        assert picture.rgb.width > picture.rgb.height
        assert _colour(picture.rgb)[1] < 60
        assert _colour(picture.rgb, (picture.rgb.width - 3, picture.rgb.height - 3))[1] > 200


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("suffix", "kind"), [("tif", np.uint8), ("tif", np.uint16), ("png", np.uint8)])
def test_grey_pictures_and_masks_are_turned_alike(
    source: Path, orientation: int, suffix: str, kind: type[np.generic]
) -> None:
    """Pillow maps plain grey TIFFs into memory and garbles those that lie on their side, unless it is kept from it."""
    stored = np.zeros((36, 48), dtype=kind)
    stored[6:30, 4:20] = 200
    stored[6, 4] = 7
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = source / f"a.{suffix}"
    Image.fromarray(stored).save(path, exif=exif)
    Image.fromarray(stored.astype(np.uint8)).save(source / "plain.png", exif=exif)
    with Image.open(source / "plain.png") as plain:
        upright = np.asarray(ImageOps.exif_transpose(plain))
    assert np.array_equal(read_values(path).numbers, upright)
    turned = turned_by(path)
    assert np.array_equal(stored if turned is None else turn(stored, turned), upright)
    shown = np.asarray(load_rgb(path))[..., 0]
    assert np.array_equal(shown, upright if kind is np.uint8 else upright >> 8)


def test_numbers_that_occur(source: Path) -> None:
    for values in (
        np.array([[0, 3, 255]], np.uint8),
        np.array([[0, 3, 65535]], np.uint16),
        np.array([[-2, 7, 2**30]], np.int32),
    ):
        Image.fromarray(values).save(source / "a.tif")
        found = read_values(source / "a.tif")
        assert found.levels.tolist() == values[0].tolist()
        assert np.array_equal(found.numbers, values)


def test_palette_with_transparency_is_shown_on_white(source: Path) -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([10, 20, 30, 200, 100, 50] + [0] * 762)
    image.paste(1, (0, 0, 10, 20))
    image.save(source / "a.png", transparency=0)
    picture = read(source / "a.png")
    assert _colour(picture.rgb) == (200, 100, 50)
    assert _colour(picture.rgb, (15, 5)) == (255, 255, 255)
    assert picture.alpha is not None
    assert picture.alpha.getpixel((15, 5)) == 0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_of_png(source: Path, mode: str) -> None:
    Image.new("RGB", (20, 20), "white").convert("L" if mode == "LA" else mode).convert(mode).save(source / "a.png")
    assert _colour(load_rgb(source / "a.png")) == (255, 255, 255)


def test_half_transparent_pixels_are_mixed_with_white(source: Path) -> None:
    Image.new("RGBA", (20, 20), (0, 0, 0, 128)).save(source / "a.png")
    assert _colour(load_rgb(source / "a.png"))[0] in {126, 127, 128}


def test_an_opaque_alpha_channel_is_no_transparency(source: Path) -> None:
    photo(1).convert("RGBA").save(source / "a.png")
    assert read(source / "a.png").alpha is None


def test_sixteen_bit_grey_is_scaled_not_clipped(source: Path) -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16)
    Image.fromarray(np.tile(ramp, (16, 1))).save(source / "a.png")
    found = np.asarray(load_rgb(source / "a.png"))[0, :, 0]
    assert found[0] == 0
    assert found[255] == 255
    assert np.abs(found.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0, 9000.0])
def test_floating_point_tiff(source: Path, top: float) -> None:
    ramp = np.tile(np.linspace(0, top, 64, dtype=np.float32), (16, 1))
    ramp[0, 0] = np.nan
    Image.fromarray(ramp).save(source / "a.tif")
    found = np.asarray(load_rgb(source / "a.tif"))[1, :, 0]
    assert found[-1] == 255
    assert found[32] in range(120, 136)


def test_thirty_two_bit_integers(source: Path) -> None:
    Image.fromarray(np.tile(np.linspace(0, 2_000_000, 64).astype(np.int32), (16, 1))).save(source / "a.tif")
    found = np.asarray(load_rgb(source / "a.tif"))[0, :, 0]
    assert found[0] == 0
    assert found[-1] > 230
    assert found[32] in range(100, 140)


def test_cmyk_jpeg(source: Path) -> None:
    Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK").save(source / "a.jpg", quality=95)
    red, green, blue = _colour(load_rgb(source / "a.jpg"))
    assert red > 180
    assert max(green, blue) < 60


def _swapped_profile() -> bytes:
    """An sRGB profile whose red and blue are exchanged: impossible to overlook when it is applied."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = data.index(b"rXYZ"), data.index(b"bXYZ")
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    name = data.find("sRGB".encode("utf-16-be"))
    while name >= 0:
        data[name : name + 8] = "test".encode("utf-16-be")
        name = data.find("sRGB".encode("utf-16-be"))
    return bytes(data).replace(b"sRGB", b"test")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_the_colour_profile_is_applied(source: Path, mode: str) -> None:
    Image.new("RGB", (16, 16), (220, 30, 30)).convert(mode).save(source / "a.png", icc_profile=_swapped_profile())
    red, _green, blue = _colour(load_rgb(source / "a.png"))
    assert blue > 180
    assert red < 80


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 300, _swapped_profile()[:200]])
def test_a_broken_colour_profile_is_ignored(source: Path, profile: bytes) -> None:
    Image.new("RGB", (16, 16), (220, 30, 30)).save(source / "a.png", icc_profile=profile)
    assert _colour(load_rgb(source / "a.png")) == (220, 30, 30)


def test_a_profile_of_another_kind_of_picture_is_ignored(source: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 200, 200, 0)).save(source / "a.jpg", icc_profile=_swapped_profile(), quality=95)
    load_rgb(source / "a.jpg")
    Image.new("L", (16, 16), 128).save(source / "b.png", icc_profile=_swapped_profile())
    assert _colour(load_rgb(source / "b.png"))[0] in range(124, 133)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tif"])
def test_the_first_frame_counts(source: Path, name: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name == "a.webp" else {}
    frames[0].save(source / name, save_all=True, append_images=frames[1:], **options)
    assert _colour(load_rgb(source / name)) == (255, 0, 0)


def test_a_smaller_picture_is_enough_when_asked_for(source: Path) -> None:
    for name in ("a.jpg", "a.png"):
        save_photo(source / name, 3, (1200, 900))
        picture = read(source / name, at_least=256)
        assert (picture.width, picture.height) == (1200, 900)
        assert 256 <= min(picture.rgb.size) < 700
        assert _near(picture.rgb.resize((40, 30)), load_rgb(source / name).resize((40, 30)), 6)


def test_bytes_can_be_read_too() -> None:
    data = io.BytesIO()
    photo(1).save(data, "PNG")
    data.seek(0)
    assert header_pixels(data) == 400 * 300
    assert read(data).rgb.size == (400, 300)


def test_what_is_returned_hangs_on_no_file(source: Path) -> None:
    path = save_photo(source / "a.png", 1)
    image = load_rgb(path)
    path.unlink()
    assert _near(image, photo(1), 0)
    assert type(image) is Image.Image


def test_a_missing_file_and_a_folder_are_plain_messages(source: Path) -> None:
    for path in (source / "missing.png", source):
        with pytest.raises(ImportFailure, match="cannot be read"):
            load_rgb(path)
