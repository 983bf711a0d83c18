"""A page over a project with nothing to teach; the worker's answers come from a process that answers as it does, but paints plain colours."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from engines.api import events as ev
from engines.api.catalog import MethodEntry
from engines.api.erase_job import EraseJob, EraseRecipe, Erasure
from engines.api.erase_report import (
    REPORT,
    Attempt,
    Circumvention,
    ErasePicture,
    EraseReport,
    EraseRow,
    Found,
    Spread,
)
from engines.api.job import JobMethod
from engines.api.settings import Settings, setting
from engines.launch.eraser_marks import Mark, pack
from engines.launch.evaluation import home_of
from engines.launch.folder import create_run
from engines.launch.local import child_environment
from engines.launch.serving import ServeCommand
from gui.services import Services
from gui.views.erase.page import ErasePage
from gui.workers.interactive import Interactive
from projects import edits
from projects.project import Project
from tests.gui import stage

WAIT_MS = 20_000


class Membrane(Settings):
    """Settings of the toy membrane."""

    push: float = setting(1.0, "How firmly", ge=0.0, le=10.0)
    anchors: int = setting(2, "Other words a step", ge=1, le=16, advanced=True)


class Nothing(Settings):
    """No settings."""


ERASERS = (
    MethodEntry(
        name="esd",
        title="Unlearning",
        sentence="The known baseline.",
        paper="ESD, 2023",
        schema_=Nothing.model_json_schema(),
    ),
    MethodEntry(
        name="spm",
        title="Membrane",
        sentence="Knows when to act.",
        tag="Least harm",
        paper="SPM, 2024",
        separable=True,
        schema_=Membrane.model_json_schema(),
    ),
    MethodEntry(
        name="uce",
        title="Rewriting",
        sentence="Seconds.",
        paper="UCE, 2024",
        learns=False,
        schema_=Nothing.model_json_schema(),
    ),
)

ANSWERS = """
import json, sys
from pathlib import Path
from PIL import Image
def say(**answer):
    print(json.dumps(answer), flush=True)
log = open(sys.argv[1], "a")
report = json.loads(Path(sys.argv[2]).read_text())
near = lambda *words: [{"word": word, "similarity": 0.9 - 0.1 * place} for place, word in enumerate(words)]
for line in sys.stdin:
    request = json.loads(line)
    log.write(line); log.flush()
    kind, me = request["type"], request["id"]
    if kind == "suggest_words":
        target = request["target"]
        if target == "\\u2603":
            say(type="refused", id=me, title=f"\\u201c{target}\\u201d is unknown to the base model", what="Its text encoder cannot spell it.")
        elif target == "broken":
            say(type="refused", id=me, title="The model cannot be opened", what="<b>It is gone.</b>")
        else:
            say(type="done", id=me, data={"target": target, "pieces": 2, "synonyms": near(target + "s", "<b>snow</b> man"),
                                          "neighbours": near("duck", "penguin", target)})
    elif kind == "generate":
        folder = Path(request["folder"]); folder.mkdir(parents=True, exist_ok=True)
        file = folder / "picture-000.png"
        Image.new("RGB", (32, 32), "blue" if request["adapters"] else "red").save(file)
        say(type="picture", id=me, file=str(file), prompt=request["prompts"][0], seed=request["seeds"][0])
        say(type="done", id=me)
    elif kind == "measure_erasers":
        say(type="working", id=me, text="Measuring what came of it", done=1, total=4)
        if request["targets"][0]["target"] == "refuse":
            say(type="refused", id=me, title="It cannot be measured", what="<b>No</b>")
            continue
        folder = Path(request["folder"]); folder.mkdir(parents=True, exist_ok=True)
        for row in report["rows"]:
            for picture in row["pictures"]:
                for side in ("base", "erased"):
                    Image.new("RGB", (32, 32), "green").save(folder / picture[side])
        (folder / "report.json").write_text(json.dumps(report))
        say(type="done", id=me, data=report)
    elif kind != "cancel":
        say(type="done", id=me)
"""


def report_of(
    *, seen: tuple[bool, bool] = (True, False), tried: bool = False, judged: bool = True, target: str = "snowman"
) -> EraseReport:
    """A report of one target, one neighbour and one other thing, two pairs each."""
    standing = "gone" if not seen[1] else "there"
    rows = []
    for place, (word, group) in enumerate(((target, "target"), ("<b>duck</b>", "neighbour"), ("house", "unrelated"))):
        pictures = tuple(
            ErasePicture(
                prompt=f"a photo of a {word}",
                seed=301 + number,
                base=f"base-{2 * place + number:03d}.png",
                erased=f"erased-{2 * place + number:03d}.png",
                seen=(seen if group == "target" else (True, True)) if judged else None,
                drift=0.1 if judged else None,
            )
            for number in range(2)
        )
        spread = Spread(mean=0.1, low=0.05, high=0.15) if judged else None
        rows.append(EraseRow(word=word, group=group, of=target if place == 0 else "", pictures=pictures, drift=spread))
    attempts = (
        Attempt(way="paraphrase", prompt="a toy <i>snowman</i>", seen=0, of=2),
        Attempt(way="made-up word", prompt="a photo of vomuka", seen=2, of=2),
    )
    words = f"“{target}” is recognised in {2 * seen[1]} of 2 pictures, with the base in 2."
    return EraseReport(
        conditions={},
        targets=(Erasure(target=target),),
        found=(Found(target=target, standing=standing if judged else "unknown", words=words),),
        rows=tuple(rows),
        kept=0.98 if judged else None,
        damage=Spread(mean=0.03, low=0.02, high=0.05) if judged else None,
        another_seed=0.3 if judged else None,
        circumvention=(Circumvention(target=target, attempts=attempts),) if tried else (),
        note="" if judged else "There are no figures, because the judging model is missing.",
    )


def make_eraser(path: Path, targets: Sequence[str], *, gated: bool = True) -> Path:
    """A tiny eraser file."""
    rows = len(targets)
    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {
        f"{name}.lora_A.weight": np.ones((rows, 8), np.float32),
        f"{name}.lora_B.weight": np.ones((8, rows), np.float32),
    }
    marks = [Mark(target, rows=1, floor=0.5 if gated else None) for target in targets]
    save_file(tensors, str(path), {"lorikeet.base": "starter", "lorikeet.method": "spm", **pack(marks)})
    return path


def add_erasure(
    project: Project,
    told: Sequence[ev.Event],
    *,
    targets: Sequence[str] = ("snowman",),
    keep: Sequence[str] = (),
    method: str = "spm",
    report: EraseReport | None = None,
    title: str = "",
    after: Sequence[str] = (),
) -> Path:
    """A run that erases, whose worker told these events, with what it measured."""
    title = title or f"Without {', '.join(targets)}"
    job = EraseJob(
        id="2026-11-21-without",
        title=title,
        created=time.time(),
        targets=tuple(Erasure(target=target) for target in targets),
        keep=tuple(keep),
        method=JobMethod(name=method),
        recipe=EraseRecipe(),
        after=tuple(after),
    )
    folder = create_run(project.root, job, [])
    edits.record_run(project, folder.name, title)
    stage.tell(folder, *told)
    for event in told:
        if isinstance(event, ev.Finished):
            make_eraser(folder / event.adapter, targets, gated=method == "spm")
            if report is not None:
                keep_report(home_of(folder, event.step), report)
    return folder


def keep_report(home: Path, report: EraseReport) -> None:
    """Write a report with its pictures."""
    home.mkdir(parents=True, exist_ok=True)
    for row in report.rows:
        for picture in row.pictures:
            Image.new("RGB", (32, 32), "red").save(home / picture.base)
            Image.new("RGB", (32, 32), "blue").save(home / picture.erased)
    (home / REPORT).write_text(report.model_dump_json(), encoding="utf-8")


def finished(step: int = 0) -> tuple[ev.Event, ...]:
    """From start to end."""
    done = ev.Finished(step=step, adapter="adapter.safetensors", sha256="0" * 64, bytes=5000, seconds=5.0)
    return (stage.started(total=200), done)


@pytest.fixture
def services(qapp: QApplication, tmp_path: Path) -> Iterator[Services]:
    """Services whose worker answers about erasing; notices and places asked for are kept."""
    made = stage.make_stage(qapp, tmp_path)
    made.catalog.catalog = stage.catalog().model_copy(
        update={"erasers": ERASERS, "erase_schema": EraseRecipe.model_json_schema()}
    )
    script, report = tmp_path / "answers.py", tmp_path / "report.json"
    script.write_text(ANSWERS, encoding="utf-8")
    report.write_text(report_of(tried=True).model_dump_json(), encoding="utf-8")
    command = ServeCommand(
        sys.executable, (str(script), str(tmp_path / "asked.jsonl"), str(report)), tmp_path, child_environment()
    )
    made.__dict__["interactive"] = Interactive(command, parent=made)
    made.notices = []
    made.notice_asked.connect(made.notices.append)
    made.places = []
    made.navigation_asked.connect(made.places.append)
    yield made
    made.stop()
    made.session.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project."""
    with Project.create(tmp_path / "p", "Studio") as made:
        yield made


@pytest.fixture
def page(services: Services, project: Project, qtbot: QtBot) -> ErasePage:
    """The page over the project."""
    services.session.adopt(project)
    made = ErasePage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    made.shown()
    qtbot.waitUntil(lambda: services.runs.listed, timeout=WAIT_MS)
    return made


def find(page: QWidget, name: str) -> QWidget:
    """A widget by its object name; fails when there is none."""
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def type_into(page: QWidget, name: str, words: str) -> None:
    """Type words into a line and press Enter."""
    field = find(page, name)
    field.setText(words)
    field.editingFinished.emit()


def asked(tmp_path: Path, kind: str) -> list[dict]:
    """What the worker was asked of one kind."""
    return [json.loads(json.dumps(one)) for one in stage.asked(tmp_path) if one["type"] == kind]
