"""Pictures on their way into a training: shapes, crops, masks, caches, order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engines.api.job import JobConcept, JobImage
from engines.core.cache import TensorCache, key_of
from engines.diffusion import dataset
from engines.diffusion.captions import caption_of, without_trigger
from engines.diffusion.data import LATENTS, Latents
from engines.diffusion.dataset import Dataset, build
from engines.diffusion.pictures import nearest_shape, prepare, shapes
from projects.errors import ImportFailure
from tests.diffusion.support import make_job, make_pictures, open_tiny, quiet

CONCEPT = JobConcept(name="dog", trigger="sks", class_noun="dog")


def dataset_of(
    folder: Path, root: Path, images: list[JobImage], *, text_trains: bool = False, **data: object
) -> Dataset:
    base = open_tiny(folder)
    recipe = make_job(folder, data=data).recipe
    return build(
        base, root, images, CONCEPT, recipe, torch.device("cpu"),
        class_files=[], class_text="", text_trains=text_trains, progress=quiet,
    )  # fmt: skip


@given(st.sampled_from([64, 512, 768, 1024]), st.sampled_from([8, 16, 32, 64]))
def test_shapes_are_multiples_of_about_one_area(resolution: int, multiple: int) -> None:
    side = max(multiple, round(resolution / multiple) * multiple)
    found = shapes(resolution, multiple)
    assert (side, side) in found
    for width, height in found:
        assert width % multiple == 0
        assert height % multiple == 0
        assert width * height <= side * side
        assert max(width, height) <= 2 * min(width, height)
        assert (height, width) in found
    assert shapes(resolution, multiple, square=True) == [(side, side)]


def test_a_picture_goes_to_the_shape_nearest_to_its_own() -> None:
    found = shapes(512, 64)
    assert nearest_shape((4000, 4000), found) == (512, 512)
    wide = nearest_shape((1600, 900), found)
    assert wide[0] > wide[1]
    assert nearest_shape((900, 1600), found) == (wide[1], wide[0])
    assert nearest_shape((9000, 100), found)[0] == max(width for width, _ in found)


def test_the_crop_keeps_the_middle_or_what_the_mask_shows(tmp_path: Path) -> None:
    pixels = np.zeros((32, 96, 3), np.uint8)
    pixels[:, 64:] = 255
    mask = np.zeros((32, 96), np.uint8)
    mask[:, 64:] = 255
    Image.fromarray(pixels).save(tmp_path / "p.png")
    Image.fromarray(mask).save(tmp_path / "m.png")
    middle = prepare(tmp_path / "p.png", None, [(32, 32)], 4)
    right = prepare(tmp_path / "p.png", tmp_path / "m.png", [(32, 32)], 4)
    assert float(middle.pixels.max()) < 0
    assert middle.mask is None
    assert float(right.pixels.min()) > 0.9
    assert right.mask is not None
    assert right.mask.shape == (1, 1, 8, 8)
    assert float(right.mask.mean()) == pytest.approx(1.0)


def test_the_frame_tells_how_a_picture_was_cut(tmp_path: Path) -> None:
    """Height and width of the file, top and left of the crop after scaling, height and width learned."""
    Image.new("RGB", (192, 96), "red").save(tmp_path / "p.png")
    mask = Image.new("L", (192, 96), 0)
    mask.paste(255, (144, 0, 192, 96))
    mask.save(tmp_path / "m.png")
    wide, masked = ((tmp_path / "p.png", mask) for mask in (None, tmp_path / "m.png"))
    for (picture, area), flip, left in ((wide, False, 16), (masked, False, 32), (wide, True, 16), (masked, True, 0)):
        frame = prepare(picture, area, [(32, 32)], 4, flip=flip).frame
        assert frame.dtype == torch.float32
        assert frame.tolist() == [[96, 192, 0, left, 32, 32]]
    Image.new("RGB", (16, 40), "red").save(tmp_path / "p.png")
    assert prepare(tmp_path / "p.png", None, [(48, 32)], 4).frame.tolist() == [[40, 16, 44, 0, 32, 48]]


def test_the_frame_knows_the_file_and_not_what_was_decoded(tmp_path: Path) -> None:
    """A large JPEG is decoded smaller, and one from a camera may lie on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1600, 800), "red").save(tmp_path / "p.jpg", exif=exif)
    assert prepare(tmp_path / "p.jpg", None, [(32, 32)], 4).frame.tolist() == [[1600, 800, 16, 0, 32, 32]]


def test_masks_shrink_by_area_and_turn_with_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(tmp_path / "p.png")
    mask = np.zeros((32, 32), np.uint8)
    mask[:, :2] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    plain = prepare(tmp_path / "p.png", tmp_path / "m.png", [(32, 32)], 4).mask
    turned = prepare(tmp_path / "p.png", tmp_path / "m.png", [(32, 32)], 4, flip=True).mask
    assert plain is not None
    assert turned is not None
    torch.testing.assert_close(plain[0, 0, :, 0], torch.full((8,), 0.5))
    assert torch.equal(turned, plain.flip(-1))


def test_captions() -> None:
    assert caption_of("a [trigger] on grass", CONCEPT) == "a sks on grass"
    assert caption_of("  ", CONCEPT) == "a photo of a sks dog"
    assert caption_of("on grass", CONCEPT) == "a sks dog, on grass"
    assert caption_of("SKS dog asleep", CONCEPT) == "SKS dog asleep"
    assert caption_of("asks a dog", CONCEPT) == "a sks dog, asks a dog"
    assert without_trigger("a photo of a sks dog", "sks", "dog") == "a photo of a dog"
    assert without_trigger("a sks in the snow", "sks", "dog") == "a dog in the snow"
    assert without_trigger("a cat", "", "dog") == "a cat"


def test_every_picture_occurs_as_often_as_it_should(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 5, sizes=((40, 40), (80, 40)))
    images[0] = images[0].model_copy(update={"repeats": 3})
    batches = dataset_of(tiny_sd, tmp_path, images).batches
    seen: dict[bytes, int] = {}
    for _ in range(batches.epoch_steps):
        batch = batches.next()
        assert batch.mean.shape[0] == 2
        assert batch.text is not None
        for row in batch.mean:
            seen[row.numpy().tobytes()] = seen.get(row.numpy().tobytes(), 0) + 1
    assert len(seen) == 5
    assert sum(seen.values()) == 8  # three square ones, one of them thrice: five, filled up to six; two wide ones
    assert max(seen.values()) >= 3


def test_the_order_goes_on_exactly_where_it_stood(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 5)
    first = dataset_of(tiny_sd, tmp_path, images, flip=True, caption_dropout=0.5).batches
    for _ in range(7):
        first.next()
    state = first.state()
    second = dataset_of(tiny_sd, tmp_path, images, flip=True, caption_dropout=0.5).batches
    second.load_state(state)
    for _ in range(9):
        one, other = first.next(), second.next()
        assert torch.equal(one.mean, other.mean)
        assert one.text is not None
        assert other.text is not None
        assert torch.equal(one.text["hidden"], other.text["hidden"])


def test_caches_are_used_and_change_with_what_matters(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 2)
    dataset_of(tiny_sd, tmp_path, images)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.safetensors")}
    assert len([path for path in files if "latents" in path.parts]) == 2
    dataset_of(tiny_sd, tmp_path, images)
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.safetensors")}
    dataset_of(tiny_sd, tmp_path, images, resolution=64)
    dataset_of(tiny_sd, tmp_path, images, flip=True)
    later = list((tmp_path / "cache" / "latents").rglob("*.safetensors"))
    assert len(later) == 6


def test_a_damaged_cache_file_is_made_anew(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 1)
    before = dataset_of(tiny_sd, tmp_path, images).batches.next()
    for path in (tmp_path / "cache").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-3])
    after = dataset_of(tiny_sd, tmp_path, images).batches.next()
    assert torch.equal(before.mean, after.mean)


def test_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    key = key_of(what="test", number=1)

    def write_and_read() -> None:
        for _ in range(30):
            cache.put(key, {"mean": torch.arange(50.0)})
            found = cache.get(key)
            assert found is not None
            assert torch.equal(found["mean"], torch.arange(50.0))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write_and_read) for _ in range(4)]:
            done.result()


def test_latents_beyond_the_room_are_read_when_needed(tiny_sd: Path, tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    for number in range(3):
        cache.put(f"k{number}", {name: torch.full((1, 4, 2, 2), float(number)) for name in LATENTS})
    keys = ["k0", "k1", "k2"]
    device = torch.device("cpu")
    resident, lazy = (Latents(cache, keys, device, resident=resident) for resident in (True, False))
    rows = [lazy.row("k2"), lazy.row("k0")]
    assert all(torch.equal(resident.pick(rows)[name], lazy.pick(rows)[name]) for name in LATENTS)
    assert lazy.pick(rows)["mean"][0].unique().item() == 2.0


def test_what_does_not_lie_in_memory_is_read_ahead(
    tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = make_pictures(tmp_path, 6, sizes=((40, 40), (48, 32)))
    resident = dataset_of(tiny_sd, tmp_path, images, flip=True).batches
    monkeypatch.setattr(dataset, "RESIDENT_BYTES", 0)
    lazy = dataset_of(tiny_sd, tmp_path, images, flip=True).batches
    readers: list[str] = []
    read = Latents._read

    def noted(latents: Latents, keys: list[str]) -> dict[str, torch.Tensor]:
        readers.append(threading.current_thread().name.partition("_")[0])
        return read(latents, keys)

    monkeypatch.setattr(Latents, "_read", noted)
    for _ in range(2 * lazy.epoch_steps):
        one, other = resident.next(), lazy.next()
        assert torch.equal(one.mean, other.mean)
        assert torch.equal(one.frame, other.frame)
    assert readers.count("latents") == 2 * (lazy.epoch_steps - 1)
    assert len(readers) == 2 * lazy.epoch_steps  # only the first of an epoch is waited for
    assert lazy.state() == resident.state()


def test_there_is_a_batch_of_every_shape_and_the_order_does_not_notice(tiny_sd: Path, tmp_path: Path) -> None:
    batches = dataset_of(tiny_sd, tmp_path, make_pictures(tmp_path, 5, sizes=((40, 40), (48, 32), (32, 48)))).batches
    batches.next()
    before = batches.state()
    found = list(batches.of_every_shape())
    assert len({tuple(batch.mean.shape) for batch in found}) == len(found) == 3
    assert all(batch.subjects == 2 for batch in found)
    assert batches.state() == before


def test_unreadable_pictures_are_left_out_and_named(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 3)
    (tmp_path / images[1].file).write_bytes(b"not a picture")
    found = dataset_of(tiny_sd, tmp_path, images)
    assert len(found.skipped) == 1
    assert "001.png" in found.skipped[0]
    for image in images:
        (tmp_path / image.file).unlink(missing_ok=True)
    with pytest.raises(ImportFailure):
        dataset_of(tiny_sd, tmp_path / "elsewhere", images)


def test_some_are_kept_apart_for_measuring_when_there_are_enough(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 8)
    few, many = dataset_of(tiny_sd, tmp_path, images[:7]), dataset_of(tiny_sd, tmp_path, images)
    assert not few.measured_apart
    assert many.measured_apart
    measured = many.measured[0].latents.pick([0])["mean"]
    for _ in range(many.batches.epoch_steps):
        assert not any(torch.equal(row, measured[0]) for row in many.batches.next().mean)


def test_with_a_training_text_encoder_words_stay_tokens(tiny_sd: Path, tmp_path: Path) -> None:
    batch = dataset_of(tiny_sd, tmp_path, make_pictures(tmp_path, 2), text_trains=True).batches.next()
    assert batch.text is None
    assert batch.tokens is not None
    assert batch.tokens.shape[0] == 2
