"""A job of adapting a segmentation model: what is learned from, and how, as it lies in `job.json` and `samples.jsonl`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from engines.api.job import JobMethod, JobPart, inside
from engines.api.recipe import LoopSettings, SampleSettings
from engines.api.settings import Settings, setting

SPLITS = ("train", "validation", "test")
Split = Literal["train", "validation", "test"]


class SegmentData(Settings):
    """What the model is asked while it learns, and how pictures are varied."""

    prompts: Literal["clicks", "automatic", "both"] = setting(
        "both",
        "Used with",
        help="“clicks” keeps the model answering clicks and boxes; “automatic” finds the classes without being asked; “both” learns both.",
    )
    views: Literal["as they are", "mirrored", "turned"] = setting(
        "mirrored",
        "Variety",
        help="“turned” also turns pictures by quarters, for pictures without an up and a down.",
    )
    objects: int = setting(
        6, "Objects a picture", help="Of each picture, so many are asked for in a step.", ge=1, le=64, advanced=True
    )
    box_noise: float = setting(
        0.1, "Looseness of boxes", help="Share of a side by which boxes miss.", ge=0.0, le=0.5, advanced=True
    )


class SegmentObjective(Settings):
    """What the training error is made of."""

    dice_weight: float = setting(1.0, "Overlap (Dice)", ge=0.0, le=100.0, advanced=True)
    pixel_weight: float = setting(1.0, "Pixel by pixel", ge=0.0, le=100.0, advanced=True)
    focal_gamma: float = setting(
        0.0, "Focus on hard pixels", help="The focal error's gamma.", ge=0.0, le=5.0, advanced=True, zero="off"
    )
    score_weight: float = setting(
        0.5,
        "Honest scores",
        help="How much the model's own estimate of each mask counts.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    unmarked_weight: float = setting(
        0.0,
        "Learn from pictures without masks",
        help="Makes a finished adapter surer of itself on new pictures; how much of a picture the class covers keeps it honest.",
        ge=0.0,
        le=10.0,
        advanced=True,
        zero="off",
    )
    least_share: float = setting(0.0, "Least the class covers", ge=0.0, le=1.0, advanced=True)
    most_share: float = setting(1.0, "Most the class covers", ge=0.0, le=1.0, advanced=True)


class SegmentRecipe(Settings):
    """All of it. A step takes `loop.batch_size` pictures; `loop.learning_rate` 0 takes what suits the tuner and the model."""

    data: SegmentData = SegmentData()
    objective: SegmentObjective = SegmentObjective()
    loop: LoopSettings = LoopSettings(steps=200, batch_size=2, warmup=10, checkpoint_every=100)
    samples: SampleSettings = SampleSettings()


class SceneObject(JobPart):
    """One object of a picture: number of its class, and its mask as COCO's compressed run lengths."""

    label: int = Field(ge=0)
    counts: str


class Scene(JobPart):
    """One line of `samples.jsonl`: a picture with its objects; width and height are the upright picture's.

    Attributes:
        empty: somebody looked through it: nothing of any class is there. Without it, no objects mean that nobody knows.
        volume: what all slices of one volume share; empty for a picture by itself. `depth` is the slice's place in it.
    """

    file: str
    sha256: str = ""
    width: int = Field(ge=1, le=100_000)
    height: int = Field(ge=1, le=100_000)
    split: Split = "train"
    objects: tuple[SceneObject, ...] = ()
    empty: bool = False
    volume: str = ""
    depth: int = Field(default=0, ge=0, le=100_000)

    _file_inside = field_validator("file")(inside)


class SegmentJob(JobPart):
    """`job.json` of an adaptation.

    Attributes:
        base: `starter`, or `file:` and an absolute path to a checkpoint.
        method: tuner by its registered name, with its settings.
        classes: names of what is to be found; `SceneObject.label` counts through them.
        start_from: adapter file (relative to the project) to begin with; empty for none.
    """

    format: Literal[1] = 1
    id: str = Field(pattern=r"^[\w.\- ]{1,120}$")
    kind: Literal["segment"] = "segment"
    title: str = Field(max_length=200)
    created: float
    base: str = "starter"
    method: JobMethod = JobMethod(name="decoder")
    classes: tuple[str, ...] = Field(min_length=1, max_length=1000)
    recipe: SegmentRecipe = SegmentRecipe()
    start_from: str = ""
    app_version: str = ""

    @field_validator("start_from")
    @classmethod
    def _start_inside(cls, value: str) -> str:
        return inside(value) if value else value
