"""How fast photos come in, and whether a window would stay responsive meanwhile."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.bench._own_home import own_home
from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

SENTENCE = (
    "Import of twelve-megapixel photos with thumbnails: photos a second, and the longest stall of a 10 ms heartbeat."
)
_SIZE = (4000, 3000)
_PHOTOS = 200
_DISTINCT = 8
_QUICK_PHOTOS = 16
_BEAT_S = 0.01


@dataclass
class Heartbeat:
    """What a window's timer would see: the longest time between two beats beyond the 10 ms asked for."""

    beats: int = 0
    longest_s: float = 0.0


def measure(bench: Bench) -> Result:
    """Make photos, import them into a new project, and count."""
    from projects import edits, importing, queries, thumbnails
    from projects.project import Project

    count = _QUICK_PHOTOS if bench.quick else _PHOTOS
    photos = bench.folder / "photos"
    photos.mkdir()
    bench.say(f"Making {count} photos of twelve megapixels ...")
    size_bytes = make_photos(photos, count)
    idle = Heartbeat()
    with heart_beating(idle):
        time.sleep(1.0)
    with own_home(bench.folder / "home"), Project.create(bench.folder / "project", "Import") as project:
        concept_id = edits.add_concept(project, "Photos").ids[0]
        bench.say("Importing ...")
        beating = Heartbeat()
        with heart_beating(beating):
            report = importing.import_paths(project, [photos], concept_id)
        images = queries.images(project, concept_id)
        made = sum(thumbnails.cached(image.sha256).is_file() for image in images)
        whole = sum(image.width * image.height == _SIZE[0] * _SIZE[1] for image in images)
    if not len(images) == made == whole == count:
        msg = f"{len(images)} of {count} photos came in, {made} with a thumbnail, {whole} of the right size: {report.lines[:3]}"
        raise RuntimeError(msg)
    rate = count / report.seconds
    table = Table(
        "Import with thumbnails",
        ("photos", "megabytes each", "seconds", "photos a second", "longest stall, ms", "longest stall idle, ms"),
        (
            (
                count,
                round(size_bytes / count / 1e6, 2),
                round(report.seconds, 2),
                round(rate, 1),
                round(beating.longest_s * 1e3, 1),
                round(idle.longest_s * 1e3, 1),
            ),
        ),
    )
    return Result(
        figures=(
            Figure("import-photos-per-second", rate, floor=6.0, aim=15.0, unit="/s"),
            Figure(
                "import-longest-stall",
                beating.longest_s * 1e3,
                floor=100.0,
                aim=30.0,
                better="lower",
                unit="ms",
                note=f"{beating.beats} beats; the same thread idle: {idle.longest_s * 1e3:.0f} ms",
            ),
        ),
        tables=(table,),
        conditions={
            "threads": str(importing.threads_here()),
            "size of a photo": f"{_SIZE[0]} x {_SIZE[1]}",
            "cache": "warm",
        },
    )


def make_photos(folder: Path, count: int) -> int:
    """Write `count` JPEGs of twelve megapixels that all differ, as cameras do; returns their bytes in all.

    A few are drawn, with shapes of all sizes and grain; the rest are these with other camera data, which changes the file and its
    hash but not the work of reading it.
    """
    total = 0
    drawn = [_encoded(_photo(seed)) for seed in range(min(count, _DISTINCT))]
    for number in range(count):
        data = _with_camera_data(drawn[number % len(drawn)], number)
        (folder / f"IMG_{number:04}.jpg").write_bytes(data)
        total += len(data)
    return total


@contextmanager
def heart_beating(heart: Heartbeat) -> Iterator[None]:
    """Beat every 10 ms in a thread of its own while the block runs, as a window's timer would."""
    stop = threading.Event()

    def beat() -> None:
        before = time.perf_counter()
        while not stop.is_set():
            time.sleep(_BEAT_S)
            now = time.perf_counter()
            late = now - before - _BEAT_S
            heart.beats += 1
            heart.longest_s = max(heart.longest_s, late)
            before = now

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _photo(seed: int) -> Image.Image:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(seed)
    broad = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(_SIZE, Image.Resampling.BICUBIC)
    detail = Image.fromarray(rng.integers(0, 256, (375, 500, 3), dtype=np.uint8)).resize(
        _SIZE, Image.Resampling.BICUBIC
    )
    pixels = np.asarray(broad, dtype=np.int16) + (np.asarray(detail, dtype=np.int16) - 128) // 4
    pixels += rng.integers(-6, 7, (_SIZE[1], _SIZE[0], 1), dtype=np.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _encoded(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=92)
    return data.getvalue()


def _with_camera_data(jpeg: bytes, number: int) -> bytes:
    """Put an EXIF block that says when photo `number` was taken behind the start marker."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0110] = "Bench camera"
    exif[0x0132] = f"2026:11:21 12:{number // 60 % 60:02}:{number % 60:02}"
    exif[0x010E] = f"photo {number}"
    block = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]
