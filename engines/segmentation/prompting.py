"""Clicks and boxes as people give them, made from ground truth while learning, and fixed ones for measuring.

While learning: half are loose boxes, three in ten a click inside, two in ten a click with a second one where the first answer was
wrong. All lots are drawn from torch's global generator, so that a resumed run asks the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engines.segmentation.contracts import Prompts

BOX, CLICK, CORRECTED = "box", "click", "corrected"
_SHARES = ((BOX, 0.5), (CLICK, 0.3), (CORRECTED, 0.2))
_MOST_SHIFT = 20.0 / 1024.0
"""Corners move at most this share of the square (MedSAM's 20 pixels of 1024)."""


@dataclass(frozen=True)
class Asking:
    """A kind of prompt for all objects of a step, and the prompts of its first question."""

    kind: str
    prompts: Prompts


def draw_kind() -> str:
    """What is asked in this step."""
    lot, reached = float(torch.rand(())), 0.0
    for kind, share in _SHARES:
        reached += share
        if lot < reached:
            return kind
    return CORRECTED


def asking(masks: torch.Tensor, cell: float, kind: str, *, noise: float) -> Asking:
    """The first question about objects.

    Args:
        masks: (P, m, m) share of each cell that belongs to the object.
        cell: side of a cell in the square's pixels.
        kind: of the question.
        noise: looseness of boxes, as a share of their sides.
    """
    if kind == BOX:
        corners = loose_boxes(masks, cell, noise)
        labels = corners.new_tensor([2.0, 3.0]).expand(len(masks), -1)
        return Asking(kind, Prompts(corners, labels))
    return Asking(kind, clicks(cells_drawn(masks > 0.5, masks), cell, masks.new_ones(len(masks))))


def clicks(cells: torch.Tensor, cell: float, labels: torch.Tensor) -> Prompts:
    """One click an object in the middle of a cell (P, 2) row and column, and the empty place that follows a click without a box."""
    points = (cells.flip(-1) + 0.5) * cell - 0.5
    return Prompts(
        torch.stack([points, torch.zeros_like(points)], dim=1), torch.stack([labels, -torch.ones_like(labels)], dim=1)
    )


def corrected(asked: Prompts, answers: torch.Tensor, masks: torch.Tensor, cell: float) -> Prompts:
    """The question asked again with a click where the answer was wrong, and with that answer as an earlier mask.

    Args:
        asked: clicks as `asking` gives them.
        answers: logits (P, m, m) of the first answer.
        masks: ground truth (P, m, m).
        cell: side of a cell in the square's pixels.
    """
    wrong = (answers > 0) != (masks > 0.5)
    cells = cells_drawn(wrong, masks)
    rows, columns = cells[:, 0].long(), cells[:, 1].long()
    inside = (masks[torch.arange(len(masks), device=masks.device), rows, columns] > 0.5).float()
    second = clicks(cells, cell, inside)
    points = torch.cat([asked.points[:, :1], second.points], dim=1)
    labels = torch.cat([asked.labels[:, :1], second.labels], dim=1)
    return Prompts(points, labels, masks=answers.unsqueeze(1))


def following(earlier: torch.Tensor, cell: float) -> Prompts:
    """What is asked of a slice when an object is followed from its neighbour: the mask there, logits (P, m, m), and a click in its middle."""
    places = middles((earlier > 0).float())
    asked = clicks(places, cell, places.new_ones(len(places)))
    return Prompts(asked.points, asked.labels, masks=earlier.unsqueeze(1))


def cells_drawn(where: torch.Tensor, otherwise: torch.Tensor) -> torch.Tensor:
    """One random cell (P, 2) row and column where `where` (P, m, m) holds; where it holds nowhere, the highest of `otherwise`."""
    flat = where.flatten(1).float()
    empty = flat.sum(dim=1, keepdim=True) == 0
    highest = torch.nn.functional.one_hot(otherwise.flatten(1).argmax(dim=1), flat.shape[1]).to(flat.dtype)
    chosen = torch.multinomial(torch.where(empty, highest, flat), 1).squeeze(1)
    side = where.shape[-1]
    return torch.stack([chosen // side, chosen % side], dim=1).to(otherwise.dtype)


def loose_boxes(masks: torch.Tensor, cell: float, noise: float) -> torch.Tensor:
    """Corners (P, 2, 2) x, y of the boxes around masks (P, m, m), each moved by normal noise of `noise` times the side."""
    tight = boxes(masks, cell)
    sides = (tight[:, 1] - tight[:, 0]).clamp_min(cell)
    most = _MOST_SHIFT * cell * masks.shape[-1]
    shift = (torch.randn(tight.shape, device=tight.device) * noise * sides[:, None]).clamp(-most, most)
    return (tight + shift).clamp(0.0, cell * masks.shape[-1] - 1.0)


def boxes(masks: torch.Tensor, cell: float) -> torch.Tensor:
    """Corners (P, 2, 2) x, y of the boxes around masks (P, m, m); around everything where a mask is empty."""
    side = masks.shape[-1]
    place = torch.arange(side, device=masks.device, dtype=masks.dtype)
    corners = []
    for axis in (1, 2):  # columns are found along rows, and the other way round
        there = masks.amax(dim=axis) > 0.5
        there = there | ~there.any(dim=1, keepdim=True)
        low = torch.where(there, place, torch.inf).amin(dim=1)
        high = torch.where(there, place, -torch.inf).amax(dim=1)
        corners.append(torch.stack([low * cell, (high + 1.0) * cell - 1.0], dim=1))
    return torch.stack(corners, dim=2)


def middles(masks: torch.Tensor) -> torch.Tensor:
    """The cell (P, 2), row and column, that lies deepest inside each mask (P, m, m): the click of a careful person."""
    from scipy.ndimage import distance_transform_edt

    found = []
    for mask in masks.cpu().numpy():
        inside = mask > 0.5 if (mask > 0.5).any() else mask >= mask.max()
        depth = distance_transform_edt(torch.nn.functional.pad(torch.from_numpy(inside), (1, 1, 1, 1)).numpy())
        found.append(divmod(int(depth[1:-1, 1:-1].argmax()), masks.shape[-1]))
    return torch.tensor(found, dtype=masks.dtype, device=masks.device)
