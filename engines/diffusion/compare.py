"""Before and after: the same prompts and seeds with the base alone and with each adapter, judged and laid out on one sheet.

`report.json` in the folder holds everything (see docs/formats.md): the conditions, each column's figures with their intervals, and each picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from engines.api.errors import ModelError, SettingsError
from engines.api.requests import AdapterUse, Compare
from engines.diffusion.captions import elsewhere_prompts, without_trigger
from engines.diffusion.encoders import Encoder, open_encoder
from engines.diffusion.evaluate import FEWEST, apart, change, following, interval, likeness, spread
from engines.diffusion.generate import Generator
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


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        base: as in `Job.base`.
        adapters: one column each, besides the base's own; `labels` as many.
        prompts: each is made with each of `seeds`.
        elsewhere: prompts without the trigger, made likewise, to measure how much pictures change that should not.
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
    elsewhere: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Compare) -> Comparison:
        """From the interactive worker's request."""
        names = ("base", "adapters", "labels", "prompts", "seeds", "trigger", "class_noun", "steps", "guidance")
        fields = {name: getattr(request, name) for name in names}
        elsewhere = elsewhere_prompts(request.class_noun) if request.elsewhere else ()
        return cls(**fields, references=tuple(Path(file) for file in request.references), elsewhere=elsewhere)

    def pictures(self) -> list[Made]:
        """Every picture there will be, column by column."""
        return [
            Made(column, prompt, seed, f"column-{column}-{'elsewhere' if away else 'picture'}-{number:03d}.png", away)
            for column in range(1 + len(self.adapters))
            for away, prompts in ((False, self.prompts), (True, self.elsewhere))
            for number, (prompt, seed) in enumerate((prompt, seed) for prompt in prompts for seed in self.seeds)
        ]

    def files(self) -> list[str]:
        """Names of all files that are written."""
        return [REPORT, SHEET, *(one.file for one in self.pictures())]


@dataclass(frozen=True)
class Made:
    """One picture: its column (0 is the base), prompt, seed, file name in the folder, and whether it has nothing to do with the subject."""

    column: int
    prompt: str
    seed: int
    file: str
    elsewhere: bool = False


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
    photos, unread = _photos(wanted.references)
    generator.open(wanted.base)
    judge, why = _judge(generator, wanted)
    every = _pictures(generator, wanted, folder, on_picture, on_step)
    made = [one for one in every if not one.elsewhere]
    report = _report(generator, wanted, made, _scores(wanted, made, folder, judge, photos), judge, len(photos))
    report["elsewhere"] = _drift(report["columns"], [one for one in every if one.elsewhere], folder, judge)
    report["note"] = " ".join((why, *unread)).strip()
    sheet = draw_sheet(report, lambda name: _open(folder / name), photos)
    with atomic_path(folder / SHEET) as temporary:
        sheet.save(temporary, format="PNG")
    report["seconds"] = round(time.monotonic() - started, 2)
    atomic_write_json(folder / REPORT, report)
    return report


def _photos(files: Sequence[Path]) -> tuple[list[Image.Image], list[str]]:
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


def _report(
    generator: Generator,
    wanted: Comparison,
    made: Sequence[Made],
    scores: dict[str, list[float]],
    judge: Encoder | None,
    photos: int,
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "column": one.column,
            "prompt": one.prompt,
            "seed": one.seed,
            "file": one.file,
            **{k: v[i] for k, v in scores.items()},
        }
        for i, one in enumerate(made)
    ]
    columns: list[dict[str, Any]] = [{"label": "Base", "adapter": "", "weight": 0.0}]
    columns += [
        {"label": label, "adapter": Path(use.file).name, "weight": use.weight}
        for label, use in zip(wanted.labels, wanted.adapters, strict=True)
    ]
    for number, column in enumerate(columns):
        own = [row for row in rows if row["column"] == number]
        for name in ("likeness", "following"):
            column[name] = (
                interval([row[name] for row in own], [row["prompt"] for row in own]).as_data()
                if name in scores
                else None
            )
    for number, column in enumerate(columns[1:], start=1):
        column["closer"], column["clearly"] = _against_base(columns[0], column, rows, number)
    return {
        "format": FORMAT,
        "conditions": _conditions(generator, wanted, judge, photos),
        "columns": columns,
        "pictures": rows,
        "sheet": SHEET,
    }


def _against_base(
    base: dict[str, Any], column: dict[str, Any], rows: Sequence[dict[str, Any]], number: int
) -> tuple[dict[str, int] | None, bool | None]:
    """In how many pairs of equal prompt and seed the adapter's picture is closer, and whether the intervals are apart."""
    if column["likeness"] is None:
        return None, None
    before = {(row["prompt"], row["seed"]): row["likeness"] for row in rows if row["column"] == 0}
    after = [row for row in rows if row["column"] == number]
    won = sum(row["likeness"] > before[row["prompt"], row["seed"]] for row in after)
    enough = len({row["prompt"] for row in after}) >= FEWEST
    return {"won": won, "of": len(after)}, apart(base["likeness"], column["likeness"]) if enough else None


def _scores(
    wanted: Comparison, made: Sequence[Made], folder: Path, judge: Encoder | None, photos: Sequence[Image.Image]
) -> dict[str, list[float]]:
    if judge is None:
        return {}
    vectors = _seen(judge, made, folder)
    words = [without_trigger(one.prompt, wanted.trigger, wanted.class_noun) for one in made]
    scores = {"following": following(vectors, judge.texts(words))} if judge.reads else {}
    if photos:
        scores["likeness"] = likeness(vectors, judge.images(photos))
    return scores


def _drift(
    columns: Sequence[dict[str, Any]], made: Sequence[Made], folder: Path, judge: Encoder | None
) -> dict[str, Any] | None:
    """How much the pictures changed that have nothing to do with the subject: each column's `change`, and the measure to hold it against.

    None when there are none, or nobody to judge them.
    """
    for column in columns:
        column["change"] = None
    if judge is None or not made:
        return None
    vectors = _seen(judge, made, folder)
    own = [[i for i, one in enumerate(made) if one.column == number] for number in range(len(columns))]
    prompts = [made[i].prompt for i in own[0]]
    rows = [{"column": one.column, "prompt": one.prompt, "seed": one.seed, "file": one.file} for one in made]
    for column, places in zip(columns[1:], own[1:], strict=True):
        found = change(vectors[own[0]], vectors[places])
        column["change"] = interval(found, prompts).as_data()
        for place, value in zip(places, found, strict=True):
            rows[place]["change"] = value
    return {"prompts": list(dict.fromkeys(prompts)), "another_seed": spread(vectors[own[0]], prompts), "pictures": rows}


def _seen(judge: Encoder, made: Sequence[Made], folder: Path) -> torch.Tensor:
    """The pictures as the judge sees them (N, D); read a few at a time."""
    parts = [made[start : start + _AT_ONCE] for start in range(0, len(made), _AT_ONCE)]
    return torch.cat([judge.images([_open(folder / one.file) for one in part]) for part in parts])


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
        "intervals": "95 %, bootstrap over prompts",
    }


def _open(file: Path) -> Image.Image:
    with Image.open(file) as opened:
        return opened.convert("RGB")
