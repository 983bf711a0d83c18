"""Every command as data: what it is called, its keys, when it can be used and what it does.

The palette, the shortcuts, the menus and the tests are all made from these lists. Pages add their own through `page.page_actions()`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.views import PLACES, PREFERENCES

if TYPE_CHECKING:
    from gui.services import Services


PALETTE = "window.palette"


def _always(services: Services) -> bool:  # noqa: ARG001 - the shape of a condition
    return True


@dataclass(frozen=True)
class Action:
    """One command.

    Attributes:
        id: dotted and stable ("project.new").
        title: words in the palette and in menus.
        run: what it does.
        keys: shortcuts in Qt's portable notation, the first one is shown; the same key may serve on several pages.
        enabled: whether it can be used now; the palette leaves out what cannot.
        icon: drawing in `resources/icons`.
        words: other words by which it is found.
    """

    id: str
    title: str
    run: Callable[[Services], object]
    keys: tuple[str, ...] = ()
    enabled: Callable[[Services], bool] = _always
    icon: str = ""
    words: str = ""


def has_project(services: Services) -> bool:
    """Whether a project is open."""
    return services.session.project is not None


def can_edit(services: Services) -> bool:
    """Whether a project is open that may be changed."""
    return not services.session.read_only


def window_actions() -> tuple[Action, ...]:
    """The commands that are there on every page."""
    return (*_project_actions(), *_edit_actions(), *_place_actions(), *_theme_actions())


def _project_actions() -> tuple[Action, ...]:
    from gui import opening

    return (
        Action("project.new", "New project…", opening.new_project, ("Ctrl+N",), icon="plus", words="create start"),
        Action("project.open", "Open a project…", opening.open_project, ("Ctrl+O",), icon="folder-open", words="load"),
        Action(
            "project.sample", "Try the sample project", opening.try_sample, icon="sparkle", words="demo example clay"
        ),
        Action("project.rename", "Rename this project…", opening.rename_project, enabled=can_edit, icon="edit"),
        Action(
            "project.folder",
            "Show this project's folder",
            opening.show_folder,
            enabled=has_project,
            icon="folder",
            words="files explorer finder",
        ),
        Action(
            "project.close", "Close this project", opening.close_project, ("Ctrl+W",), enabled=has_project, icon="close"
        ),
        Action(
            PALETTE,
            "Search or run anything",
            lambda services: services.palette_asked.emit(),
            ("Ctrl+K",),
            icon="search",
        ),
        Action("window.quit", "Quit Lorikeet", opening.quit_window, ("Ctrl+Q",), icon="close", words="exit"),
    )


def _edit_actions() -> tuple[Action, ...]:
    return (
        Action(
            "edit.undo",
            "Undo",
            lambda services: services.session.undo_stack.undo(),
            ("Ctrl+Z",),
            enabled=lambda services: services.session.undo_stack.canUndo(),
            icon="undo",
        ),
        Action(
            "edit.redo",
            "Redo",
            lambda services: services.session.undo_stack.redo(),
            ("Ctrl+Shift+Z", "Ctrl+Y"),
            enabled=lambda services: services.session.undo_stack.canRedo(),
            icon="redo",
        ),
    )


def _place_actions() -> tuple[Action, ...]:
    made = [
        _go(place.key, place.title, place.icon, f"Ctrl+{number}", place.help)
        for number, place in enumerate(PLACES, start=1)
    ]
    return (
        *made,
        _go(PREFERENCES.key, PREFERENCES.title, PREFERENCES.icon, "Ctrl+,", PREFERENCES.help + " settings options"),
    )


def _go(key: str, title: str, icon: str, keys: str, words: str) -> Action:
    return Action(
        f"go.{key}", f"Go to {title}", lambda services: services.navigate(key), (keys,), icon=icon, words=words
    )


def _theme_actions() -> tuple[Action, ...]:
    from gui.opening import use_theme

    return (
        Action(
            "theme.light",
            "Use the light theme",
            lambda services: use_theme(services, "light"),
            icon="moon",
            words="appearance bright",
        ),
        Action(
            "theme.dark",
            "Use the dark theme",
            lambda services: use_theme(services, "dark"),
            icon="moon",
            words="appearance night",
        ),
        Action(
            "theme.system",
            "Use the theme of the system",
            lambda services: use_theme(services, "system"),
            icon="moon",
            words="appearance",
        ),
    )
