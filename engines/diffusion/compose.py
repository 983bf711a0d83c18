"""Makes composed pictures: a composition and seeds in, pictures with their recipe out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engines.api.compose import Composition
from engines.diffusion.composers import composer_of, entry_of, registry
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import StepHook, draw
from engines.diffusion.stage import Stage
from engines.launch.composing import checked, require
from projects.files import atomic_path, atomic_write_json

RECIPE = "composition.json"
TEXT = "lorikeet.composition"
"""PNG text that holds a picture's recipe and seed."""

NAIVE, COMPOSED = 0, 1


@dataclass(frozen=True)
class Round:
    """Pictures of all seeds in one way: `column` NAIVE or COMPOSED, `preview` in few steps."""

    composition: Composition
    column: int
    steps: int
    preview: bool = False


@dataclass(frozen=True)
class Composed:
    """One picture: of which round, on which seed."""

    picture: Image.Image
    seed: int
    round: Round


def prepared(composition: Composition) -> tuple[str, ...]:
    """See that a composition can be made before anything heavy is loaded; returns what is worth knowing.

    Raises:
        UserError: it cannot, in words.
    """
    notes = checked(composition)
    composer_of(composition.strategy, composition.settings)
    require(entry_of(composition.strategy, registry().get(composition.strategy)), composition)
    return notes


def compose(
    generator: Generator,
    composition: Composition,
    seeds: Sequence[int],
    *,
    beside: bool = False,
    preview_steps: int = 0,
    on_step: StepHook | None = None,
) -> Iterator[Composed]:
    """Previews, then the composed pictures, then the naive sums, each for all seeds in order.

    Args:
        generator: with the composition's base open.
        composition: one that `prepared` let pass.
        seeds: of the noise; the same for all rounds.
        beside: whether the naive sums are made.
        preview_steps: steps of the previews, 0 for none.
        on_step: hears (done, total) denoising steps of everything; may raise to end it, and nothing is left behind.

    Raises:
        UserError: an adapter does not fit, a mask cannot be read.
    """
    rounds = [Round(composition, COMPOSED, 0)]
    if preview_steps:
        rounds.insert(0, Round(composition, COMPOSED, preview_steps, preview=True))
    if beside:
        rounds.append(Round(naive(composition), NAIVE, 0))
    stages = [Stage.of(generator, one.composition, steps=one.steps) for one in rounds]
    total = sum(stage.how.steps for stage in stages)
    done = 0
    for one, stage in zip(rounds, stages, strict=True):
        share = _share(on_step, done, stage.how.steps, total)
        for seed, picture in zip(seeds, _pictures(stage, seeds, share), strict=True):
            yield Composed(picture, seed, one)
        done += stage.how.steps


def naive(composition: Composition) -> Composition:
    """The same adapters added up, which is what there would be without a way to compose."""
    return composition.model_copy(update={"strategy": "sum", "settings": {}})


def _pictures(stage: Stage, seeds: Sequence[int], on_step: StepHook | None) -> Iterator[Image.Image]:
    composer = composer_of(stage.composition.strategy, stage.composition.settings)
    with composer.staged(stage) as course:
        prompts = [stage.composition.prompt] * len(seeds)
        yield from draw(stage.base, prompts, seeds, stage.how, course=course, on_step=on_step)


def _share(on_step: StepHook | None, before: int, steps: int, total: int) -> StepHook | None:
    """Progress of one round told as progress of the whole, in thousandths."""
    if on_step is None:
        return None
    hook = on_step
    return lambda done, of: hook(round(1000 * (before + steps * done / of) / total), 1000)


def portable(composition: Composition) -> Composition:
    """The recipe without folders, which may tell more than a person wants to give away."""
    return composition.model_copy(
        update={
            "base": composition.base if not composition.base.startswith("file:") else f"file:{_name(composition.base)}",
            "concepts": tuple(
                concept.model_copy(
                    update={
                        "adapter": concept.adapter
                        and concept.adapter.model_copy(update={"file": _name(concept.adapter.file)}),
                        **{part: _name(getattr(concept, part)) for part in ("mask", "picture", "cutout")},
                    }
                )
                for concept in composition.concepts
            ),
        }
    )


def save(made: Composed, folder: Path) -> Path:
    """Write a picture with its recipe and seed inside; returns where it lies."""
    kind = "preview" if made.round.preview else ("sum", "composed")[made.round.column]
    path = folder / f"{kind}-seed-{made.seed}.png"
    recipe = {"composition": portable(made.round.composition).model_dump(mode="json"), "seed": made.seed}
    text = PngInfo()
    text.add_itxt(TEXT, json.dumps(recipe, ensure_ascii=False, sort_keys=True))
    with atomic_path(path, durable=False) as temporary:
        made.picture.save(temporary, format="PNG", pnginfo=text)
    return path


def save_recipe(composition: Composition, seeds: Sequence[int], folder: Path) -> Path:
    """Write the recipe with whole paths beside its pictures, so that it can be made again; returns where it lies."""
    path = folder / RECIPE
    atomic_write_json(path, {"composition": composition.model_dump(mode="json"), "seeds": list(seeds)})
    return path


def _name(file: str) -> str:
    return Path(file.removeprefix("file:")).name if file else ""
