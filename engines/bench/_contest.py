"""Teaches clay subjects in several ways and judges the adapters alone and added up; what the merging benches share.

Each subject is taught from eight rendered pictures and judged against eight others from cameras and lights never taught. The same prompts and
seeds serve the base, the single adapters and the sums, so every difference is paired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.api import events as ev
from engines.bench.table import Bench

if TYPE_CHECKING:
    import torch

    from engines.api.uses import AdapterUse
    from engines.diffusion.encoders import Encoder
    from engines.diffusion.generate import Generator
    from engines.starter.subjects import Subject

PLACES = ("on the grass", "in the snow", "at night")
SEEDS = (301, 302, 303)
UNRELATED = (
    "a red mug on the beach",
    "a yellow duck on the grass",
    "a blue house in the snow",
    "a green car on the table",
    "a white snowman at night",
    "a purple tree in the desert",
)
_TAUGHT, _JUDGED = 1, 2


@dataclass(frozen=True)
class Way:
    """One way to teach: registered method, its settings, changes of the recipe, and the strength adapters are added with."""

    title: str
    method: str = "lora"
    settings: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strength: float = 1.0


@dataclass(frozen=True)
class Lesson:
    """What teaching one subject left: the adapter, and what it cost."""

    file: Path
    parameters: int
    steps_per_s: float


@dataclass(frozen=True)
class Judged:
    """Figures of pictures in the order of `pairs`: likeness to the subject (CLIP-I) and to the prompt (CLIP-T)."""

    likeness: tuple[float, ...]
    following: tuple[float, ...]


class Contest:
    """One base model, its subjects and a judge; open while a bench runs."""

    def __init__(self, bench: Bench, *, steps: int, seeds: Sequence[int] = SEEDS) -> None:
        from engines.core.devices import pick
        from engines.diffusion.encoders import open_encoder
        from engines.diffusion.generate import Generator

        self._bench, self._steps = bench, steps
        self._places: Sequence[str] = PLACES[:1] if bench.quick else PLACES
        self._seeds: Sequence[int] = seeds[:1] if bench.quick else seeds
        self._generator: Generator = Generator(pick("auto"))
        self._judge: Encoder = open_encoder(self._generator.device)
        self._references: dict[str, torch.Tensor] = {}
        self._others: torch.Tensor | None = None

    @property
    def device(self) -> str:
        """Where it all happens."""
        return self._generator.device.kind

    @property
    def tools(self) -> tuple[Generator, Encoder]:
        """What makes pictures, with the starter open, and who judges them."""
        self._generator.open("starter")
        return self._generator, self._judge

    def teach(self, subject: Subject, way: Way, slot: int) -> Lesson:
        """Teach a subject; `slot` is used by ways whose adapters share directions."""
        from engines.cli.jobs import Wishes, plan, prepare_run
        from engines.cli.watch import raise_if_not_finished
        from engines.core.run import run_folder
        from engines.diffusion.methods import registry
        from engines.launch.follow import Follower
        from projects.project import Project

        root = self._project(subject)
        settings = dict(way.settings)
        if "slot" in registry().get(way.method).model_fields:
            settings["slot"] = slot
        quiet: dict[str, dict[str, Any]] = {
            "loop": {"steps": self._steps, "validate_every": 100_000, "checkpoint_every": 100_000},
            "samples": {"every": 0},
            "method": settings,
        }
        changes = {group: {**quiet.get(group, {}), **way.changes.get(group, {})} for group in {*quiet, *way.changes}}
        with Project.open(root) as project:
            (concept,) = project.rows("SELECT id FROM concepts")
            folder = prepare_run(
                project, str(concept["id"]), plan(Wishes(preset="quick", method=way.method, changes=changes))
            )
        run_folder(folder)
        follower = Follower(folder)
        raise_if_not_finished(follower.catch_up(), folder)
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        steps = [event for line in lines if isinstance(event := ev.from_line(line), ev.Step)]
        pace = (steps[-1].step - steps[0].step) / max(1e-9, steps[-1].time - steps[0].time)
        self._bench.say(f"{way.title}: {subject.name}, {pace:.1f} steps a second")
        return Lesson(folder / "adapter.safetensors", self._learned(folder), pace)

    def judge(self, subject: Subject, files: Sequence[Path], strength: float) -> Judged:
        """Pictures of a subject with adapters added up at a strength; no files are the base alone."""
        from engines.diffusion.captions import without_trigger
        from engines.diffusion.evaluate import following, likeness

        prompts = [f"a {subject.trigger} {subject.class_noun} {place}" for place in self._places for _ in self._seeds]
        vectors = self._vectors(prompts, list(self._seeds) * len(self._places), files, strength)
        words = [without_trigger(prompt, subject.trigger, subject.class_noun) for prompt in prompts]
        return Judged(
            tuple(likeness(vectors, self._photos(subject))), tuple(following(vectors, self._judge.texts(words)))
        )

    def drift(self, files: Sequence[Path], strength: float) -> list[float]:
        """How far pictures of other things move: 1 - cosine with the base's picture of the same prompt and seed."""
        from engines.diffusion.evaluate import change

        prompts = [prompt for prompt in UNRELATED for _ in self._seeds]
        seeds = list(self._seeds) * len(UNRELATED)
        if self._others is None:
            self._others = self._vectors(prompts, seeds, (), 1.0)
        return change(self._others, self._vectors(prompts, seeds, files, strength))

    def as_others_read(self, file: Path) -> Path:
        """The adapter as other tools use it: without what only Lorikeet honours; the file itself where there is no such thing."""
        from engines.diffusion.exchange import Adapter, read_adapter, write_adapter
        from engines.diffusion.focus import FOCUS

        adapter = read_adapter(file)
        if FOCUS not in adapter.metadata:
            return file
        plain = {name: value for name, value in adapter.metadata.items() if name != FOCUS}
        other = file.with_name("as-others-read.safetensors")
        write_adapter(Adapter(adapter.modules, plain), other, overwrite=True)
        return other

    def groups(self) -> list[str]:
        """The prompt of each figure of `judge`."""
        return [place for place in self._places for _ in self._seeds]

    def _vectors(
        self, prompts: Sequence[str], seeds: Sequence[int], files: Sequence[Path], strength: float
    ) -> torch.Tensor:
        from engines.api.uses import AdapterUse

        uses: list[AdapterUse] = [AdapterUse(file=str(file), weight=strength) for file in files]
        self._generator.open("starter")
        self._generator.use(uses)
        return self._judge.images(list(self._generator.pictures(prompts, seeds)))

    def _photos(self, subject: Subject) -> torch.Tensor:
        from PIL import Image

        from engines.starter.samples import references

        if subject.ident not in self._references:
            views = references(subject, seed=_JUDGED)
            self._references[subject.ident] = self._judge.images([Image.fromarray(v.rendering.picture) for v in views])
        return self._references[subject.ident]

    def _project(self, subject: Subject) -> Path:
        from PIL import Image

        from engines.starter.samples import references
        from projects import edits
        from projects.importing import import_paths
        from projects.project import Project

        root = self._bench.folder / subject.ident
        if root.exists():
            return root
        pictures = self._bench.folder / f"pictures-{subject.ident}"
        pictures.mkdir(parents=True)
        for number, view in enumerate(references(subject, seed=_TAUGHT, size=128)):
            Image.fromarray(view.rendering.picture).save(pictures / f"{number:02d}.png")
            (pictures / f"{number:02d}.txt").write_text(view.caption, encoding="utf-8")
        with Project.create(root, subject.name) as project:
            added = edits.add_concept(project, subject.name, trigger=subject.trigger, class_noun=subject.class_noun)
            import_paths(project, [pictures], added.ids[0])
        return root

    @staticmethod
    def _learned(folder: Path) -> int:
        """Numbers that were learned: those of the pairs, less the halves that stay as they are, and of a taught word."""
        from engines.diffusion.exchange import read_adapter

        adapter = read_adapter(folder / "adapter.safetensors")
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        fixed = job["method"]["name"] == "orthogonal"
        pairs = sum(pair.up.numel() + (0 if fixed else pair.down.numel()) for pair in adapter.modules.values())
        return pairs + sum(part.numel() for parts in adapter.words.values() for part in parts)
