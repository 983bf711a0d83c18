"""`compose`: several concepts in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engines.api.compose import Composition, Concept
from engines.api.compose_words import remarks
from engines.api.errors import SettingsError
from engines.cli.codes import FINE
from engines.cli.documents import Json, check_free
from engines.cli.jobs import base_address, parse_plain_settings
from engines.cli.output import Bar, Voice
from engines.cli.pictures import (
    AdapterOption,
    BaseOption,
    DeviceOption,
    GuidanceOption,
    OverwriteOption,
    StepsOption,
    picture_size,
    use_of,
    warm,
)
from engines.launch.adapter_info import describe
from engines.launch.composing import offers

RECIPE, KINDS = "composition.json", ("sum", "composed")
NUMBERED = "For the concept of the same number; may be given often."

PlaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--place",
        metavar="L,T,R,B|MASK",
        help="Where the concept of the same number shall be: shares of the picture (0..1), or a grey picture.",
    ),
]
SettingOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of it; may be given often.")
]


def compose(
    prompt: Annotated[str, typer.Argument(help="The whole picture in a sentence, with each concept's word.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures; made when missing.")],
    adapters: AdapterOption = None,
    places: PlaceOption = None,
    words: Annotated[list[str] | None, typer.Option("--words", help=f"What its own place is told. {NUMBERED}")] = None,
    triggers: Annotated[
        list[str] | None,
        typer.Option("--trigger", help=f"The word that calls it, where the adapter does not say. {NUMBERED}"),
    ] = None,
    nouns: Annotated[
        list[str] | None, typer.Option("--class", help=f"The ordinary word for its kind, likewise. {NUMBERED}")
    ] = None,
    photos: Annotated[
        list[str] | None, typer.Option("--picture", help=f"A picture of it, for ways without teaching. {NUMBERED}")
    ] = None,
    cutouts: Annotated[
        list[str] | None, typer.Option("--cutout", help=f"The mask of that picture, white on the concept. {NUMBERED}")
    ] = None,
    strategy: Annotated[
        str, typer.Option("--strategy", help="The way to compose; the best that fits when left out.")
    ] = "",
    settings: SettingOption = None,
    base: BaseOption = "starter",
    seeds: Annotated[list[int] | None, typer.Option("--seed", min=0, help="May be given often.")] = None,
    negative: Annotated[str, typer.Option("--negative", help="What the picture shall not show.")] = "",
    beside: Annotated[bool, typer.Option("--beside", help="Also make the naive sum on the same seeds.")] = False,
    steps: StepsOption = 0,
    guidance: GuidanceOption = 0.0,
    size: Annotated[str, typer.Option("--size", metavar="WIDTHxHEIGHT", help="In pixels; else the model's own.")] = "",
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Several concepts in one picture, each in its place."""
    voice = Voice(as_json)
    width, height = picture_size(size)
    given = {"words": words, "trigger": triggers, "class_noun": nouns, "picture": photos, "cutout": cutouts}
    wanted = Composition(
        base=base_address(base),
        concepts=_concepts(adapters or (), places or (), {name: found or () for name, found in given.items()}),
        prompt=prompt,
        negative=negative,
        settings=parse_plain_settings(settings or ()),
        steps=steps,
        guidance=guidance,
        width=width,
        height=height,
    )
    wanted = wanted.model_copy(update={"strategy": strategy or _best(wanted)})
    numbers = tuple(dict.fromkeys(seeds or (0,)))
    files = [out / RECIPE, *(out / f"{kind}-seed-{seed}.png" for kind in KINDS[not beside :] for seed in numbers)]
    check_free(files, overwrite=overwrite)
    made = _made(wanted, numbers, out, voice, device, beside=beside)
    voice.result({"pictures": made, "strategy": wanted.strategy}, "\n".join(str(one["file"]) for one in made))
    return FINE


def _made(
    wanted: Composition, seeds: Sequence[int], out: Path, voice: Voice, device: str, *, beside: bool
) -> list[dict[str, object]]:
    """Make and write the pictures; remarks are said before anything heavy is loaded."""
    from engines.diffusion import compose as composing

    for note in (*composing.prepared(wanted), *(remark.text for remark in remarks(wanted))):
        voice.say(f"Note: {note}")
    generator = warm(wanted.base, device, voice)
    out.mkdir(parents=True, exist_ok=True)
    made: list[dict[str, object]] = []
    with Bar("Composing") as bar:
        for one in composing.compose(generator, wanted, seeds, beside=beside, on_step=bar.update):
            file = composing.save(one, out)
            naive = one.round.column == composing.NAIVE
            made.append({"file": str(file.absolute()), "seed": one.seed, "naive": naive})
    composing.save_recipe(wanted, seeds, out)
    return made


def _concepts(
    adapters: Sequence[str], places: Sequence[str], given: Mapping[str, Sequence[str]]
) -> tuple[Concept, ...]:
    """The concepts: as many as there are adapters, or pictures where there are none.

    Raises:
        SettingsError: something is said of a concept that there is not.
    """
    count = max(len(adapters), len(given["picture"]))
    for name, found in {"place": places, **given}.items():
        if len(found) > count:
            title = f"There are more of --{name.replace('class_noun', 'class')} than concepts"
            raise SettingsError(
                title, f"{len(found)} for {count}.", "Give one --adapter, or one --picture, for each concept."
            )
    return tuple(_concept(number, adapters, places, given) for number in range(count))


def _concept(
    number: int, adapters: Sequence[str], places: Sequence[str], given: Mapping[str, Sequence[str]]
) -> Concept:
    own: dict[str, Any] = {name: found[number] for name, found in given.items() if number < len(found)}
    for name in ("picture", "cutout"):
        if name in own:
            own[name] = str(Path(own[name]).resolve())
    use = use_of(adapters[number]) if number < len(adapters) else None
    info = describe(Path(use.file)) if use is not None else None
    trigger = own.pop("trigger", "") or (info.trigger if info else "")
    noun = own.pop("class_noun", "") or (info.class_noun if info else "")
    name = (info.title if info else "") or trigger or noun or f"concept {number + 1}"
    return Concept(name=name, adapter=use, trigger=trigger, class_noun=noun, **own, **_place(places, number))


def _place(places: Sequence[str], number: int) -> dict[str, Any]:
    """A box of four numbers, or a picture; nothing where none is given."""
    if number >= len(places):
        return {}
    text = places[number]
    try:
        left, top, right, bottom = (float(side) for side in text.split(","))
    except ValueError:
        if Path(text).is_file():
            return {"mask": str(Path(text).resolve())}
        title = f"“{text}” is not a place"
        raise SettingsError(
            title, hint="Write LEFT,TOP,RIGHT,BOTTOM as shares of the picture, such as 0,0.2,0.5,1."
        ) from None
    if not all(math.isfinite(side) for side in (left, top, right, bottom)):
        title = f"“{text}” is not a place"
        raise SettingsError(title, hint="Shares of the picture are numbers from 0 to 1.")
    return {"box": (left, top, right, bottom)}


def _best(wanted: Composition) -> str:
    """The best way that fits.

    Raises:
        SettingsError: none does.
    """
    from engines.diffusion.composers import entries

    first = offers(entries(), wanted)[0]
    if first.why:
        title = "No way to compose fits"
        raise SettingsError(title, first.why, "Give adapters, or pictures with cut-outs.")
    return first.entry.name
