"""What a person asks of a running job: one small JSON file each in the run's `inbox/`, read between steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pause(_Command):
    """Wait, keeping the model resident."""

    type: Literal["pause"] = "pause"


class Resume(_Command):
    """Go on after a pause."""

    type: Literal["resume"] = "resume"


class Stop(_Command):
    """End now; with `keep` the adapter as it stands becomes the result, else only the last checkpoint remains."""

    type: Literal["stop"] = "stop"
    keep: bool = True


class SampleNow(_Command):
    """Make sample pictures now; an empty prompt means the run's own prompts."""

    type: Literal["sample_now"] = "sample_now"
    prompt: str = Field(default="", max_length=2000)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)


class SaveNow(_Command):
    """Write a checkpoint now."""

    type: Literal["save_now"] = "save_now"


Command = Annotated[Pause | Resume | Stop | SampleNow | SaveNow, Field(discriminator="type")]

COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
