"""Measures erasers: the same words and seeds with the base and with them, and what a judge recognises in the pictures.

A picture counts as recognised when the judge holds it nearer to the caption with its own word than to the same caption with any of the other words that are
asked for, or with no word at all. Other words for the same thing are not offered against each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import torch
from PIL import Image

from engines.api.erase_job import CheckSettings, EraseJob, Erasure
from engines.api.erase_report import (
    GROUPS,
    REPORT,
    ErasePicture,
    EraseReport,
    EraseRow,
    Found,
    Group,
    Spread,
    Standing,
)
from engines.api.errors import ModelError
from engines.api.prompts import PLACES, with_article
from engines.api.uses import AdapterUse
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.core.intervals import interval
from engines.diffusion import same_base
from engines.diffusion.encoders import Encoder, open_encoder
from engines.diffusion.erasing.suggest import same_form, suggest
from engines.diffusion.evaluate import change
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import Sampling
from engines.launch.evaluation import HOME, step_name
from projects.files import atomic_path, atomic_write_json

_MORE_PLACES = (" on grass", " in the desert", " on a table", " in the rain", " in a room", " by a road")
_UNRELATED = ("bottle", "snowman", "cube", "duck", "mug", "cone", "car", "house", "tree")
GONE, WEAKENED = 0.05, 0.5
_FEWEST_SEEN = 0.25
"""A base that is recognised more seldom than this cannot tell anything."""

OnPicture = Callable[[str, str, int, int], None]
"""Hears of a picture: its file, prompt, seed and column (0 the base, 1 erased)."""


@dataclass(frozen=True)
class Question:
    """What is measured: erasers that act together on a base, what they erase, what stays, and how closely to look."""

    base: str
    erasers: tuple[AdapterUse, ...]
    targets: tuple[Erasure, ...]
    keep: tuple[str, ...] = ()
    check: CheckSettings = field(default_factory=CheckSettings)


@dataclass(frozen=True)
class Asked:
    """One word that pictures are made of; see `engines.api.erase_report.EraseRow`."""

    word: str
    group: Group
    of: str = ""


def measure_run(
    run: Path, job: EraseJob, adapter: Path, device: Device, *, step: int, progress: ProgressHook
) -> EraseReport:
    """Measure a run's eraser, together with those it was made after; the report lies in the run's folder from then on.

    Raises:
        UserError: the base or a file cannot be used; Stopped by `progress`: nothing is kept.
    """
    root = run.resolve().parents[1]
    uses = [AdapterUse(file=str(file)) for file in (*(root / one for one in job.after), adapter)]
    base = same_base.address(run, job.base)
    question = Question(base, tuple(uses), job.targets, job.keep, job.recipe.check)
    generator = Generator(device)
    try:
        return measure_erasers(generator, question, run / HOME / step_name(step), progress=progress)
    finally:
        generator.release()


def measure_erasers(
    generator: Generator,
    question: Question,
    folder: Path,
    *,
    progress: ProgressHook,
    on_picture: OnPicture = lambda _file, _prompt, _seed, _column: None,
) -> EraseReport:
    """Make all pictures, judge them, and write the report last, so that a folder with a report is whole.

    Args:
        generator: opened on the base if it is not yet; left without adapters.
        question: what is measured.
        folder: where files go; made when missing.
        progress: hears (`measuring`, text, done, total); may raise to end it.
        on_picture: hears of every picture.

    Raises:
        UserError: the base or an eraser cannot be used.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).unlink(missing_ok=True)
    generator.open(question.base, progress=progress)
    generator.use(())
    progress("measuring", "Looking for words near", 0, 1)
    asked = words_to_measure(generator, question)
    pairs = [(one, prompt, seed) for one in asked for prompt, seed in shown(one.word, question.check)]
    made = _pictures(generator, question, pairs, folder, progress, on_picture)
    judge, note = _judge(generator, question.check.encoder)
    rows = _rows(asked, pairs, made, question, judge, folder)
    report = EraseReport(
        conditions=_conditions(generator, question, judge),
        targets=question.targets,
        found=tuple(found_of(one, rows) for one in question.targets),
        rows=tuple(rows),
        kept=_kept(rows),
        damage=_damage(rows),
        another_seed=None if judge is None else _another_seed(judge, rows, folder),
        note=note,
    )
    if question.check.circumvent and judge is not None:
        from engines.diffusion.erasing.circumvent import circumvent

        tried = tuple(
            circumvent(generator, question, one, asked, judge, folder, progress=progress) for one in question.targets
        )
        report = report.model_copy(update={"circumvention": tried})
    report = report.model_copy(update={"seconds": round(time.monotonic() - started, 2)})
    atomic_write_json(folder / REPORT, report.model_dump(mode="json"))
    return report


def words_to_measure(generator: Generator, question: Question) -> list[Asked]:
    """Targets, other words for them, what lies near, and what has nothing to do with them; each word once."""
    found = [Asked(one.target, "target", one.target) for one in question.targets]
    found += [Asked(word, "synonym", one.target) for one in question.targets for word in one.synonyms]
    found += [Asked(word, "neighbour") for word in question.keep]
    count = question.check.words
    for one in question.targets if count else ():
        near = suggest(generator.base, one.target, count)
        found += [Asked(word.word, "synonym", one.target) for word in near.synonyms]
        found += [Asked(word.word, "neighbour", one.target) for word in near.neighbours]
    others = [word for word in _UNRELATED if not any(same_form(word, one.word) for one in found)]
    found += [Asked(word, "unrelated") for word in others[:count]]
    once = {one.word.casefold(): one for one in reversed(found)}
    kept = [one for one in found if once[one.word.casefold()] is one]
    return sorted(kept, key=lambda one: GROUPS.index(one.group))


def shown(word: str, check: CheckSettings) -> list[tuple[str, int]]:
    """Prompts and seeds that a word is made with."""
    places = (*PLACES, *_MORE_PLACES)[: check.prompts]
    seeds = range(check.seed, check.seed + check.pictures)
    return [(f"{caption(word)}{place}", seed) for place in places for seed in seeds]


def caption(word: str) -> str:
    """A plain sentence with a word; names, which begin with a capital, stand without an article."""
    return f"a photo of {word if word[:1].isupper() else with_article(word)}"


def recognised(
    judge: Encoder, pictures: Sequence[Image.Image], prompts: Sequence[str], word: str, others: Sequence[str]
) -> list[bool]:
    """Whether the judge reads each picture as its word rather than as another, or as nothing.

    Args:
        judge: one that reads.
        pictures: N of them.
        prompts: what each was made with; the word in it gives way to the others.
        word: what should be seen.
        others: what else may be.
    """
    places = [prompt.removeprefix(caption(word)) for prompt in prompts]
    options = {
        place: judge.texts([*(caption(one) + place for one in (word, *others)), f"a photo of nothing{place}"])
        for place in dict.fromkeys(places)
    }
    seen = judge.images(pictures)
    return [int((options[place] @ vector).argmax()) == 0 for place, vector in zip(places, seen, strict=True)]


def options_for(one: Asked, asked: Sequence[Asked], question: Question) -> list[str]:
    """The words a picture is held against: all that were asked for, and surrogates, but for its own family."""
    family = one.of if one.group in {"target", "synonym"} else ""
    words = [
        other.word for other in asked if not family or not (other.of == family and other.group in {"target", "synonym"})
    ]
    words += [target.surrogate for target in question.targets if target.surrogate]
    return [
        word
        for word in dict.fromkeys(words)
        if not same_form(word, one.word) and word.casefold() != one.word.casefold()
    ]


def found_of(erasure: Erasure, rows: Sequence[EraseRow]) -> Found:
    """What became of a target, by its own pictures and those of other words for it."""
    own = [row for row in rows if row.of == erasure.target and row.group in {"target", "synonym"}]
    pictures = [one for row in own if row.group == "target" for one in row.pictures]
    judged = [one.seen for one in pictures if one.seen is not None]
    before, after = sum(seen[0] for seen in judged), sum(seen[1] for seen in judged)
    if not judged:
        return Found(
            target=erasure.target, standing="unknown", words=f"Nobody judged whether “{erasure.target}” is gone."
        )
    if before < _FEWEST_SEEN * len(judged):
        words = f"Whether “{erasure.target}” is gone cannot be told: the base itself shows it in {before} of {len(judged)} pictures."
        return Found(target=erasure.target, standing="unknown", words=words)
    standing: Standing = "gone" if after < GONE * before else "weakened" if after < WEAKENED * before else "there"
    words = f"“{erasure.target}” is recognised in {after} of {len(judged)} pictures, with the base in {before}."
    others = [one.seen for row in own if row.group == "synonym" for one in row.pictures if one.seen is not None]
    if others:
        words += f" In other words for it: {sum(seen[1] for seen in others)} of {len(others)}, with the base {sum(seen[0] for seen in others)}."
    return Found(target=erasure.target, standing=standing, words=words)


def _pictures(
    generator: Generator,
    question: Question,
    pairs: Sequence[tuple[Asked, str, int]],
    folder: Path,
    progress: ProgressHook,
    on_picture: OnPicture,
) -> list[tuple[str, str]]:
    """Files of every pair, base and erased."""
    columns: tuple[tuple[str, tuple[AdapterUse, ...]], ...] = (("base", ()), ("erased", question.erasers))
    files: list[list[str]] = []
    try:
        for column, (name, uses) in enumerate(columns):
            generator.use(uses)
            files.append([f"{name}-{number:03d}.png" for number in range(len(pairs))])
            pictures = generator.pictures(
                [prompt for _, prompt, _ in pairs],
                [seed for _, _, seed in pairs],
                steps=question.check.steps,
                on_step=_telling(progress, column, len(columns)),
            )
            for file, picture, (_, prompt, seed) in zip(files[-1], pictures, pairs, strict=True):
                with atomic_path(folder / file, durable=False) as temporary:
                    picture.save(temporary, format="PNG")
                on_picture(str(folder / file), prompt, seed, column)
    finally:
        generator.use(())
    return list(zip(*files, strict=True))


def _telling(progress: ProgressHook, column: int, columns: int) -> Callable[[int, int], None]:
    return lambda done, total: progress(
        "measuring", "Measuring what came of it", column * total + done, columns * total
    )


def _judge(generator: Generator, source: str) -> tuple[Encoder | None, str]:
    try:
        judge = open_encoder(generator.device, source)
    except ModelError as error:
        return None, f"There are no figures, because the judging model is missing: {error}"
    return (judge, "") if judge.reads else (None, f"There are no figures, because “{judge.name}” reads no words.")


def _rows(
    asked: Sequence[Asked],
    pairs: Sequence[tuple[Asked, str, int]],
    made: Sequence[tuple[str, str]],
    question: Question,
    judge: Encoder | None,
    folder: Path,
) -> list[EraseRow]:
    rows = []
    for one in asked:
        own = [(prompt, seed, *files) for (which, prompt, seed), files in zip(pairs, made, strict=True) if which is one]
        pictures = [
            ErasePicture(prompt=prompt, seed=seed, base=base, erased=erased) for prompt, seed, base, erased in own
        ]
        if judge is None:
            rows.append(EraseRow(word=one.word, group=one.group, of=one.of, pictures=tuple(pictures)))
            continue
        before, after = (
            [opened(folder / name) for name in names] for names in zip(*(row[2:] for row in own), strict=True)
        )
        prompts, others = [row[0] for row in own], options_for(one, asked, question)
        seen = [recognised(judge, column, prompts, one.word, others) for column in (before, after)]
        drift = change(judge.images(before), judge.images(after))
        pictures = [
            picture.model_copy(update={"seen": pair, "drift": far})
            for picture, pair, far in zip(pictures, zip(*seen, strict=True), drift, strict=True)
        ]
        shares = (sum(seen[0]) / len(own), sum(seen[1]) / len(own))
        rows.append(
            EraseRow(
                word=one.word,
                group=one.group,
                of=one.of,
                pictures=tuple(pictures),
                seen=shares,
                drift=_spread(pictures),
            )
        )
    return rows


def _spread(pictures: Sequence[ErasePicture]) -> Spread | None:
    judged = [(one.drift, one.prompt) for one in pictures if one.drift is not None]
    if not judged:
        return None
    found = interval([drift for drift, _ in judged], [prompt for _, prompt in judged])
    return Spread(mean=found.mean, low=found.low, high=found.high)


def _kept(rows: Sequence[EraseRow]) -> float | None:
    """Neighbours and unrelated words still recognised, relative to the base."""
    judged = [one.seen for row in rows if row.group in {"neighbour", "unrelated"} for one in row.pictures if one.seen]
    before = sum(seen[0] for seen in judged)
    return sum(seen[1] for seen in judged) / before if before else None


def _damage(rows: Sequence[EraseRow]) -> Spread | None:
    return _spread([one for row in rows if row.group == "unrelated" for one in row.pictures])


def _another_seed(judge: Encoder, rows: Sequence[EraseRow], folder: Path) -> float | None:
    """How far apart the base's own pictures of one prompt are; None with a single seed."""
    by_prompt: dict[str, list[str]] = {}
    for row in rows:
        for one in row.pictures:
            by_prompt.setdefault(one.prompt, []).append(one.base)
    pairs = [pair for files in by_prompt.values() for pair in combinations(files, 2)]
    if not pairs:
        return None
    first, second = (judge.images([opened(folder / pair[side]) for pair in pairs]) for side in (0, 1))
    return float(torch.tensor(change(first, second)).mean())


def _conditions(generator: Generator, question: Question, judge: Encoder | None) -> dict[str, object]:
    base = generator.base
    how = Sampling(steps=question.check.steps).resolved(base)
    return {
        "base": base.info.title,
        "base_hash": base.info.base_hash,
        "erasers": [f"{Path(one.file).name} x {one.weight:g}" for one in question.erasers],
        "steps": how.steps,
        "guidance": how.guidance,
        "width": how.width,
        "height": how.height,
        "sampler": type(base.sampler()).__name__,
        "device": generator.device.kind,
        "precision": generator.device.precision,
        "encoder": None if judge is None else {"name": judge.name, "sha256": judge.sha256},
        "intervals": "95 %, bootstrap over prompts, pictures paired by words and seed",
    }


def opened(file: Path) -> Image.Image:
    """A picture of a report."""
    with Image.open(file) as found:
        return found.convert("RGB")
