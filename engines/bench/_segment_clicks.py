"""The figures of `bench segment` about clicks: from a click to the mask's run lengths, beside the reference's predictor in the same minutes.

The decoder is that of ViT-B (all published models have the same), its weights and the picture's embedding are random: what is measured does not
depend on them, and random masks are no easier to write down than real ones.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.bench._own_home import own_home
from engines.bench.table import Bench, Cell, Figure, Table

if TYPE_CHECKING:
    from engines.segmentation.clicks import Clicks, Found

_SIZES = ((1500, 1000), (4000, 3000))
_TURNS, _QUICK_TURNS = 40, 3
_FLOOR_MS, _AIM_MS = 150.0, 40.0
_SAME = 0.999


@dataclass(frozen=True)
class Timed:
    """How long something took in each turn, by the clock and of the processor, in milliseconds."""

    clock: Sequence[float]
    processor: Sequence[float]

    @property
    def median(self) -> float:
        """Of the times by the clock."""
        return statistics.median(self.clock)


def clicking(bench: Bench) -> tuple[Table, list[Figure]]:
    """A single click with three candidates, ours and the predictor's, turn and turn about."""
    bench.say("Clicks on a decoder of full size ...")
    rows: list[tuple[Cell, ...]] = []
    found = {size: _compared(bench, size) for size in _SIZES}
    for (width, height), (ours, theirs) in found.items():
        for name, timed in (("Lorikeet", ours), ("SamPredictor", theirs)):
            rows.append(
                (f"{width} x {height}", name, timed.median, min(timed.clock), statistics.median(timed.processor))
            )
    ours, theirs = found[_SIZES[0]]
    ratios = [their / our for our, their in zip(ours.clock, theirs.clock, strict=True)]
    photo, _ = found[_SIZES[1]]
    figures = [
        Figure(
            "click-ms",
            ours.median,
            _FLOOR_MS,
            _AIM_MS,
            better="lower",
            unit=" ms",
            note=f"best turn {min(ours.clock):.0f}",
        ),
        Figure("click-against-predictor", statistics.median(ratios), 1.0, 2.0, unit="x", note=_spread(ratios)),
        Figure("click-ms-12-megapixels", photo.median, better="lower", unit=" ms"),
    ]
    headings = ("picture", "who", "median ms", "best ms", "median ms of the processor")
    return Table("One click, three candidates, embedding at hand", headings, tuple(rows)), figures


def threads() -> str:
    """How many threads each of the two answers a click with."""
    import torch

    from engines.segmentation import runtime

    return f"{runtime.threads()} (Lorikeet), {torch.get_num_threads()} (SamPredictor)"


def _compared(bench: Bench, size: tuple[int, int]) -> tuple[Timed, Timed]:
    import numpy as np

    from engines.api.segment_requests import Click
    from engines.segmentation.clicks import Asked

    folder = bench.folder / f"clicks-{size[0]}"
    folder.mkdir()
    with own_home(folder / "home"):
        session, predictor, picture = _ready(folder, size)
        x, y = size[0] * 0.4, size[1] * 0.6

        def ours() -> list[Found]:
            found = session.ask(Asked(picture), [Click(x=x, y=y)], None, lambda _done, _total: None)
            for one in found:
                _ = one.mask.text
            return found

        def theirs() -> Any:  # noqa: ANN401 - segment_anything has no types
            return predictor.predict(np.array([[x, y]]), np.array([1]), multimask_output=True)

        masks, scores, _ = theirs()
        for one, number in zip(ours(), np.argsort(-scores, kind="stable"), strict=True):
            if (one.mask.array() == masks[number]).mean() < _SAME:
                message = "the masks are not the predictor's"
                raise RuntimeError(message)
        return _in_turn((ours, theirs), _QUICK_TURNS if bench.quick else _TURNS)


def _ready(folder: Path, size: tuple[int, int]) -> tuple[Clicks, Any, Path]:
    """A session and a predictor of the same weights, with the same embedding of the same picture at hand, and the picture."""
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from segment_anything import SamPredictor

    from engines.launch.sam_sizes import PUBLISHED
    from engines.segmentation.clicks import Clicks, Shared
    from engines.segmentation.decoders import decoder_for
    from engines.segmentation.embeddings import embedding_key
    from engines.segmentation.frames import frame_of
    from engines.segmentation.sizes import build_sam

    sizes = replace(PUBLISHED["vit_b"], depth=1, global_blocks=())  # nothing is encoded here
    torch.manual_seed(0)
    sam = build_sam(sizes).eval()
    save_file({name: tensor.contiguous() for name, tensor in sam.state_dict().items()}, folder / "base.safetensors")
    picture = folder / "picture.png"
    Image.effect_noise((size[0] // 10, size[1] // 10), 60).convert("RGB").resize(size).save(picture)
    address, shared = f"file:{folder / 'base.safetensors'}", Shared()
    decoder = decoder_for(address, None, lambda _text: None)
    embedding = torch.randn(1, sizes.out_chans, sizes.token_side, sizes.token_side)
    seen, _ = shared.pictures.look(picture)
    shared.embeddings.put(embedding_key(seen, *decoder.hashes), np.ascontiguousarray(embedding.numpy()), None)
    predictor = SamPredictor(sam)
    predictor.features, predictor.is_image_set = embedding, True
    predictor.original_size = (size[1], size[0])
    predictor.input_size = frame_of(size, sizes.image_side, sizes.mask_side).inner
    return Clicks(address, None, decoder, shared), predictor, picture


def _in_turn(ways: Sequence[Callable[[], object]], turns: int) -> tuple[Timed, Timed]:
    """Both ways again and again, so that whatever else the machine does falls on both."""
    clock: list[list[float]] = [[], []]
    processor: list[list[float]] = [[], []]
    for _ in range(turns):
        for number, way in enumerate(ways):
            began, busy = time.perf_counter(), time.process_time()
            way()
            clock[number].append(1e3 * (time.perf_counter() - began))
            processor[number].append(1e3 * (time.process_time() - busy))
    return Timed(clock[0], processor[0]), Timed(clock[1], processor[1])


def _spread(ratios: Sequence[float]) -> str:
    low, *_, high = statistics.quantiles(ratios, n=10)
    return f"eight turns in ten between {low:.2f} and {high:.2f}"
