"""Answers about erasing: words near a target, and what erasers do to a model, measured on the warm base."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engines.api.erase_requests import EraseRequest, MeasureErasers
from engines.api.requests import Answer, Done, Picture, Working

if TYPE_CHECKING:
    from engines.diffusion.generate import Generator


def answer(
    request: EraseRequest,
    generator: Generator,
    folder: Path,
    *,
    tell: Callable[[Answer], None],
    check: Callable[[], None],
) -> Done:
    """Do what is asked.

    Args:
        request: what is asked.
        generator: open on the request's base; left without adapters.
        folder: where pictures go.
        tell: sends what happens on the way.
        check: raises `Unwanted` when the request gave way.

    Raises:
        UserError: it cannot be done, in words.
    """
    if not isinstance(request, MeasureErasers):
        from engines.diffusion.erasing.suggest import suggest

        found = suggest(generator.base, request.target, request.count)
        return Done(
            id=request.id,
            data={
                "target": found.target,
                "pieces": found.pieces,
                "synonyms": [vars(one) for one in found.synonyms],
                "neighbours": [vars(one) for one in found.neighbours],
            },
        )
    from engines.diffusion.erasing.measuring import Question, measure_erasers

    def progress(_phase: str, text: str, done: int, total: int) -> None:
        check()
        tell(Working(id=request.id, text=text, done=done, total=total))

    def made(file: str, prompt: str, seed: int, column: int) -> None:
        tell(Picture(id=request.id, file=file, prompt=prompt, seed=seed, column=column))

    question = Question(request.base, request.erasers, request.targets, request.keep, request.check)
    report = measure_erasers(generator, question, folder, progress=progress, on_picture=made)
    return Done(id=request.id, data=report.model_dump(mode="json"))
