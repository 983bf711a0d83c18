"""`scenes`: pictures of several subjects together, made from pictures of each alone, to teach one adapter of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.api.segment_requests import Click
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.jobs import base_address
from engines.cli.output import Bar, Voice
from engines.cli.pictures import BaseOption, DeviceOption, OverwriteOption, StepsOption, photos_in, warm

if TYPE_CHECKING:
    from engines.diffusion.scenes.making import Ingredient
    from engines.segmentation.clicks import Clicks
    from projects.project import Project
    from projects.records import Image

_MARGIN, _SURE = 0.04, 0.6
_MOST = 500


def scenes(
    project: Annotated[Path, typer.Argument(help="A project with the concepts and their photos.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the scenes; made when missing.")],
    concepts: Annotated[
        list[str], typer.Option("--concept", help="Name of a concept; two or more, in the order of the caption.")
    ],
    count: Annotated[int, typer.Option("--count", min=1, max=_MOST, help="How many scenes.")] = 12,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the first; the same seed makes the same scenes.")] = 1,
    backgrounds: Annotated[
        list[Path] | None, typer.Option("--background", help="Photos, or folders of photos, to stand before.")
    ] = None,
    strength: Annotated[
        float, typer.Option("--strength", min=0.1, max=1.0, help="How much of a given background is redrawn.")
    ] = 0.9,
    base: BaseOption = "starter",
    segmenter: Annotated[
        str, typer.Option("--segmenter", help="Who cuts out what has no mask: starter, or a checkpoint's file.")
    ] = "starter",
    steps: StepsOption = 0,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Put several subjects into one picture by cutting them out and drawing the rest; look them through, then import and teach them."""
    from projects.project import Project

    voice = Voice(as_json)
    if len(set(concepts)) < 2 or len(set(concepts)) != len(concepts):
        raise SettingsError("Name two different concepts or more", hint="Give --concept once for each.")
    if out.exists() and any(out.iterdir()) and not overwrite:
        raise SettingsError("There are files in the folder already", str(out), "Choose another, or add --overwrite.")
    from engines.diffusion.scenes.making import Wish, make_scenes

    with Project.open(project) as document:
        ingredients = [_ingredient(document, name, segmenter, out, voice) for name in concepts]
    wish = Wish(count, seed, tuple(photos_in(backgrounds or ())), strength, steps)
    generator = warm(base_address(base), device, voice)
    with Bar("Drawing") as bar:
        made = make_scenes(generator, ingredients, wish, out, on_step=bar.update)
    document_ = {"folder": str(out.absolute()), "scenes": [asdict(one) for one in made]}
    voice.result(
        document_,
        f"{len(made)} scenes: {out.absolute()}\nLook them through, delete what is wrong, and import the folder.",
    )
    return FINE


def _ingredient(document: Project, name: str, segmenter: str, out: Path, voice: Voice) -> Ingredient:
    """A concept's photos with masks: its own, else what the segmenter finds in their middle."""
    from engines.diffusion.scenes.making import Ingredient
    from projects import queries

    known = queries.concepts(document)
    concept = next((one for one in known if one.name.casefold() == name.casefold()), None)
    if concept is None:
        names = ", ".join(one.name for one in known) or "none"
        raise SettingsError(f"There is no concept “{name}”", f"The project has: {names}.")
    images = queries.images(document, concept.id)
    photos = [(document.root / one.file, document.root / one.mask) for one in images if one.mask]
    if not photos:
        photos = _cut(document, images, segmenter, out / "cutouts", voice)
    words = JobConcept(name=concept.name, trigger=concept.trigger, class_noun=concept.class_noun)
    return Ingredient(words, tuple(photos))


def _cut(
    document: Project, images: Sequence[Image], segmenter: str, folder: Path, voice: Voice
) -> list[tuple[Path, Path]]:
    from engines.segmentation.clicks import Clicks, Shared
    from engines.segmentation.decoders import decoder_for

    address = segmenter if segmenter == "starter" else f"file:{Path(segmenter).absolute()}"
    clicks = Clicks(address, None, decoder_for(address, None, voice.say), Shared())
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with Bar("Cutting out", len(images)) as bar:
        for number, image in enumerate(images):
            bar.update(number, len(images), image.original_name[:40])
            mask = _found(clicks, document, image, folder)
            if mask is None:
                voice.say(f"Note: {image.original_name} was left out: nothing stands clearly in its middle.")
            else:
                found.append((document.root / image.file, mask))
    return found


def _found(clicks: Clicks, document: Project, image: Image, folder: Path) -> Path | None:
    """A mask of what fills the middle of a photo; None when the segmenter is not sure."""
    from PIL import Image as Pictures

    from engines.segmentation.clicks import Asked
    from projects.files import atomic_path

    wide, high = image.width, image.height
    box = (_MARGIN * wide, _MARGIN * high, (1 - _MARGIN) * wide, (1 - _MARGIN) * high)
    middle = Click(x=wide / 2, y=high / 2)
    best = clicks.ask(Asked(document.root / image.file), [middle], box, lambda _done, _total: None, remember=False)[0]
    if best.score < _SURE:
        return None
    file = folder / f"{image.id}.png"
    with atomic_path(file, durable=False) as temporary:
        Pictures.fromarray(best.mask.array().astype("uint8") * 255, "L").save(temporary, format="PNG")
    return file
