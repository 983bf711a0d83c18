"""The session: every edit can be undone and redone, everybody hears of it once, and other windows' changes are noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.session import Session
from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError
from projects.project import Project


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    """A session with nothing open."""
    made = Session()
    yield made
    made.close()


def _captions(project: Project) -> list[str]:
    return [image.caption for image in queries.images(project)]


def test_an_edit_is_undone_and_redone_exactly(session: Session, project: Project) -> None:
    session.adopt(project)
    before = queries.images(project)
    ids = tuple(image.id for image in before)
    heard: list[Change] = []
    session.changed.connect(heard.append)
    session.apply(lambda p: edits.set_caption(p, ids[:2], "a bear"))
    session.apply(lambda p: edits.remove_images(p, ids[3:]))
    after = queries.images(project)
    assert _captions(project)[:2] == ["a bear", "a bear"]
    assert len(after) == 3
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert queries.images(project) == before
    session.undo_stack.redo()
    session.undo_stack.redo()
    assert queries.images(project) == after
    session.undo_stack.undo()
    assert len(queries.images(project)) == 4
    assert [sorted(change.parts) for change in heard] == [["captions"]] + [["images"]] * 2 + [["captions"]] * 2 + [
        ["images"]
    ] * 2


def test_edits_need_an_open_project(session: Session) -> None:
    with pytest.raises(ProjectError):
        session.apply(lambda p: edits.rename_project(p, "x"))
    assert session.undo_stack.count() == 0


def test_a_refused_edit_leaves_no_step(session: Session, project: Project) -> None:
    session.adopt(project)
    with pytest.raises(ProjectError):
        session.apply(lambda p: edits.set_repeats(p, (), 0))
    assert session.undo_stack.count() == 0


def test_an_undo_that_is_no_longer_possible_is_told(session: Session, project: Project) -> None:
    session.adopt(project)
    image = queries.images(project)[0]
    session.apply(lambda p: edits.remove_images(p, [image.id]))
    with project.transaction() as connection:
        connection.execute("DELETE FROM images WHERE id = ?", (image.id,))
    told: list[ProjectError] = []
    session.failed.connect(told.append)
    session.undo_stack.undo()
    assert len(told) == 1
    assert not session.undo_stack.canUndo()


def test_a_change_made_elsewhere_is_noticed_once(session: Session, project: Project) -> None:
    session.adopt(project)
    heard: list[Change] = []
    session.changed.connect(heard.append)
    session.look_for_changes()
    assert heard == []
    other = Project.open(project.root)
    edits.add_concept(other, "From another window")
    other.close()
    session.look_for_changes()
    session.look_for_changes()
    assert len(heard) == 1
    assert "concepts" in heard[0].parts
    assert session.undo_stack.count() == 0


def test_the_current_concept_is_always_one_that_exists(session: Session, project: Project) -> None:
    session.adopt(project)
    first = session.concept_id
    assert first == queries.concepts(project)[0].id
    second = session.apply(lambda p: edits.add_concept(p, "Coral duck")).ids[0]
    session.set_concept(second)
    session.apply(lambda p: edits.remove_concept(p, second))
    assert session.concept_id == first
    session.undo_stack.undo()
    assert second in {item.id for item in queries.concepts(project)}


def test_a_project_that_cannot_be_opened_leaves_the_open_one_alone(
    session: Session, project: Project, tmp_path: Path
) -> None:
    session.adopt(project)
    with pytest.raises(ProjectError):
        session.open(tmp_path / "nothing here")
    assert session.project is project
    assert session.concept() is not None
    session.close()
    assert session.project is None
    assert session.read_only
