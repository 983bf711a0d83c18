"""A job as it lies on disk: `job.json` and `samples.jsonl` in the run's folder, frozen once started.

Layout of a run's folder (see ARCHITECTURE.md):

    job.json samples.jsonl events.jsonl log.txt environment.json inbox/ samples/ checkpoints/ adapter.safetensors

Paths are relative to the project's root with forward slashes; the run lies at `<project>/runs/<id>`, so the root is two levels up.
The one exception is a base model outside the project (`file:` with an absolute path).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engines.api.recipe import Recipe

FORMAT = 1

Scalar = int | float | bool | str
MethodSettings = dict[str, Scalar | list[Scalar] | None]


class JobPart(BaseModel):
    """A frozen part of a job; names that are not known are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def inside(value: str) -> str:
    """A path inside the project as it is; raises ValueError for any other."""
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value or ":" in value:
        msg = f"not a path inside the project: {value!r}"
        raise ValueError(msg)
    return value


class JobConcept(JobPart):
    """What is being taught."""

    name: str = Field(max_length=200)
    trigger: str = Field(max_length=200)
    class_noun: str = Field("", max_length=200)


class JobImage(JobPart):
    """One line of `samples.jsonl`: a picture, its words and its mask.

    `caption` may hold `[trigger]`, which becomes the concept's trigger word. `crop` is left to the data path.
    """

    file: str
    caption: str = Field(max_length=4000)
    mask: str | None = None
    repeats: int = Field(1, ge=1, le=1000)
    sha256: str = ""

    _file_inside = field_validator("file")(inside)

    @field_validator("mask")
    @classmethod
    def _mask_inside(cls, value: str | None) -> str | None:
        return None if value is None else inside(value)


class JobMethod(JobPart):
    """A method by its registered name, with its own settings (validated by the method itself in the worker)."""

    name: str = "lora"
    settings: MethodSettings = {}


class Job(JobPart):
    """`job.json`.

    Attributes:
        base: `starter`, `hub:owner/name` (optionally `@revision`), or `file:` and an absolute path to a diffusers folder, a
            `.safetensors` or a `.ckpt` checkpoint.
        start_from: adapter file (relative to the project) whose weights the training starts from; empty for none.
        evaluate: whether before and after are measured in the background once it is finished.
    """

    format: Literal[1] = 1
    id: str = Field(pattern=r"^[\w.\- ]{1,120}$")
    kind: Literal["teach"] = "teach"
    title: str = Field(max_length=200)
    created: float
    concept: JobConcept
    base: str = "starter"
    method: JobMethod = JobMethod()
    recipe: Recipe = Recipe()
    start_from: str = ""
    evaluate: bool = False
    app_version: str = ""

    @field_validator("start_from")
    @classmethod
    def _start_inside(cls, value: str) -> str:
        return inside(value) if value else value
