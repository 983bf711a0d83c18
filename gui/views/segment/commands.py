"""The commands of the page: for the palette, and their keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gui.actions import Action, can_edit
from gui.views.segment.hands import TOOLS

if TYPE_CHECKING:
    from gui.views.segment.page import SegmentPage

_WORDS = "segment mark mask"


def page_actions(page: SegmentPage) -> tuple[Action, ...]:
    """All of them; letters work only while somebody marks."""
    return (*_marking(page), *_going(page), *_teaching(page), *_files(page))


def _act(
    key: str,
    title: str,
    run: Callable[[], object],
    enabled: Callable[[], bool],
    keys: tuple[str, ...] = (),
    icon: str = "",
) -> Action:
    return Action(f"segment.{key}", title, lambda _services: run(), keys, lambda _services: enabled(), icon, _WORDS)


def _marking(page: SegmentPage) -> tuple[Action, ...]:
    board, hands, mark = page.board, page.mark.hands, page.mark

    def marking() -> bool:
        return page.mode == "mark" and board.can_edit

    def finding() -> bool:
        return marking() and not mark.finding.busy

    def chosen() -> bool:
        return marking() and bool(board.selected)

    def blank() -> bool:
        return marking() and not board.marked

    def nothing_here() -> None:
        board.check_empty(empty=not board.contents.empty(board.image))

    tools = (
        _act(f"tool.{tool.key}", tool.title, partial(hands.take, tool.key), marking, (tool.letter,), tool.icon)
        for tool in TOOLS
    )
    return (
        *tools,
        _act("find", "Find everything in this picture", mark.finding.here, finding, ("F",), "sparkle"),
        _act(
            "findAll",
            "Find everything in all pictures that are not marked",
            mark.finding.everywhere,
            finding,
            ("Shift+F",),
            "sparkle",
        ),
        _act("empty", "Nothing is in this picture", nothing_here, blank, ("O",), "check"),
        _act("label", "Add a label", mark.labels.add, marking, ("L",), "tag"),
        _act("remove", "Remove the chosen marks", board.remove_selected, chosen, (), "trash"),
    )


def _going(page: SegmentPage) -> tuple[Action, ...]:
    board, mark = page.board, page.mark

    def looking() -> bool:
        return page.mode == "mark" and board.image is not None

    return (
        _act("next", "The next picture", lambda: board.step(1), looking, ("D", "PgDown"), "chevron-right"),
        _act("previous", "The picture before", lambda: board.step(-1), looking, ("A", "PgUp"), "chevron-left"),
        _act("unmarked", "The next picture with nothing marked", board.next_unmarked, looking, ("N",), "arrow-right"),
        _act("hide", "Hide or show all marks", mark.regions.toggle_all, looking, ("H",), "hide"),
    )


def _teaching(page: SegmentPage) -> tuple[Action, ...]:
    teach, controls = page.teach, page.controls

    def pictures() -> bool:
        return bool(page.board.contents.images)

    def can_start() -> bool:
        return page.mode == "teach" and teach.plan.start_button.isEnabled()

    def running() -> bool:
        return controls.running is not None

    def finished() -> bool:
        return page.finished is not None

    return (
        _act("mark", "Mark pictures", lambda: page.go("mark"), pictures, (), "segment"),
        _act("teach", "Teach a model what is marked", lambda: page.go("teach"), pictures, (), "train"),
        _act("results", "Before and after of the taught model", lambda: page.go("results"), pictures, (), "compare"),
        _act("start", "Start teaching", teach.start, can_start, ("Ctrl+Return",), "play"),
        _act("pause", "Pause or resume the teaching", controls.pause_or_resume, running, (), "pause"),
        _act("take", "Export the taught model…", page.export_model, finished, (), "upload"),
        _act("stop", "Stop teaching and keep what was learned", controls.stop_and_keep, running, (), "stop"),
    )


def _files(page: SegmentPage) -> tuple[Action, ...]:
    adding, services = page.adding, page.services

    def editable() -> bool:
        return can_edit(services)

    def marked() -> bool:
        return page.board.contents.marked > 0

    return (
        _act("add", "Add pictures…", adding.choose_files, editable, ("Ctrl+I",), "images"),
        _act("folder", "Add a folder of pictures…", adding.choose_folder, editable, ("Ctrl+Shift+I",), "folder"),
        _act("masks", "Bring masks in…", adding.choose_masks, editable, (), "mask"),
        _act("export", "Export masks…", page.export_masks, marked, ("Ctrl+E",), "upload"),
    )
