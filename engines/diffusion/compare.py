"""Before and after: the same prompts and seeds with the base alone and with each adapter, judged and laid out on one sheet.

`report.json` in the folder holds everything (see docs/formats.md): the conditions, each column's figures with their intervals, and each picture.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from engines.api.errors import ModelError, SettingsError
from engines.api.prompts import class_prompts, elsewhere_prompts
from engines.api.requests import Compare
from engines.api.uses import AdapterUse
from engines.diffusion.captions import without_trigger
from engines.diffusion.encoders import Encoder, open_encoder
from engines.diffusion.generate import Generator
from engines.diffusion.report import Group, Made, Seen, beside, column_figures, difference, rows
from engines.diffusion.sampling import Sampling, StepHook
from engines.diffusion.sheet import draw_sheet
from projects.errors import ImportFailure
from projects.files import atomic_path, atomic_write_json
from projects.pixels import read

FORMAT = 1
REPORT, SHEET = "report.json", "sheet.png"
MAX_REFERENCES = 50
_PHOTO_SIDE = 512
_AT_ONCE = 16
_BESIDE_SEEDS = 2
_NAMES: dict[Group, str] = {"subject": "picture", "class": "class", "elsewhere": "elsewhere"}


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        base: as in `Job.base`.
        adapters: one column each, besides the base's own; `labels` as many.
        prompts: each is made with each of `seeds`.
        beside: also make pictures of the plain class and of other things, without the trigger, with the first two seeds, to measure how much
            pictures change that should not.
        references: photos of the subject.
        trigger: left out of the prompts when they are judged, `class_noun` standing in.
        steps: denoising steps, `guidance` likewise; 0 takes the base's own.
        encoder: who judges, see `engines.diffusion.encoders.open_encoder`; empty for nobody.
    """

    base: str
    adapters: tuple[AdapterUse, ...]
    labels: tuple[str, ...]
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    references: tuple[Path, ...] = ()
    trigger: str = ""
    class_noun: str = ""
    steps: int = 0
    guidance: float = 0.0
    encoder: str = "starter"
    beside: bool = True

    @classmethod
    def of(cls, request: Compare) -> Comparison:
        """From the interactive worker's request."""
        names = [
            one.name for one in dataclasses.fields(cls) if one.name in Compare.model_fields and one.name != "references"
        ]
        fields = {name: getattr(request, name) for name in names}
        return cls(**fields, references=tuple(Path(file) for file in request.references))

    def pictures(self) -> list[Made]:
        """Every picture there will be, column by column."""
        asked: list[tuple[Group, tuple[str, ...], tuple[int, ...]]] = [("subject", self.prompts, self.seeds)]
        if self.beside:
            few = self.seeds[:_BESIDE_SEEDS]
            asked += [
                ("class", class_prompts(self.class_noun), few),
                ("elsewhere", elsewhere_prompts(self.class_noun), few),
            ]
        return [
            Made(column, prompt, seed, f"column-{column}-{_NAMES[group]}-{number:03d}.png", group)
            for column in range(1 + len(self.adapters))
            for group, prompts, seeds in asked
            for number, (prompt, seed) in enumerate((prompt, seed) for prompt in prompts for seed in seeds)
        ]

    def files(self) -> list[str]:
        """Names of all files that are written."""
        return [REPORT, SHEET, *(one.file for one in self.pictures())]


PictureHook = Callable[[Made], None]


def compare(
    generator: Generator,
    wanted: Comparison,
    folder: Path,
    *,
    on_picture: PictureHook | None = None,
    on_step: StepHook | None = None,
) -> dict[str, Any]:
    """Make all pictures, judge them, write the sheet and the report, and return the report.

    Args:
        generator: opened on the base if it is not yet; left without adapters.
        wanted: what to compare.
        folder: where files go; made when missing.
        on_picture: hears of every picture when its file is there.
        on_step: hears (done, total) denoising steps of the whole; may raise to end it.

    Raises:
        SettingsError: nothing to compare; ModelError or AdapterError: a part cannot be used.
    """
    if not wanted.prompts or not wanted.seeds or len(wanted.labels) != len(wanted.adapters):
        title = "There is nothing to compare"
        raise SettingsError(title, "A comparison needs prompts, seeds, and a label for every adapter.")
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    photos, unread = read_photos(wanted.references)
    generator.open(wanted.base)
    judge, why = _judge(generator, wanted)
    made = _pictures(generator, wanted, folder, on_picture, on_step)
    seen = None if judge is None else _seen(judge, wanted, made, folder, photos)
    report = _report(wanted, made, seen, _conditions(generator, wanted, judge, len(photos)))
    report["note"] = " ".join((why, *unread)).strip()
    sheet = draw_sheet(report, lambda name: _open(folder / name), photos)
    with atomic_path(folder / SHEET) as temporary:
        sheet.save(temporary, format="PNG")
    report["seconds"] = round(time.monotonic() - started, 2)
    atomic_write_json(folder / REPORT, report)
    return report


def read_photos(files: Sequence[Path]) -> tuple[list[Image.Image], list[str]]:
    """The photos, no larger than a judge can use, and a sentence for each that cannot be read."""
    photos, unread = [], []
    for file in files[:MAX_REFERENCES]:
        try:
            photo = read(file, at_least=_PHOTO_SIDE).rgb
        except ImportFailure as error:
            unread.append(f"{file.name} was left out: {error}")
            continue
        photo.thumbnail((2 * _PHOTO_SIDE, 2 * _PHOTO_SIDE), Image.Resampling.LANCZOS)
        photos.append(photo)
    return photos, unread


def _pictures(
    generator: Generator, wanted: Comparison, folder: Path, on_picture: PictureHook | None, on_step: StepHook | None
) -> list[Made]:
    columns: list[tuple[AdapterUse, ...]] = [(), *((use,) for use in wanted.adapters)]
    made = wanted.pictures()
    try:
        for column, uses in enumerate(columns):
            generator.use(uses)
            own = [one for one in made if one.column == column]
            pictures = generator.pictures(
                [one.prompt for one in own],
                [one.seed for one in own],
                steps=wanted.steps,
                guidance=wanted.guidance,
                on_step=_whole(on_step, column, len(columns)),
            )
            for one, picture in zip(own, pictures, strict=True):
                with atomic_path(folder / one.file, durable=False) as temporary:
                    picture.save(temporary, format="PNG")
                if on_picture is not None:
                    on_picture(one)
    finally:
        generator.use(())
    return made


def _whole(on_step: StepHook | None, column: int, columns: int) -> StepHook | None:
    return None if on_step is None else lambda done, total: on_step(column * total + done, columns * total)


def _judge(generator: Generator, wanted: Comparison) -> tuple[Encoder | None, str]:
    """The encoder, or why there is none; pictures are worth having without figures."""
    if not wanted.encoder:
        return None, "Nobody was asked to judge the pictures."
    try:
        return open_encoder(generator.device, wanted.encoder), ""
    except ModelError as error:
        return None, f"There are no figures, because the judging model is missing: {error}"


def _report(wanted: Comparison, made: Sequence[Made], seen: Seen | None, conditions: dict[str, Any]) -> dict[str, Any]:
    told = rows(made, seen)
    pictures = {group: [row for one, row in zip(made, told, strict=True) if one.group == group] for group in _NAMES}
    columns: list[dict[str, Any]] = [{"label": "Base", "adapter": "", "weight": 0.0, **column_figures(pictures, 0)}]
    for number, (label, use) in enumerate(zip(wanted.labels, wanted.adapters, strict=True), start=1):
        about = {"label": label, "adapter": Path(use.file).name, "weight": use.weight}
        columns.append({**about, **column_figures(pictures, number), **difference(pictures, 0, number)})
    among = itertools.combinations(range(1, len(columns)), 2)
    return {
        "format": FORMAT,
        "conditions": conditions,
        "columns": columns,
        "between": [{"first": one, "second": two, **difference(pictures, one, two)} for one, two in among],
        "pictures": pictures["subject"],
        "class": beside(pictures["class"]),
        "elsewhere": beside(pictures["elsewhere"]),
        "sheet": SHEET,
    }


def _seen(
    judge: Encoder, wanted: Comparison, made: Sequence[Made], folder: Path, photos: Sequence[Image.Image]
) -> Seen:
    """Everything as the judge sees it; pictures are read a few at a time."""
    parts = [made[start : start + _AT_ONCE] for start in range(0, len(made), _AT_ONCE)]
    vectors = torch.cat([judge.images([_open(folder / one.file) for one in part]) for part in parts])
    words = [without_trigger(one.prompt, wanted.trigger, wanted.class_noun) for one in made if one.group == "subject"]
    return Seen(vectors, judge.texts(words) if judge.reads else None, judge.images(photos) if photos else None)


def _conditions(generator: Generator, wanted: Comparison, judge: Encoder | None, photos: int) -> dict[str, Any]:
    base = generator.base
    how = Sampling(steps=wanted.steps, guidance=wanted.guidance).resolved(base)
    return {
        "base": base.info.title,
        "base_hash": base.info.base_hash,
        "prompts": list(wanted.prompts),
        "seeds": list(wanted.seeds),
        "steps": how.steps,
        "guidance": how.guidance,
        "width": how.width,
        "height": how.height,
        "sampler": type(base.sampler()).__name__,
        "device": generator.device.kind,
        "precision": generator.device.precision,
        "encoder": None if judge is None else {"name": judge.name, "sha256": judge.sha256},
        "photos": photos,
        "intervals": "95 %, bootstrap over prompts, pictures paired by words and seed",
    }


def _open(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        return opened.convert("RGB")
