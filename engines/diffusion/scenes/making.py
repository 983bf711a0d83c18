"""Makes the scenes: cut out, lay out, draw the rest, write the picture, its words and its mask."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageChops, ImageFilter

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.api.prompts import PLACES, subject_words
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import Sampling, StepHook, at_rest, draw
from engines.diffusion.scenes.around import Around
from engines.diffusion.scenes.cutting import Laid, cut_out, laid
from engines.diffusion.scenes.layout import Spot, lay_out
from projects.files import atomic_path, atomic_write_json, atomic_write_text
from projects.pixels import read

RECIPE = "scenes.json"
_SOLID = 0.98
_GREY = (127, 127, 127)
_WIDEST_RATIO, _NARROWEST_RATIO = 3.0, 1 / 3


@dataclass(frozen=True)
class Ingredient:
    """A subject, and files of photos of it with their masks."""

    concept: JobConcept
    photos: tuple[tuple[Path, Path], ...]


@dataclass(frozen=True)
class Wish:
    """What is to be made.

    Attributes:
        count: how many scenes.
        seed: of the first; everything that is drawn follows from it.
        backgrounds: photos to begin with; none lets the base draw them from nothing.
        strength: share of the noise from which on a given background is redrawn.
        steps: denoising steps; 0 takes the base's own.
    """

    count: int = 12
    seed: int = 1
    backgrounds: tuple[Path, ...] = ()
    strength: float = 0.9
    steps: int = 0


@dataclass(frozen=True)
class Scene:
    """One that was made: names of its files in the folder, its words, its seed, and where each subject stands."""

    file: str
    mask: str
    caption: str
    seed: int
    spots: tuple[Spot, ...]


def make_scenes(
    generator: Generator,
    ingredients: Sequence[Ingredient],
    wish: Wish,
    folder: Path,
    *,
    on_scene: Callable[[Scene], None] | None = None,
    on_step: StepHook | None = None,
) -> list[Scene]:
    """Write scenes into a folder, ready to be looked through and imported.

    Beside each `scene-000.png` lie its caption (`.txt`) and the mask of all subjects (`-masklabel.png`); `scenes.json` tells how they were made.

    Args:
        generator: a base is open; adapters in use act on what is drawn around the subjects.
        ingredients: two subjects or more.
        wish: what is to be made.
        folder: made when missing.
        on_scene: hears of each when its files are there.
        on_step: hears (done, total) denoising steps of the whole; may raise to end it.

    Raises:
        SettingsError: fewer than two subjects, or one without photos; ImportFailure: a photo or mask cannot be used.
    """
    _check(ingredients)
    folder.mkdir(parents=True, exist_ok=True)
    how = Sampling(steps=wish.steps).resolved(generator.base)
    made = []
    for number in range(wish.count):
        seed, place = wish.seed + number, PLACES[number % len(PLACES)]
        draws = random.Random(f"scene/{seed}")
        cutouts = [cut_out(*draws.choice(one.photos)) for one in ingredients]
        spots = lay_out([_ratio(one, how) for one in cutouts], draws)
        put = laid(_background(wish, draws, how), cutouts, spots)
        told = None if on_step is None else _whole(on_step, number, wish.count)
        picture = _drawn(
            generator, put, ingredients, place, seed, how, 1.0 if not wish.backgrounds else wish.strength, told
        )
        caption = f"a photo of {' and '.join(subject_words(one.concept) for one in ingredients)}"
        scene = Scene(f"scene-{number:03d}.png", f"scene-{number:03d}-masklabel.png", caption + place, seed, spots)
        _write(folder, scene, picture, put)
        made.append(scene)
        if on_scene is not None:
            on_scene(scene)
    recipe = {"format": 1, "base": generator.base.info.title, "scenes": [asdict(one) for one in made]}
    atomic_write_json(folder / RECIPE, recipe)
    return made


def known_cells(masks: Sequence[Image.Image], grid: tuple[int, int]) -> torch.Tensor:
    """1 where a latent cell lies wholly inside a subject, (1, 1, h, w): seams belong to what is drawn."""
    whole = masks[0]
    for mask in masks[1:]:
        whole = ImageChops.lighter(whole, mask)
    inside = whole.filter(ImageFilter.MinFilter(3)).resize((grid[1], grid[0]), Image.Resampling.BOX)
    return torch.from_numpy((np.asarray(inside, dtype=np.float32) / 255.0 >= _SOLID).astype(np.float32))[None, None]


def _check(ingredients: Sequence[Ingredient]) -> None:
    if len(ingredients) < 2:
        raise SettingsError("A scene needs two subjects or more", f"{len(ingredients)} were named.")
    for one in ingredients:
        if not one.photos:
            title = f"“{one.concept.name}” cannot be cut out of anything"
            raise SettingsError(title, "None of its photos has a mask.", "Mark it in some photos first.")


def _ratio(cutout: Image.Image, how: Sampling) -> float:
    """Width over height of a cut-out, as shares of the picture."""
    ratio = cutout.width / cutout.height * how.height / how.width
    return min(max(ratio, _NARROWEST_RATIO), _WIDEST_RATIO)


def _background(wish: Wish, draws: random.Random, how: Sampling) -> Image.Image:
    size = how.width, how.height
    if not wish.backgrounds:
        return Image.new("RGB", size, _GREY)
    photo = read(draws.choice(wish.backgrounds), at_least=max(size)).rgb
    scale = max(size[0] / photo.width, size[1] / photo.height)
    wide, high = size[0] / scale, size[1] / scale
    left, top = (photo.width - wide) / 2, (photo.height - high) / 2
    return photo.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + wide, top + high))


def _drawn(
    generator: Generator,
    put: Laid,
    ingredients: Sequence[Ingredient],
    place: str,
    seed: int,
    how: Sampling,
    strength: float,
    on_step: StepHook | None,
) -> Image.Image:
    """The scene with everything around the subjects drawn, and the subjects put back sharp."""
    base = generator.base
    values = np.asarray(put.picture, dtype=np.float32) / 127.5 - 1.0
    with at_rest(base):
        clean, _ = base.encode_pixels(torch.from_numpy(values).permute(2, 0, 1)[None].contiguous())
    device = base.schedule.alphas_cumprod.device
    known = known_cells(put.masks, (int(clean.shape[-2]), int(clean.shape[-1]))).to(device)
    nouns = dict.fromkeys(noun for one in ingredients if (noun := one.concept.class_noun.strip()))

    def course(_prompts: Sequence[str], _seeds: Sequence[int], /) -> Around:
        # Of the place alone: words for the subjects would have the base draw them once more, behind themselves.
        text, negative = base.encode_prompts([f"a photo{place}"]), base.encode_prompts([", ".join(nouns)])
        return Around(base, text, negative, how, clean=clean.to(device).float(), known=known, strength=strength)

    (picture,) = draw(base, [place], [seed], how, course=course, on_step=on_step)
    for mask in put.masks:
        picture.paste(
            put.picture, mask=mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(how.width / 250))
        )
    return picture


def _write(folder: Path, scene: Scene, picture: Image.Image, put: Laid) -> None:
    whole = put.masks[0]
    for mask in put.masks[1:]:
        whole = ImageChops.lighter(whole, mask)
    for name, image in ((scene.mask, whole), (scene.file, picture)):
        with atomic_path(folder / name, durable=False) as temporary:
            image.save(temporary, format="PNG")
    atomic_write_text(folder / Path(scene.file).with_suffix(".txt"), scene.caption)


def _whole(on_step: StepHook, number: int, count: int) -> StepHook:
    return lambda done, total: on_step(number * total + done, count * total)
