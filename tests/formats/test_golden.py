"""A project of every released format opens, is brought up to date, and stays what it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from projects import database, edits, migrations, queries
from projects.project import Project
from tests.formats.content import brought_up_to_date, content_of

HERE = Path(__file__).parent
FORMATS = sorted(path.name for path in HERE.iterdir() if path.name.startswith("v"))


@pytest.fixture(params=FORMATS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, object], int]:
    """A copy of one golden project, what it must hold, and its format."""
    folder = HERE / request.param
    shutil.copytree(folder / "project", tmp_path / "project")
    content = brought_up_to_date(json.loads((folder / "content.json").read_text("utf-8")))
    return tmp_path / "project", content, int(request.param[1:])


def test_every_released_format_has_a_golden_project() -> None:
    assert [f"v{number + 1}" for number in range(migrations.newest())] == FORMATS


def test_it_opens_and_holds_what_it_held(golden: tuple[Path, dict[str, object], int]) -> None:
    root, content, version = golden
    for _ in range(2):
        with Project.open(root) as project:
            assert not project.read_only
            assert project.tidied.missing == ()
            assert content_of(project) == content
    backups = list(root.glob("project.db.backup-*"))
    assert len(backups) == (0 if version == migrations.newest() else 1)


def test_it_can_be_worked_on(golden: tuple[Path, dict[str, object], int]) -> None:
    root, content, _version = golden
    with Project.open(root) as project:
        image = queries.images(project)[0]
        change = edits.set_caption(project, [image.id], "new words")
        assert queries.image(project, image.id).caption == "new words"
        change.inverse(project)
    with Project.open(root) as project:
        assert content_of(project) == content


def test_it_ends_up_with_the_tables_of_a_new_project(
    golden: tuple[Path, dict[str, object], int], tmp_path: Path
) -> None:
    root, _content, _version = golden
    Project.open(root).close()
    Project.create(tmp_path / "new", "New").close()
    assert _tables(root) == _tables(tmp_path / "new")


def _tables(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns and indexes by table; the wording of the SQL may differ."""
    with closing(sqlite3.connect(root / database.NAME)) as connection:
        names = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        return {
            name: [
                *connection.execute('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (name,)),
                *connection.execute('SELECT name, "unique" FROM pragma_index_list(?) ORDER BY name', (name,)),
            ]
            for name in names
        }


def test_steps_know_nothing_of_today() -> None:
    """A step that used today's records would change its meaning when they do."""
    folder = Path(migrations.__file__).parent
    steps = list(folder.glob("m[0-9]*.py"))
    assert steps
    for path in steps:
        text = path.read_text("utf-8")
        assert "from projects" not in text
        assert "import projects" not in text
        assert "torch" not in text
