"""Erasing: is the target gone, are its neighbours there, is everything else as it was; for UCE, ESD, SPM, and several SPM membranes at once.

Concepts of the clay world (objects, colours, a pattern) are erased from the starter in every way. A reader that knows the world says what each picture
shows; pictures of the base from the same words and seeds are what shares and drift are measured against.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    import torch

    from engines.diffusion.generate import Generator
    from engines.starter.judge import Reader

SENTENCE = (
    "concepts erased by UCE, ESD and SPM, one and several: target, neighbours, drift of the rest, transfer, size, time"
)

TOGETHER = 5
FIRST_SEED = 4000
NEIGHBOURS = {
    "snowman": ("bear", "duck"),
    "red": ("orange", "pink"),
    "striped": ("spotted", "checkered"),
    "duck": ("bear", "snowman"),
    "blue": ("teal", "purple"),
    "bear": ("snowman", "duck"),
}
"""Every concept with the values of its kind that look most alike."""


@dataclass(frozen=True)
class Size:
    """How much is measured: concepts, training seeds, prompts of each kind, steps of what learns, denoising steps (0: the base's own)."""

    concepts: tuple[str, ...] = tuple(NEIGHBOURS)
    seeds: int = 3
    prompts: int = 100
    steps: int = 200
    denoising: int = 0


WHOLE = Size()
QUICK = Size(("snowman",), 1, 2, 2, 2)


@dataclass(frozen=True)
class Way:
    """One way to erase, by its registered name."""

    title: str
    method: str


WAYS = (Way("UCE", "uce"), Way("ESD", "esd"), Way("SPM", "spm"))


@dataclass
class Outcome:
    """What was found of one way, over all concepts and seeds: how often targets and neighbours were read, and with the base; drift of the rest."""

    target: list[tuple[float, float]] = field(default_factory=list)
    neighbours: list[tuple[float, float]] = field(default_factory=list)
    drift: list[float] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Targets still read, as a share of the base's."""
        return _ratio(self.target)

    @property
    def kept(self) -> float:
        """Neighbours still read, as a share of the base's."""
        return _ratio(self.neighbours)

    @property
    def moved(self) -> float:
        """Mean drift of unrelated pictures."""
        return sum(self.drift) / len(self.drift) if self.drift else float("nan")


def measure(bench: Bench) -> Result:
    """Erase, look, and put the figures together."""
    return measure_size(bench, QUICK if bench.quick else WHOLE)


def measure_size(bench: Bench, size: Size) -> Result:
    """The same at any size."""
    from engines.bench._full_size_erasing import Weighed, weigh

    trial = Trial(bench, size)
    found = {way.title: Outcome() for way in WAYS}
    several, moved_on = Outcome(), Outcome()
    files: dict[tuple[str, str, int], Path] = {}
    for seed in range(size.seeds):
        for concept in size.concepts:
            for way in WAYS:
                files[way.title, concept, seed] = trial.erase(concept, way, seed)
                trial.look(found[way.title], concept, [files[way.title, concept, seed]])
                bench.say(
                    f"{way.title}, {concept}, seed {seed}: {found[way.title].left:.2f} of the base's targets so far"
                )
        membranes = [files["SPM", concept, seed] for concept in size.concepts[:TOGETHER]]
        for concept in size.concepts[:TOGETHER]:
            trial.look(several, concept, membranes)
    relative = trial.fine_tuned()
    for concept in size.concepts:
        trial.look(moved_on, concept, [files["SPM", concept, 0]], under=relative)
    weighed: Weighed = weigh(list(size.concepts)[:TOGETHER], bench.folder)
    again = trial.rendered_in_half()
    return Result(
        (_table(found, several, moved_on),),
        tuple(_figures(found, several, moved_on, weighed, again, size)),
        {
            "device": trial.device,
            "concepts": ", ".join(size.concepts),
            "training seeds": str(size.seeds),
            "prompts of each kind": str(size.prompts),
            "steps": str(size.steps),
            "second model": "the starter fine-tuned on a practice subject (LoRA of rank 8 on attention and feed-forward), not one trained anew",
        },
    )


class Trial:
    """The starter, its reader, and a project for the runs."""

    def __init__(self, bench: Bench, size: Size) -> None:
        from engines.api.places import starter
        from engines.core.devices import pick
        from engines.diffusion.generate import Generator
        from engines.starter.judge import Reader

        self._bench, self._size = bench, size
        self._generator: Generator = Generator(pick("auto"))
        self._generator.open("starter")
        self._reader: Reader = Reader(starter("clip"), self._generator.device.torch_device)
        self._seen: dict[tuple[str, str, tuple[Path, ...]], tuple[float, torch.Tensor]] = {}

    @property
    def device(self) -> str:
        """Where it all happens."""
        return self._generator.device.kind

    def erase(self, concept: str, way: Way, seed: int) -> Path:
        """Erase a concept in a run of its own and return its file."""
        from engines.api.erase_job import CheckSettings, EraseRecipe
        from engines.api.recipe import LoopSettings, SampleSettings
        from engines.cli.watch import raise_if_not_finished
        from engines.core.run import run_folder
        from engines.launch.erase_plan import erasures, plan_erasure
        from engines.launch.folder import ADAPTER, create_run
        from engines.launch.follow import Follower

        usual = EraseRecipe().loop
        loop = LoopSettings(
            **{
                **usual.model_dump(),
                "steps": self._size.steps,
                "seed": seed,
                "validate_every": 100_000,
                "checkpoint_every": 100_000,
            }
        )
        least = CheckSettings(prompts=1, pictures=1, words=0, steps=1)
        recipe = EraseRecipe(loop=loop, samples=SampleSettings(every=0), check=least)
        job = plan_erasure(
            erasures([concept]),
            keep=NEIGHBOURS[concept],
            method=way.method,
            recipe=recipe,
            title=f"{way.method} {concept}",
        )
        folder = create_run(self._bench.folder / "erasing", job, [])
        run_folder(folder)
        follower = Follower(folder)
        raise_if_not_finished(follower.catch_up(), folder)
        return folder / ADAPTER

    def look(self, outcome: Outcome, concept: str, files: Sequence[Path], *, under: Path | None = None) -> None:
        """Add what the reader makes of a concept with these erasers, on the starter or on one fine-tuned by an adapter."""
        below = () if under is None else (under,)
        before = {kind: self._look(concept, kind, below) for kind in ("target", "neighbours", "unrelated")}
        after = {kind: self._look(concept, kind, (*below, *files)) for kind in before}
        outcome.target.append((before["target"][0], after["target"][0]))
        outcome.neighbours.append((before["neighbours"][0], after["neighbours"][0]))
        outcome.drift += (1.0 - (before["unrelated"][1] * after["unrelated"][1]).sum(dim=1)).tolist()

    def fine_tuned(self) -> Path:
        """An adapter that makes another model of the starter: what a short fine-tune on a practice subject changed."""
        from engines.bench._contest import Contest
        from engines.bench._contest import Way as Teaching
        from engines.starter.subjects import SUBJECTS

        contest = Contest(self._bench, steps=self._size.steps)
        return contest.teach(SUBJECTS[0], Teaching("fine-tune", "lora", {"rank": 8, "feed_forward": True}), 1).file

    def rendered_in_half(self) -> float:
        """Drift of the base's own unrelated pictures when they are made again in bf16."""
        import torch

        concept = self._size.concepts[0]
        _, exact = self._look(concept, "unrelated", ())
        with torch.autocast(self._generator.device.kind, dtype=torch.bfloat16):
            _, again = self._read(concept, "unrelated", ())
        return float((1.0 - (exact * again).sum(dim=1)).mean())

    def _look(self, concept: str, kind: str, files: tuple[Path, ...]) -> tuple[float, torch.Tensor]:
        if (concept, kind, files) not in self._seen:
            self._seen[concept, kind, files] = self._read(concept, kind, files)
        return self._seen[concept, kind, files]

    def _read(self, concept: str, kind: str, files: tuple[Path, ...]) -> tuple[float, torch.Tensor]:
        """Share of the pictures read as what they were asked for, and what the reader sees (n, d)."""
        import numpy as np

        from engines.api.uses import AdapterUse
        from engines.starter.judge import AXES, read_names

        self._generator.use([AdapterUse(file=str(file)) for file in files])
        asked = scenes(concept, kind, self._size.prompts)
        seeds = [FIRST_SEED + number for number in range(len(asked))]
        made = self._generator.pictures([caption for caption, _ in asked], seeds, steps=self._size.denoising)
        pictures = np.stack([np.asarray(picture) for picture in made])
        axis = next(number for number, names in enumerate(AXES) if concept in names)
        read = [
            names[axis] == value for names, (_, value) in zip(read_names(self._reader, pictures), asked, strict=True)
        ]
        return sum(read) / len(read), self._reader.pictures(pictures)


def scenes(concept: str, kind: str, count: int) -> list[tuple[str, str]]:
    """Captions of one object, and what each shows along the concept's own axis; always the same ones.

    Args:
        concept: what is erased.
        kind: `target`, `neighbours`, or `unrelated`, which shows neither.
        count: how many.
    """
    from engines.starter.captions import caption
    from engines.starter.judge import AXES
    from engines.starter.spec import ObjectSpec, SceneSpec

    axis = next(number for number, names in enumerate(AXES) if concept in names)
    known = NEIGHBOURS[concept]
    others = tuple(name for name in AXES[axis] if name not in {concept, *known})
    values = {"target": (concept,), "neighbours": known, "unrelated": others}[kind]
    draws = random.Random(f"{concept} {kind}")
    found = []
    for _ in range(count):
        names = [draws.choice(choices) for choices in AXES]
        names[axis] = draws.choice(values)
        colour, shape, background, pattern = names
        item = ObjectSpec(shape=shape, colour=colour, pattern=pattern)
        found.append((caption(SceneSpec(objects=(item,), background=background)), names[axis]))
    return found


def _figures(
    found: Mapping[str, Outcome], several: Outcome, moved_on: Outcome, weighed: object, again: float, size: Size
) -> list[Figure]:
    from engines.bench._full_size_erasing import Weighed

    assert isinstance(weighed, Weighed)  # noqa: S101 - imported late
    spm, esd, uce = found["SPM"], found["ESD"], found["UCE"]
    count = min(TOGETHER, len(size.concepts))
    return [
        Figure("erase-spm-target", spm.left, 0.15, 0.03, "lower", note="still recognised, share of the base's"),
        Figure("erase-spm-neighbours", spm.kept, 0.90, 0.98, note="recognised, share of the base's"),
        Figure(
            "erase-spm-drift-against-esd",
            spm.moved / esd.moved if esd.moved else float("nan"),
            0.5,
            better="lower",
            note=f"{spm.moved:.4f} against {esd.moved:.4f}; the base made again in bf16: {again:.4f}",
        ),
        Figure("erase-together-target", several.left, 0.15, 0.03, "lower", note=f"{count} membranes at once"),
        Figure(
            "erase-together-drift",
            several.moved / spm.moved if spm.moved else float("nan"),
            1.5,
            1.1,
            "lower",
            unit="x",
            note=f"{count} membranes against one",
        ),
        Figure("erase-transfer-target", moved_on.left, 0.30, 0.05, "lower", note="on the fine-tuned starter"),
        Figure("erase-uce-seconds", weighed.seconds, 60.0, 10.0, "lower", unit="s", note=weighed.note),
        Figure(
            "erase-spm-bytes", weighed.bytes / 1e6, 1.0, better="lower", unit="MB", note="Stable Diffusion 1.5, fp16"
        ),
        Figure("erase-uce-target", uce.left),
        Figure("erase-uce-neighbours", uce.kept),
        Figure("erase-esd-target", esd.left),
        Figure("erase-esd-neighbours", esd.kept),
    ]


def _table(found: Mapping[str, Outcome], several: Outcome, moved_on: Outcome) -> Table:
    rows = [
        (name, _mean([after for _, after in one.target]), one.left, one.kept, one.moved)
        for name, one in {**found, "SPM, several at once": several, "SPM, on the fine-tuned starter": moved_on}.items()
    ]
    base = _mean([before for before, _ in found["SPM"].target])
    headings = ("way", "target read", "of the base's", "neighbours kept", "drift of the rest")
    return Table("What erasing did", headings, (("base", base, 1.0, 1.0, 0.0), *rows))


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    before = sum(one for one, _ in pairs)
    return sum(other for _, other in pairs) / before if before else float("nan")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
