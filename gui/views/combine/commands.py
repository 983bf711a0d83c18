"""The commands of the page: for the palette, and their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.actions import Action

if TYPE_CHECKING:
    from gui.views.combine.page import CombinePage

_WORDS = "combine compose together"


def page_actions(page: CombinePage) -> tuple[Action, ...]:
    """All of them."""
    board, gallery = page.board, page.gallery

    def shown() -> bool:
        return gallery.shown is not None and gallery.shown.draft is not None

    def do(what: str) -> Callable[[], object]:
        return lambda: page.do(what, gallery.shown) if gallery.shown is not None else None

    def picture() -> bool:
        return gallery.shot is not None

    return (
        _act("make", "Make the pictures", page.make, lambda: page.readiness.ready, ("Ctrl+Return",), "play"),
        _act("stop", "Stop making pictures", page.maker.stop, lambda: page.maker.busy, (), "stop"),
        _act("add", "Add a subject", page.concepts.add_button.click, lambda: not board.full, ("Ctrl+Shift+A",), "plus"),
        _act("places", "Lay out the places", lambda: page.stage.show_face("places"), lambda: True, ("Ctrl+L",), "box"),
        _act("picture", "Look at the picture", lambda: page.stage.show_face("slider"), picture, ("Ctrl+P",), "images"),
        _act("restore", "Put the layout of this result back", do("restore"), shown, (), "undo"),
        _act("repeat", "Make this result again", do("repeat"), shown, (), "repeat"),
        _act("export", "Export this picture…", do("export"), picture, ("Ctrl+E",), "upload"),
        _act("remove", "Delete this result", do("remove"), picture, (), "trash"),
    )


def _act(
    key: str,
    title: str,
    run: Callable[[], object],
    enabled: Callable[[], bool],
    keys: tuple[str, ...] = (),
    icon: str = "",
) -> Action:
    return Action(f"combine.{key}", title, lambda _services: run(), keys, lambda _services: enabled(), icon, _WORDS)
