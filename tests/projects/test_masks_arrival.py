"""Masks coming in: once, stopped in the middle, taken back, and through the process that the window uses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from projects import edits_regions, importing, queries
from projects.edits_regions import NewRegion
from projects.import_process import report_of
from projects.project import Project
from projects.regions.exchange.sheet import Request
from projects.regions.importing import import_masks
from projects.regions.mask import Mask
from tests.projects.foreign import A, B, bring, coco, corners, marks, save_json, save_picture, save_values, told
from tests.projects.rows import snapshot


def _good_coco(source: Path, *more: dict[str, object]) -> Path:
    save_picture(source / "a.png")
    return save_json(source / "marks.json", coco([{"segmentation": [corners(4, 6, 20, 30)]}, *more]))


def test_nothing_comes_in_twice(project: Project, source: Path) -> None:
    path = _good_coco(source, {"segmentation": [corners(30, 2, 40, 12)], "category_id": 90})
    bring(project, path)
    before = snapshot(project)
    report = bring(project, path)
    assert (report.added, report.regions, report.labels, report.change) == ((), (), (), None)
    assert "a.png: Some masks were already there" in told(report)
    assert snapshot(project) == before


def test_an_import_is_one_step_back(project: Project, source: Path) -> None:
    save_picture(source / "old.png", 9)
    importing.import_paths(project, [source / "old.png"], None)
    label = edits_regions.add_label(project, "cat").ids[0]
    (old,) = queries.images(project)
    edits_regions.add_regions(project, [NewRegion(old.id, label, Mask.of(B), "brush")])
    before = snapshot(project)
    report = bring(project, _good_coco(source, {"segmentation": [corners(30, 2, 40, 12)], "category_id": 90}))
    assert report.change is not None
    assert report.change.title == "Import 1 picture and 2 regions"
    assert report.change.parts >= {"images", "labels", "regions"}
    after = snapshot(project)
    again = report.change.inverse(project)
    assert snapshot(project) == before
    again.inverse(project)
    assert snapshot(project) == after


def _pairs(source: Path, count: int) -> None:
    for number in range(count):
        save_picture(source / "images" / f"{number}.png", number)
        save_values(source / "masks" / f"{number}.png", A)


@pytest.mark.parametrize("stop_at", [1, 5, 9])
def test_stopping_keeps_what_is_in(project: Project, source: Path, stop_at: int) -> None:
    _pairs(source, 6)
    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int, _name: str) -> bool:
        steps.append((done, total))
        return len(steps) < stop_at

    report = import_masks(project, Request(source), progress=progress)
    assert report.cancelled
    assert len(report.regions) == sum(len(found) for found in marks(project).values())
    assert len(report.regions) < 6
    assert [line.title for line in report.lines].count("The import was stopped") == 1
    assert steps == [(number + 1, 12) for number in range(len(steps))]
    assert len(bring(project, source).regions) + len(report.regions) == 6


def test_many_lines_that_say_the_same_are_one(project: Project, source: Path) -> None:
    for number in range(9):
        save_values(source / "masks" / f"{number}.png", A)
    (source / "images").mkdir()
    report = bring(project, source, kind="pairs")
    (line,) = [line for line in report.lines if line.level == "error"]
    assert line.title == "There is no picture for these marks: 9 times"
    assert "For example 0.png, 1.png, 2.png." in line.hint


def test_a_project_that_may_not_be_changed(project: Project, source: Path) -> None:
    _pairs(source, 1)
    project.read_only_reason = "It lies on a disc."
    (line,) = bring(project, source).lines
    assert "cannot be changed" in line.title


def test_masks_through_the_import_process(project: Project, source: Path) -> None:
    """The window imports in another process; what it gets back can be undone in its own."""
    _pairs(source, 3)
    before = snapshot(project)
    asked = json.dumps({"path": str(source), "kind": "pairs", "label": "polyp"})
    command = [sys.executable, "-m", "projects.import_process", str(project.root), ""]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(asked + "\n")
        process.stdin.flush()
        lines = [json.loads(line) for line in process.stdout]
    assert lines[-2]["done"] == lines[-2]["total"] == 6
    report = report_of(lines[-1])
    assert {name: [label for label, _ in found] for name, found in marks(project).items()} == {
        f"{number}.png": ["polyp"] for number in range(3)
    }
    assert report.change is not None
    report.change.inverse(project)
    assert snapshot(project) == before
