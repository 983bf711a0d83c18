"""Keeps a base model warm and makes pictures with it, alone or with adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from engines.api.errors import ModelError
from engines.api.uses import AdapterUse
from engines.core.contracts import ProgressHook
from engines.core.devices import Device, release_cache
from engines.diffusion.backbones import open_base, quiet
from engines.diffusion.contracts import Base
from engines.diffusion.exchange import Adapter, read_adapter
from engines.diffusion.focus import focused
from engines.diffusion.placement import Placement
from engines.diffusion.sampling import Sampling, StepHook, draw
from engines.diffusion.transport import without

_KEPT, _KEPT_BYTES = 3, 2**29
"""So many adapter files stay in memory, and more as long as they are smaller than this together."""


class Generator:
    """One base model on one device. Opening is the slow part and happens once; adapters change in a moment."""

    def __init__(self, device: Device) -> None:
        # An adapter's change is small beside the weights it is added to: bf16 would round much of it away, fp16 does not.
        half = device.dtype == torch.bfloat16
        self.device = replace(device, dtype=torch.float16, autocast=torch.float16) if half else device
        self._name = ""
        self._base: Base | None = None
        self._placement: Placement | None = None
        self._files: dict[tuple[str, int, int], Adapter] = {}
        self._used: tuple[tuple[AdapterUse, int, int], ...] = ()

    @property
    def base(self) -> Base:
        """The open base model.

        Raises:
            ModelError: none is open.
        """
        if self._base is None:
            title = "No base model is open"
            raise ModelError(title, hint="Open one first.")
        return self._base

    def open(self, base: str, *, progress: ProgressHook = quiet) -> None:
        """Load a base model, unless it is the open one; adapters in use are dropped when it changes. Raises ModelError."""
        if base == self._name and self._base is not None:
            return
        self.release()
        self._base = open_base(base, self.device, progress=progress)
        self._placement = Placement(self._base)
        self._name = base

    def use(self, adapters: Sequence[AdapterUse]) -> None:
        """Make pictures with exactly these adapters from now on; an empty list is the base alone.

        Raises:
            AdapterError: a file is missing, damaged or does not fit; then nothing is changed.
        """
        base = self.base
        wanted = tuple((use, *_stamp(Path(use.file))) for use in adapters)
        if wanted == self._used:
            return
        loaded = [(self.read(use), use.weight) for use in adapters]
        (self._placement or Placement(base)).use(loaded)
        self._used = wanted

    def pictures(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        steps: int = 0,
        guidance: float = 0.0,
        negative: str = "",
        size: tuple[int, int] = (0, 0),
        on_step: StepHook | None = None,
    ) -> Iterator[Image.Image]:
        """One picture for each pair of prompt and seed, in order; 0 takes the base's own value.

        Args:
            prompts: N of them.
            seeds: N of them; the same seed starts from the same noise, with any adapter.
            steps: denoising steps.
            guidance: how strictly the words are followed.
            negative: what the picture shall not show.
            size: width and height in pixels, rounded to what the base can make.
            on_step: hears (done, total) between denoising steps; may raise to end it.
        """
        how = Sampling(steps=steps, guidance=guidance, negative=negative, width=size[0], height=size[1])
        return draw(self.base, prompts, seeds, how, on_step=on_step)

    def release(self) -> None:
        """Give all memory back."""
        self._base, self._placement, self._name, self._used = None, None, "", ()
        self._files.clear()
        release_cache(self.device)

    def read(self, use: AdapterUse) -> Adapter:
        """The adapter of a file, from memory where it was read before.

        Raises:
            AdapterError: it is missing or damaged, or has no such concept to switch off.
        """
        path = Path(use.file)
        key = (use.file, *_stamp(path))
        if key not in self._files:
            self._files[key] = read_adapter(path)
            while len(self._files) > _KEPT and sum(size for _, size, _ in self._files) > _KEPT_BYTES:
                self._files.pop(next(iter(self._files)))
        adapter = without(self._files[key], use.off)
        return adapter if use.focus is None else focused(adapter, use.focus)


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of change, so that a file written anew is read anew; zeros when it is missing."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns
