"""Answers clicks: one model with one adapter, its decoder from onnxruntime, and embeddings that are computed once a picture.

A click on a picture that was opened costs the decoder and the way back to the picture's pixels, and needs no torch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.api.errors import SettingsError
from engines.api.segment_requests import Click
from engines.segmentation import proposals
from engines.segmentation.decoders import Decoder
from engines.segmentation.embeddings import Embeddings, Pictures, embedding_key
from engines.segmentation.frames import Floats, Frame
from engines.segmentation.warm import Between, WarmModel
from projects.pixels import load_rgb
from projects.regions.mask import Mask

_REMEMBERED = 16
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """A mask, and the IoU with the object that the model expects of it; `label` is the number of its class, -1 for any object."""

    mask: Mask
    score: float
    label: int = -1


@dataclass(frozen=True)
class Asked:
    """A picture that something is asked about: its file, and the folder where its embedding is kept (None: only in memory)."""

    file: Path
    folder: Path | None = None


@dataclass(frozen=True)
class _Ready:
    """A picture's embedding, its frame, the embedding's name, and whether it was there already."""

    embedding: Floats
    frame: Frame
    key: str
    there: bool


class Shared:
    """What several of these have in common: the loaded model, embeddings, and pictures that were seen."""

    def __init__(self, model: WarmModel | None = None, embeddings: Embeddings | None = None) -> None:
        self.model, self.embeddings = model or WarmModel(), embeddings or Embeddings()
        self.pictures = Pictures()

    def release(self) -> None:
        """Give the memory back, once nobody looks at a picture any more."""
        with self.model.taken(lambda: None):
            self.model.release()
        self.embeddings.release()


class Clicks:
    """Answers for one model and adapter.

    Attributes:
        shared: what it has in common with others.
    """

    def __init__(self, base: str, adapter: Path | None, decoder: Decoder, shared: Shared) -> None:
        """`base` and `adapter` as in a request; `decoder` theirs."""
        self._base, self._adapter, self._decoder, self.shared = base, adapter, decoder, shared
        self._answers: OrderedDict[str, Floats] = OrderedDict()

    def open(self, asked: Asked, between: Between) -> tuple[Frame, bool]:
        """Have a picture's embedding ready.

        Returns:
            How the picture lies in the model's square, and whether the embedding was there already.

        Raises:
            ImportFailure: the picture cannot be read.
            ModelError, AdapterError: the model or the adapter cannot be opened.
        """
        ready = self._ready(asked, between)
        return ready.frame, ready.there

    def ask(
        self,
        asked: Asked,
        clicks: Sequence[Click],
        box: Box | None,
        between: Between,
        *,
        follow: int = -1,
        remember: bool = True,
    ) -> list[Found]:
        """The masks for clicks and a box: several for a single click, the likeliest first, else one.

        Args:
            asked: the picture; it is opened when it is not.
            clicks: in its pixels.
            box: left, top, right, bottom.
            between: see `open`.
            follow: number of the last answer to this picture that is to be made better; ignored when there is none of that number.
            remember: whether the next may follow this one.
        """
        if not clicks and box is None:
            raise SettingsError(
                "Nothing was pointed at", "A mask is found for clicks or a box.", "Click on the object."
            )
        ready = self._ready(asked, between)
        frame = ready.frame
        points, labels = _prompts(clicks, box, frame)
        earlier, known = self._earlier(ready.key, follow, frame)
        masks, scores = self._decoder.clicked(ready.embedding, points, labels, earlier, known)
        several = slice(1, None) if len(clicks) == 1 and box is None else slice(0, 1)
        order = several.start + np.argsort(-scores[0, several], kind="stable") if several.start else np.array([0])
        if remember:
            self._remember(ready.key, masks[0, order])
        return [Found(frame.mask(masks[0, number]), float(scores[0, number])) for number in order]

    def classes(self, asked: Asked, between: Between) -> list[Found]:
        """A mask for each class that was found.

        Raises:
            AdapterError: the adapter finds nothing without being asked.
        """
        graph = self._decoder.classes
        ready = self._ready(asked, between)
        masks, scores = graph(ready.embedding)
        found = [
            Found(ready.frame.mask(mask), float(score), label)
            for label, (mask, score) in enumerate(zip(masks[0], scores[0], strict=True))
        ]
        return [one for one in found if one.mask.area]

    def everything(self, asked: Asked, per_side: int, between: Between) -> list[Found]:
        """Proposals for all objects, the likeliest first; see `proposals`."""
        ready = self._ready(asked, between)
        embedding, frame = ready.embedding, ready.frame
        inside = frame.valid() > 0.5
        kept = []
        clicks = [(float(x), float(y)) for x, y in proposals.grid(per_side, frame)]
        for number, click in enumerate(clicks):
            between(number, len(clicks))
            masks, scores = self._answer(embedding, click, frame)
            kept += proposals.worthy(click, masks[0, 1:], scores[0, 1:], inside)
        chosen = proposals.told_once(kept)
        # Keeping the logits of all would take a gigabyte where every click finds something; asking again for those kept takes little.
        return [
            Found(frame.mask(self._answer(embedding, one.click, frame)[0][0, 1 + one.number]), one.score)
            for one in chosen
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes it finds without being asked."""
        return self._decoder.facts.classes

    def _ready(self, asked: Asked, between: Between) -> _Ready:
        shared, hashes = self.shared, (self._decoder.hashes[0], self._decoder.seen_by)
        seen, picture = shared.pictures.look(asked.file)
        key = embedding_key(seen, *hashes)
        frame = Frame(seen.height, seen.width, self._decoder.facts.side, self._decoder.facts.mask_side)
        embedding = shared.embeddings.get(key, asked.folder)
        if embedding is not None:
            return _Ready(embedding, frame, key, there=True)
        with shared.model.taken(lambda: between(0, 0)):
            embedding = shared.embeddings.get(key, asked.folder)  # another thread may have seen to it
            if embedding is not None:
                return _Ready(embedding, frame, key, there=True)
            adapter = self._adapter if self._decoder.seen_by else None
            found = shared.model.encode(picture or load_rgb(asked.file), self._base, adapter, hashes, between)
            shared.embeddings.put(key, found, asked.folder)
        return _Ready(found, frame, key, there=False)

    def _answer(self, embedding: Floats, click: tuple[float, float], frame: Frame) -> list[Floats]:
        points, labels = _prompts([Click(x=click[0], y=click[1])], None, frame)
        nothing = np.zeros((1, 1, frame.mask_side, frame.mask_side), np.float32)
        return self._decoder.clicked(embedding, points, labels, nothing, np.zeros(1, np.float32))

    def _earlier(self, key: str, follow: int, frame: Frame) -> tuple[Floats, Floats]:
        """The mask to make better, and whether there is one."""
        last = self._answers.get(key)
        if last is None or not 0 <= follow < len(last):
            return np.zeros((1, 1, frame.mask_side, frame.mask_side), np.float32), np.zeros(1, np.float32)
        return last[None, follow : follow + 1], np.ones(1, np.float32)

    def _remember(self, key: str, logits: Floats) -> None:
        self._answers[key] = logits
        self._answers.move_to_end(key)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def _prompts(clicks: Sequence[Click], box: Box | None, frame: Frame) -> tuple[Floats, Floats]:
    """Points (1, K, 2) in the square's pixels and labels (1, K), as the reference's predictor lays them out."""
    places = [(one.x, one.y) for one in clicks]
    labels = [float(one.inside) for one in clicks]
    if box is not None:
        left, top, right, bottom = box
        places += [(min(left, right), min(top, bottom)), (max(left, right), max(top, bottom))]
        labels += [2.0, 3.0]
    inside = frame.to_model(np.clip(places, 0.0, (frame.width, frame.height)))
    if box is None:  # the end of clicks without a box
        inside, labels = np.concatenate([inside, np.zeros((1, 2), np.float32)]), [*labels, -1.0]
    return inside[None], np.array([labels], np.float32)
