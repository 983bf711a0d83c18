"""What a person has laid out on the page: plain data that the project keeps, and that a result keeps as its recipe.

Files are named from the project's folder on, so that a project may move; a recipe of a stranger can name nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engines.api.compose import Box, Composition, Concept, Seed
from engines.api.prompts import with_article
from engines.api.uses import AdapterUse
from gui.canvas.marking.boxes import row_of
from projects.regions.mask import Mask

KEY = "combine.draft"
"""Setting of the project under which the layout on the page is kept."""

MOST = 5
LEAST = 2
MOST_SEEDS = 16
LARGEST_EDGE = 2048
_LARGEST_PHOTO = 8192
_NO_FILE = "not written yet"


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Painted(_Plain):
    """A place that was painted: run lengths of a mask in their compressed form (`projects.regions.mask`)."""

    width: int = Field(ge=1, le=_LARGEST_PHOTO)
    height: int = Field(ge=1, le=_LARGEST_PHOTO)
    counts: str = Field(max_length=400_000)

    @classmethod
    def of(cls, mask: Mask) -> Painted:
        """The same as text."""
        return cls(width=mask.width, height=mask.height, counts=mask.text)

    def mask(self) -> Mask | None:
        """Decoded; None when the text is no mask of this size."""
        try:
            return Mask.from_text(self.counts, self.width, self.height)
        except ValueError:
            return None


class Part(_Plain):
    """One subject of the picture.

    Attributes:
        source: id of the adapter in the library.
        file: of the adapter, from the project's folder on, with forward slashes.
        words: what its own place is told; empty makes it from the prompt.
        photo: a picture of it, named as `file`, and `cutout` what of that it is; for ways that need no teaching.
    """

    source: str = Field(max_length=300)
    name: str = Field(min_length=1, max_length=200)
    file: str = Field(max_length=500)
    weight: float = Field(default=1.0, ge=-4.0, le=4.0)
    trigger: str = Field(default="", max_length=200)
    class_noun: str = Field(default="", max_length=200)
    words: str = Field(default="", max_length=4000)
    negative: str = Field(default="", max_length=4000)
    box: Box | None = None
    painted: Painted | None = None
    photo: str = Field(default="", max_length=500)
    cutout: Painted | None = None

    @field_validator("file", "photo")
    @classmethod
    def _inside(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or "\\" in file or ":" in file:
            msg = "names a file outside the project"
            raise ValueError(msg)
        return file

    @property
    def placed(self) -> bool:
        """Whether it was said where it shall be."""
        return self.box is not None or self.painted is not None


class Draft(_Plain):
    """The whole layout.

    Attributes:
        parts: the last lies on top.
        strategy: the way that the person chose; empty takes the best that fits.
        settings: of ways to compose, by their names, where they differ from the defaults.
        count: how many pictures, on seeds from `seed` on.
        beside: whether the plain sum is made too; `preview` whether a picture of few steps comes first.
    """

    base: str = Field(default="starter", max_length=2000)
    parts: Annotated[tuple[Part, ...], Field(max_length=MOST)] = ()
    prompt: str = Field(default="", max_length=20_000)
    negative: str = Field(default="", max_length=20_000)
    strategy: str = Field(default="", max_length=80)
    settings: dict[str, dict[str, Any]] = {}
    steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0.0, le=30.0, allow_inf_nan=False)
    width: int = Field(default=0, ge=0, le=LARGEST_EDGE)
    height: int = Field(default=0, ge=0, le=LARGEST_EDGE)
    seed: Seed = 7
    count: int = Field(default=1, ge=1, le=MOST_SEEDS)
    beside: bool = True
    preview: bool = True

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the next pictures."""
        return tuple(range(self.seed, self.seed + self.count))

    def changed(self, **values: object) -> Draft:
        """The same but for what is said."""
        return self.model_copy(update=values)

    def with_part(self, number: int, **values: object) -> Draft:
        """The same but for one subject."""
        parts = list(self.parts)
        parts[number] = parts[number].model_copy(update=values)
        return self.changed(parts=tuple(parts))


def read(data: object) -> Draft | None:
    """A draft from plain data; None when it is none."""
    try:
        return Draft.model_validate(data)
    except (ValidationError, RecursionError):
        return None


def added(draft: Draft, part: Part) -> Draft:
    """With one more subject: boxes nobody moved make room for it, and the sentence nobody wrote names it."""
    boxes = [one.box for one in draft.parts]
    untouched = boxes == list(row_of(len(boxes)))
    parts = (*draft.parts, part)
    row = row_of(len(parts))
    if untouched:
        parts = tuple(one.model_copy(update={"box": box}) for one, box in zip(parts, row, strict=True))
    else:
        parts = (*draft.parts, part.model_copy(update={"box": row[-1]}))
    prompt = sentence(parts) if draft.prompt.strip() in {"", sentence(draft.parts)} else draft.prompt
    return draft.changed(parts=parts, prompt=prompt)


def without(draft: Draft, number: int) -> Draft:
    """Without a subject."""
    parts = draft.parts[:number] + draft.parts[number + 1 :]
    if [one.box for one in draft.parts] == list(row_of(len(draft.parts))):
        row = row_of(len(parts))
        parts = tuple(one.model_copy(update={"box": box}) for one, box in zip(parts, row, strict=True))
    prompt = sentence(parts) if draft.prompt.strip() == sentence(draft.parts) else draft.prompt
    return draft.changed(parts=parts, prompt=prompt)


def sentence(parts: Sequence[Part]) -> str:
    """The plainest words for these subjects: “a photo of a tobi bear and a zumo car”; empty for none."""
    named = [with_article(called(part)) for part in parts]
    if not named:
        return ""
    return f"a photo of {', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else f"a photo of {named[0]}"


def called(part: Part) -> str:
    """What calls a subject: its trigger word and the ordinary word for its kind."""
    return " ".join(word for word in (part.trigger.strip(), part.class_noun.strip()) if word) or part.name


def composition(
    draft: Draft,
    root: Path,
    strategy: str,
    *,
    file_of: Callable[[str, int], str] | None = None,
) -> Composition:
    """What the engine is told.

    Args:
        draft: as laid out.
        root: the project's folder.
        strategy: the way to compose that counts.
        file_of: the file of a subject's “place” or “cutout”, by its number; without it masks are only said to be there.
    """
    mask_of = file_of or (lambda _what, _number: _NO_FILE)
    concepts = [
        Concept(
            name=_own_name(draft.parts, number),
            adapter=AdapterUse(file=_absolute(root, part.file), weight=part.weight),
            trigger=part.trigger,
            class_noun=part.class_noun,
            words=part.words,
            negative=part.negative,
            box=part.box,
            mask=mask_of("place", number) if part.painted is not None else "",
            picture=_absolute(root, part.photo) if part.photo and part.cutout is not None else "",
            cutout=mask_of("cutout", number) if part.photo and part.cutout is not None else "",
        )
        for number, part in enumerate(draft.parts)
    ]
    return Composition(
        base=draft.base,
        concepts=tuple(concepts),
        prompt=draft.prompt,
        negative=draft.negative,
        strategy=strategy or "sum",
        settings=draft.settings.get(strategy, {}),
        steps=draft.steps,
        guidance=draft.guidance,
        width=draft.width,
        height=draft.height,
    )


def grey(painted: Painted) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]] | None:
    """A painted place as a grey picture (h, w), white where the subject shall be; None when it cannot be read."""
    mask = painted.mask()
    return mask.array().astype(np.uint8) * 255 if mask is not None else None


def _absolute(root: Path, file: str) -> str:
    return str(root.joinpath(*PurePosixPath(file).parts))


def _own_name(parts: Sequence[Part], number: int) -> str:
    """Two adapters of one name are told apart by a number; two of one trigger word cannot be, and are refused."""
    name = parts[number].name
    earlier = sum(other.name.casefold() == name.casefold() for other in parts[:number])
    return f"{name} {earlier + 1}" if earlier else name
