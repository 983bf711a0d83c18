"""Answers what is asked about several concepts in one picture; see `engines.api.compose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engines.api.compose import Compose
from engines.api.requests import Answer, Done, Picture
from engines.diffusion.compose import compose, save, save_recipe
from engines.diffusion.generate import Generator


def composed(
    request: Compose,
    generator: Generator,
    folder: Path,
    tell: Callable[[Answer], None],
    on_step: Callable[[int, int], None],
    notes: tuple[str, ...],
) -> Done:
    """Make the pictures, telling of each when its file is there."""
    made = compose(
        generator,
        request.composition,
        request.seeds,
        beside=request.beside,
        preview_steps=request.preview_steps,
        on_step=on_step,
    )
    files = []
    for one in made:
        told = Picture(
            id=request.id,
            file=str(save(one, folder)),
            prompt=request.composition.prompt,
            seed=one.seed,
            column=one.round.column,
            preview=one.round.preview,
        )
        tell(told)
        if not told.preview:
            files.append({"file": told.file, "seed": told.seed, "column": told.column})
    recipe = save_recipe(request.composition, request.seeds, folder)
    return Done(id=request.id, data={"pictures": files, "recipe": str(recipe), "notes": list(notes)})
