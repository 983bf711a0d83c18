"""Making, opening and leaving projects: the few steps around a project that need a question or a file dialog."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QLineEdit

from engines.api import places
from gui.recents import Recent
from gui.widgets.notice import Notice, of_error
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label
from projects import edits, queries
from projects.change import Edit
from projects.errors import ProjectError, UserError
from projects.files import safe_name, unique_path
from projects.project import Project

if TYPE_CHECKING:
    from gui.services import Services
    from gui.theme.theme import Mode
    from gui.workers.background import Task

SAMPLE_NAME = "Clay studio"
_THUMBNAIL_EDGE = 256
Then = Callable[[], object]


def new_project(services: Services, *, page: str = "images") -> None:
    """Ask for a name, make a project in the projects folder, and go on at `page`."""
    sheet = Sheet(
        services.window,
        "New project",
        "A project holds your pictures and everything you teach from them. You can rename it at any time.",
        name="newProject",
        accept="Create project",
    )
    field = QLineEdit()
    field.setObjectName("newProject.name")
    field.setAccessibleName("Name of the project")
    field.setPlaceholderText("Name, such as Teal bear")
    field.setMaxLength(120)
    where = Label(role="small", wrap=True)
    sheet.body.addWidget(field)
    sheet.body.addWidget(where)

    def refresh() -> None:
        name = field.text().strip()
        sheet.accept_button.setEnabled(bool(name))
        where.setText(f"Lies in {services.preferences.projects_folder() / safe_name(name or 'Name')}")

    field.textChanged.connect(lambda _text: refresh())
    refresh()
    field.setFocus()
    if sheet.exec():
        create_named(services, field.text().strip(), then=lambda: services.navigate(page))


def create_named(services: Services, name: str, *, then: Then | None = None) -> None:
    """Make a project of this name in the projects folder and open it."""
    folder = services.preferences.projects_folder()

    def work(_task: Task[Project]) -> Project:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(
                "The projects folder cannot be made",
                f"{folder}: {error.strerror}.",
                "Choose another one in Preferences.",
            ) from error
        return Project.create(unique_path(folder / safe_name(name)), name)

    services.background.run(
        work, done=lambda project: _opened(services, project, then), failed=services.notify, priority=5
    )


def open_project(services: Services) -> None:
    """Let the person choose a project's folder."""
    start = services.preferences.projects_folder()
    chosen = QFileDialog.getExistingDirectory(
        services.window, "Open a project", str(start if start.is_dir() else Path.home())
    )
    if chosen:
        open_path(services, Path(chosen))


def open_path(services: Services, root: Path, *, quietly: bool = False, then: Then | None = None) -> None:
    """Open a project; `quietly` says nothing when it is not there any more (at start-up)."""

    def failed(notice: Notice) -> None:
        if not quietly:
            services.notify(notice)

    services.background.run(
        lambda _task: Project.open(root),
        done=lambda project: _opened(services, project, then),
        failed=failed,
        priority=5,
    )


def try_sample(services: Services) -> None:
    """Make a project from the shipped sample subjects and open it."""
    folder = services.preferences.projects_folder()

    def work(_task: Task[Project]) -> Project:
        from projects.samples import create_sample

        folder.mkdir(parents=True, exist_ok=True)
        return create_sample(unique_path(folder / safe_name(SAMPLE_NAME)), SAMPLE_NAME, places.samples())

    services.notify(
        Notice("info", "Making the sample project", "A few clay subjects with captions, ready to be taught.")
    )
    services.background.run(
        work,
        done=lambda project: _opened(services, project, lambda: services.navigate("images")),
        failed=services.notify,
    )


def rename_project(services: Services) -> None:
    """Ask for another name."""
    project = services.session.project
    if project is None:
        return
    sheet = Sheet(
        services.window, "Rename this project", "Its folder keeps its name.", name="renameProject", accept="Rename"
    )
    field = QLineEdit(project.name)
    field.setObjectName("renameProject.name")
    field.setAccessibleName("Name of the project")
    field.setMaxLength(120)
    field.selectAll()
    sheet.body.addWidget(field)
    field.setFocus()
    if sheet.exec() and field.text().strip():
        apply(services, lambda opened: edits.rename_project(opened, field.text().strip()))


def apply(services: Services, edit: Edit) -> bool:
    """Make an edit; an expected failure becomes a notice. True when it was made."""
    try:
        services.session.apply(edit)
    except ProjectError as error:
        services.notify(of_error(error))
        return False
    return True


def show_folder(services: Services) -> None:
    """Open the project's folder in the system's file manager."""
    if services.session.project is not None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(services.session.project.root)))


def close_project(services: Services) -> None:
    """Close the project and go Home."""
    services.session.close()
    services.navigate("home")


def quit_window(services: Services) -> None:
    """Close the window; trainings go on."""
    if services.window is not None:
        services.window.close()


def use_theme(services: Services, mode: Mode) -> None:
    """Change the theme and remember it."""
    services.theme.set_mode(mode)
    remember(services, theme=mode)


def remember(services: Services, **changes: str) -> None:
    """Keep a setting; a home that cannot be written to is told, not fatal."""
    try:
        services.preferences.set(**changes)
    except OSError as error:
        services.notify(
            Notice(
                "warning",
                "The setting is not kept",
                f"{services.preferences.path} cannot be written: {error.strerror}.",
                "It holds until you close the window.",
            )
        )


def note_seen(services: Services) -> None:
    """Bring the list of recent projects up to date with the open one, off the window's thread."""
    project = services.session.project
    if project is None:
        return

    def work(_task: Task[Recent]) -> Recent:
        return describe(project)

    services.background.run(work, done=services.recents.seen, failed=lambda _notice: None)


def describe(project: Project) -> Recent:
    """What Home shows of a project. Reads the database and may make one thumbnail."""
    from projects import thumbnails

    counts = queries.counts(project)
    first = next(iter(queries.images(project)), None)
    picture = ""
    if first is not None:
        try:
            picture = str(thumbnails.thumbnail(project, first, _THUMBNAIL_EDGE))
        except (UserError, OSError):
            picture = ""
    return Recent(
        root=str(project.root),
        name=project.name,
        opened=time.time(),
        images=counts.images,
        concepts=counts.concepts,
        runs=counts.runs,
        picture=picture,
    )


def _opened(services: Services, project: Project, then: Then | None) -> None:
    services.session.adopt(project)
    if project.read_only:
        services.notify(
            Notice(
                "warning",
                "This project is open for reading only",
                project.read_only_reason,
                "Copy its folder to another place to work on it.",
            )
        )
    elif project.migrated_backup is not None:
        services.notify(
            Notice(
                "info",
                "The project was brought up to date",
                f"It was made by an older Lorikeet. A copy of what it was lies in {project.migrated_backup.name}.",
            )
        )
    if then is not None:
        then()
