"""Two concepts of a tiny base, with everything any way to compose may ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from engines.api.compose import Composition, Concept
from engines.api.uses import AdapterUse
from engines.core.devices import pick
from engines.diffusion.contracts import Base
from engines.diffusion.exchange import Adapter, write_adapter
from engines.diffusion.generate import Generator
from tests.diffusion.support import random_adapter

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
PROMPT = "a sks dog and a zumo car"


def opened(folder: Path) -> Generator:
    """A generator with a tiny base open."""
    generator = Generator(pick("cpu"))
    generator.open(f"file:{folder}")
    return generator


def told(adapter: Adapter, trigger: str, noun: str, **metadata: str) -> Adapter:
    """The adapter with words in its metadata."""
    about = {"lorikeet.trigger": trigger, "lorikeet.class_noun": noun, "modelspec.title": f"{trigger} {noun}"}
    return replace(adapter, metadata={**about, **metadata})


def adapter_file(base: Base, folder: Path, trigger: str, noun: str, *, seed: int, text: bool = True) -> Path:
    """A file with a random adapter."""
    path = folder / f"{trigger}.safetensors"
    write_adapter(told(random_adapter(base, seed=seed, text=text), trigger, noun), path, overwrite=True)
    return path


def photo(folder: Path, name: str) -> dict[str, str]:
    """A picture of a concept and its cut-out."""
    draws = np.random.default_rng(len(name))
    picture = Image.fromarray(draws.integers(0, 255, (4, 4, 3), dtype=np.uint8)).resize(
        (48, 48), Image.Resampling.BICUBIC
    )
    cutout = Image.new("L", (48, 48), 0)
    cutout.paste(255, (12, 8, 40, 44))
    files = {"picture": folder / f"{name}-photo.png", "cutout": folder / f"{name}-cutout.png"}
    picture.save(files["picture"])
    cutout.save(files["cutout"])
    return {key: str(path) for key, path in files.items()}


def pair(tiny: Path, generator: Generator, folder: Path, strategy: str = "sum", **other: object) -> Composition:
    """A composition of two concepts side by side."""
    words = (("sks", "dog", LEFT), ("zumo", "car", RIGHT))
    concepts = tuple(
        Concept(
            name=f"{trigger} the {noun}",
            adapter=AdapterUse(file=str(adapter_file(generator.base, folder, trigger, noun, seed=number))),
            trigger=trigger,
            class_noun=noun,
            box=box,
            **photo(folder, trigger),
        )
        for number, (trigger, noun, box) in enumerate(words)
    )
    values = {"prompt": PROMPT, "steps": 2, **other}
    return Composition(base=f"file:{tiny}", concepts=concepts, strategy=strategy, **values)
