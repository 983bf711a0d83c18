"""SIGKILL at a random moment of imports and edits: nothing that was accepted is lost. `bench kill` does it twenty times."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.bench.kill_documents import trial
from projects.project import Project
from projects.upkeep import UNCLAIMED, purge, tidy
from tests.projects.pictures import photo


@pytest.mark.parametrize(("seed", "window"), [(1, False), (2, False), (3, False), (5, True)])
def test_nothing_accepted_is_lost(tmp_path: Path, seed: int, window: bool) -> None:
    outcome = trial(tmp_path / "trial", seed=seed, window=window)
    assert outcome.problems == ()
    assert outcome.pictures + outcome.edits > 0


def test_leftovers_are_cleared_and_whole_files_set_aside(project: Project) -> None:
    images = project.root / "images"
    (images / ".abc.123456.tmp").write_bytes(b"half")
    photo(1).save(images / "0123456789abcdef.png")
    assert tidy(project).temporary == 0
    assert len(list(images.iterdir())) == 2
    tidied = tidy(project, older_than_s=-60)
    assert tidied.temporary == 1
    assert tidied.unclaimed == ("0123456789abcdef.png",)
    assert list(images.iterdir()) == []
    assert (project.root / UNCLAIMED / "0123456789abcdef.png").is_file()


def test_missing_files_are_noticed_at_opening(project: Project, concept: str, source: Path) -> None:
    from projects import importing, queries

    photo(1).save(source / "a.png")
    importing.import_paths(project, [source], concept)
    (image,) = queries.images(project)
    project.path(image.file).unlink()
    with Project.open(project.root) as again:
        assert again.tidied.missing == (image.file,)


def test_purging_deletes_what_was_removed_long_ago_and_nothing_else(
    project: Project, concept: str, source: Path
) -> None:
    from projects import edits, importing, queries

    for number in range(3):
        photo(number).save(source / f"{number}.png")
    importing.import_paths(project, [source], concept)
    first, second, third = queries.images(project)
    edits.remove_images(project, [first.id])
    assert purge(project) == 0
    assert project.path(first.file).is_file()
    assert purge(project, older_than_s=-60) == 1
    assert not project.path(first.file).exists()
    assert [image.id for image in queries.images(project)] == [second.id, third.id]
    edits.record_run(project, "run-1", "Run", concept_id=concept)
    edits.remove_concept(project, concept)
    assert purge(project, older_than_s=-60) == 2
    assert list((project.root / "images").iterdir()) == []
    assert [run.id for run in queries.runs(project)] == ["run-1"]
    assert purge(project, older_than_s=-60) == 0
