"""Whether a composition can be done, what ways there are, and what to say about it: for the window, the command line and the worker alike; torch-free.

checked(composition)              raises what makes it impossible, returns what is only worth knowing
offers(entries, composition)      every way to compose, those that fit first, each with the reason why it does not
require(entry, composition)       the same for the way that was chosen
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from engines.api.catalog import MethodEntry
from engines.api.compose import NEEDS, Box, Composition, Concept, Need
from engines.api.errors import AdapterError, SettingsError
from engines.launch.adapter_info import AdapterInfo, describe
from engines.launch.family import LARGER, family_of
from engines.launch.lanes import Lane

_LARGER_VERSION = "sdxl"
_KINDS = ("Stable Diffusion 1.x or 2.x", "Stable Diffusion XL")


@dataclass(frozen=True)
class Offer:
    """One way to compose: `why` says why it does not fit this composition, empty where it does."""

    entry: MethodEntry
    why: str


def offers(entries: Sequence[MethodEntry], composition: Composition) -> tuple[Offer, ...]:
    """Every way to compose: those that fit first, otherwise in the order of the catalogue, which is best first."""
    found = [Offer(entry, entry.missing or misfit(entry.needs, composition)) for entry in entries]
    return tuple(sorted(found, key=lambda offer: bool(offer.why)))


def misfit(needs: Sequence[str], composition: Composition) -> str:
    """What a way to compose needs and the composition lacks, in a sentence; empty when nothing is."""
    for need, words in NEEDS.items():
        without = [concept.name for concept in composition.concepts if need in needs and not _has(concept, need)]
        if without:
            return f"It needs {words} for {'every concept' if len(without) > 1 else without[0]}."
    return ""


def require(entry: MethodEntry, composition: Composition) -> None:
    """Raise SettingsError when the way to compose needs what the composition lacks."""
    why = entry.missing or misfit(entry.needs, composition)
    if why:
        title = f"“{entry.title}” does not fit"
        raise SettingsError(title, why, "Add what is missing, or choose another way to compose.")


def checked(composition: Composition) -> tuple[str, ...]:
    """See that a composition can be done at all; returns sentences about what is only worth knowing.

    Raises:
        SettingsError: no concepts or words, a concept named twice, a place that is empty or outside, a missing picture.
        AdapterError: an adapter vanished, is damaged, or was made for another kind of base model.
    """
    if not composition.concepts:
        title = "There is nothing to compose"
        raise SettingsError(title, "No concept was chosen.", "Choose adapters, one for each concept.")
    if not composition.prompt.strip():
        title = "There are no words for the picture"
        raise SettingsError(title, hint="Say in a sentence what it shall show.")
    _check_names(composition.concepts)
    for concept in composition.concepts:
        _check_place(concept)
        _check_files(concept)
    return adapter_notes(composition)


def adapter_notes(composition: Composition) -> tuple[str, ...]:
    """See that all adapters are there and of the base's kind; returns what else is worth knowing about them.

    Raises:
        AdapterError: one is not.
    """
    infos = {
        concept.name: _info(concept, concept.adapter.file)
        for concept in composition.concepts
        if concept.adapter is not None
    }
    _check_kinds(composition, infos)
    return (*_other_bases(infos), *_shared_directions(infos))


def visible(box: Box) -> Box:
    """The part of a box that lies in the picture; empty where nothing does."""
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in box)
    return left, top, right, bottom


def _has(concept: Concept, need: Need) -> bool:
    match need:
        case "adapters":
            return concept.adapter is not None
        case "words":
            return bool(concept.trigger.strip())
        case "boxes":
            return concept.box is not None or bool(concept.mask)
        case "pictures":
            return bool(concept.picture and concept.cutout)


def _check_names(concepts: Sequence[Concept]) -> None:
    for one, other in combinations(concepts, 2):
        for first, second in ((one.name, other.name), (one.trigger, other.trigger)):
            if first.strip() and first.strip().casefold() == second.strip().casefold():
                title = f"“{first.strip()}” is there twice"
                what = "Two concepts of one name or one trigger word cannot be told apart."
                raise SettingsError(title, what, "Leave one of them out, or teach it under another word.")


def _check_place(concept: Concept) -> None:
    if concept.box is None or concept.mask:
        return
    left, top, right, bottom = concept.box
    if right <= left or bottom <= top:
        title = f"The box of “{concept.name}” is empty"
        raise SettingsError(title, "It has no width or no height.", "Draw it anew.")
    left, top, right, bottom = visible(concept.box)
    if right <= left or bottom <= top:
        title = f"The box of “{concept.name}” lies outside the picture"
        raise SettingsError(title, "Nothing of it would be seen.", "Move it into the picture.")


def _check_files(concept: Concept) -> None:
    for file, what in ((concept.mask, "mask"), (concept.picture, "picture"), (concept.cutout, "cut-out")):
        if file and not Path(file).is_file():
            title = f"The {what} of “{concept.name}” is not there any more"
            raise SettingsError(title, f"There is no file {Path(file).name}.", "Choose it again.")


def _info(concept: Concept, file: str) -> AdapterInfo:
    if not Path(file).exists():
        title = f"The adapter of “{concept.name}” is not there any more"
        raise AdapterError(title, f"There is no file {Path(file).name}.", "Choose it again, or leave the concept out.")
    return describe(Path(file))


def _check_kinds(composition: Composition, infos: dict[str, AdapterInfo]) -> None:
    """All adapters are for one kind of model, and that is the base's as far as it can be told."""
    kinds = {name: info.base_version.startswith(_LARGER_VERSION) for name, info in infos.items() if info.base_version}
    title = "The adapters are for different base models"
    if len(set(kinds.values())) > 1:
        first, second = (next(name for name, larger in kinds.items() if larger is kind) for kind in (False, True))
        what = f"“{first}” was made for {_KINDS[0]}, “{second}” for {_KINDS[1]}."
        raise AdapterError(title, what, "Choose adapters of one base model.")
    family = family_of(composition.base)
    for name, larger in kinds.items():
        if family and larger != (family == LARGER):
            title = f"The adapter of “{name}” does not fit the base model"
            raise AdapterError(title, f"It was made for {_KINDS[larger]}.", "Choose a base model of its kind.")


def _other_bases(infos: dict[str, AdapterInfo]) -> list[str]:
    """Adapters of one kind of model but of other weights work, less well."""
    hashes = {info.base_hash for info in infos.values() if info.base_hash}
    if len(hashes) < 2:
        return []
    bases = sorted({info.base or "a base without a name" for info in infos.values() if info.base_hash})
    return [f"These adapters were taught on different base models ({', '.join(bases)}); likeness may suffer."]


def _shared_directions(infos: dict[str, AdapterInfo]) -> list[str]:
    """Adapters of the shared basis that keep to the same directions."""
    lanes = {name: found for name, info in infos.items() if (found := _lane(info)) is not None}
    return [
        f"“{one}” and “{other}” were taught in the same slot and will disturb each other. Teach one of them again: it gets a free slot."
        for one, other in combinations(lanes, 2)
        if lanes[one].overlaps(lanes[other])
    ]


def _lane(info: AdapterInfo) -> Lane | None:
    found = re.fullmatch(r"(\d{1,6})-(\d{1,6})", info.directions)
    return Lane(int(found[1]), int(found[2]) - int(found[1]) + 1) if found else None
