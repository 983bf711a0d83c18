"""What the model is asked of a batch, and how wrong it is: clicks and boxes for single objects, and whole classes without being asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from engines.api.segment_job import SegmentData, SegmentObjective
from engines.segmentation import prompting
from engines.segmentation.batches import Showing
from engines.segmentation.contracts import Prompts, Segmenter
from engines.segmentation.objective import FINER, mask_errors, overlap_of, unmarked_errors
from engines.segmentation.scenes import SceneShelf
from projects.regions.mask import Mask, union


@dataclass(frozen=True)
class Questions:
    """Objects of a batch: `rows` (P,) number of the picture of each, `truth` (P, n, n), `valid` (P, n, n), `labels` (P,)."""

    rows: torch.Tensor
    truth: torch.Tensor
    valid: torch.Tensor
    labels: torch.Tensor

    @property
    def coarse(self) -> torch.Tensor:
        """The truth on the decoder's own grid (P, m, m)."""
        return functional.avg_pool2d(self.truth, FINER)


def single_objects(shelf: SceneShelf, batch: Sequence[Showing]) -> Questions | None:
    """The chosen objects of all pictures; None when there are none."""
    return _questions(
        shelf,
        batch,
        [
            [(one.label, one.mask) for number in shown.objects for one in [shelf.objects[shown.scene][number]]]
            for shown in batch
        ],
    )


def whole_classes(shelf: SceneShelf, batch: Sequence[Showing], count: int) -> Questions:
    """Every class of every picture, all its objects together; a class that a picture lacks is to be found nowhere."""
    asked = []
    for shown in batch:
        scene = shelf.scenes[shown.scene]
        empty = Mask.from_counts([scene.width * scene.height], scene.width, scene.height)
        by_label: dict[int, list[Mask]] = {}
        for one in shelf.objects[shown.scene]:
            by_label.setdefault(one.label, []).append(one.mask)
        asked.append([(label, union(by_label[label]) if label in by_label else empty) for label in range(count)])
    found = _questions(shelf, batch, asked)
    assert found is not None  # noqa: S101 - there is at least one class
    return found


def classes_followed(shelf: SceneShelf, batch: Sequence[Showing], count: int) -> tuple[Questions, torch.Tensor] | None:
    """Classes of slices whose neighbour in the volume has them, and the neighbour's masks (P, m, m); None when there are none.

    Which neighbour is drawn by lot. The class may have ended there: then it is to be found nowhere.
    """
    asked = whole_classes(shelf, batch, count)
    befores, rows = list[torch.Tensor](), list[int]()
    for row, shown in enumerate(batch):
        before, _, after = shelf.around(shown.scene, 1)
        near = Showing(before if bool(torch.rand(()) < 0.5) else after, shown.view, ())
        if near.scene != shown.scene:
            befores.append(whole_classes(shelf, [near], count).coarse)
            rows += range(row * count, (row + 1) * count)
    if not befores:
        return None
    masks = torch.cat(befores)
    there = masks.amax(dim=(1, 2)) > 0.5
    chosen = torch.tensor(rows, device=masks.device)[there]
    if not len(chosen):
        return None
    parts = (part[chosen] for part in (asked.rows, asked.truth, asked.valid, asked.labels))
    return Questions(*parts), masks[there]


def _questions(
    shelf: SceneShelf, batch: Sequence[Showing], asked: Sequence[Sequence[tuple[int, Mask]]]
) -> Questions | None:
    truths, valids, rows, labels = [], [], [], []
    for row, (shown, objects) in enumerate(zip(batch, asked, strict=True)):
        if not objects:
            continue
        truths.append(shelf.truths(shown.scene, [mask for _, mask in objects], shown.view))
        valids.append(shelf.valid(shown.scene, shown.view).expand(len(objects), -1, -1))
        rows += [row] * len(objects)
        labels += [label for label, _ in objects]
    if not truths:
        return None
    truth = torch.cat(truths)
    numbers = torch.tensor([rows, labels], device=truth.device)
    return Questions(numbers[0], truth, torch.cat(valids), numbers[1])


class Lesson:
    """Asks and measures with one model."""

    def __init__(
        self,
        model: Segmenter,
        data: SegmentData,
        objective: SegmentObjective,
        tokens: torch.Tensor | None,
    ) -> None:
        """Keep what every question needs; `tokens` (K, C) are the learned classes, None when nothing is found without being asked."""
        self._model, self._data, self._objective, self._tokens = model, data, objective, tokens
        self._cell = model.info.sizes.image_side / model.info.sizes.mask_side
        self._side = FINER * model.info.sizes.mask_side

    def clicked(self, embeddings: torch.Tensor, asked: Questions, kind: str) -> torch.Tensor:
        """Error of clicks or boxes, a scalar.

        Args:
            embeddings: of the batch's pictures (N, C, g, g).
            asked: single objects.
            kind: of the question, see `prompting`.
        """
        coarse, own = asked.coarse, embeddings[asked.rows]
        prompts = prompting.asking(coarse, self._cell, kind, noise=self._data.box_noise).prompts
        if kind == prompting.CORRECTED:
            with torch.no_grad():
                first = self._best(*self._model.decode(own, prompts, several=True))
            prompts = prompting.corrected(prompts, first, coarse, self._cell)
        logits, scores = self._model.decode(own, prompts, several=kind == prompting.CLICK, side=self._side)
        return self._error(logits, scores, asked)

    def found(self, embeddings: torch.Tensor, asked: Questions) -> torch.Tensor:
        """Error of classes that are found without being asked, a scalar."""
        logits, scores = self._classes(embeddings, asked)
        return self._error(logits, scores, asked)

    def followed(self, embeddings: torch.Tensor, asked: Questions, before: torch.Tensor) -> torch.Tensor:
        """Error of classes that are followed from a neighbouring slice, where they were found to be `before` (P, m, m), a scalar."""
        sure = 2.0 + 8.0 * torch.rand(len(before), 1, 1, device=before.device)
        prompts = prompting.following((2.0 * before - 1.0) * sure, self._cell)
        logits, scores = self._model.decode(embeddings[asked.rows], prompts, several=False, side=self._side)
        return self._error(logits, scores, asked)

    def unmarked(self, embeddings: torch.Tensor, asked: Questions) -> torch.Tensor:
        """Error of classes in pictures without masks, a scalar; the truth of the questions is not looked at."""
        logits, _ = self._classes(embeddings, asked)
        return unmarked_errors(logits[:, 0], asked.valid, self._objective).mean()

    def say(self, embeddings: torch.Tensor, asked: Questions, *, automatic: bool) -> torch.Tensor:
        """Answers (P, n, n) to fixed questions: the class, or a click in the middle of each object."""
        if automatic:
            return self._classes(embeddings, asked)[0][:, 0]
        cells = prompting.middles(asked.coarse)
        prompts = prompting.clicks(cells, self._cell, cells.new_ones(len(cells)))
        return self._best(*self._model.decode(embeddings[asked.rows], prompts, several=True, side=self._side))

    def _classes(self, embeddings: torch.Tensor, asked: Questions) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (P, 1, n, n) and expected IoU (P, 1) of classes as wholes."""
        prompts = self._by_class(asked.labels)
        return self._model.decode(embeddings[asked.rows], prompts, several=False, side=self._side)

    def _by_class(self, labels: torch.Tensor) -> Prompts:
        assert self._tokens is not None  # noqa: S101 - only asked where classes are learned
        nothing = torch.zeros(len(labels), 0, 2, device=labels.device)
        return Prompts(nothing, nothing[..., 0], tokens=self._tokens[labels].unsqueeze(1))

    @staticmethod
    def _best(logits: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The mask (P, n, n) the model thinks best of."""
        return logits[torch.arange(len(logits), device=logits.device), scores.argmax(dim=1)]

    def _error(self, logits: torch.Tensor, scores: torch.Tensor, asked: Questions) -> torch.Tensor:
        """Mean over objects of the best mask's error, and of how far the model's estimates are off."""
        count, most = logits.shape[:2]
        flat = logits.flatten(0, 1)
        truth, valid = (part.repeat_interleave(most, dim=0) for part in (asked.truth, asked.valid))
        each = mask_errors(flat, truth, valid, self._objective).view(count, most)
        real = overlap_of(flat, truth, valid).view(count, most)
        estimates = (scores - real).square().mean()
        return each.amin(dim=1).mean() + self._objective.score_weight * estimates
