"""A run's folder appears whole, never replaces another, and refuses what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engines.api.errors import JobError
from engines.launch import folder as fold
from tests.launch.samples import a_job, an_image


def test_written_and_read_back(tmp_path: Path) -> None:
    run = fold.create_run(tmp_path, a_job(), [an_image(), an_image("images/b.png")])
    assert run == tmp_path / "runs" / "2026-11-21-my-dog"
    job, images = fold.load_job(run)
    assert job == a_job()
    assert [image.file for image in images] == ["images/a.png", "images/b.png"]
    assert fold.project_root(run) == tmp_path.resolve()
    assert not fold.has_begun(run)


def test_a_taken_name_is_never_reused(tmp_path: Path) -> None:
    runs = [fold.create_run(tmp_path, a_job(), [an_image()]) for _ in range(3)]
    assert [run.name for run in runs] == ["2026-11-21-my-dog", "2026-11-21-my-dog-2", "2026-11-21-my-dog-3"]
    assert [fold.load_job(run)[0].id for run in runs] == [run.name for run in runs]
    assert fold.run_folders(tmp_path) == runs
    assert not [path for path in (tmp_path / "runs").iterdir() if path.name.startswith(".")]


def test_no_pictures_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="nothing to learn"):
        fold.create_run(tmp_path, a_job(), [])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00\xff", "null"])
def test_a_damaged_job_is_refused_in_words(tmp_path: Path, text: str) -> None:
    run = fold.create_run(tmp_path, a_job(), [an_image()])
    (run / "job.json").write_text(text, encoding="latin-1")
    with pytest.raises(JobError, match="damaged"):
        fold.load_job(run)


def test_a_newer_job_says_so(tmp_path: Path) -> None:
    run = fold.create_run(tmp_path, a_job(), [an_image()])
    values = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**values, "format": 2}))
    with pytest.raises(JobError, match="newer version"):
        fold.load_job(run)


def test_a_stranger_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="not a run"):
        fold.load_job(tmp_path)


def test_a_picture_outside_the_project_is_refused(tmp_path: Path) -> None:
    run = fold.create_run(tmp_path, a_job(), [an_image()])
    (run / "samples.jsonl").write_text('{"file": "../../etc/passwd", "caption": ""}\n')
    with pytest.raises(JobError, match="not a path inside the project"):
        fold.load_job(run)


@pytest.mark.parametrize(
    ("title", "slug"), [("My dog!", "my-dog"), ("  ", ""), ("Straße / 東京", "strasse-東京"), ("a" * 200, "a" * 60)]
)
def test_names_come_from_titles(title: str, slug: str) -> None:
    name = fold.run_id(title, created=0.0)
    assert name[:10] in {"1970-01-01", "1969-12-31"}
    assert name[11:] == slug
    assert a_job(name).id == name


def test_the_digest_sees_every_change(tmp_path: Path) -> None:
    run = fold.create_run(tmp_path, a_job(), [an_image()])
    before = fold.job_digest(run)
    assert fold.job_digest(run) == before
    with (run / "samples.jsonl").open("a") as file:
        file.write(an_image("images/c.png").model_dump_json() + "\n")
    assert fold.job_digest(run) != before
