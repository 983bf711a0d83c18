"""The quality table of the starter models: measured, with floors below which weights must not be shipped."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from engines.starter import hard
from engines.starter.augment import Pictures
from engines.starter.autoencoder import sharpness
from engines.starter.captions import caption
from engines.starter.dataset import Shard, Split, view_of
from engines.starter.generate import generate, load_pipeline
from engines.starter.judge import Reader, read_double, read_single
from engines.starter.render import render
from engines.starter.sam_quality import CROWDS, HELD, cut_out, hard_cases, held_out, score, sheet
from engines.starter.sampling import random_fancy
from engines.starter.spec import SceneSpec
from engines.starter.subjects import SUBJECTS

_HELD_SEED = 300_000_000
_SINGLE_SEED = 500_000_000
_DOUBLE_SEED = 510_000_000


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``floor`` and ``aim`` are None for figures that are only reported."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    aim: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the floor is reached."""
        return self.floor is None or self.value >= self.floor

    def line(self) -> str:
        """The line of the table: name value floor aim holds|SHORT."""
        floor, aim = ("-" if bound is None else f"{bound:g}" for bound in (self.floor, self.aim))
        return f"{self.name:<50} {self.value:7.2f} {self.unit:<3} {floor:>6} {aim:>6}  {'holds' if self.holds else 'SHORT'}"


def evaluate(starter: Path, out: Path, *, device: torch.device, quick: bool = False) -> list[Figure]:
    """Measure the models in ``starter`` (folders diffusion, clip and sam) and write sheets to look at into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    reader = Reader(starter / "clip", device)
    pipeline = load_pipeline(starter / "diffusion", device)
    size = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
    held = _rendered([Split("held", _HELD_SEED, 0, objects=1).spec(i) for i in range(60 if quick else 400)], size)
    figures = [*_judge_figures(reader, held), *_autoencoder_figures(pipeline.vae, held, device)]
    figures += subject_figures(reader, size=size, count=4 if quick else 8)

    specs = [Split("single", _SINGLE_SEED, 0, objects=1).spec(i) for i in range(16 if quick else 200)]
    pictures = generate(pipeline, [caption(spec) for spec in specs], seed=1)
    _contact_sheet(pictures[:64], specs[:64], out)
    made = read_single(reader, pictures, specs)
    for name, value, floor, aim in (
        ("colour", made.colour, 85.0, 97.0),
        ("shape", made.shape, 65.0, 90.0),
        ("background", made.background, 95.0, 99.0),
    ):
        figures.append(Figure(f"generated, one object: {name}", 100 * value, "%", floor, aim))
    figures.append(Figure("generated, one object: pattern", 100 * made.pattern, "%"))

    specs = [Split("double", _DOUBLE_SEED, 0, objects=2).spec(i) for i in range(8 if quick else 100)]
    pictures = generate(pipeline, [caption(spec) for spec in specs], seed=1001)
    colours, both = read_double(reader, pictures, specs)
    truth = read_double(reader, _rendered(specs, size).pictures, specs)[1]
    return [
        *figures,
        Figure("generated, two objects with their own colours", 100 * both, "%", 35, 75),
        Figure("generated, two objects: colours alone", 100 * colours, "%"),
        Figure("the judge's own limit: two objects, rendered", 100 * truth, "%"),
        *sam_figures(starter / "sam" / "sam.safetensors", out, device=device, quick=quick),
    ]


def sam_figures(checkpoint: Path, out: Path, *, device: torch.device, quick: bool = False) -> list[Figure]:
    """Mean IoU of what Segment Anything cuts out by one click and by a box; the sheet ``out``/sam.png shows the clicks' masks."""
    count = 8 if quick else 100
    groups = [
        ("held-out renders", held_out(HELD, count)),
        ("crowded renders", held_out(CROWDS, count)),
        *((f"hard, {domain}", hard_cases(domain, count)) for domain in hard.DOMAINS),
    ]
    figures: list[Figure] = []
    cuts = []
    for name, samples in groups:
        made = cut_out(checkpoint, samples, device)
        reached = score(made)
        bounds = (85, 93) if not figures else (None, None)
        figures += [
            Figure(f"SAM, one click, {name}", 100 * reached.click, "%", *bounds),
            Figure(f"SAM, best of the click's masks, {name}", 100 * reached.best, "%"),
            Figure(f"SAM, box, {name}", 100 * reached.box, "%"),
        ]
        cuts.append(made)
    sheet(cuts, out / "sam.png")
    return figures


def subject_figures(reader: Reader, *, size: int, count: int = 8) -> list[Figure]:
    """Mean CLIP-I (cosine of picture embeddings) within and between subjects, and how often the nearest view is the same one's."""
    views = [
        render(view_of(item.clay, 600_000_000 + 100 * k + i), size=size).picture
        for k, item in enumerate(SUBJECTS)
        for i in range(count)
    ]
    cousins = [
        random_fancy(random.Random(k)).model_copy(update={"shape": item.clay.shape}) for k, item in enumerate(SUBJECTS)
    ]
    kin = [
        render(view_of(item, 610_000_000 + 100 * k + i), size=size).picture
        for k, item in enumerate(cousins)
        for i in range(count)
    ]
    known = reader.pictures(np.stack(views))
    others = reader.pictures(np.stack(kin)).view(len(SUBJECTS), count, -1)
    close = known @ known.t()
    owner = torch.arange(len(SUBJECTS)).repeat_interleave(count)
    same = owner[:, None] == owner[None]
    self_pair = torch.eye(len(owner), dtype=torch.bool)
    within_class = torch.einsum("kid,kjd->kij", known.view(len(SUBJECTS), count, -1), others)
    nearest = close.masked_fill(self_pair, -2).argmax(dim=1)
    return [
        Figure("CLIP-I, same subject", 100 * float(close[same & ~self_pair].mean()), "%"),
        Figure("CLIP-I, other object of the same class", 100 * float(within_class.mean()), "%"),
        Figure("CLIP-I, other subjects", 100 * float(close[~same].mean()), "%"),
        Figure("nearest view shows the same subject", 100 * float((owner[nearest] == owner).float().mean()), "%"),
    ]


def _judge_figures(reader: Reader, held: Shard) -> list[Figure]:
    read = read_single(reader, held.pictures, list(held.specs))
    return [
        Figure("CLIP on held-out renders: colour", 100 * read.colour, "%", 97, 99),
        Figure("CLIP on held-out renders: shape", 100 * read.shape, "%", 93, 98),
        Figure("CLIP on held-out renders: background", 100 * read.background, "%", 99, 100),
        Figure("CLIP on held-out renders: pattern", 100 * read.pattern, "%"),
    ]


def _autoencoder_figures(vae: AutoencoderKL, held: Shard, device: torch.device) -> list[Figure]:
    objects, whole = sharpness(vae, held, device=device)
    return [
        Figure("autoencoder, object pixels", objects, "dB", 24, 29),
        Figure("autoencoder, whole picture", whole, "dB", 32, 36),
    ]


def _rendered(specs: list[SceneSpec], size: int) -> Shard:
    drawn = [render(spec, size=size) for spec in specs]
    pictures, labels, shadows = (
        np.stack([getattr(item, key) for item in drawn]) for key in ("picture", "labels", "shadow")
    )
    return Shard(pictures, labels, shadows, tuple(specs))


def _contact_sheet(pictures: Pictures, specs: list[SceneSpec], out: Path) -> None:
    """A square sheet of pictures at twice their size, and their captions as text, row by row."""
    across = int(np.ceil(np.sqrt(len(pictures))))
    size = pictures.shape[1]
    sheet = Image.new("RGB", (across * size * 2, -(-len(pictures) // across) * size * 2))
    for index, picture in enumerate(pictures):
        tile = Image.fromarray(picture).resize((size * 2, size * 2), Image.Resampling.BICUBIC)
        sheet.paste(tile, (index % across * size * 2, index // across * size * 2))
    sheet.save(out / "contact.png")
    (out / "contact.txt").write_text("\n".join(caption(spec) for spec in specs) + "\n", encoding="utf-8")
