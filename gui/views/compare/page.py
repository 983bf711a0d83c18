"""The Compare page: pictures large, the verdict beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.actions import Action
from gui.services import Services
from gui.theme import tokens as design
from gui.views.compare import save, store
from gui.views.compare.against import AgainstCard
from gui.views.compare.header import CompareHeader
from gui.views.compare.listing import SubjectLister
from gui.views.compare.maker import Maker
from gui.views.compare.pairing import Pairing, rivals, still_chosen
from gui.views.compare.report import Report, read_report
from gui.views.compare.stage_panel import PicturePanel
from gui.views.compare.store import Wanted
from gui.views.compare.strip import CheckpointsCard
from gui.views.compare.subject import Asked, Stage, Subject
from gui.views.compare.verdict import TableCard, VerdictCard
from gui.views.library.export import ExportSheet
from gui.widgets.page import GUTTER, EmptyState, ScrollBody, columned

_RIGHT_PX = 330
_SIDES = ("before", "after")


class ComparePage(QWidget):
    """Arranges the page and keeps track of what is on show."""

    title = "Compare"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.compare")
        self._services = services
        self._subjects: list[Subject] = []
        self._pairing: Pairing | None = None
        self._report: Report | None = None
        self._lister = SubjectLister(services, self)
        self._maker = Maker(services.interactive, self)
        self._header = CompareHeader(
            choose=lambda index: self._choose_subject(self._subjects[index]),
            mode=self._set_mode,
            save=self._save,
            export=self._export,
        )
        self._panel = PicturePanel(services.background, on_stop=self._maker.stop, on_grid=self._make_grid)
        self._against = AgainstCard(self._choose_rival)
        self._verdict = VerdictCard(self._measure)
        self._table = TableCard()
        self._checkpoints = CheckpointsCard(services.background, self._choose_stage)
        self._empty = EmptyState(
            "compare",
            "Nothing to compare yet",
            "Once something has been taught, this page shows the same words before and after, side by side or under a slider.",
            name="compare.empty",
            button="Go to Train",
            on_click=lambda: services.navigate("train"),
        )
        self._lay_out()
        self._connect()
        services.background.run(lambda _task: store.tidy(), priority=-1)
        self._lister.look()

    def page_actions(self) -> tuple[Action, ...]:
        """Commands for the palette and its shortcuts."""

        def there(_services: Services) -> bool:
            return self._pairing is not None

        return (
            Action("compare.try", "Try these words", lambda _s: self._try(), ("Ctrl+Return",), there, "play"),
            Action("compare.measure", "Measure before and after", lambda _s: self._measure(), (), there, "compare"),
            Action("compare.save", "Save the sheet…", lambda _s: self._save(), ("Ctrl+S",), there, "save"),
            Action("compare.export", "Export this adapter…", lambda _s: self._export(), ("Ctrl+E",), there, "upload"),
        )

    def shown(self) -> None:
        """The page came into view."""
        self._lister.look()

    # --- building

    def _lay_out(self) -> None:
        right = ScrollBody(margins=GUTTER)
        right.setFixedWidth(_RIGHT_PX + design.GAP)
        for card in (self._against, self._verdict, self._table, self._checkpoints):
            right.column.addWidget(card)
        right.column.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(design.GAP)
        columns.addWidget(self._panel, 1)
        columns.addWidget(right)
        self._stack = columned(self, self._header, columns, self._empty)

    def _connect(self) -> None:
        runs, maker = self._services.runs, self._maker
        self._lister.found.connect(self._listed)
        runs.changed.connect(self._moved)
        runs.current_changed.connect(self._moved)
        self._panel.prompt.pressed.connect(self._try)
        self._panel.prompt.edited.connect(self._edited)
        maker.made.connect(self._made)
        maker.grid_made.connect(self._panel.grid.put)
        maker.measured.connect(self._read_report)
        maker.progress.connect(self._progressed)
        maker.failed.connect(self._services.notify)

    # --- what there is

    def _moved(self) -> None:
        if self.isVisible():  # else it looks when it comes into view
            self._lister.look()

    def _listed(self, subjects: list[Subject]) -> None:
        self._subjects = subjects
        self._stack.setCurrentIndex(0 if subjects else 1)
        shown = self._pairing.subject.id if self._pairing is not None else ""
        chosen = still_chosen(subjects, shown, self._services.runs.current)
        if chosen is None:
            self._pairing = None
        elif chosen.id != shown:
            self._choose_subject(chosen)
        else:
            self._renew(chosen)
        self._header.show_subjects(subjects, chosen)
        self._show_rivals()

    def _choose_subject(self, subject: Subject) -> None:
        self._maker.stop()
        if not subject.id.startswith("file:"):
            self._services.runs.set_current(subject.id)
        self._panel.prompt.set_all(subject.prompts[0], subject.seed, subject.trigger)
        stage = subject.default_stage()
        self._pairing = Pairing(subject, stage) if stage is not None else None
        self._checkpoints.show_subject(subject, stage)
        self._show_rivals()
        self._show_pairing()

    def _renew(self, subject: Subject) -> None:
        """The same subject may have grown, its rival too: keep what is on show."""
        before = self._pairing
        pairing = before.renewed(subject, self._subjects) if before is not None else None
        if pairing != before:
            self._pairing = pairing
            self._checkpoints.show_subject(subject, pairing.stage if pairing is not None else None)
            self._show_pairing()
        elif self._report is None:
            self._read_report()  # it may have been measured in the background meanwhile

    def _choose_stage(self, stage: Stage) -> None:
        self._checkpoints.mark(stage)
        if self._pairing is not None:
            self._change(replace(self._pairing, stage=stage))

    def _choose_rival(self, rival: Subject | None) -> None:
        if self._pairing is not None:
            self._change(replace(self._pairing, rival=rival))
            self._show_rivals()

    def _change(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self._show_pairing()
        if not all(pairing.pictures(self._panel.prompt.asked)):
            self._try()

    # --- showing

    def _show_rivals(self) -> None:
        pairing = self._pairing
        found = rivals(self._subjects, pairing.subject) if pairing is not None else []
        self._against.show_rivals(found, pairing.rival if pairing is not None else None)

    def _set_mode(self, mode: str) -> None:
        self._panel.set_mode(mode)
        if mode == "grid" and self._pairing is not None:
            self._panel.show_grid(self._pairing)

    def _show_pairing(self) -> None:
        if self._pairing is None:
            return
        self._panel.view.set_words(*(side.title for side in self._pairing.sides))
        self._report = None
        self._show_pictures()
        self._read_report()
        self._set_mode(self._header.mode)

    def _show_pictures(self) -> None:
        """Show the pictures for these words and this seed, as far as they were ever made."""
        pairing, asked = key = self._key()
        if pairing is None:
            return
        files = pairing.pictures(asked)
        for side, file in zip(_SIDES, files, strict=True):
            self._panel.put(side, file, still=lambda: self._key() == key)
        self._panel.prompt.say_news("Press Try to make what is missing." if any(files) and not all(files) else "")

    def _edited(self) -> None:
        """Other words: what is on show stays, and is said to be of other words, unless these were tried before."""
        pairing, asked = self._key()
        if pairing is None:
            return
        if all(pairing.pictures(asked)):
            self._show_pictures()
        else:
            old = any(not image.isNull() for image in self._panel.pair)
            self._panel.prompt.say_news("The pictures show what was asked before; press Try." if old else "")

    def _key(self) -> tuple[Pairing | None, Asked]:
        """What is on show: a picture that arrives for anything else is not put up."""
        return self._pairing, self._panel.prompt.asked

    def _try(self) -> None:
        pairing, asked = self._key()
        if pairing is None or not asked.prompt:
            return
        self._show_pictures()
        both = zip(pairing.wanted(asked), pairing.pictures(asked), strict=True)
        missing = [wanted for wanted, there in both if there is None]
        if missing:
            self._panel.prompt.say_news("")
            self._maker.make(missing)

    def _made(self, wanted: Wanted, file: Path) -> None:
        pairing, asked = key = self._key()
        if pairing is None:
            return
        for side, mine in zip(_SIDES, pairing.wanted(asked), strict=True):
            if wanted == mine:
                self._panel.put(side, file, still=lambda: self._key() == key)

    def _measure(self) -> None:
        if self._pairing is not None and not self._maker.busy:
            self._maker.measure(self._pairing.question())

    def _make_grid(self) -> None:
        if self._pairing is not None:
            self._maker.grid(self._pairing, self._panel.prompt.asked.seed)

    def _progressed(self, words: str, done: int, total: int) -> None:
        self._panel.show_progress(words, done, total)
        self._show_verdict()

    # --- the verdict

    def _read_report(self) -> None:
        pairing = self._pairing
        if pairing is None:
            return
        folder = pairing.report_folder

        def came(report: Report | None) -> None:
            if self._pairing == pairing:
                self._report = report
                self._show_verdict()

        self._services.background.run(lambda _task: read_report(folder), done=came)

    def _show_verdict(self) -> None:
        pairing = self._pairing
        if pairing is None:
            return
        asked, both = pairing.question(), pairing.rival is not None
        count, photos = len(asked.prompts) * len(asked.seeds), len(asked.references)
        self._verdict.show_report(self._report, count=count, photos=photos, both=both, busy=self._maker.busy)
        self._table.show_report(self._report)

    def _save(self) -> None:
        pairing, asked = self._key()
        if pairing is not None:
            save.ask_and_save(self._services, self, pairing, asked, self._panel.pair)

    def _export(self) -> None:
        if self._pairing is not None:
            ExportSheet(self.window(), self._services, self._pairing.stage.file, self._pairing.subject.title).open()
