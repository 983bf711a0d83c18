"""The commands of the page: for the palette, and their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.actions import Action

if TYPE_CHECKING:
    from gui.views.erase.page import ErasePage


def page_actions(page: ErasePage) -> tuple[Action, ...]:
    """All of them."""
    making = page.making

    def running() -> bool:
        return page.controls.running is not None

    def looking() -> bool:
        return page.mode == "results" and page.finished is not None

    def act() -> None:
        if page.mode == "results":
            page.results.stage.try_words()
        else:
            making.start()

    def can_act() -> bool:
        return looking() or (page.mode == "make" and making.plan.start_button.isEnabled())

    return (
        _act("act", "Start erasing, or try the words", act, can_act, ("Ctrl+Return",), "play"),
        _act("target", "Name what must not appear", lambda: _focus(page, "target"), lambda: True, ("Ctrl+L",), "erase"),
        _act("keep", "Name what must stay", lambda: _focus(page, "keep"), lambda: True, ("Ctrl+Shift+L",), "tag"),
        _act("make", "Make an eraser", lambda: page.go("make"), lambda: page.mode != "make", (), "edit"),
        _act(
            "results", "See what came of it", lambda: page.go("results"), lambda: page.finished is not None, (), "eye"
        ),
        _act("pause", "Pause or resume erasing", page.controls.pause_or_resume, running, (), "pause"),
        _act("stop", "Stop erasing and keep what was learned", page.controls.stop_and_keep, running, (), "stop"),
        _act("measure", "Measure again", lambda: page.results.measure(circumvent=False), looking, (), "compare"),
        _act(
            "circumvent", "Try to bring it back", lambda: page.results.measure(circumvent=True), looking, (), "repeat"
        ),
        _act("export", "Export this eraser…", page.export, looking, ("Ctrl+E",), "upload"),
    )


def _focus(page: ErasePage, what: str) -> None:
    page.go("make")
    plan = page.making.plan
    (plan.targets if what == "target" else plan.keeping).field.setFocus()


def _act(
    key: str, title: str, run: Callable[[], object], enabled: Callable[[], bool], keys: tuple[str, ...], icon: str
) -> Action:
    return Action(
        f"erase.{key}", title, lambda _s: run(), keys, lambda _s: enabled(), icon, words="erase forget remove"
    )
