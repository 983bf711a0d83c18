"""The starter's CLIP: the judge of generated pictures and of identity.

Contrastive between pictures and captions (Radford et al. 2021). Two more terms exist only in training: the attributes that
are known of every rendered picture are read off the picture's embedding, and two views of one undescribable object
must lie closer to each other than to any other object's, so that the embedding can tell subjects apart.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer, CLIPVisionConfig

from engines.starter.augment import Pictures, spoil
from engines.starter.autoencoder import to_tensor
from engines.starter.captions import random_caption
from engines.starter.dataset import VIEWS, Shard
from engines.starter.diffusion import declare_single_precision, text_config
from engines.starter.spec import BACKGROUNDS, COLOURS, PATTERNS, SHAPES, SceneSpec
from engines.starter.tokenizer import encode
from engines.starter.training import Schedule, Trained, autocast, averaged, half_precision, train

_WORDINGS = 4
_Indices = np.ndarray[Any, np.dtype[np.int64]]
_INSTANCE_TEMPERATURE = 0.1
_SCHEDULE = Schedule(
    steps=4800, rate=1e-3, seed=31, warmup=150, decay=0.05, average=0.995, save_every=250, betas=(0.9, 0.98)
)


@dataclass(frozen=True)
class ClipRecipe:
    """Sizes of the two towers and of their training."""

    patch: int = 8
    width: int = 160
    layers: int = 4
    heads: int = 5
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    projection: int = 128
    batch: int = 64
    pairs: int = 6
    attribute_weight: float = 1.0
    instance_weight: float = 0.5
    schedule: Schedule = _SCHEDULE


@dataclass(frozen=True)
class Gallery:
    """Pictures to learn from: clean ones, autoencoded ones of some of them, captions, attributes, and views of objects."""

    pictures: Pictures
    autoencoded: Pictures
    tokens: torch.Tensor
    attributes: torch.Tensor
    views: Pictures
    views_autoencoded: Pictures


class Judge(torch.nn.Module):
    """The CLIP model and, for training only, a linear reader of attributes."""

    def __init__(self, clip: CLIPModel, attributes: int) -> None:
        super().__init__()
        self.clip = clip
        self.reader = torch.nn.Linear(clip.config.projection_dim, attributes)


def build(recipe: ClipRecipe, tokenizer: CLIPTokenizer, *, size: int) -> Judge:
    """A fresh judge for pictures of ``size`` pixels, with fixed initial weights."""
    torch.manual_seed(recipe.schedule.seed)
    vision = CLIPVisionConfig(
        hidden_size=recipe.width,
        intermediate_size=4 * recipe.width,
        projection_dim=recipe.projection,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        image_size=size,
        patch_size=recipe.patch,
    )
    text = text_config(tokenizer, recipe.text_width, recipe.text_layers, recipe.text_heads)
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=recipe.projection)
    return Judge(CLIPModel(config), attribute_count())


def gallery(
    data: Shard,
    views: Shard,
    tokenizer: CLIPTokenizer,
    *,
    autoencoded: Pictures,
    views_autoencoded: Pictures,
) -> Gallery:
    """Captions in several wordings and attribute vectors for all pictures of ``data``."""
    rng = random.Random(29)
    texts = [random_caption(spec, rng) for spec in data.specs for _ in range(_WORDINGS)]
    tokens = encode(tokenizer, texts).to(torch.int32).view(len(data.specs), _WORDINGS, -1)
    facts = torch.stack([attributes_of(spec) for spec in data.specs])
    return Gallery(data.pictures, autoencoded, tokens, facts, views.pictures, views_autoencoded)


def attribute_count() -> int:
    """Length of the vector of ``attributes_of``."""
    return len(SHAPES) * len(COLOURS) + len(SHAPES) + len(COLOURS) + len(PATTERNS) + len(BACKGROUNDS)


def _attribute_worth() -> torch.Tensor:
    """Weight of each attribute: shapes and patterns are harder to see than colours and places."""
    parts = (
        (len(SHAPES) * len(COLOURS), 1.5),
        (len(SHAPES), 5.0),
        (len(COLOURS), 0.5),
        (len(PATTERNS), 5.0),
        (len(BACKGROUNDS), 0.3),
    )
    return torch.cat([torch.full((count,), worth) for count, worth in parts])


def attributes_of(spec: SceneSpec) -> torch.Tensor:
    """Float 0/1 vector: which coloured shapes, shapes, colours, patterns and background a scene shows."""
    pairs = torch.zeros(len(SHAPES), len(COLOURS))
    patterns, places = torch.zeros(len(PATTERNS)), torch.zeros(len(BACKGROUNDS))
    for item in spec.objects:
        pairs[SHAPES.index(item.shape), COLOURS.index(item.colour)] = 1
        patterns[PATTERNS.index(item.pattern)] = 1
    places[BACKGROUNDS.index(spec.background)] = 1
    return torch.cat([pairs.flatten(), pairs.amax(1), pairs.amax(0), patterns, places])


def fit(
    recipe: ClipRecipe,
    judge: Judge,
    data: Gallery,
    *,
    checkpoint: Path,
    device: torch.device,
    stop_after: int | None = None,
) -> Trained:
    """Train (resuming from ``checkpoint``) and leave the averaged weights in ``judge``."""
    judge.to(device)
    half = half_precision(device)
    clip = judge.clip
    if device.type == "cpu":  # the fused attention's backward pass is slower there than plain matrix products
        clip.set_attn_implementation("eager")

    worth = _attribute_worth().to(device)

    def loss(_step: int, draw: torch.Generator) -> torch.Tensor:
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=draw)))
        index = rng.choice(len(data.pictures), recipe.batch, replace=False)
        captioned = _choose(data.pictures, data.autoencoded, index, rng)
        first, second = _draw_pairs(data, recipe.pairs, rng)
        pictures = spoil(np.concatenate([captioned, first, second]), rng)
        tokens = data.tokens[torch.from_numpy(index), torch.from_numpy(rng.integers(_WORDINGS, size=len(index)))].long()
        with autocast(device, half=half):
            images = clip.get_image_features(pixel_values=to_tensor(pictures).to(device).contiguous()).pooler_output
            words = clip.get_text_features(input_ids=tokens.to(device)).pooler_output
        images, words = images.float(), words.float()
        unit = torch.nn.functional.normalize(images, dim=-1)
        facts = data.attributes[torch.from_numpy(index)].to(device)
        read = judge.reader(unit[: recipe.batch] * 10)
        weight = (1 + 4 * facts) * worth  # most attributes are absent from most pictures
        attribute = torch.nn.functional.binary_cross_entropy_with_logits(read, facts, weight=weight)
        same = (tokens[:, None] == tokens[None]).all(-1).to(device)
        contrast = _contrast(unit[: recipe.batch], torch.nn.functional.normalize(words, dim=-1), same, clip.logit_scale)
        return (
            contrast
            + recipe.attribute_weight * 5 * attribute
            + recipe.instance_weight * _instances(unit[recipe.batch :], recipe.pairs)
        )

    trained = train(judge, loss, recipe.schedule, checkpoint=checkpoint, title="clip", stop_after=stop_after)
    averaged(judge, trained)
    return trained


def image_processor(size: int) -> CLIPImageProcessor:
    """Scales and crops any picture to ``size`` pixels and to the range the judge was trained on."""
    return CLIPImageProcessor(
        size={"shortest_edge": size},
        crop_size={"height": size, "width": size},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )


def save_clip(judge: Judge, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write an ordinary CLIP folder in half precision."""
    judge.clip.set_attn_implementation("sdpa")
    judge.clip.cpu().half().save_pretrained(folder)
    declare_single_precision(folder / "config.json")
    image_processor(judge.clip.config.vision_config.image_size).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _choose(clean: Pictures, autoencoded: Pictures, index: _Indices, rng: np.random.Generator) -> Pictures:
    """Pictures at ``index``; those that also exist autoencoded are taken so half of the time."""
    chosen = clean[index].copy()
    swap = (index < len(autoencoded)) & (rng.random(len(index)) < 0.5)
    chosen[swap] = autoencoded[index[swap]]
    return chosen


def _draw_pairs(data: Gallery, pairs: int, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
    """Two different views each of ``pairs`` different objects."""
    objects = rng.choice(len(data.views) // VIEWS, pairs, replace=False)
    which = np.stack([rng.permutation(VIEWS)[:2] for _ in range(pairs)])
    first, second = (objects * VIEWS + which[:, side] for side in (0, 1))
    clean, spoiled = data.views, data.views_autoencoded
    return _choose(clean, spoiled, first, rng), _choose(clean, spoiled, second, rng)


def _contrast(images: torch.Tensor, words: torch.Tensor, same: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Symmetric cross-entropy; other pictures with the very same words are neither right nor wrong."""
    logits = scale.exp().clamp(max=100) * images @ words.t()
    diagonal = torch.eye(len(images), dtype=torch.bool, device=images.device)
    logits = logits.masked_fill(same & ~diagonal, -1e4)
    target = torch.arange(len(images), device=images.device)
    cross = torch.nn.functional.cross_entropy
    return (cross(logits, target) + cross(logits.t(), target)) / 2


def _instances(unit: torch.Tensor, pairs: int) -> torch.Tensor:
    """NT-Xent (Chen et al. 2020): the other view of one object against all views of other objects."""
    logits = unit @ unit.t() / _INSTANCE_TEMPERATURE
    logits = logits.masked_fill(torch.eye(len(unit), dtype=torch.bool, device=unit.device), -1e4)
    target = torch.arange(len(unit), device=unit.device).roll(pairs)
    return torch.nn.functional.cross_entropy(logits, target)
