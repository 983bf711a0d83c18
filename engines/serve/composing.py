"""Answers what is asked about several concepts in one picture; see `engines.api.compose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engines.api.compose import Compose, Merge
from engines.api.requests import Answer, Done, Picture, Working
from engines.diffusion.compose import compose, save, save_recipe
from engines.diffusion.generate import Generator
from engines.diffusion.merge import merge, write_checkpoint
from engines.diffusion.merging import rule_of


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


def merged(
    request: Merge,
    warm: Callable[[], Generator],
    tell: Callable[[Answer], None],
    on_step: Callable[[int, int], None],
) -> Done:
    """Write one adapter, or a whole base model; `warm` opens the base for rules that look at it."""

    def progress(_phase: str, text: str, done: int, total: int) -> None:
        on_step(done, total)
        tell(Working(id=request.id, text=text, done=done, total=total))

    target = Path(request.target)
    if request.checkpoint:
        notes = write_checkpoint(request.base, request.adapters, target, overwrite=request.overwrite, progress=progress)
        data = {"file": str(target), "rank": 0, "error": 0.0, "exact": True, "notes": list(notes)}
        return Done(id=request.id, data=data)
    rule = rule_of(request.rule, request.settings)
    told = merge(
        request.adapters,
        request.rule,
        request.settings,
        target,
        form=request.format,
        overwrite=request.overwrite,
        generator=warm() if "base" in rule.needs and request.base else None,
        words=request.words,
        on_step=on_step,
    )
    data = {"file": str(target), "rank": told.rank, "error": told.error, "exact": rule.exact, "notes": list(told.notes)}
    return Done(id=request.id, data=data)
