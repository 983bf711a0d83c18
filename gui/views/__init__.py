"""The places of the window: which there are, in what order, and how each is built when it is first visited.

A page is a widget made by `build(services)` in its package. It may have these methods, which the shell calls:

    shown()            it has just come into view
    hidden()           it has just gone out of view
    page_actions()     commands it adds while it is in view, a tuple of `gui.actions.Action`
    prepare()          an iterator whose steps get ready what can be before the first visit, each short enough not to be felt
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.services import Services


@dataclass(frozen=True)
class Place:
    """One place of the rail.

    Attributes:
        key: short name, as in `services.navigate("train")`.
        title: words under its icon.
        icon: drawing in `resources/icons`.
        module: holds `build(services) -> QWidget`.
        help: a sentence for the tooltip and the palette.
        needs_project: whether there is anything to see without an open project.
    """

    key: str
    title: str
    icon: str
    module: str
    help: str
    needs_project: bool = True


PLACES: tuple[Place, ...] = (
    Place(
        "home", "Home", "home", "gui.views.home", "Begin here: projects, samples and this computer", needs_project=False
    ),
    Place("images", "Images", "images", "gui.views.images", "The photos to learn from, and their captions"),
    Place("train", "Train", "train", "gui.views.train", "Teach the subject, and watch it being learned"),
    Place("compare", "Compare", "compare", "gui.views.compare", "The same words before and after"),
    Place("combine", "Combine", "combine", "gui.views.combine", "Several subjects in one picture"),
    Place("erase", "Erase", "erase", "gui.views.erase", "Make a model forget something, and see what that did"),
    Place(
        "segment",
        "Segment",
        "segment",
        "gui.views.segment",
        "Teach Segment Anything your own images",
    ),
    Place("library", "Library", "library", "gui.views.library", "Your adapters, and exporting them"),
)
PREFERENCES = Place(
    "preferences",
    "Preferences",
    "settings",
    "gui.views.preferences",
    "Theme, folders and the model hub",
    needs_project=False,
)

KEYS: tuple[str, ...] = (*(entry.key for entry in PLACES), PREFERENCES.key)


def place(key: str) -> Place:
    """The place of that key; `KeyError` when there is none."""
    for found in (*PLACES, PREFERENCES):
        if found.key == key:
            return found
    raise KeyError(key)


def load_all() -> None:
    """Import every page; for another thread, so that the window need not wait for it later."""
    for key in KEYS:
        importlib.import_module(f"{place(key).module}.page")


def build(key: str, services: Services) -> QWidget:
    """Build a page."""
    module = importlib.import_module(place(key).module)
    page: QWidget = module.build(services)
    return page
