"""Masks of volumes: one click in three dimensions, followed from slice to slice, or classes that are found in every slice without being asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from engines.api.errors import AdapterError, SettingsError
from engines.segmentation import prompting
from engines.segmentation.contracts import Prompts
from engines.segmentation.drawing import enlarged
from engines.segmentation.frames import Frame, frame_of

if TYPE_CHECKING:
    from engines.segmentation.contracts import Segmenter

Bytes = npt.NDArray[np.uint8]
Masks = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
_MOST_SURE = 20.0
"""Earlier answers are cut to logits of this size: surer ones could not be corrected any more."""


class VolumeSession:
    """Answers about one volume; slices are looked at when they are first needed, each with its neighbours where the adapter wants them."""

    def __init__(self, model: Segmenter, slices: Bytes, *, reach: int = 0, tokens: torch.Tensor | None = None) -> None:
        """Keep what is asked.

        Args:
            model: plain or adapted.
            slices: (D, H, W) greys.
            reach: as the adapter's `Tuned.reach`.
            tokens: (K, C) of the adapter's classes; None where it finds none.
        """
        self._model, self._slices, self._reach, self._tokens = model, slices, reach, tokens
        height, width = slices.shape[1:]
        sizes, side = model.info.sizes, model.drawn_side
        self._frame: Frame = frame_of((width, height), sizes.image_side, side)
        self._cell = sizes.image_side / sizes.mask_side
        self._inside = torch.from_numpy(frame_of((width, height), sizes.image_side, sizes.mask_side).valid() > 0.5)
        self._seen: dict[int, torch.Tensor] = {}

    @torch.no_grad()
    def follow(self, click: tuple[float, float, float], progress: Progress) -> Masks:
        """The object at a click, (D, H, W): found in the click's slice, then followed either way until nothing of it is left.

        Args:
            click: column, row and slice.
            progress: told (slices done, slices in all).

        Raises:
            SettingsError: the click lies outside the volume.
        """
        count, height, width = self._slices.shape
        column, row, start = click
        if not (0 <= column < width and 0 <= row < height and 0 <= start < count):
            title = "The click lies outside the volume"
            raise SettingsError(title, f"It has {width} columns, {height} rows and {count} slices, counted from 0.")
        found = np.zeros(self._slices.shape, bool)
        places = self._frame.to_model([[[column, row], [0.0, 0.0]]])
        asked = Prompts(torch.from_numpy(places), torch.tensor([[1.0, -1.0]]))
        first = self._answer(int(start), asked, found, several=True)
        done = 1
        for step in (1, -1):
            earlier, number = first, int(start) + step
            while 0 <= number < count and bool((earlier > 0).any()):
                progress(done, count)
                earlier = self._answer(number, prompting.following(earlier, self._cell), found, several=False)
                number, done = number + step, done + 1
        progress(count, count)
        return found

    @torch.no_grad()
    def classes(self, progress: Progress) -> list[Masks]:
        """Every class's mask (D, H, W).

        Raises:
            AdapterError: the model finds nothing without being asked.
        """
        if self._tokens is None:
            title = "This model finds nothing without being asked"
            raise AdapterError(title, "It answers clicks and boxes only.", "Click on the object.")
        found = [np.zeros(self._slices.shape, bool) for _ in range(len(self._tokens))]
        nothing = torch.zeros(len(self._tokens), 0, 2)
        for number in range(len(self._slices)):
            progress(number, len(self._slices))
            asked = self._sent(Prompts(nothing, nothing[..., 0], tokens=self._tokens.unsqueeze(1)))
            logits, _ = self._model.decode(self._look(number), asked, several=False, side=self._model.drawn_side)
            for label, mask in enumerate(logits[:, 0].float().cpu().numpy()):
                found[label][number] = self._frame.mask(mask).array()
        return found

    def _answer(self, number: int, asked: Prompts, found: Masks, *, several: bool) -> torch.Tensor:
        """Put the likeliest mask of a slice into `found` and give it as logits (1, m, m) to go on from; the padding holds nothing."""
        side = self._model.drawn_side
        logits, scores = self._model.decode(self._look(number), self._sent(asked), several=several, side=side)
        best = logits[:, int(scores[0].argmax())].float().cpu()
        found[number] = self._frame.mask(best[0].numpy()).array()
        earlier = enlarged(best[:, None], self._model.info.sizes.mask_side)[:, 0].clamp(-_MOST_SURE, _MOST_SURE)
        return torch.where(self._inside, earlier, -_MOST_SURE)

    def _look(self, number: int) -> torch.Tensor:
        """The embedding (1, C, g, g) of a slice."""
        if number not in self._seen:
            last, together = len(self._slices) - 1, 2 * self._reach + 1
            near = [min(max(number + step, 0), last) for step in range(-self._reach, self._reach + 1)]
            pixels = torch.from_numpy(
                np.stack([self._frame.pixels(Image.fromarray(self._slices[one])) for one in near])
            )
            self._seen[number] = self._model.encode(pixels, together=together)[self._reach][None]
        return self._seen[number]

    def _sent(self, asked: Prompts) -> Prompts:
        device = next(self._model.network.parameters()).device
        parts = (None if part is None else part.to(device) for part in (asked.masks, asked.tokens))
        return Prompts(asked.points.to(device), asked.labels.to(device), *parts)


def dice(found: Masks, truth: Masks) -> float:
    """Overlap of two masks of a volume, all slices together; 1 where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2.0 * int((found & truth).sum()) / total if total else 1.0


def middle_of(truth: Masks) -> tuple[float, float, float]:
    """Column, row and slice of the voxel that lies deepest inside a mask (D, H, W): the click of a careful person."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(truth, 1))[1:-1, 1:-1, 1:-1]
    number, row, column = np.unravel_index(int(depth.argmax()), truth.shape)
    return float(column), float(row), float(number)
