"""One model kept loaded, with at most one adapter in it: looking at pictures is the slow part of an answer, and only here torch is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engines.segmentation.frames import Floats

if TYPE_CHECKING:
    from PIL import Image

    from engines.core.devices import Device
    from engines.segmentation.contracts import Segmenter
    from engines.segmentation.tuning import Tuning

Between = Callable[[int, int], None]
"""Called as (done, all) between the encoder's blocks; raises when the answer is not wanted any more."""


class WarmModel:
    """Turns pictures into embeddings. One thread at a time uses it: take it with `taken`."""

    def __init__(self, device: Callable[[], Device] | None = None) -> None:
        """`device` is asked when something is first loaded; left out, the fastest there is."""
        self._pick = device
        self._lock = threading.Lock()
        self._base = self._adapter = ""
        self._model: Segmenter | None = None
        self._tuning: Tuning | None = None

    @contextmanager
    def taken(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Have it for oneself; `waiting` is called now and then until it is free, and may raise."""
        while not self._lock.acquire(timeout=0.05):
            waiting()
        try:
            yield
        finally:
            self._lock.release()

    def encode(
        self, picture: Image.Image, base: str, adapter: Path | None, hashes: tuple[str, str], between: Between
    ) -> Floats:
        """The embedding (1, C, g, g) of a picture, fp32.

        Args:
            picture: upright.
            base: the model, as in a job.
            adapter: a file, or None.
            hashes: of both, which tell whether what is loaded will do.
            between: see `Between`.

        Raises:
            ModelError: the model cannot be opened.
            AdapterError: the adapter cannot, or belongs to another model.
        """
        import torch

        model = self._loaded(base, adapter, hashes)
        frame = model.frame(picture.width, picture.height)
        with torch.inference_mode(), _watched(model, between):
            found: Floats = model.encode(torch.from_numpy(frame.pixels(picture))[None]).float().cpu().numpy()
        return found

    def release(self) -> None:
        """Give its memory back."""
        self._model = self._tuning = None
        self._base = self._adapter = ""

    def _loaded(self, base: str, adapter: Path | None, hashes: tuple[str, str]) -> Segmenter:
        from engines.core.devices import pick
        from engines.segmentation.adapter_file import attach_for_use, read_segment_adapter
        from engines.segmentation.segmenters import open_segmenter

        if self._model is None or self._base != hashes[0]:
            self.release()  # before the next is loaded: both may not fit
            self._model = open_segmenter(base, (self._pick or pick)())
            self._base = hashes[0]
        if self._adapter != hashes[1]:
            if self._tuning is not None:
                self._tuning.detach()
            self._tuning, self._adapter = None, ""
            if adapter is not None:
                self._tuning, _ = attach_for_use(read_segment_adapter(adapter), self._model)
                self._adapter = hashes[1]
        return self._model


@contextmanager
def _watched(model: Segmenter, between: Between) -> Iterator[None]:
    """Call `between` before each block of the encoder."""
    blocks = list(model.encoder.blocks)

    def watching(number: int) -> Callable[[object, object], None]:
        return lambda _block, _inputs: between(number, len(blocks))

    handles = [block.register_forward_pre_hook(watching(number)) for number, block in enumerate(blocks)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
