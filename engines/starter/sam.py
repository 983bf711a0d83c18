"""The starter's Segment Anything: a small ``segment_anything`` model, promptable by clicks, boxes and masks as the large ones are.

Trained as they were (Kirillov et al. 2023), only shorter: focal and dice loss 20 to 1, the best of three masks for a single click, the head that
predicts each mask's IoU, and corrections by clicks into what is still wrong with the last logits as a prompt. One term exists only in
training: a linear reader of objects, outlines and shadows makes the encoder see them before the decoder has learnt to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import binary_cross_entropy_with_logits

from engines.segmentation.sizes import SamSizes, build_sam, sizes_of
from engines.starter.dataset import Shard
from engines.starter.render import Bytes
from engines.starter.sam_lessons import CELL, boxes, clicks, lesson, stack
from engines.starter.training import Schedule, Trained, autocast, averaged, half_precision, train

SCENE_SIDE = 160
"""Width in pixels of the scenes it learns from."""

_SIZES = SamSizes(
    image_side=256,
    patch=16,
    embed_dim=160,
    depth=6,
    heads=5,
    global_blocks=(1, 3, 5),
    window=8,
    mlp_ratio=4.0,
    out_chans=128,
    mask_in_chans=16,
    mask_tokens=4,
    decoder_depth=2,
    decoder_mlp_dim=512,
    decoder_downsample=2,
    iou_head_depth=3,
    iou_head_dim=128,
)
_SCHEDULE = Schedule(
    steps=2400, rate=1e-3, seed=47, warmup=150, decay=0.05, average=0.997, save_every=200, betas=(0.9, 0.98)
)
_CORRECTIONS = (0, 1, 1, 3)


@dataclass(frozen=True)
class SamRecipe:
    """Sizes of the model and of its training: ``batch`` windows a step and ``prompts`` masks to find in each."""

    sizes: SamSizes = _SIZES
    batch: int = 6
    prompts: int = 6
    box_share: float = 0.4
    surface_weight: float = 1.0
    schedule: Schedule = _SCHEDULE


class Learner(torch.nn.Module):
    """The model and, for training only, a linear reader of surfaces."""

    def __init__(self, sizes: SamSizes) -> None:
        super().__init__()
        self.sam = build_sam(sizes)
        torch.nn.init.trunc_normal_(self.sam.image_encoder.pos_embed, std=0.02)
        self.reader = torch.nn.Sequential(torch.nn.Conv2d(sizes.out_chans, 3 * 16, 1), torch.nn.PixelShuffle(4))


@dataclass
class _Prompts:
    """Prompts for one window: the first ``len(boxes)`` masks are asked for by box, the others by their first click.

    ``points`` (n, k, 2) and ``signs`` (n, k) are the clicks that follow upon boxes and first clicks alike; ``first`` (m, 2) the first clicks;
    ``logits`` (n, cells, cells) what was found so far, or None.
    """

    boxes: torch.Tensor
    first: torch.Tensor
    points: torch.Tensor
    signs: torch.Tensor
    logits: torch.Tensor | None = None


def build(recipe: SamRecipe) -> Learner:
    """A fresh learner with fixed initial weights."""
    torch.manual_seed(recipe.schedule.seed)
    return Learner(recipe.sizes)


def fit(
    recipe: SamRecipe,
    learner: Learner,
    scenes: Shard,
    parts: Bytes,
    *,
    checkpoint: Path,
    device: torch.device,
    stop_after: int | None = None,
) -> Trained:
    """Train (resuming from ``checkpoint``) and leave the averaged weights in ``learner``."""
    learner.to(device)
    half = half_precision(device)

    def loss(_step: int, draw: torch.Generator) -> torch.Tensor:
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=draw)))
        lessons = [
            lesson(scenes, parts, rng, side=recipe.sizes.image_side, prompts=recipe.prompts)
            for _ in range(recipe.batch)
        ]
        pictures, masks, surfaces = (part.to(device) for part in stack(lessons))
        with autocast(device, half=half):
            embeddings = learner.sam.image_encoder(pictures)
            read = learner.reader(embeddings)
        asked = [
            _ask(learner.sam, embedding[None], wanted, draw, box_share=recipe.box_share, half=half)
            for embedding, wanted in zip(embeddings.float(), masks, strict=True)
        ]
        seen = binary_cross_entropy_with_logits(read.float(), surfaces)
        return torch.stack(asked).mean() + recipe.surface_weight * seen

    trained = train(learner, loss, recipe.schedule, checkpoint=checkpoint, title="sam", stop_after=stop_after)
    averaged(learner, trained)
    return trained


def save_sam(learner: Learner, path: Path) -> None:
    """Write an ordinary checkpoint: Meta's names, half precision, safetensors."""
    state = {name: value.half().contiguous().cpu() for name, value in learner.sam.state_dict().items()}
    save_file(state, path, metadata={"format": "pt"})


def load_sam(path: Path, device: torch.device) -> Any:  # noqa: ANN401 - segment_anything has no types
    """The ``Sam`` of a checkpoint written by ``save_sam``, in single precision, ready for use."""
    state = load_file(path)
    sam = build_sam(sizes_of({name: tuple(value.shape) for name, value in state.items()}))
    sam.load_state_dict({name: value.float() for name, value in state.items()})
    return sam.to(device).eval()


def _ask(
    sam: Any,  # noqa: ANN401
    embedding: torch.Tensor,
    wanted: torch.Tensor,
    draw: torch.Generator,
    *,
    box_share: float,
    half: bool,
) -> torch.Tensor:
    """The loss of all masks ``wanted`` (n, cells, cells) of one window: at the first prompt, and after none to three corrections."""
    count, known = len(wanted), wanted.cpu()
    boxed = int((torch.rand(count, generator=draw) < box_share).sum())
    prompts = _Prompts(
        boxes=boxes(known[:boxed], draw),
        first=clicks((known[boxed:] > 0.5).float(), draw),
        points=torch.zeros(count, 0, 2),
        signs=torch.zeros(count, 0),
    )
    logits, ious = _decode(sam, embedding, prompts, half=half)
    by_box = _judge(logits[:boxed, :1], ious[:boxed, :1], wanted[:boxed])
    by_click = _judge(logits[boxed:, 1:], ious[boxed:, 1:], wanted[boxed:])
    chosen = torch.cat([logits[:boxed, 0], logits[boxed:, 1:][torch.arange(count - boxed), by_click.best]])
    total = torch.cat([by_box.loss, by_click.loss]).mean()
    corrections = _CORRECTIONS[int(torch.randint(len(_CORRECTIONS), (1,), generator=draw))]
    with_logits = bool(torch.rand(1, generator=draw) < 0.7)
    for turn in range(corrections):
        found = chosen.detach()
        wrong = ((found > 0) != (wanted > 0.5)).float().cpu()
        where = clicks(torch.where(wrong.amax(dim=(1, 2), keepdim=True) > 0, wrong, known), draw)
        cell = ((where + 0.5) / CELL).long().clamp(0, known.shape[1] - 1)
        sign = (known[torch.arange(count), cell[:, 1], cell[:, 0]] > 0.5).float()
        prompts.points = torch.cat([prompts.points, where[:, None]], dim=1)
        prompts.signs = torch.cat([prompts.signs, sign[:, None]], dim=1)
        prompts.logits = found if with_logits else None
        with torch.set_grad_enabled(turn == corrections - 1):  # earlier corrections only pose the task
            logits, ious = _decode(sam, embedding, prompts, half=half)
        chosen = logits[:, 0]
    return total + _judge(logits[:, :1], ious[:, :1], wanted).loss.mean() if corrections else 2 * total


def _decode(
    sam: Any,  # noqa: ANN401
    embedding: torch.Tensor,
    prompts: _Prompts,
    *,
    half: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """All four masks (n, 4, cells, cells) as logits and their predicted IoU (n, 4) in single precision.

    A box is two corners, a click comes with a token that says "no box": both need two tokens, so that they share one pass.
    """
    device, encoder, boxed = embedding.device, sam.prompt_encoder, len(prompts.boxes)
    points, signs = prompts.points.to(device), prompts.signs.to(device)
    first = prompts.first.to(device)[:, None]
    clicked = (
        torch.cat([first, points[boxed:]], dim=1),
        torch.cat([torch.ones(len(first), 1, device=device), signs[boxed:]], dim=1),
    )
    with_box, _ = encoder(points=(points[:boxed], signs[:boxed]), boxes=prompts.boxes.to(device), masks=None)
    without, _ = encoder(points=clicked, boxes=None, masks=None)
    masks = None if prompts.logits is None else prompts.logits[:, None]
    _, dense = encoder(points=None, boxes=torch.zeros(len(points), 4, device=device), masks=masks)
    with autocast(device, half=half):
        logits, ious = sam.mask_decoder.predict_masks(
            image_embeddings=embedding,
            image_pe=encoder.get_dense_pe(),
            sparse_prompt_embeddings=torch.cat([with_box, without]),
            dense_prompt_embeddings=dense,
        )
    return logits.float(), ious.float()


@dataclass(frozen=True)
class _Judgement:
    """Per prompt: the loss (n,) of its best mask, and which one that is (n,)."""

    loss: torch.Tensor
    best: torch.Tensor


def _judge(logits: torch.Tensor, ious: torch.Tensor, wanted: torch.Tensor) -> _Judgement:
    """Hold candidates (n, c, cells, cells) and their predicted IoU (n, c) against what was wanted (n, cells, cells) in 0..1."""
    target = wanted[:, None].expand_as(logits)
    chance = logits.sigmoid()
    right = chance * target + (1 - chance) * (1 - target)
    focal = (binary_cross_entropy_with_logits(logits, target, reduction="none") * (1 - right) ** 2).mean(dim=(2, 3))
    shared = (chance * target).sum(dim=(2, 3))
    dice = 1 - (2 * shared + 1) / (chance.sum(dim=(2, 3)) + target.sum(dim=(2, 3)) + 1)
    found, asked = logits > 0, target > 0.5
    union = (found | asked).sum(dim=(2, 3)).clamp(min=1)
    truth = (found & asked).sum(dim=(2, 3)) / union
    shape = 20 * focal + dice
    least, best = shape.min(dim=1)
    return _Judgement(least + (ious - truth).square().mean(dim=1), best)
