"""What the interactive worker is asked about pictures to be segmented, and what it answers; see `engines.api.requests`.

Pictures are files (absolute paths, upright as the project keeps them); masks travel as COCO's compressed run lengths, which are small.
Coordinates are x, y in the picture's own pixels.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
Place = Annotated[float, Field(allow_inf_nan=False)]
"""In pixels of the picture."""


class SegmentModel(BaseModel):
    """Which model answers: `base` as in a job (`starter`, `file:...`), and an adapter file (absolute) or nothing."""

    model_config = _STRICT
    base: str = "starter"
    adapter: str = ""


class _AboutPicture(BaseModel):
    model_config = _STRICT
    id: str = Field(max_length=80)
    model: SegmentModel = SegmentModel()
    picture: str
    cache: str = Field("", description="folder where embeddings are kept; empty keeps them in memory only")


class OpenPicture(_AboutPicture):
    """Have the picture's embedding ready, so that clicks are answered at once.

    Done: `width`, `height` upright, `cached` (whether the embedding was there already), `classes` (names of what the adapter finds by itself).
    """

    type: Literal["open_picture"] = "open_picture"


class OpenAhead(_AboutPicture):
    """The same for a picture that will be asked about next; done beside other requests, and stands still while one is at work.

    A request that needs another picture looked at ends it with `Dropped`; one that needs this very picture has it hurry. Done as for `OpenPicture`.
    """

    type: Literal["open_ahead"] = "open_ahead"


class Click(BaseModel):
    """A point that belongs to the object (`inside`) or does not."""

    model_config = _STRICT
    x: Place
    y: Place
    inside: bool = True


class AskMask(_AboutPicture):
    """The masks for clicks and a box.

    Done: `candidates`, best first (three for a single click, else one), each `counts`, `score` (expected IoU), `area` in pixels, `box` (left,
    top, width, height).

    Attributes:
        clicks: in the order they were made.
        box: left, top, right, bottom; None for none.
        follow: number of the candidate of the last answer to the same picture that these clicks refine; -1 for none. One that is not remembered
            any more is left out.
        hover: only a preview: one candidate, and nothing is remembered for `follow`.
    """

    type: Literal["ask_mask"] = "ask_mask"
    clicks: tuple[Click, ...] = Field((), max_length=256)
    box: tuple[Place, Place, Place, Place] | None = None
    follow: int = -1
    hover: bool = False


class FindObjects(_AboutPicture):
    """Everything there is to find: an adapter's classes, or proposals for all objects.

    Done: `regions`, each with a `label` and otherwise as the candidates of `AskMask`.

    Attributes:
        classes: whether the adapter's own classes are wanted; else proposals of any object (`label` -1).
        points_per_side: grid of clicks for proposals.
    """

    type: Literal["find_objects"] = "find_objects"
    classes: bool = False
    points_per_side: int = Field(16, ge=2, le=64)


SegmentRequest = OpenPicture | OpenAhead | AskMask | FindObjects
