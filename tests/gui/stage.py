"""What the tests of the working pages share: a project with photos, runs written as events, a small catalog, and a stand-in worker."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from safetensors.numpy import save_file

from engines.api import events as ev
from engines.api.catalog import Catalog, MethodEntry
from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.api.recipe import LoopSettings, Preset, Recipe
from engines.api.segment_job import Scene, SegmentData, SegmentJob, SegmentRecipe
from engines.api.settings import Settings, setting
from engines.launch import eraser_marks
from engines.launch.evaluation import home_of
from engines.launch.folder import create_run
from engines.launch.local import child_environment
from engines.launch.serving import ServeCommand
from gui.app import make_services
from gui.services import Services
from gui.workers.catalog import CatalogLoader
from gui.workers.interactive import Interactive
from projects import edits
from projects.importing import import_paths
from projects.project import Project

STAND_IN = """
import json, sys
from pathlib import Path
from PIL import Image
def say(**answer):
    print(json.dumps(answer), flush=True)
def picture(request, number, colour):
    folder = Path(request["folder"]); folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"picture-{number:03d}.png"
    Image.new("RGB", (32, 32), colour).save(path)
    return str(path)
log = open(sys.argv[1], "a")
for line in sys.stdin:
    request = json.loads(line)
    log.write(line); log.flush()
    kind, me = request["type"], request["id"]
    if kind == "generate":
        say(type="working", id=me, text="Making pictures", done=1, total=2)
        file = picture(request, 0, "blue" if request["adapters"] else "red")
        say(type="picture", id=me, file=file, prompt=request["prompts"][0], seed=request["seeds"][0])
        say(type="done", id=me)
    elif kind == "compare":
        number = 0
        for column in range(len(request["adapters"]) + 1):
            for prompt in request["prompts"]:
                for seed in request["seeds"]:
                    say(type="picture", id=me, file=picture(request, number, "red"), prompt=prompt, seed=seed, column=column)
                    number += 1
        figure = lambda mean: {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "count": 12}
        after = {"likeness": figure(0.9), "following": figure(0.3), "gain": {"likeness": figure(0.3)}, "closer": {"won": 11, "of": 12}}
        adapters = [{"label": label, **after} for label in request["labels"]]
        between = [{"first": 1, "second": 2, "gain": {"likeness": figure(0.1)}, "closer": {"won": 9, "of": 12}}] * (len(adapters) - 1)
        report = {"format": 1, "sheet": "sheet.png", "pictures": [], "note": "", "between": between,
                  "conditions": {"base": "b", "prompts": request["prompts"], "seeds": request["seeds"], "steps": 25, "guidance": 7.5,
                                 "photos": len(request["references"]), "encoder": {"name": "judge", "sha256": "x"}},
                  "columns": [{"label": "Base", "likeness": figure(0.6), "following": figure(0.3)}, *adapters]}
        (Path(request["folder"]) / "report.json").write_text(json.dumps(report))
        say(type="done", id=me, data=report)
    elif kind == "export":
        Path(request["target"]).write_bytes(b"exported")
        say(type="done", id=me)
    elif kind != "cancel":
        say(type="done", id=me)
"""


class Toy(Settings):
    """The toy method."""

    rank: int = setting(8, "Rank", ge=1, le=256)
    alpha: float = setting(0.0, "Alpha", ge=0.0, le=512.0, advanced=True)


def catalog() -> Catalog:
    """One method and two presets."""
    return Catalog(
        version="1",
        methods=(MethodEntry(name="lora", title="LoRA", sentence="The usual way.", schema_=Toy.model_json_schema()),),
        backbones=(),
        presets=(
            Preset(name="quick", title="Quick", sentence="Fast.", changes={"loop": {"steps": 150}}, method={"rank": 4}),
            Preset(
                name="best",
                title="Best",
                sentence="Slow.",
                recommended=True,
                changes={"loop": {"steps": 900}},
                method={"rank": 32},
            ),
        ),
        recipe_schema=Recipe.model_json_schema(),
        devices=(),
    )


def make_stage(app, tmp_path: Path) -> Services:
    """Services with a loaded catalog and a stand-in for the interactive worker; no project open."""
    services = make_services(app, theme="light")
    loader = CatalogLoader(parent=services)
    loader._have(catalog())
    services.__dict__["catalog"] = loader
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    command = ServeCommand(sys.executable, (str(script), str(tmp_path / "asked.jsonl")), tmp_path, child_environment())
    services.__dict__["interactive"] = Interactive(command, parent=services)
    services.window = None
    return services


def asked(tmp_path: Path) -> list[dict]:
    """What the stand-in was asked."""
    path = tmp_path / "asked.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def make_project(root: Path, *, photos: int = 3, trigger: str = "tealbear", name: str = "Teal bear") -> Project:
    """A project with one concept and plain photos."""
    project = Project.create(root, "Studio")
    concept = edits.add_concept(project, name, trigger=trigger, class_noun="bear").ids[0]
    source = root.parent / f"{root.name}-photos"
    source.mkdir()
    for number in range(photos):
        Image.new("RGB", (64, 64), (40 * number, 90, 200 - 20 * number)).save(source / f"{number}.png")
    if photos:
        import_paths(project, [source], concept)
    return project


def add_run(
    project: Project,
    told: Sequence[ev.Event],
    *,
    title: str = "Teal bear",
    prompts: Sequence[str] = ("a tealbear bear",),
    method: JobMethod | None = None,
    evaluate: bool = False,
    **recipe: dict,
) -> Path:
    """A run's folder whose worker told these events; sample pictures and adapter files they name are made too."""
    values = Recipe().model_dump()
    for group, changes in recipe.items():
        values[group].update(changes)
    values["samples"]["prompts"] = tuple(prompts)
    job = Job(
        id="2026-11-21-teal-bear",
        title=title,
        created=time.time(),
        concept=JobConcept(name="Teal bear", trigger="tealbear", class_noun="bear"),
        method=method or JobMethod(name="lora", settings={"rank": 8, "alpha": 0.0}),
        recipe=Recipe.model_validate(values),
        evaluate=evaluate,
    )
    images = [
        JobImage(file=path.relative_to(project.root).as_posix(), caption="a [trigger]")
        for path in sorted((project.root / "images").iterdir())
    ]
    folder = create_run(project.root, job, images)
    concepts = project.rows("SELECT id FROM concepts")
    edits.record_run(project, folder.name, title, concept_id=concepts[0]["id"])
    tell(folder, *told)
    return folder


def measure(folder: Path, step: int = 200) -> Path:
    """A measured before and after, as the background leaves it in a run's folder."""
    home = home_of(folder, step)
    home.mkdir(parents=True)

    def figure(mean: float) -> dict[str, float]:
        return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "count": 12}

    pictures = []
    for column, colour in enumerate(("red", "blue")):
        Image.new("RGB", (32, 32), colour).save(home / f"column-{column}-picture-000.png")
        about = {"column": column, "prompt": "a <b>tealbear</b>", "seed": 7}
        pictures.append({**about, "file": f"column-{column}-picture-000.png"})
    after = {"likeness": figure(0.9), "gain": {"likeness": figure(0.3)}, "closer": {"won": 11, "of": 12}}
    document = {
        "columns": [{"label": "Base", "likeness": figure(0.6)}, {"label": "Teal bear", **after}],
        "conditions": {"prompts": [f"p{number}" for number in range(6)], "seeds": [7, 8]},
        "pictures": pictures,
    }
    (home / "report.json").write_text(json.dumps(document), encoding="utf-8")
    return home


def add_adaptation(
    project: Project, told: Sequence[ev.Event], *, title: str = "Nuclei", prompts: str = "both", tuner: str = "decoder"
) -> Path:
    """A run that adapts a segmentation model, whose worker told these events."""
    recipe = SegmentRecipe(data=SegmentData(prompts=prompts), loop=LoopSettings(steps=200))
    job = SegmentJob(
        id="2026-11-21-nuclei",
        title=title,
        created=time.time(),
        classes=("Nucleus",),
        method=JobMethod(name=tuner),
        recipe=recipe,
    )
    first = min((project.root / "images").iterdir())
    scene = Scene(file=first.relative_to(project.root).as_posix(), width=64, height=64)
    folder = create_run(project.root, job, [scene])
    edits.record_run(project, folder.name, title)
    tell(folder, *told)
    for event in told:
        if isinstance(event, ev.Finished):
            make_segment_adapter(folder / event.adapter, title=title, tuner=tuner)
    return folder


def tell(folder: Path, *told: ev.Event) -> None:
    """Append events as the worker does, with the files they name."""
    for event in told:
        if isinstance(event, ev.Sample):
            (folder / event.file).parent.mkdir(exist_ok=True)
            Image.new("RGB", (32, 32), "blue" if event.step else "red").save(folder / event.file)
        if isinstance(event, ev.Checkpoint):
            (folder / event.folder).mkdir(parents=True, exist_ok=True)
            make_adapter(folder / event.folder / "adapter.safetensors")
        if isinstance(event, ev.Finished):
            make_adapter(folder / event.adapter)
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(ev.to_line(event) + "\n" for event in told)


def started(*, total: int = 300, alive: bool = True) -> ev.Started:
    """A worker that is this very process, or one that is gone."""
    me = psutil.Process(os.getpid())
    return ev.Started(pid=me.pid if alive else 999_999, pid_created=me.create_time(), steps_total=total, device="cpu")


def a_finished_run() -> tuple[ev.Event, ...]:
    """Everything from start to end, with samples at 0, 100 and 200."""
    told: list[ev.Event] = [started(total=200)]
    prompts = ("a tealbear bear", "a tealbear bear on <b>the</b> beach")
    for step in (0, 100, 200):
        told.append(ev.Validation(step=step, loss=0.5 - step / 1000))
        told += [ev.Sample(step=step, prompt=p, seed=7, file=f"samples/{step}-{i}.png") for i, p in enumerate(prompts)]
        if step:
            told.append(ev.Checkpoint(step=step, folder=f"checkpoints/step-{step:06d}"))
    told.append(ev.Step(step=200, loss=0.3, learning_rate=1e-4, steps_per_s=4.0))
    told.append(ev.Finished(step=200, adapter="adapter.safetensors", sha256="0" * 64, bytes=5000, seconds=50.0))
    return tuple(told)


def make_adapter(path: Path, *, trigger: str = "tealbear", focus: str = "", erases: str = "") -> Path:
    """A tiny adapter file in the diffusers format; with `focus` a token-aware one, with `erases` an eraser."""
    down, up = np.ones((4, 8), np.float32), np.ones((8, 4), np.float32)
    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    metadata = {
        "lorikeet.trigger": trigger,
        "lorikeet.base": "starter",
        "lorikeet.method": "lora",
        "lorikeet.alpha": "4",
        **({"lorikeet.focus": focus} if focus else {}),
        **(eraser_marks.pack([eraser_marks.Mark(erases)]) if erases else {}),
    }
    save_file(tensors, str(path), metadata)
    return path


def make_segment_adapter(path: Path, *, title: str = "Nuclei", tuner: str = "decoder") -> Path:
    """An adapter file of a segmentation model, whose one tensor fits none."""
    metadata = {
        "lorikeet.kind": "segmentation",
        "lorikeet.tuner": tuner,
        "lorikeet.settings": "{}",
        "lorikeet.classes": '["Nucleus"]',
        "lorikeet.prompts": "both",
        "lorikeet.base_title": "Starter",
        "title": title,
        "pictures": "4",
    }
    save_file({"nothing": np.ones(3, np.float32)}, str(path), metadata)
    return path
