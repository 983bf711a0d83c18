"""Opening, guarding and closing a project."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from projects import database, edits, migrations, queries
from projects.errors import ProjectError, ReadOnlyError
from projects.project import FOLDERS, Project
from projects.upkeep import Tidied


def test_a_new_project_has_its_folders_and_its_name(tmp_path: Path) -> None:
    with Project.create(tmp_path / "Mein Hund", "Mein Hund ✓") as project:
        assert project.name == "Mein Hund ✓"
        assert not project.read_only
        assert project.tidied == Tidied()
        assert all((project.root / folder).is_dir() for folder in FOLDERS)
    with Project.open(tmp_path / "Mein Hund" / database.NAME) as again:
        assert again.name == "Mein Hund ✓"
        assert again.root == tmp_path / "Mein Hund"


def test_a_new_project_wants_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path, "x")
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path / "photo.jpg", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_attempt_that_was_cut_short_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "p"

    def full(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "run_steps", full)
        with pytest.raises(ProjectError, match="cannot be made here"):
            Project.create(root, "x")
    assert not root.exists()
    (root / "images").mkdir(parents=True)
    (root / ".project.db.0123.tmp").touch()
    Project.create(root, "x").close()
    with Project.open(root) as project:
        assert not project.read_only


def test_there_must_be_a_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project here"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="no project here"):
        Project.open(tmp_path / "missing")


def test_every_thread_may_use_it(project: Project) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                edits.set_setting(project, f"thread.{number}.{turn}", turn)
        except ProjectError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(project.rows("SELECT key FROM settings WHERE key LIKE 'thread.%'")) == 30


def test_a_second_window_sees_changes_and_can_make_them(project: Project, concept: str) -> None:
    with Project.open(project.root) as other:
        before = project.data_version()
        assert project.data_version() == before
        edits.rename_concept(other, concept, name="Cat")
        assert project.data_version() != before
        assert queries.concept(project, concept).name == "Cat"
        edits.rename_concept(project, concept, name="Bird")
        assert queries.concept(other, concept).name == "Bird"


def test_a_window_that_holds_it_too_long_is_a_plain_message(
    project: Project, concept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    with Project.open(project.root) as other, project.transaction():
        with pytest.raises(ProjectError, match="busy"):
            edits.rename_concept(other, concept, name="Cat")
        assert queries.concept(other, concept).name == "Dog"


def test_a_failed_transaction_changes_nothing(project: Project, concept: str) -> None:
    def fail() -> None:
        with project.transaction():
            edits.rename_concept(project, concept, name="Cat")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert queries.concept(project, concept).name == "Dog"
    edits.rename_concept(project, concept, name="Bird")
    assert queries.concept(project, concept).name == "Bird"


def test_a_closed_project_says_so(project: Project) -> None:
    project.close()
    with pytest.raises(ProjectError, match="closed"):
        queries.concepts(project)
    project.close()


def test_paths_cannot_leave_the_folder(project: Project) -> None:
    assert project.path("images/a.png") == project.root / "images" / "a.png"
    for bad in ("../a.png", "/etc/passwd", "images/../../a", "C:/a.png", "images\\a.png", ""):
        with pytest.raises(ProjectError, match="damaged"):
            project.path(bad)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "overwritten", "foreign"])
def test_a_damaged_database_names_the_way_back(tmp_path: Path, damage: str) -> None:
    root = tmp_path / "p"
    with Project.create(root, "x") as project:
        for number in range(60):
            edits.add_concept(project, f"Concept {number}")
    path = root / database.NAME
    data = path.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("this is a text " * 1000)
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "overwritten":
        path.write_bytes(data[:5000] + b"\xff" * 8000 + data[13000:])
    else:
        path.unlink()
        with closing(sqlite3.connect(path)) as foreign:
            foreign.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(ProjectError, match="damaged") as found:
        Project.open(root)
    assert "images/" in found.value.hint
    shutil.copy(path, root / f"{database.NAME}.backup-v1-2026-11-20")
    with pytest.raises(ProjectError, match="backup-v1-2026-11-20"):
        Project.open(root)


def test_a_newer_project_opens_read_only_and_says_so(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", "Future") as project:
        concept = edits.add_concept(project, "Dog").ids[0]
    with closing(sqlite3.connect(tmp_path / "p" / database.NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {migrations.newest() + 1}")
    with Project.open(tmp_path / "p") as project:
        assert project.read_only
        assert "newer version" in project.read_only_reason
        assert project.name == "Future"
        assert queries.concept(project, concept).name == "Dog"
        with pytest.raises(ReadOnlyError, match="newer version"):
            edits.rename_concept(project, concept, name="Cat")


def test_a_newer_project_with_other_tables_opens_and_explains_itself(tmp_path: Path) -> None:
    Project.create(tmp_path / "p", "Future").close()
    with closing(sqlite3.connect(tmp_path / "p" / database.NAME)) as connection:
        connection.execute("ALTER TABLE images RENAME TO pictures")
        connection.execute(f"PRAGMA user_version = {migrations.newest() + 5}")
        connection.commit()
    with Project.open(tmp_path / "p") as project:
        assert project.read_only
        with pytest.raises(ProjectError, match="version that wrote it"):
            queries.images(project)


@pytest.mark.parametrize("open_elsewhere", [False, True])
def test_a_read_only_folder_opens_for_looking(
    tmp_path: Path, open_elsewhere: bool, request: pytest.FixtureRequest
) -> None:
    root = tmp_path / "p"
    with Project.create(root, "Kept") as writer:
        concept = edits.add_concept(writer, "Dog").ids[0]
        if not open_elsewhere:
            writer.close()
        for path in (root, *root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            request.getfixturevalue("unprivileged")
            with Project.open(root) as project:
                assert project.read_only
                assert "cannot be written" in project.read_only_reason
                assert queries.concept(project, concept).name == "Dog"
                with pytest.raises(ReadOnlyError):
                    edits.add_concept(project, "Cat")
        finally:
            _give_back(root)


def _give_back(root: Path) -> None:
    import os

    if hasattr(os, "geteuid") and os.getuid() == 0:
        os.seteuid(0)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


class _Step:
    """A migration that adds a column, as a later format might."""

    TITLE = "Stars"

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def apply(self, connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE runs ADD COLUMN stars INTEGER NOT NULL DEFAULT 0")
        if self.fails:
            connection.execute("SELECT nothing FROM nowhere")


def test_an_older_project_is_migrated_after_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "p", "Old") as project:
        edits.record_run(project, "run-1", "First")
    older = migrations.newest()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, _Step()))
    with Project.open(tmp_path / "p") as project:
        assert project.migrated_backup is not None
        assert project.migrated_backup.name.startswith(f"project.db.backup-v{older}-")
        assert project.rows("SELECT stars FROM runs")[0]["stars"] == 0
        with closing(sqlite3.connect(project.migrated_backup)) as backup:
            assert database.version_of(backup) == older
            assert backup.execute("SELECT title FROM runs").fetchone()[0] == "First"
    with Project.open(tmp_path / "p") as again:
        assert again.migrated_backup is None


def test_a_failing_migration_changes_nothing_and_keeps_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / "p", "Old").close()
    older = migrations.newest()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, _Step(fails=True)))
    with pytest.raises(ProjectError):
        Project.open(tmp_path / "p")
    with closing(sqlite3.connect(tmp_path / "p" / database.NAME)) as connection:
        assert database.version_of(connection) == older
        columns = {row[1] for row in connection.execute("PRAGMA table_info (runs)")}
    assert "stars" not in columns
    assert list((tmp_path / "p").glob(f"project.db.backup-v{older}-*"))
    assert not list((tmp_path / "p").glob(".*.tmp*"))


def test_settings_are_any_json(project: Project) -> None:
    value = {"preset": "Balanced", "steps": [1, 2], "words": "größer"}
    edits.set_setting(project, "train.form", value)
    assert queries.setting(project, "train.form") == value
    assert queries.setting(project, "missing", 7) == 7
    edits.set_setting(project, "train.form", None)
    assert queries.setting(project, "train.form") is None
    with pytest.raises(ValueError, match="JSON"):
        edits.set_setting(project, "bad", json.loads("NaN"))
