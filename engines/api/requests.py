"""What the interactive worker (`python -m engines serve`) is asked and answers, one JSON line each over its pipes.

Every request carries an `id`; every answer names it. A newer request of the same kind replaces an older one that has not been answered
(`Dropped`). Pictures are files in the request's `folder` (absolute), never bytes in a message. Requests about pictures to be segmented:
`engines.api.segment_requests`; about several concepts in one picture:
`engines.api.compose`; about adapters that shall act together: `engines.api.interference`;
about erasing: `engines.api.erase_requests`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engines.api.compose import ComposeRequest, Seed
from engines.api.erase_requests import EraseRequest
from engines.api.interference import InterferenceRequest
from engines.api.segment_requests import SegmentRequest
from engines.api.uses import AdapterUse


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    id: str = Field(max_length=80)


class Generate(_Message):
    """Make one picture for each pair (prompt, seed)."""

    type: Literal["generate"] = "generate"
    base: str = "starter"
    adapters: tuple[AdapterUse, ...] = ()
    prompts: tuple[str, ...]
    seeds: tuple[Seed, ...]
    negative: str = ""
    steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0.0, le=30.0)
    width: int = Field(default=0, ge=0, le=4096)
    height: int = Field(default=0, ge=0, le=4096)
    folder: str


class Compare(_Message):
    """Base against adapters on the same prompts and seeds, with similarities; the report is `report.json` in `folder`.

    `adapters` are columns (each one adapter alone); `references` are pictures of the real subject (absolute paths). `beside` also makes
    pictures of the plain class and of other things, to measure how much the adapters change what they should leave alone.
    """

    type: Literal["compare"] = "compare"
    base: str = "starter"
    adapters: tuple[AdapterUse, ...]
    labels: tuple[str, ...]
    prompts: tuple[str, ...]
    seeds: tuple[Seed, ...]
    references: tuple[str, ...] = ()
    trigger: str = ""
    class_noun: str = ""
    steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0.0, le=30.0)
    beside: bool = False
    folder: str


class Inspect(_Message):
    """Tell what an adapter file is: format, rank, alpha, trigger words, base, recipe."""

    type: Literal["inspect"] = "inspect"
    file: str


class Export(_Message):
    """Write an adapter file in another tool's format."""

    type: Literal["export"] = "export"
    file: str
    target: str
    format: Literal["kohya", "diffusers", "peft"]
    overwrite: bool = False
    include_captions: bool = False


class Release(_Message):
    """Give the memory of all models back (a training run needs it)."""

    type: Literal["release"] = "release"


class Cancel(_Message):
    """Drop the request `target` if it is still at work."""

    type: Literal["cancel"] = "cancel"
    target: str


Request = Annotated[
    Generate
    | Compare
    | Inspect
    | Export
    | Release
    | Cancel
    | SegmentRequest
    | EraseRequest
    | ComposeRequest
    | InterferenceRequest,
    Field(discriminator="type"),
]
REQUESTS: TypeAdapter[Request] = TypeAdapter(Request)


class Working(_Message):
    """Progress of a request."""

    type: Literal["working"] = "working"
    text: str
    done: int = 0
    total: int = 0


class Picture(_Message):
    """One picture of a Generate, Compare or Compose is ready.

    Attributes:
        column: 0 is the base in a Compare, and the naive sum in a Compose; 1 the composed picture there.
        preview: it was made in few steps and a finished one follows.
    """

    type: Literal["picture"] = "picture"
    file: str
    prompt: str
    seed: int
    column: int = 0
    preview: bool = False


class Done(_Message):
    """The request is answered; `data` holds what it asked for (an Inspect's description, a Compare's report)."""

    type: Literal["done"] = "done"
    data: dict[str, object] = {}


class Refused(_Message):
    """The request failed in an expected way."""

    type: Literal["refused"] = "refused"
    title: str
    what: str = ""
    hint: str = ""


class Dropped(_Message):
    """The request gave way to a newer one or was cancelled."""

    type: Literal["dropped"] = "dropped"


Answer = Annotated[Working | Picture | Done | Refused | Dropped, Field(discriminator="type")]
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer)
