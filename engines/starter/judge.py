"""Reads pictures with the starter CLIP, as the quality table and everybody else's metrics do: only through its saved folder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from PIL import Image
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from engines.starter.augment import Pictures
from engines.starter.captions import caption
from engines.starter.spec import BACKGROUNDS, COLOURS, PATTERNS, SHAPES, ObjectSpec, SceneSpec
from engines.starter.tokenizer import encode, load_tokenizer


@dataclass(frozen=True)
class Accuracy:
    """Shares (0..1) of pictures whose colour, shape, background and pattern were read as told."""

    colour: float
    shape: float
    background: float
    pattern: float


class Reader:
    """A loaded CLIP folder that embeds pictures and captions as unit vectors (n, d) float32."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.device = device
        self.model = CLIPModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).to(device).eval()
        self.processor = CLIPImageProcessor.from_pretrained(folder, local_files_only=True)
        self.tokenizer: CLIPTokenizer = load_tokenizer(folder)

    def pictures(self, pictures: Pictures, *, batch: int = 100) -> torch.Tensor:
        """Embeddings of (n, h, w, 3) uint8 pictures of any size."""
        parts = []
        with torch.inference_mode():
            for first in range(0, len(pictures), batch):
                images = [Image.fromarray(picture) for picture in pictures[first : first + batch]]
                values = self.processor(images, return_tensors="pt")["pixel_values"].to(self.device)
                parts.append(self.model.get_image_features(pixel_values=values).pooler_output)
        return torch.nn.functional.normalize(torch.cat(parts), dim=-1).cpu()

    def captions(self, texts: list[str], *, batch: int = 240) -> torch.Tensor:
        """Embeddings of captions."""
        parts = []
        with torch.inference_mode():
            for first in range(0, len(texts), batch):
                tokens = encode(self.tokenizer, texts[first : first + batch]).to(self.device)
                parts.append(self.model.get_text_features(input_ids=tokens).pooler_output)
        return torch.nn.functional.normalize(torch.cat(parts), dim=-1).cpu()


def read_single(reader: Reader, pictures: Pictures, specs: list[SceneSpec]) -> Accuracy:
    """Zero-shot accuracy on single-object pictures: each attribute's caption embeddings are averaged over all the others."""
    grid = list(product(COLOURS, SHAPES, BACKGROUNDS, PATTERNS))
    texts = [_single(colour, shape, background, pattern) for colour, shape, background, pattern in grid]
    known = reader.captions(texts).view(len(COLOURS), len(SHAPES), len(BACKGROUNDS), len(PATTERNS), -1)
    images = reader.pictures(pictures)
    told = [
        [COLOURS.index(spec.objects[0].colour) for spec in specs],
        [SHAPES.index(spec.objects[0].shape) for spec in specs],
        [BACKGROUNDS.index(spec.background) for spec in specs],
        [PATTERNS.index(spec.objects[0].pattern) for spec in specs],
    ]
    shares = []
    for axis, truth in enumerate(told):
        others = [other for other in range(4) if other != axis]
        means = torch.nn.functional.normalize(known.mean(dim=others), dim=-1)
        shares.append(float(((images @ means.t()).argmax(dim=1) == torch.tensor(truth)).float().mean()))
    return Accuracy(*shares)


def read_double(reader: Reader, pictures: Pictures, specs: list[SceneSpec]) -> float:
    """Share of two-object pictures whose own caption beats every caption with one object's colour or shape exchanged."""
    images = reader.pictures(pictures)
    right = 0
    for image, spec in zip(images, specs, strict=True):
        texts = [caption(spec), *(caption(other) for other in _rivals(spec))]
        right += int((reader.captions(texts) @ image).argmax() == 0)
    return right / len(specs)


def _rivals(spec: SceneSpec) -> list[SceneSpec]:
    rivals = []
    for index, item in enumerate(spec.objects):
        changes = [{"colour": c} for c in COLOURS if c != item.colour] + [
            {"shape": s} for s in SHAPES if s != item.shape
        ]
        for change in changes:
            objects = list(spec.objects)
            objects[index] = item.model_copy(update=change)
            rivals.append(spec.model_copy(update={"objects": tuple(objects)}))
    return rivals


def _single(colour: str, shape: str, background: str, pattern: str) -> str:
    item = ObjectSpec(shape=shape, colour=colour, pattern=pattern)
    return caption(SceneSpec(objects=(item,), background=background))
