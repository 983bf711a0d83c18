"""Before and after: the plain model and the adapted one asked the same about the same pictures, and every figure of both.

Asked are a click in the middle of each object, its box, and (where classes are found without being asked) each class as a whole. The plain
model knows no classes; asked for nothing it gives the mask it would give without any prompt, which is its "before".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engines.core.contracts import ProgressHook
from engines.core.intervals import Figure
from engines.segmentation import prompting
from engines.segmentation.contracts import Prompts, Segmenter
from engines.segmentation.frames import Frame
from engines.segmentation.metrics import clicking, table
from engines.segmentation.metrics.pair import pair
from engines.segmentation.scenes import SceneShelf
from engines.segmentation.views import PLAIN
from projects.regions.mask import Mask, union

CLICK, BOX, AUTOMATIC = "click", "box", "automatic"
Maps = npt.NDArray[np.float32]
_SHARES = (0.85, 0.9)
# Twenty clicks for each of a hundred cells would take longer than all else together.
_CLICKED = 8


@dataclass(frozen=True)
class Asked:
    """What one picture is asked: names of what is to be found, its true masks, and the class of each."""

    names: tuple[str, ...]
    labels: tuple[int, ...]
    truths: tuple[Mask, ...]


@dataclass(frozen=True)
class Answers:
    """What a model said about every picture, in order: probabilities (P, H, W) are not kept, only what follows from them.

    Attributes:
        judged: every figure of every object.
        masks: of each picture, what was found, as run lengths.
        clicked: objects clicked until they were right, and the picture of each.
    """

    judged: list[table.Judged]
    masks: list[list[str]]
    clicked: list[clicking.Clicked]
    clicked_in: list[str]


def asked_of(shelf: SceneShelf, number: int, way: str, classes: Sequence[str]) -> Asked:
    """What picture `number` is asked in a way."""
    objects = shelf.objects[number]
    if way != AUTOMATIC:
        names = tuple(f"{classes[one.label]} {place + 1}" for place, one in enumerate(objects))
        return Asked(names, tuple(one.label for one in objects), tuple(one.mask for one in objects))
    scene = shelf.scenes[number]
    nothing = Mask.from_counts([scene.width * scene.height], scene.width, scene.height)
    truths = []
    for label in range(len(classes)):
        own = [one.mask for one in objects if one.label == label]
        truths.append(union(own) if own else nothing)
    return Asked(tuple(classes), tuple(range(len(classes))), tuple(truths))


class Examiner:
    """Asks one model, plain or adapted."""

    def __init__(
        self, model: Segmenter, shelf: SceneShelf, *, encoder_changes: bool, tokens: torch.Tensor | None, reach: int = 0
    ) -> None:
        """Keep what answers; `tokens` (K, C) stand for the classes, None for a model that knows none; `reach` as in `Tuned`."""
        self._model, self._shelf, self._changes, self._tokens = model, shelf, encoder_changes, tokens
        self._reach = reach
        self._cell = model.info.sizes.image_side / model.info.sizes.mask_side

    @torch.no_grad()
    def maps(self, number: int, asked: Asked, way: str) -> tuple[Maps, list[float]]:
        """Logits (P, H, W) in picture `number`'s own pixels, and what the model thinks of each."""
        logits, scores = self._decoded(number, asked, way)
        return self._frame(number).whole(logits.float().cpu().numpy()), scores.tolist()

    @torch.no_grad()
    def clicker(self, number: int) -> clicking.Predict:
        """A function from clicks to the mask (H, W) of an object of picture `number`."""
        embedding, frame = self._embedding(number), self._frame(number)
        earlier: list[torch.Tensor] = []

        @torch.no_grad()
        def predict(clicks: tuple[clicking.Click, ...]) -> npt.NDArray[np.bool_]:
            places = frame.to_model([[click.x, click.y] for click in clicks] + [[0.0, 0.0]])
            labels = [float(click.positive) for click in clicks] + [-1.0]
            device = embedding.device
            prompts = Prompts(
                torch.from_numpy(places)[None].to(device),
                torch.tensor([labels], device=device),
                masks=earlier[-1] if len(clicks) > 1 and earlier else None,
            )
            several, side = len(clicks) == 1, self._model.drawn_side
            logits, scores = self._model.decode(embedding[None], prompts, several=several, side=side)
            best = logits[:, int(scores[0].argmax())]
            earlier[:] = [best[:, None]]
            found: npt.NDArray[np.bool_] = frame.whole(best[0].float().cpu().numpy()) > 0
            return found

        return predict

    def _decoded(self, number: int, asked: Asked, way: str) -> tuple[torch.Tensor, torch.Tensor]:
        embedding = self._embedding(number)[None].expand(len(asked.truths), -1, -1, -1)
        prompts = self._prompts(number, asked, way, embedding.device)
        logits, scores = self._model.decode(embedding, prompts, several=way == CLICK, side=self._model.drawn_side)
        best = scores.argmax(dim=1)
        rows = torch.arange(len(best), device=best.device)
        return logits[rows, best], scores[rows, best]

    def _prompts(self, number: int, asked: Asked, way: str, device: torch.device) -> Prompts:
        if way == AUTOMATIC:
            count = len(asked.labels)
            nothing = torch.zeros(count, 0, 2, device=device)
            tokens = None if self._tokens is None else self._tokens[list(asked.labels)].unsqueeze(1)
            return Prompts(nothing, nothing[..., 0], tokens=tokens)
        frame = self._shelf.frame(number)
        cells = torch.from_numpy(np.stack([frame.cells(mask.array()) for mask in asked.truths])).to(device)
        if way == BOX:
            boxes = [(x, y, x + width - 1, y + height - 1) for x, y, width, height in (one.box for one in asked.truths)]
            corners = torch.from_numpy(frame.to_model(np.array(boxes, np.float32).reshape(-1, 2, 2))).to(device)
            return Prompts(corners, corners.new_tensor([2.0, 3.0]).expand(len(boxes), -1))
        middles = prompting.middles(cells)
        return prompting.clicks(middles, self._cell, middles.new_ones(len(middles)))

    def _frame(self, number: int) -> Frame:
        """How masks as people get them lie in picture `number`."""
        return replace(self._shelf.frame(number), mask_side=self._model.drawn_side)

    def _embedding(self, number: int) -> torch.Tensor:
        if self._changes:
            with torch.no_grad():
                return self._shelf.encoded([(number, PLAIN)], self._reach)[0]
        return self._shelf.embedding(number)


def examine(
    examiner: Examiner,
    shelf: SceneShelf,
    numbers: Sequence[int],
    way: str,
    classes: Sequence[str],
    *,
    clicks: bool = False,
    progress: ProgressHook,
) -> Answers:
    """Ask a model about pictures in one way and judge what it says; with `clicks`, also click until objects are right."""
    answers = Answers([], [], [], [])
    for done, number in enumerate(numbers):
        progress("evaluating", "Comparing with the true masks", done, len(numbers))
        name = _name(shelf, number)
        asked = asked_of(shelf, number, way, classes)
        maps, scores = examiner.maps(number, asked, way)
        found = []
        clicked_at = _evenly(len(asked.truths), _CLICKED)
        for place, truth in enumerate(asked.truths):
            put = pair(_chances(maps[place]), truth.array())
            several = way == AUTOMATIC and len(classes) > 1
            answers.judged.append(
                table.judge(name, asked.names[place], put, predicted_iou=scores[place], skip_absent=several)
            )
            found.append(Mask.of(put.predicted).text)
            if clicks and way == CLICK and place in clicked_at:
                answers.clicked.append(clicking.clicks_to(examiner.clicker(number), truth.array()))
                answers.clicked_in.append(name)
        answers.masks.append(found)
    return answers


def report(
    shelf: SceneShelf,
    numbers: Sequence[int],
    way: str,
    classes: Sequence[str],
    before: Answers,
    after: Answers,
) -> dict[str, Any]:
    """What is written of one way to ask: figures before and after with intervals, each class, and each picture, the worst first."""
    pictures = []
    for place, number in enumerate(numbers):
        name = _name(shelf, number)
        dice = [_mean([one.figures["dice"] for one in side.judged if one.picture == name]) for side in (before, after)]
        pictures.append(
            {
                "picture": name,
                "file": shelf.scenes[number].file,
                "before": dice[0],
                "after": dice[1],
                "masks_before": before.masks[place],
                "masks_after": after.masks[place],
                "names": list(asked_of(shelf, number, way, classes).names),
            }
        )
    pictures.sort(key=lambda one: (one["after"] is None, one["after"]))
    found: dict[str, Any] = {
        "before": _summary(before.judged),
        "after": _summary(after.judged),
        "change": _figures(table.compare(before.judged, after.judged).mean),
        "classes": {label: _class_change(before, after, label) for label in classes},
        "pictures": pictures,
    }
    if before.clicked and after.clicked:
        found["clicks"] = {f"{share:g}": _effort(before, after, share) for share in _SHARES}
    return found


def _effort(before: Answers, after: Answers, share: float) -> dict[str, Any]:
    sides = [clicking.effort(side.clicked, side.clicked_in, share) for side in (before, after)]
    saved = clicking.effort_saved(before.clicked, after.clicked, before.clicked_in, share)
    return {
        "before": {**sides[0].clicks.as_data(), "failures": sides[0].failures},
        "after": {**sides[1].clicks.as_data(), "failures": sides[1].failures},
        "saved": saved.as_data(),
    }


def _class_change(before: Answers, after: Answers, label: str) -> dict[str, Any]:
    """Mean Dice of a class before and after; objects of a class bear its name and a number."""
    sides = []
    for side in (before, after):
        own = [
            one.figures["dice"] for one in side.judged if one.label == label or one.label.rpartition(" ")[0] == label
        ]
        sides.append(_mean(own))
    return {"before": sides[0], "after": sides[1]}


def _summary(judged: Sequence[table.Judged]) -> dict[str, Any]:
    summary = table.summarise(judged)
    counts = {name: value for name, value in asdict(summary).items() if isinstance(value, int)}
    return {**counts, "mean": _figures(summary.mean), "pooled": _figures(summary.pooled)}


def _figures(figures: Mapping[str, Figure | None]) -> dict[str, Any]:
    return {name: figure.as_data() if figure is not None else None for name, figure in figures.items()}


def _evenly(count: int, most: int) -> frozenset[int]:
    """Numbers below `count`, at most `most` of them, spread over all."""
    return frozenset(number * count // most for number in range(most)) if count > most else frozenset(range(count))


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else None


def _chances(logits: Maps) -> Maps:
    chances: Maps = (1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))).astype(np.float32)
    return chances


def _name(shelf: SceneShelf, number: int) -> str:
    return shelf.scenes[number].file.rpartition("/")[2]
