"""`generate` and `compare`: pictures with a base model and adapters, and before/after with figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.api.errors import SettingsError, UserError
from engines.api.prompts import measured_prompts
from engines.api.uses import AdapterUse
from engines.cli.adapters import adapter_file
from engines.cli.codes import FINE
from engines.cli.documents import ClassOption, Json, TriggerOption, check_free
from engines.cli.jobs import base_address
from engines.cli.output import Bar, Voice
from engines.launch.adapter_info import describe
from engines.launch.folder import read_job, run_of

if TYPE_CHECKING:
    from engines.diffusion.generate import Generator

BaseOption = Annotated[
    str, typer.Option("--base", help="starter, a diffusers folder, a .safetensors file, or owner/name of a hub.")
]
AdapterOption = Annotated[
    list[str] | None,
    typer.Option("--adapter", metavar="FILE[=WEIGHT]", help="An adapter file or a run's folder; may be given often."),
]
StepsOption = Annotated[int, typer.Option("--steps", min=0, max=200, help="Denoising steps; 0 takes the model's own.")]
GuidanceOption = Annotated[
    float,
    typer.Option("--guidance", min=0.0, max=30.0, help="How strictly the words are followed; 0: the model's own."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier time in --out.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cuda, mps or cpu.")]


def generate(
    prompts: Annotated[list[str], typer.Argument(help="What the pictures shall show.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures; made when missing.")],
    adapters: AdapterOption = None,
    base: BaseOption = "starter",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first picture of each prompt.")] = 0,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="Pictures of each prompt.")] = 1,
    negative: Annotated[str, typer.Option("--negative", help="What they shall not show.")] = "",
    steps: StepsOption = 0,
    guidance: GuidanceOption = 0.0,
    size: Annotated[str, typer.Option("--size", metavar="WIDTHxHEIGHT", help="In pixels; else the model's own.")] = "",
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Make pictures from prompts, with or without adapters."""
    from projects.files import atomic_path

    voice = Voice(as_json)
    uses = [use_of(text) for text in adapters or ()]
    pairs = [(prompt, seed + number) for prompt in prompts for number in range(count)]
    files = [out / f"{index:03d}-seed-{number}.png" for index, (_, number) in enumerate(pairs)]
    wanted_size = picture_size(size)
    check_free(files, overwrite=overwrite)
    generator = warm(base_address(base), device, voice)
    generator.use(uses)
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with Bar("Drawing") as bar:
        pictures = generator.pictures(
            [prompt for prompt, _ in pairs],
            [number for _, number in pairs],
            steps=steps,
            guidance=guidance,
            negative=negative,
            size=wanted_size,
            on_step=bar.update,
        )
        for file, (prompt, number), picture in zip(files, pairs, pictures, strict=True):
            with atomic_path(file, durable=False) as temporary:
                picture.save(temporary, format="PNG")
            made.append({"file": str(file.absolute()), "prompt": prompt, "seed": number})
    voice.result({"pictures": made}, "\n".join(str(one["file"]) for one in made))
    return FINE


def compare(
    adapters: Annotated[
        list[str], typer.Argument(metavar="ADAPTER...", help="Adapter files or run folders, one column each.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures, the sheet and the report.")],
    prompts: Annotated[
        list[str] | None, typer.Option("--prompt", help="May be given often; made from the trigger when left out.")
    ] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="May be given often.")] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option("--photos", help="Photos of the real subject, or a folder of them; a run's own when left out."),
    ] = None,
    base: Annotated[str, typer.Option("--base", help="As for generate; the adapter's own when left out.")] = "",
    trigger: TriggerOption = "",
    class_noun: ClassOption = "",
    encoder: Annotated[
        str,
        typer.Option("--encoder", help="Who judges: starter, hub:owner/name or file:FOLDER of a CLIP or DINOv2 model."),
    ] = "starter",
    beside: Annotated[
        bool, typer.Option("--beside/--no-beside", help="Also measure what changes in the plain class and elsewhere.")
    ] = True,
    steps: StepsOption = 0,
    guidance: GuidanceOption = 0.0,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """The same prompts and seeds with the base alone and with each adapter, judged, on one sheet."""
    from engines.diffusion.compare import REPORT, SHEET, Comparison
    from engines.diffusion.compare import compare as run_comparison

    voice = Voice(as_json)
    uses = tuple(use_of(text) for text in adapters)
    info = describe(Path(uses[0].file))
    concept = _concept(trigger or info.trigger, class_noun or info.class_noun)
    wanted = Comparison(
        base=base_address(base or _base_of(uses)),
        adapters=uses,
        labels=tuple(_label(use) for use in uses),
        prompts=tuple(prompts or measured_prompts(concept)),
        seeds=tuple(seeds or (0, 1)),
        references=tuple(photos_in(references) if references else own_photos(uses[0])),
        trigger=concept.trigger,
        class_noun=concept.class_noun,
        steps=steps,
        guidance=guidance,
        encoder=encoder,
        beside=beside,
    )
    check_free([out / name for name in wanted.files()], overwrite=overwrite)
    generator = warm(wanted.base, device, voice)
    with Bar("Comparing") as bar:
        report = run_comparison(generator, wanted, out, on_step=bar.update)
    document = {"type": "result", "sheet": str((out / SHEET).absolute()), "report": str((out / REPORT).absolute())}
    voice.result(
        {**document, "columns": report["columns"]}, f"{column_words(report)}\nSheet: {(out / SHEET).absolute()}"
    )
    return FINE


def new_generator(device: str, voice: Voice | None = None) -> Generator:
    """A generator on a device; what is worth knowing about the choice is said."""
    from engines.core.devices import pick
    from engines.diffusion.generate import Generator

    chosen = pick(device)
    if chosen.note:
        (voice or Voice()).say(chosen.note)
    return Generator(chosen)


def warm(base: str, device: str, voice: Voice) -> Generator:
    """A generator with the base model open."""
    generator = new_generator(device, voice)
    with Bar("Loading the base model") as bar:
        generator.open(base, progress=lambda _phase, text, done, total: bar.update(done, total, text))
    return generator


def photos_in(places: Sequence[Path]) -> list[Path]:
    """The pictures named, and those in folders named, by name.

    Raises:
        UserError: a place does not exist, or no picture was found in any.
    """
    from projects.scanning import scan

    for place in places:
        if not place.exists():
            title = f"{place} does not exist"
            raise UserError(title)
    found = [one.path for one in scan(list(places)).pictures] if places else []
    if places and not found:
        title = "No pictures were found"
        raise UserError(title, f"Looked in {', '.join(str(place) for place in places)}.")
    return found


def column_words(report: dict[str, Any]) -> str:
    """The report's columns as lines: what was measured of each, with intervals, and which of two adapters is closer to the photos."""
    lines = []
    for column in report["columns"]:
        words = [f"{name} {_figure(column[key])}" for key, name in FIGURES if column.get(key)]
        if column.get("closer"):
            words.append(f"closer to the photos than the base in {_pairs(column)}")
        lines.append(f"{column['label']}: {', '.join(words)}" if words else str(column["label"]))
    for pair in report.get("between", ()):
        if pair["closer"]:
            first, second = (report["columns"][pair[name]]["label"] for name in ("first", "second"))
            lines.append(f"{second} is closer to the photos than {first} in {_pairs(pair)}")
    if report.get("note"):
        lines.append(str(report["note"]))
    return "\n".join(lines)


FIGURES = (
    ("likeness", "likeness to the photos"),
    ("following", "prompt following"),
    ("variety", "variety"),
    ("class_likeness", "likeness of the plain class to the photos"),
    ("class_change", "change of the plain class"),
    ("change", "change elsewhere"),
)


def _pairs(found: dict[str, Any]) -> str:
    sure = {True: ", clearly", False: ", which may be chance", None: ""}[found["clearly"]]
    return f"{found['closer']['won']} of {found['closer']['of']} pictures{sure}"


def _figure(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _base_of(uses: Sequence[AdapterUse]) -> str:
    """The base that the adapters were taught on, as far as their runs or files tell.

    Raises:
        SettingsError: they tell of different ones.
    """
    bases = {base for use in uses if (base := _told_base(Path(use.file)))}
    if len(bases) > 1:
        title = "These adapters were taught on different base models"
        raise SettingsError(
            title, f"{', '.join(sorted(bases))}.", "Compare those of one base, or choose it with --base."
        )
    return next(iter(bases), "starter")


def _told_base(file: Path) -> str:
    run = run_of(file)
    base = read_job(run).base if run is not None else describe(file).base
    return base if base == "starter" or base.startswith(("hub:", "file:")) else ""  # else a title, which finds nothing


def own_photos(use: AdapterUse) -> Sequence[Path]:
    """The photos that a run's adapter was taught from; none for a lone file."""
    from engines.launch.evaluation import photos_of

    run = run_of(Path(use.file))
    return photos_of(run) if run is not None else ()


def use_of(text: str) -> AdapterUse:
    """The adapter and weight of `FILE[=WEIGHT]`; raises AdapterError or SettingsError."""
    name, equals, weight = text.rpartition("=")
    try:
        strength = float(weight) if equals else 1.0
    except ValueError:  # the equals sign belongs to the file's name
        name, strength = text, 1.0
    file = adapter_file(Path(name if equals else text))
    if not -4.0 <= strength <= 4.0:
        title = f"The weight {strength:g} is out of range"
        raise SettingsError(title, hint="Use a weight between -4 and 4; 1 is the adapter as it was taught.")
    return AdapterUse(file=str(file.resolve()), weight=strength)


def _label(use: AdapterUse) -> str:
    path = Path(use.file)
    name = path.parent.name if path.name == "adapter.safetensors" else path.stem
    return name if use.weight == 1.0 else f"{name} at {use.weight:g}"


def _concept(trigger: str, class_noun: str) -> Any:  # noqa: ANN401 - JobConcept, without loading it for --help
    from engines.api.job import JobConcept

    return JobConcept(name=trigger or class_noun or "subject", trigger=trigger, class_noun=class_noun)


def picture_size(text: str) -> tuple[int, int]:
    """Width and height of `512x512`, zeros for nothing; raises SettingsError."""
    if not text:
        return 0, 0
    width, cross, height = text.casefold().partition("x")
    if not (cross and width.isdigit() and height.isdigit() and 8 <= int(width) <= 4096 and 8 <= int(height) <= 4096):
        title = f"“{text}” is not a size"
        raise SettingsError(title, hint="Write it as WIDTHxHEIGHT in pixels, such as 512x512.")
    return int(width), int(height)
