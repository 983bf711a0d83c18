"""A page over a project with two taught subjects; the worker's answers come from a process that answers as it does, but paints plain colours."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engines.api.catalog import MethodEntry
from engines.api.recipe import Preset
from engines.api.settings import Settings, setting
from engines.launch.local import child_environment
from engines.launch.serving import ServeCommand
from gui.services import Services
from gui.views.combine.page import CombinePage
from gui.workers.interactive import Interactive
from projects.project import Project
from projects.regions.mask import Mask
from tests.gui import stage

WAIT_MS = 20_000
COMPOSERS = (
    MethodEntry(
        name="regions",
        title="Each in its own place",
        sentence="Every concept has its box.",
        paper="A paper, 2024",
        needs=("adapters", "boxes"),
        schema_=stage.Toy.model_json_schema(),
    ),
    MethodEntry(
        name="token_aware", title="Each at its own word", sentence="No boxes.", needs=("adapters", "words"), schema_={}
    ),
    MethodEntry(name="tuning_free", title="No training", sentence="Pictures.", needs=("pictures",), schema_={}),
    MethodEntry(name="sum", title="Add up", sentence="Everything at once.", needs=("adapters",), schema_={}),
)

_ROWS, _COLUMNS = np.mgrid[:64, :64]
DISC = Mask.of((_ROWS - 32) ** 2 + (_COLUMNS - 32) ** 2 < 300)
"""What a click on a photo is answered with."""


class Slotted(Settings):
    """A method that shares directions."""

    rank: int = setting(8, "Rank", ge=1, le=256)
    slot: int = setting(0, "Slot", ge=0, le=64, advanced=True)


ANSWERS = """
import json, sys, time
from pathlib import Path
from PIL import Image
from PIL.PngImagePlugin import PngInfo
def say(**answer):
    print(json.dumps(answer), flush=True)
log = open(sys.argv[1], "a")
report = json.loads(Path(sys.argv[2]).read_text())
for line in sys.stdin:
    request = json.loads(line)
    log.write(line); log.flush()
    kind, me = request["type"], request["id"]
    if kind == "compose":
        if "damage" in request["composition"]["prompt"]:
            say(type="refused", id=me, title="It cannot be done", what="<b>The adapter</b> is damaged.", hint="Choose another.")
            continue
        if "forever" in request["composition"]["prompt"]:
            say(type="working", id=me, text="Composing", done=1, total=1000)
            continue
        folder = Path(request["folder"])
        def paint(name, colour, seed, column, preview=False):
            text = PngInfo(); text.add_itxt("lorikeet.composition", json.dumps({"seed": seed}))
            path = folder / f"{name}-seed-{seed}.png"
            Image.new("RGB", (32, 32), colour).save(path, pnginfo=text)
            say(type="picture", id=me, file=str(path), prompt="", seed=seed, column=column, preview=preview)
        say(type="working", id=me, text="Composing", done=500, total=1000)
        for seed in request["seeds"]:
            if request["preview_steps"]:
                paint("preview", "grey", seed, 1, True)
        for seed in request["seeds"]:
            paint("composed", "blue", seed, 1)
        if request["beside"]:
            for seed in request["seeds"]:
                paint("sum", "red", seed, 0)
        say(type="done", id=me, data={"pictures": [], "recipe": "", "notes": ["<i>A note</i>"]})
    elif kind == "ask_mask":
        say(type="done", id=me, data={"candidates": [{"counts": "@DISC@", "score": 0.9}]})
    elif kind == "interference":
        say(type="done", id=me, data=report)
    elif kind == "together":
        say(type="working", id=me, text="Trying them together", done=3, total=6)
        one = {"title": "Teal bear", "file": request["adapters"][0]["file"], "photos": 0, "likeness": {},
               "kept": {"mean": 0.8, "low": 0.7, "high": 0.9, "count": 4}, "rows": []}
        say(type="done", id=me, data={"format": 1, "subjects": [one], "kept": one["kept"], "conditions": {}})
    elif kind != "cancel":
        say(type="done", id=me)
"""


def facts(title: str, word: str, *, energy: float = 1.0, file: str = "x") -> dict:
    return {"file": file, "title": title, "trigger": word, "energy": energy, "strength": 1.0}


REPORT = {
    "adapters": [facts("Teal bear", "tealbear"), facts("zork", "zork", energy=4.0)],
    "pairs": [
        {
            "first": 0,
            "second": 1,
            "layers": 2,
            "overlap": 0.31,
            "chance": 0.1,
            "alignment": 0.02,
            "energy_ratio": 1.02,
            "on_first": 0.4,
            "on_second": 0.05,
        }
    ],
    "layers": [{"name": "unet.<b>down</b>", "energies": [1.0, 2.0], "crosstalk": 0.4}],
    "energy_ratio": 1.02,
    "weight": 0.6,
    "level": "fight",
    "verdict": "They will disturb each other: <b>they</b> keep to the same directions.",
    "findings": [
        {
            "level": "fight",
            "title": "“Teal bear” and “zork” keep to the same directions",
            "text": "They were taught in the same slot.",
            "adapters": [1, 0],
            "cure": "retrain",
            "slot": 3,
        },
        {
            "level": "careful",
            "title": "“zork” is 4 times as strong",
            "text": "Lower it.",
            "adapters": [1],
            "cure": "weigh",
        },
        {"level": "careful", "title": "Boxes help", "text": "Use them.", "adapters": [0, 1], "cure": "regions"},
    ],
}


@pytest.fixture
def services(qapp: QApplication, tmp_path: Path) -> Iterator[Services]:
    """Services whose worker answers about compositions; notices and places asked for are kept."""
    made = stage.make_stage(qapp, tmp_path)
    known = stage.catalog()
    slotted = MethodEntry(name="orthogonal", title="Orthogonal", sentence="", schema_=Slotted.model_json_schema())
    mergeable = Preset(
        name="mergeable",
        title="Mergeable",
        sentence="Gets along.",
        changes={"objective": {"hold_weight": 1.0}},
        method_name="orthogonal",
    )
    more = {"composers": COMPOSERS, "methods": (*known.methods, slotted), "presets": (*known.presets, mergeable)}
    catalog = known.model_copy(update=more)
    made.catalog.catalog = catalog
    script, report = tmp_path / "answers.py", tmp_path / "report.json"
    script.write_text(ANSWERS.replace("@DISC@", DISC.text.replace("\\", "\\\\")))
    report.write_text(json.dumps(REPORT))
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
def project(tmp_path: Path) -> Project:
    """A taught bear and an adapter brought in from elsewhere, whose name is not to be trusted."""
    made = stage.make_project(tmp_path / "p")
    stage.add_run(made, stage.a_finished_run())
    stage.make_adapter(made.root / "adapters" / "zork <b>.safetensors", trigger="zork")
    return made


@pytest.fixture
def page(services: Services, project: Project, qtbot: QtBot) -> CombinePage:
    """The page with nothing chosen yet."""
    services.session.adopt(project)
    made = CombinePage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    made.shown()
    qtbot.waitUntil(lambda: len(made.board.candidates) == 2, timeout=WAIT_MS)
    return made


@pytest.fixture
def pair(page: CombinePage, qtbot: QtBot) -> CombinePage:
    """The page with both subjects in the picture, and looked over."""
    for candidate in page.board.candidates:
        page.board.add(candidate)
    qtbot.waitUntil(lambda: page.readiness.ready, timeout=WAIT_MS)
    return page


def find(page: QWidget, name: str) -> QWidget:
    """A widget by its object name; fails when there is none."""
    found = page.findChild(QWidget, name)
    assert found is not None, name
    return found


def made(page: CombinePage, qtbot: QtBot) -> None:
    """Make the pictures and wait for the end."""
    with qtbot.waitSignal(page.maker.ended, timeout=WAIT_MS):
        page.make()
    qtbot.waitUntil(lambda: page.gallery.shown is not None and page.gallery.shown.seconds > 0, timeout=WAIT_MS)
