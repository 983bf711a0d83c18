"""What the interactive worker is asked about pictures to be segmented, and what it answers; see `engines.api.requests`.

Pictures are files (absolute paths, upright as the project keeps them); masks travel as COCO's compressed run lengths, which are small.
Coordinates are x, y in the picture's own pixels.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class _Part(BaseModel):
    model_config = _STRICT


class SegmentModel(_Part):
    """Which model answers: `base` as in a job (`starter`, `file:...`), and an adapter file (absolute) or nothing."""

    base: str = "starter"
    adapter: str = ""


class _AboutPicture(BaseModel):
    model_config = _STRICT
    id: str = Field(max_length=80)
    model: SegmentModel = SegmentModel()
    picture: str
    cache: str = Field("", description="folder where embeddings are kept; empty keeps them in memory only")


class OpenPicture(_AboutPicture):
    """Have the picture's embedding ready, so that clicks are answered at once. Done: `width`, `height`, `cached`."""

    type: Literal["open_picture"] = "open_picture"


class OpenAhead(_AboutPicture):
    """The same for pictures that will be asked about next; gives way to every other request. Done as for `OpenPicture`."""

    type: Literal["open_ahead"] = "open_ahead"


class Click(_Part):
    """A point that belongs to the object (`inside`) or does not."""

    x: float = Field(allow_inf_nan=False)
    y: float = Field(allow_inf_nan=False)
    inside: bool = True


class AskMask(_AboutPicture):
    """The masks for clicks and a box. Done: `candidates`, best first, each `counts`, `score`, `area`, `box`.

    Attributes:
        clicks: in the order they were made.
        box: left, top, right, bottom; None for none.
        follow: number of the candidate of the last answer to the same picture that these clicks refine; -1 for none.
        hover: only a preview: one candidate, and nothing is remembered for `follow`.
    """

    type: Literal["ask_mask"] = "ask_mask"
    clicks: tuple[Click, ...] = Field((), max_length=256)
    box: tuple[float, float, float, float] | None = None
    follow: int = -1
    hover: bool = False


class FindObjects(_AboutPicture):
    """Everything there is to find: an adapter's classes, or proposals for all objects. Done: `regions`, each `label`, `counts`, `score`, `box`.

    Attributes:
        classes: whether the adapter's own classes are wanted; else proposals of any object (`label` -1).
        points_per_side: grid of clicks for proposals.
    """

    type: Literal["find_objects"] = "find_objects"
    classes: bool = False
    points_per_side: int = Field(16, ge=2, le=64)


SegmentRequest = OpenPicture | OpenAhead | AskMask | FindObjects
