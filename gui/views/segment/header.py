"""The buttons at the head of the page: what is being done, which model answers, what comes in and what goes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.services import Services
from gui.views.segment.adding import Adding
from gui.views.segment.contents import Contents
from gui.views.segment.teach.base_model import SegmentBaseSheet, base_title
from gui.views.segment.using import STARTER, Using
from gui.widgets.buttons import QuietButton
from gui.widgets.menu_button import Entry, MenuButton
from gui.widgets.segmented import Segmented
from gui.widgets.text import set_tip

Mode = Literal["mark", "teach", "results"]
_MODES = (("mark", "Mark"), ("teach", "Teach"), ("results", "Results"))
_MOST_RUNS = 8
_LONGEST_TITLE = 24


class HeaderButtons(QWidget):
    """Asks the page for its mode; `export` is called when masks are to be written.

    Signals:
        mode_chosen: "mark", "teach" or "results".
    """

    mode_chosen = Signal(str)

    def __init__(
        self,
        services: Services,
        using: Using,
        adding: Adding,
        export: Callable[[], object],
        window: QWidget,
    ) -> None:
        super().__init__()
        self._services, self._using, self._adding, self._window = services, using, adding, window
        self._modes = Segmented(_MODES, name="segment.mode", label="What to do")
        self._modes.changed.connect(self.mode_chosen)
        self._model = MenuButton("", self._models, name="segment.model", icon="chevron-down")
        self._add = MenuButton("Add…", self._sources, name="segment.add", icon="plus")
        self._export = QuietButton("Export masks…", name="segment.export", on_click=export)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for widget in (self._modes, self._model, self._add, self._export):
            row.addWidget(widget)

    @property
    def mode(self) -> Mode:
        """What is being done."""
        return cast("Mode", self._modes.value)

    def show_mode(self, mode: Mode) -> None:
        """Something else is being done."""
        self._modes.set_value(mode)

    def refresh(self, contents: Contents, *, can_add: bool) -> None:
        """Offer what can be done."""
        open_ = self._services.session.project is not None
        marking = self.mode == "mark"
        self._modes.setVisible(bool(contents.images))
        self._model.setVisible(bool(contents.images) and marking)
        title = self._using.title
        title = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
        self._model.setText(title.replace("&", "&&"))
        self._model.setAccessibleName(f"Clicks are answered by {self._using.title}")
        set_tip(self._model, "Which model answers your clicks")
        self._add.setVisible(open_ and marking)
        self._add.setEnabled(can_add)
        self._export.setVisible(open_ and marking and contents.marked > 0)

    def choose_base(self) -> None:
        """Ask for a plain model."""
        sheet = SegmentBaseSheet(self._window, self._using.base)
        if sheet.exec():
            self._using.use_base(sheet.base)

    def _models(self) -> list[Entry | None]:
        using = self._using
        plain = dict.fromkeys((STARTER, using.base))
        entries: list[Entry | None] = [
            Entry(
                base_title(base),
                partial(using.use_base, base),
                checked=using.run is None and using.base == base,
            )
            for base in plain
        ]
        entries.append(Entry("A checkpoint on this computer…", self.choose_base, "folder-open"))
        taught = using.offered()[:_MOST_RUNS]
        if taught:
            entries.append(None)
        for view in taught:
            mine = using.run is not None and using.run.id == view.id
            entries.append(Entry(f"{view.title}, taught here", partial(using.use_run, view.id), checked=mine))
        return entries

    def _sources(self) -> list[Entry | None]:
        return [
            Entry("Pictures…", self._adding.choose_files, "images"),
            Entry("A folder of pictures…", self._adding.choose_folder, "folder"),
            Entry("Masks made elsewhere…", self._adding.choose_masks, "mask"),
        ]
