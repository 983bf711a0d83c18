"""Writes the sample subjects: reference pictures with captions, as a newcomer would bring photos of a toy of theirs."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engines.starter.captions import subject_caption
from engines.starter.dataset import view_of
from engines.starter.render import Rendering, render
from engines.starter.spec import BACKGROUNDS, SceneSpec
from engines.starter.subjects import Subject, subject


@dataclass(frozen=True)
class Reference:
    """One reference picture of a subject with its caption and its ground truth."""

    spec: SceneSpec
    caption: str
    rendering: Rendering


def references(item: Subject, *, seed: int, count: int = 8, size: int = 64) -> list[Reference]:
    """``count`` pictures of a subject from different cameras and lights; backgrounds take turns. Other seeds, other pictures."""
    rng = random.Random(f"{item.ident}-{seed}")
    places = [
        place for _ in range(-(-count // len(BACKGROUNDS))) for place in rng.sample(BACKGROUNDS, len(BACKGROUNDS))
    ]
    made = []
    for index in range(count):
        spec = view_of(item.clay, rng.randrange(2**31)).model_copy(update={"background": places[index]})
        words = subject_caption(item.trigger, item.class_noun, spec.background, rng)
        made.append(Reference(spec, words, render(spec, size=size)))
    return made


def write_samples(out: Path, *, idents: tuple[str, ...], seed: int = 1, size: int = 256) -> None:
    """``out``/ident/00.png and 00.txt, ..., and subject.json for each subject."""
    for ident in idents:
        item = subject(ident)
        folder = out / ident
        folder.mkdir(parents=True, exist_ok=True)
        for index, made in enumerate(references(item, seed=seed, size=size)):
            Image.fromarray(made.rendering.picture).save(folder / f"{index:02d}.png", optimize=True)
            (folder / f"{index:02d}.txt").write_text(made.caption + "\n", encoding="utf-8")
        facts = {"name": item.name, "trigger": item.trigger, "class_noun": item.class_noun}
        (folder / "subject.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
