"""A job of erasing: what a model must not show any more, what must stay as it was, and how, as it lies in `job.json`.

Nothing is learned from pictures, so a run of this kind has an empty `samples.jsonl`. It ends by measuring: `engines.api.erase_report`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from engines.api.job import JobMethod, JobPart, inside
from engines.api.recipe import LoopSettings, SampleSettings
from engines.api.settings import Settings, setting

MOST_TARGETS = 50
"""Concepts that one run may erase."""


class CheckSettings(Settings):
    """How a finished eraser is measured: the same words and seeds with the base and with the eraser."""

    prompts: int = setting(
        4, "Prompts a word", help="Each word is shown in so many places.", ge=1, le=20, advanced=True
    )
    pictures: int = setting(2, "Pictures a prompt", help="How many seeds each prompt is made with.", ge=1, le=20)
    words: int = setting(
        3,
        "Words of each kind",
        help="So many synonyms, neighbours and unrelated words are measured besides those that were named.",
        ge=0,
        le=20,
        advanced=True,
    )
    seed: int = setting(301, "First seed", ge=0, le=2**31 - 1, advanced=True)
    steps: int = setting(
        0, "Denoising steps", help="0 takes the base model's own number.", ge=0, le=200, advanced=True, zero="automatic"
    )
    encoder: str = setting("starter", "Judge", help="The CLIP model that says what a picture shows.", advanced=True)
    circumvent: bool = setting(
        False,
        "Try to bring it back",
        help="Afterwards asks for the concept in other words, misspelt, and with a word made up for it. Takes longer than erasing.",
    )


class EraseRecipe(Settings):
    """All of it. `loop.learning_rate` 0 takes what suits the method and the base; a method that learns nothing ignores `loop`."""

    loop: LoopSettings = LoopSettings(steps=200, warmup=10, weight_decay=0.0, checkpoint_every=100)
    samples: SampleSettings = SampleSettings(every=0)
    check: CheckSettings = CheckSettings()


class Erasure(JobPart):
    """One concept that is to go.

    Attributes:
        target: the words for it, such as “snowman” or “Vincent van Gogh”.
        surrogate: what is shown instead; empty for nothing in particular.
        synonyms: other words for the same, measured along with it.
    """

    target: str = Field(min_length=1, max_length=200)
    surrogate: str = Field("", max_length=200)
    synonyms: tuple[str, ...] = Field((), max_length=MOST_TARGETS)


class EraseJob(JobPart):
    """`job.json` of an erasure; made by `engines.launch.erase_plan.plan_erasure`, which refuses what cannot work in words.

    Attributes:
        base: as in `Job.base`.
        targets: what is to go.
        keep: words that must stay as they are.
        method: eraser by its registered name (`Catalog.erasers`), with its settings.
        after: eraser files (relative to the project) that act while this one is made: one request to forget after another.
    """

    format: Literal[1] = 1
    id: str = Field(pattern=r"^[\w.\- ]{1,120}$")
    kind: Literal["erase"] = "erase"
    title: str = Field(max_length=200)
    created: float
    base: str = "starter"
    targets: tuple[Erasure, ...] = Field(min_length=1, max_length=MOST_TARGETS)
    keep: tuple[str, ...] = Field((), max_length=1000)
    method: JobMethod = JobMethod(name="spm")
    recipe: EraseRecipe = EraseRecipe()
    after: tuple[str, ...] = ()
    app_version: str = ""

    @field_validator("after")
    @classmethod
    def _after_inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(inside(one) for one in value)
