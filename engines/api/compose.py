"""What is composed: several concepts, one sentence, a way to bring them together; and what the interactive worker is asked about it.

A `Composition` is the whole recipe of a picture but for its seed. It is what the window edits, the command line builds, a result keeps, and what
gives the same picture again. Whether it can be done, and what to say about it, `engines.launch.composing` tells without torch.

Files are absolute paths. Places are shares of the picture, 0..1 from its left and upper edge, so that they hold at any size.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engines.api.uses import AdapterUse

_STRICT = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
Share = Annotated[float, Field(allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Box = tuple[Share, Share, Share, Share]
"""Left, top, right, bottom."""

MAX_CONCEPTS = 12
MAX_PICTURES = 100

Need = Literal["adapters", "words", "boxes", "pictures"]

NEEDS: dict[Need, str] = {
    "adapters": "an adapter",
    "words": "a trigger word",
    "boxes": "a box or a painted place",
    "pictures": "a picture in which it is cut out",
}
"""What a way to compose may ask of every concept, in words."""


class Concept(BaseModel):
    """One thing that shall be in the picture.

    Attributes:
        name: for people; no two of a composition share one.
        adapter: what was taught, and how strongly it acts; None for a concept that comes from a picture alone.
        trigger: the word that calls it; `class_noun` the ordinary word for its kind.
        words: what its own place is told, “a tobi bear in the snow”; empty makes it from the composition's prompt.
        negative: what its own place shall not show; empty takes the composition's.
        box: where it shall be, or None.
        mask: a grey picture of any size instead of a box, white where it shall be; it goes before the box.
        picture: a picture of it, for ways that need no teaching; `cutout` its mask there, white on the concept, as large as the picture.
    """

    model_config = _STRICT
    name: str = Field(min_length=1, max_length=200)
    adapter: AdapterUse | None = None
    trigger: str = Field(default="", max_length=200)
    class_noun: str = Field(default="", max_length=200)
    words: str = Field(default="", max_length=4000)
    negative: str = Field(default="", max_length=4000)
    box: Box | None = None
    mask: str = ""
    picture: str = ""
    cutout: str = ""


class Composition(BaseModel):
    """The recipe of a composed picture but for its seed.

    Attributes:
        base: as in `Job.base`.
        concepts: the last lies on top where places overlap.
        prompt: the whole picture in a sentence, however long; `negative` what it shall not show.
        strategy: registered name of the way to compose; `settings` its settings, where they differ from their defaults.
        steps: denoising steps, `guidance` likewise, and sides in pixels; 0 takes the base's own.
    """

    model_config = _STRICT
    base: str = "starter"
    concepts: tuple[Concept, ...] = Field(default=(), max_length=MAX_CONCEPTS)
    prompt: str = Field(default="", max_length=20_000)
    negative: str = Field(default="", max_length=20_000)
    strategy: str = "sum"
    settings: dict[str, Any] = {}
    steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0.0, le=30.0)
    width: int = Field(default=0, ge=0, le=4096)
    height: int = Field(default=0, ge=0, le=4096)


class Compose(BaseModel):
    """Make one composed picture for each seed. A newer request ends this one between two steps.

    Every picture is told of by a `Picture`: `column` 1 is the composed one, 0 the naive sum on the same seed, `preview` one of few steps that a
    finished one will replace. Done: `pictures` (each `file`, `seed`, `column`), `notes` (sentences: what was noticed about the recipe).
    A finished file carries its recipe and seed (PNG text `lorikeet.composition`, JSON: `composition` with names of files but not their folders,
    and `seed`), and `composition.json` beside them the recipe with whole paths.

    Attributes:
        seeds: up to a hundred.
        beside: also make the naive sum: the same adapters added up, the same prompt, no places, no masks of words.
        preview_steps: first show a picture of so many steps for each seed; 0 shows none. About a quarter of the steps is enough to see who is where.
    """

    model_config = _STRICT
    id: str = Field(max_length=80)
    type: Literal["compose"] = "compose"
    composition: Composition
    seeds: tuple[Seed, ...] = Field(min_length=1, max_length=MAX_PICTURES)
    beside: bool = False
    preview_steps: int = Field(default=0, ge=0, le=50)
    folder: str


class Merge(BaseModel):
    """Make one adapter of several, or a whole base model with them inside.

    Done: `file`, `rank`, `error` (the share of the merged change that the file lacks; 0 where it is exact), `exact`, `notes`.

    Attributes:
        adapters: what is merged, at their strengths.
        rule: registered name of the rule; `settings` its settings.
        base: needed by rules that look at what the base does, and for `checkpoint`; empty otherwise.
        words: the trigger with the class noun of each adapter (“tobi bear”), in order, for rules that look at what the base does; those that adapters tell of
            themselves when empty.
        target: the file to write, or for `checkpoint` the folder.
        format: as in `Export`.
        checkpoint: write a base model with the merged change inside instead of an adapter.
    """

    model_config = _STRICT
    id: str = Field(max_length=80)
    type: Literal["merge"] = "merge"
    adapters: tuple[AdapterUse, ...] = Field(min_length=1, max_length=MAX_CONCEPTS)
    rule: str = "sum"
    settings: dict[str, Any] = {}
    base: str = ""
    words: tuple[str, ...] = ()
    target: str
    format: Literal["kohya", "diffusers", "peft"] = "diffusers"
    checkpoint: bool = False
    overwrite: bool = False


ComposeRequest = Compose | Merge
