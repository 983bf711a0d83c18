"""Several subjects in one picture: whether all are there and each is itself, by every way to compose.

Clay subjects that no base picture shows are taught alone; pairs and triples of them stand side by side in one sentence, each with a box. A picture counts when every
subject is found in it by a detector that also knows other objects of the same kinds (`engines.bench._detector`); swapped ones are told apart. The same seeds serve
every way. How often the base itself puts two plain objects where the sentence has them is printed beside: it bounds what any way can reach.
"""

from __future__ import annotations

import itertools
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.bench._contest import Contest
from engines.bench._contest import Way as Teaching
from engines.bench.table import Bench, Cell, Figure, Result, Table

if TYPE_CHECKING:
    from PIL import Image

    from engines.api.compose import Composition
    from engines.bench._detector import Detector
    from engines.diffusion.generate import Generator
    from engines.starter.subjects import Subject

SENTENCE = "two and three taught subjects in one picture: sums, token-aware, regions, fusion; found, themselves, swapped, seconds"

PAIRS, TRIPLES, SEEDS = 20, 10, 4
STEPS, QUICK_STEPS = 200, 4
SLOTS = 6
"""Of the rank that Mergeable adapters have, in the starter's narrowest layer."""
TESTED, PLAIN, SWITCHES = 100, 60, 20
FIRST_SEED = 701
PLACE = "on the grass"


@dataclass(frozen=True)
class Way:
    """One way to compose: how adapters were `taught` (empty for none), and how they are brought together; `fused` merges them into one by a rule first."""

    title: str
    taught: str
    strategy: str = "sum"
    settings: Mapping[str, Any] = field(default_factory=dict)
    fused: bool = False


WAYS = (
    Way("LoRA, added up", "LoRA"),
    Way("Mergeable, added up", "Mergeable"),
    Way("Composable, at its own word", "Composable", "token_aware"),
    Way("LoRA, at its own word", "LoRA", "token_aware"),
    Way("LoRA, fused", "LoRA", fused=True),
    Way("LoRA, regions", "LoRA", "regions"),
    Way("Composable, regions", "Composable", "regions"),
    Way("LoRA, where its words are looked at", "LoRA", "blend"),
    Way("From one picture each", "", "free_custom"),
)
NAIVE = WAYS[0].title


@dataclass(frozen=True)
class Plan:
    """How much is done; `files` are adapters that were taught before, by way to teach and subject, and `folder` takes what is drawn."""

    subjects: Sequence[Subject]
    groups: Sequence[tuple[Subject, ...]]
    seeds: Sequence[int]
    folder: Path
    ways: Sequence[Way] = WAYS
    steps: int = STEPS
    tested: int = TESTED
    plain: int = PLAIN
    switches: int = SWITCHES
    files: Mapping[tuple[str, str], Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What one way made of all groups of one size; every list has an entry a picture.

    Attributes:
        whole: whether every subject was found, wherever.
        itself: share of subjects found where they were told to be.
        swapped: whether all were found but in other places.
        best: CP-CLIP, the mean over windows of the likeness to the subject that fits best; `own` to the one that should be there.
        words: TI-CLIP, likeness of the picture to the sentence in plain words.
        seconds: a picture took.
    """

    whole: list[bool]
    itself: list[float]
    swapped: list[bool]
    best: list[float]
    own: list[float]
    words: list[float]
    seconds: list[float]


def measure(bench: Bench) -> Result:
    """Teach everybody in every way, compose, look."""
    from engines.starter.subjects import SUBJECTS

    count = 3 if bench.quick else len(SUBJECTS)
    subjects = SUBJECTS[:count]
    pairs = drawn(subjects, 2, 1 if bench.quick else PAIRS)
    triples = drawn(subjects, 3, 1 if bench.quick else TRIPLES)
    seeds = range(FIRST_SEED, FIRST_SEED + (1 if bench.quick else SEEDS))
    plan = Plan(subjects, [*pairs, *triples], seeds, bench.folder)
    if bench.quick:
        plan = replace(plan, ways=(WAYS[0], WAYS[5]), steps=QUICK_STEPS, tested=2, plain=2, switches=1)
    return carried_out(bench, plan)


def drawn(subjects: Sequence[Subject], size: int, count: int) -> list[tuple[Subject, ...]]:
    """Different random groups of subjects that have different slots; always the same ones."""
    slots = slots_of(subjects)
    everyone = [
        group for group in itertools.combinations(subjects, size) if len({slots[one.ident] for one in group}) == size
    ]
    return random.Random(size).sample(everyone, min(count, len(everyone)))


def slots_of(subjects: Sequence[Subject]) -> dict[str, int]:
    """The slot of each subject; a small model has few, so they go round."""
    return {one.ident: 1 + number % SLOTS for number, one in enumerate(subjects)}


def carried_out(bench: Bench, plan: Plan) -> Result:
    """The whole of a plan."""
    from engines.bench._detector import Detector

    contest = Contest(bench, steps=plan.steps)
    generator, judge = contest.tools
    files = _taught(contest, plan)
    sizes = sorted({len(group) for group in plan.groups})
    seen: dict[tuple[str, int], Seen] = {}
    conditions = {"device": contest.device, "steps of teaching": str(plan.steps), "seeds": str(len(plan.seeds))}
    for size in sizes:
        detector = Detector(judge, plan.subjects, size)
        groups = [group for group in plan.groups if len(group) == size]
        windows, scenes = detector.accuracy(plan.tested)
        conditions[f"detector on rendered scenes of {size}"] = f"{windows:.2f} of things, {scenes:.2f} of scenes whole"
        conditions[f"groups of {size}"] = str(len(groups))
        for way in plan.ways:
            seen[way.title, size] = _made(generator, detector, judge.texts, way, groups, plan, files)
            bench.say(f"{way.title}, {size}: {_mean(seen[way.title, size].whole):.2f} whole")
    read, base = plain_objects(generator, plan.plain)
    conditions["two plain objects, both right"] = f"{base:.2f} by the base, {read:.2f} of rendered ones"
    figures = [*_figures(seen, sizes), *_costs(generator, plan, files)]
    return Result(tuple(_table(seen, size) for size in sizes), tuple(figures), conditions)


def _taught(contest: Contest, plan: Plan) -> dict[tuple[str, str], Path]:
    """Every subject's adapter by every way to teach that is needed."""
    from engines.bench.merge import ways

    known = {way.title: way for way in ways()}
    slots = slots_of(plan.subjects)
    files = dict(plan.files)
    for name in dict.fromkeys(way.taught for way in plan.ways if way.taught):
        teaching: Teaching = known[name]
        for one in plan.subjects:
            if (name, one.ident) not in files:
                files[name, one.ident] = contest.teach(one, teaching, slots[one.ident]).file
    return files


def composition(group: Sequence[Subject], way: Way, files: Mapping[tuple[str, str], Path], folder: Path) -> Composition:
    """Subjects side by side, each in its share of the picture's width."""
    from engines.api.compose import Composition, Concept
    from engines.api.uses import AdapterUse

    share = 1.0 / len(group)
    concepts = tuple(
        Concept(
            name=one.name,
            adapter=AdapterUse(file=str(files[way.taught, one.ident])) if way.taught else None,
            trigger=one.trigger,
            class_noun=one.class_noun,
            box=(number * share, 0.15, (number + 1) * share, 0.95),
            **({} if way.taught else _photo(one, folder)),
        )
        for number, one in enumerate(group)
    )
    prompt = f"{_listed([f'a {one.trigger} {one.class_noun}' for one in group])} {PLACE}"
    return Composition(concepts=concepts, prompt=prompt, strategy=way.strategy, settings=dict(way.settings))


def _photo(subject: Subject, folder: Path) -> dict[str, str]:
    """A rendered picture of a subject and its cut-out, as files."""
    from PIL import Image

    from engines.starter.samples import references

    (view,) = references(subject, seed=1, count=1, size=128)
    pictures = {"picture": view.rendering.picture, "cutout": (view.rendering.labels > 0).astype("uint8") * 255}
    files = {name: folder / f"{subject.ident}-{name}.png" for name in pictures}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(files[name])
    return {name: str(file) for name, file in files.items()}


def _made(
    generator: Generator,
    detector: Detector,
    read: Callable[[Sequence[str]], Any],
    way: Way,
    groups: Sequence[tuple[Subject, ...]],
    plan: Plan,
    files: Mapping[tuple[str, str], Path],
) -> Seen:
    from engines.diffusion.evaluate import following

    found = Seen([], [], [], [], [], [], [])
    order = {one.ident: number for number, one in enumerate(plan.subjects)}
    for group in groups:
        began = time.process_time() if generator.device.kind == "cpu" else time.perf_counter()
        pictures = _pictures(generator, way, group, plan, files)
        ended = time.process_time() if generator.device.kind == "cpu" else time.perf_counter()
        windows = detector.windows(pictures)
        told = [order[one.ident] for one in group]
        for answer, like in zip(detector.read(windows).tolist(), detector.likeness(windows), strict=True):
            right = [seen == wanted for seen, wanted in zip(answer, told, strict=True)]
            found.whole.append(sorted(answer) == sorted(told))
            found.itself.append(sum(right) / len(right))
            found.swapped.append(sorted(answer) == sorted(told) and not all(right))
            found.best.append(float(like[:, told].amax(dim=1).mean()))
            found.own.append(float(like[range(len(told)), told].mean()))
        plain = f"{_listed([f'a {one.class_noun}' for one in group])} {PLACE}"
        vectors = detector.whole(pictures)
        found.words.extend(following(vectors, read([plain] * len(pictures))))
        found.seconds.extend([(ended - began) / len(pictures)] * len(pictures))
    return found


def _pictures(
    generator: Generator,
    way: Way,
    group: Sequence[Subject],
    plan: Plan,
    files: Mapping[tuple[str, str], Path],
) -> list[Image.Image]:
    from engines.api.uses import AdapterUse
    from engines.diffusion.compose import compose
    from engines.diffusion.merge import merge

    wanted = composition(group, way, files, plan.folder)
    if not way.fused:
        return [one.picture for one in compose(generator, wanted, plan.seeds)]
    uses = [concept.adapter for concept in wanted.concepts if concept.adapter is not None]
    merged = uses and Path(uses[0].file).with_name(f"fused-{'-'.join(one.ident for one in group)}.safetensors")
    words = [f"{one.trigger} {one.class_noun}" for one in group]
    merge(uses, "fusion", {}, Path(str(merged)), generator=generator, words=words, overwrite=True)
    generator.use([AdapterUse(file=str(merged))])
    return list(generator.pictures([wanted.prompt] * len(plan.seeds), plan.seeds))


def plain_objects(generator: Generator, count: int) -> tuple[float, float]:
    """Shares of two-object scenes in which both colours and both shapes are read as told: of rendered ones, and of the base's own pictures."""
    import numpy as np
    import torch
    from PIL import Image

    from engines.api.places import starter
    from engines.starter.captions import caption
    from engines.starter.dataset import Split
    from engines.starter.judge import Reader, read_double
    from engines.starter.render import render

    reader = Reader(starter("clip"), torch.device("cpu"))
    specs = [Split("double", 540_000_000, 0, objects=2).spec(number) for number in range(count)]
    generator.use(())
    made = list(generator.pictures([caption(spec) for spec in specs], range(count)))
    rendered = np.stack([render(spec, size=128).picture for spec in specs])
    drawn_by_base = np.stack([np.asarray(picture.resize((128, 128), Image.Resampling.BICUBIC)) for picture in made])
    return read_double(reader, rendered, specs)[1], read_double(reader, drawn_by_base, specs)[1]


def _figures(seen: Mapping[tuple[str, int], Seen], sizes: Sequence[int]) -> list[Figure]:
    figures = []
    names = {2: ("pairs", 0.9), 3: ("triples", 0.75)}
    for size in sizes:
        rates = {title: _mean(found.whole) for (title, other), found in seen.items() if other == size}
        best = max((title for title in rates if title != NAIVE), key=lambda title: rates[title])
        name, aim = names[size]
        figures += [
            Figure(f"compose-{name}-best", rates[best], aim=aim, note=f"{best}; added up {rates[NAIVE]:.2f}"),
            Figure(
                f"compose-{name}-against-sum",
                rates[best] / rates[NAIVE] if rates[NAIVE] else float("inf") if rates[best] else float("nan"),
                2.0,
                unit="x",
            ),
        ]
    return figures


def _costs(generator: Generator, plan: Plan, files: Mapping[tuple[str, str], Path]) -> list[Figure]:
    """What regions cost over plain sampling, and what switching between two recipes takes."""
    from engines.diffusion.composers import composer_of
    from engines.diffusion.stage import Stage

    group = next(group for group in plan.groups if len(group) == 2)
    regions = next(way for way in plan.ways if way.strategy == "regions")
    wanted = composition(group, regions, files, plan.folder)
    clock = time.process_time if generator.device.kind == "cpu" else time.perf_counter
    ratios, switched = [], []
    for turn in range(1 + plan.switches):
        generator.use(())
        began = clock()
        list(generator.pictures([wanted.prompt], [turn]))
        middle = clock()
        _pictures(generator, regions, group, replace(plan, seeds=[turn]), files)
        ratios.append((clock() - middle) / (middle - began))
        other = wanted.model_copy(update={"concepts": wanted.concepts[::-1]})
        composer = composer_of(regions.strategy, regions.settings)
        began = clock()
        with composer.staged(Stage.of(generator, (wanted, other)[turn % 2])) as course:
            course([wanted.prompt], [turn])
        switched.append(1000.0 * (clock() - began))
    return [
        Figure(
            "compose-regions-overhead", statistics.median(ratios[1:]), 2.5, 1.5, better="lower", unit="x", note="a pair"
        ),
        Figure(
            "compose-switch-ms", statistics.median(switched[1:]), 300.0, 50.0, better="lower", unit="ms", note="regions"
        ),
    ]


def _peak(kind: str) -> float:
    """The most memory a process of its own held for one picture, bytes."""
    asked = [sys.executable, "-m", "engines.bench._compose_memory", kind]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=1800)  # noqa: S603 - our own interpreter and arguments
    return float(done.stdout.splitlines()[-1])


def _table(seen: Mapping[tuple[str, int], Seen], size: int) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            title,
            *(
                _mean(getattr(found, name))
                for name in ("whole", "itself", "swapped", "best", "own", "words", "seconds")
            ),
        )
        for (title, other), found in seen.items()
        if other == size
    ]
    headings = ("way", "all found", "each itself", "swapped", "CP-CLIP", "own", "TI-CLIP", "s a picture")
    return Table(f"{size} subjects in a picture", headings, tuple(rows))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
