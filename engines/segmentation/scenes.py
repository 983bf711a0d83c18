"""Pictures with their objects, ready for the model: pixels and embeddings by view, and masks on the grid they are compared on.

Embeddings are kept in the project's cache, named by picture, model and view, and in memory while there is room; a tuner that leaves the
encoder alone pays for each of them once. Small copies of the pictures stay in memory, so a step never decodes a file twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from engines.api.segment_job import Scene
from engines.core.cache import TensorCache, key_of
from engines.core.contracts import ProgressHook
from engines.segmentation.contracts import Segmenter
from engines.segmentation.frames import Frame
from engines.segmentation.objective import FINER
from engines.segmentation.views import PLAIN, View
from projects.errors import ImportFailure
from projects.pixels import read
from projects.regions.mask import Mask

RESIDENT_BYTES = 2**30
"""Pictures and embeddings up to this much each stay in memory."""


@dataclass(frozen=True)
class Object:
    """One object of a picture."""

    label: int
    mask: Mask


class SceneShelf:
    """The pictures of a run. Those that cannot be used are left out and named in `skipped`.

    Attributes:
        scenes: in order, those that can be read.
        objects: of each scene, in order; empty masks are left out.
    """

    def __init__(self, model: Segmenter, root: Path, scenes: Sequence[Scene], device: torch.device) -> None:
        self._model, self._root, self._device = model, root, device
        self._cache = TensorCache(root / "cache" / "embeddings")
        self._pictures: OrderedDict[int, npt.NDArray[np.uint8]] = OrderedDict()
        self._embeddings: OrderedDict[tuple[int, View], torch.Tensor] = OrderedDict()
        self._held = {"pictures": 0, "embeddings": 0}
        self.scenes: list[Scene] = []
        self.objects: list[list[Object]] = []
        self.skipped: list[str] = []
        self._volumes: dict[str, list[int]] = {}
        for scene in scenes:
            try:
                found = _objects(scene, root)
            except ImportFailure as error:
                self.skipped.append(str(error))
                continue
            if scene.volume:
                self._volumes.setdefault(scene.volume, []).append(len(self.scenes))
            self.scenes.append(scene)
            self.objects.append(found)
        for slices in self._volumes.values():
            slices.sort(key=lambda number: self.scenes[number].depth)

    def frame(self, number: int, view: View = PLAIN) -> Frame:
        """How scene `number` lies in the model's square."""
        scene = self.scenes[number]
        return self._model.frame(*view.size(scene.width, scene.height))

    def pixels(self, number: int, view: View = PLAIN) -> torch.Tensor:
        """What the encoder sees (3, S, S), on the device."""
        small = Image.fromarray(view.of(self._small(number)))
        frame = self._model.frame(small.width, small.height)
        return torch.from_numpy(frame.pixels(small)).to(self._device)

    def around(self, number: int, reach: int) -> list[int]:
        """Scene `number` in the middle of its neighbours, `reach` on either side; what lies beyond a volume's end is the end again."""
        slices = self._volumes.get(self.scenes[number].volume, [number])
        place = slices.index(number)
        return [slices[min(max(place + step, 0), len(slices) - 1)] for step in range(-reach, reach + 1)]

    def encoded(self, shown: Sequence[tuple[int, View]], reach: int) -> torch.Tensor:
        """Embeddings (N, C, g, g) of scenes in views as the model gives them now, each with its neighbours in view; see `around`."""
        together = 2 * reach + 1
        pixels = [self.pixels(near, view) for number, view in shown for near in self.around(number, reach)]
        return self._model.encode(torch.stack(pixels), together=together)[reach::together]

    def fill(self, numbers: Sequence[int], views: Sequence[View], progress: ProgressHook) -> None:
        """Compute the embeddings that the cache lacks."""
        wanted = [(number, view) for number in numbers for view in views]
        for done, (number, view) in enumerate(wanted):
            progress("embeddings", "Looking at the pictures", done, len(wanted))
            self.embedding(number, view)

    def embedding(self, number: int, view: View = PLAIN) -> torch.Tensor:
        """The plain model's embedding (C, g, g), fp32, on the device; computed once, then from the cache."""
        place = (number, view)
        if place in self._embeddings:
            return self._embeddings[place].to(self._device, torch.float32)
        key = key_of(
            what="embedding",
            model=self._model.info.base_hash,
            picture=self.scenes[number].sha256 or self.scenes[number].file,
            view=[view.mirrored, view.turns],
        )
        entry = self._cache.get(key)
        if entry is None or "embedding" not in entry:
            with torch.no_grad():
                found = self._model.encode(self.pixels(number, view)[None])[0]
            entry = {"embedding": found.to("cpu", torch.float16)}
            self._cache.put(key, entry)
        kept = entry["embedding"]
        if self._held["embeddings"] + kept.nbytes <= RESIDENT_BYTES:
            self._held["embeddings"] += kept.nbytes
            self._embeddings[place] = kept
        return kept.to(self._device, torch.float32)

    def truths(self, number: int, chosen: Sequence[Mask], view: View = PLAIN) -> torch.Tensor:
        """Masks of scene `number` on the grid they are compared on, (P, n, n), on the device."""
        frame = self.frame(number, view)
        side = FINER * frame.mask_side
        cells = [frame.cells(view.of(mask.array()), side) for mask in chosen]
        return torch.from_numpy(np.stack(cells)).to(self._device)

    def valid(self, number: int, view: View = PLAIN) -> torch.Tensor:
        """Share of each cell of that grid which lies in the picture, (n, n), on the device."""
        frame = self.frame(number, view)
        return torch.from_numpy(frame.valid(FINER * frame.mask_side)).to(self._device)

    def picture(self, number: int) -> Image.Image:
        """Scene `number` at its own size.

        Raises:
            ImportFailure: the file is gone or damaged.
        """
        return read(self._root / self.scenes[number].file).rgb

    def _small(self, number: int) -> npt.NDArray[np.uint8]:
        if number in self._pictures:
            return self._pictures[number]
        picture = self.picture(number)
        height, width = self.frame(number).inner
        small = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        if self._held["pictures"] + small.nbytes <= RESIDENT_BYTES:
            self._held["pictures"] += small.nbytes
            self._pictures[number] = small
        return small


def _objects(scene: Scene, root: Path) -> list[Object]:
    """The objects of a scene; raises ImportFailure when its file is gone or a mask does not belong to it."""
    name = Path(scene.file).name
    if not (root / scene.file).is_file():
        raise ImportFailure("A picture is missing", f"{name} is not in the project any more.", "It was left out.")
    try:
        masks = [Mask.from_text(one.counts, scene.width, scene.height) for one in scene.objects]
    except ValueError as error:
        raise ImportFailure("A mask is damaged", f"{name}: {error}.", "Mark the picture again.") from error
    return [Object(one.label, mask) for one, mask in zip(scene.objects, masks, strict=True) if mask.area]
