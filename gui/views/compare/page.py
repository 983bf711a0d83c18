"""The Compare page: pictures large, the verdict beside them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.actions import Action
from gui.services import Services
from gui.theme import tokens as design
from gui.views.compare import save, store
from gui.views.compare.header import CompareHeader
from gui.views.compare.listing import SubjectLister
from gui.views.compare.maker import Maker
from gui.views.compare.report import Report, read_report
from gui.views.compare.stage_panel import PicturePanel
from gui.views.compare.store import Wanted
from gui.views.compare.strip import CheckpointsCard
from gui.views.compare.subject import Asked, Stage, Subject
from gui.views.compare.verdict import TableCard, VerdictCard
from gui.views.library.export import ExportSheet
from gui.widgets.page import GUTTER, EmptyState, ScrollBody, columned

_RIGHT_PX = 330


class ComparePage(QWidget):
    """Arranges the page and keeps track of what is on show."""

    title = "Compare"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setObjectName("page.compare")
        self._services = services
        self._subjects: list[Subject] = []
        self._subject: Subject | None = None
        self._stage: Stage | None = None
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
            return self._stage is not None

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
        for card in (self._verdict, self._table, self._checkpoints):
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
        maker.measured.connect(lambda _file: self._read_report())
        maker.progress.connect(self._progressed)
        maker.failed.connect(self._services.notify)

    # --- what there is

    def _moved(self) -> None:
        if self.isVisible():  # else it looks when it comes into view
            self._lister.look()

    def _listed(self, subjects: list[Subject]) -> None:
        self._subjects = subjects
        self._stack.setCurrentIndex(0 if subjects else 1)
        wanted = self._services.runs.current
        known = {subject.id: subject for subject in subjects}
        before = self._subject.id if self._subject is not None else ""
        # The run the pages are about comes first, unless this page already shows another one on purpose.
        chosen = (
            known.get(before)
            if before in known and (wanted not in known or before.startswith("file:"))
            else known.get(wanted)
        )
        chosen = chosen or known.get(before) or (subjects[0] if subjects else None)
        if chosen is None:
            self._subject = self._stage = None
        elif self._subject is None or chosen.id != self._subject.id:
            self._choose_subject(chosen)
        elif chosen != self._subject:
            self._renew(chosen)
        self._header.show_subjects(subjects, chosen)

    def _choose_subject(self, subject: Subject) -> None:
        self._maker.stop()
        self._subject = subject
        if not subject.id.startswith("file:"):
            self._services.runs.set_current(subject.id)
        prompt = subject.prompts[0] if subject.prompts else ""
        self._panel.prompt.set_all(prompt, subject.seed, subject.trigger)
        self._stage = subject.default_stage()
        self._checkpoints.show_subject(subject, self._stage)
        self._show_stage()

    def _renew(self, subject: Subject) -> None:
        """The same subject has grown: keep what is on show."""
        self._subject = subject
        kept = subject.stage_of(self._stage.step) if self._stage is not None else None
        self._stage = kept or subject.default_stage()
        self._checkpoints.show_subject(subject, self._stage)
        self._show_stage()

    def _choose_stage(self, stage: Stage) -> None:
        self._stage = stage
        self._checkpoints.mark(stage)
        self._show_stage()
        if self._subject is not None and self._subject.picture(stage, self._panel.prompt.asked) is None:
            self._try()

    # --- showing

    def _set_mode(self, mode: str) -> None:
        self._panel.set_mode(mode)
        if mode == "grid" and self._subject is not None:
            self._panel.show_grid(self._subject)

    def _show_stage(self) -> None:
        stage = self._stage
        if stage is not None:
            self._panel.view.set_words("Before", stage.words)
        self._show_pair()
        self._read_report()
        if self._header.mode == "grid" and self._subject is not None:
            self._panel.show_grid(self._subject)

    def _show_pair(self) -> None:
        """Show the pictures for these words and this seed, as far as they were ever made."""
        subject, stage, asked = key = self._key()
        if subject is None or stage is None:
            return
        files = subject.picture(None, asked), subject.picture(stage, asked)
        for side, file in zip(("before", "after"), files, strict=True):
            self._panel.put(side, file, still=lambda: self._key() == key)
        self._panel.prompt.say_news("Press Try to make what is missing." if any(files) and not all(files) else "")

    def _edited(self) -> None:
        """Other words: what is on show stays, and is said to be of other words, unless these were tried before."""
        subject, stage, asked = self._key()
        if subject is None or stage is None:
            return
        known = subject.picture(None, asked) is not None and subject.picture(stage, asked) is not None
        if known:
            self._show_pair()
        else:
            old = any(not image.isNull() for image in self._panel.pair)
            self._panel.prompt.say_news("The pictures show what was asked before; press Try." if old else "")

    def _key(self) -> tuple[Subject | None, Stage | None, Asked]:
        """What is on show: a picture that arrives for anything else is not put up."""
        return self._subject, self._stage, self._panel.prompt.asked

    # --- making

    def _try(self) -> None:
        subject, stage, asked = self._key()
        if subject is None or stage is None or not asked.prompt:
            return
        self._show_pair()
        missing = [subject.wanted(one, asked) for one in (None, stage) if subject.picture(one, asked) is None]
        if missing:
            self._maker.make(missing)

    def _made(self, wanted: Wanted, file: Path) -> None:
        subject, stage, asked = key = self._key()
        side = "before" if wanted.adapter is None else "after"
        if subject is not None and wanted == subject.wanted(stage if side == "after" else None, asked):
            self._panel.put(side, file, still=lambda: self._key() == key)

    def _measure(self) -> None:
        if self._subject is not None and self._stage is not None and not self._maker.busy:
            self._maker.measure(self._subject, self._stage)

    def _make_grid(self) -> None:
        subject = self._subject
        if subject is not None:
            self._maker.grid(
                subject, subject.stages, subject.prompts, self._panel.prompt.asked.seed, subject.folder / "grid"
            )

    def _progressed(self, words: str, done: int, total: int) -> None:
        self._panel.show_progress(words, done, total)
        self._show_verdict()

    # --- the verdict

    def _read_report(self) -> None:
        subject, stage = self._subject, self._stage
        if subject is None or stage is None:
            return
        folder = subject.report_folder(stage)
        key = self._key()

        def came(report: Report | None) -> None:
            if self._key()[:2] == key[:2]:
                self._report = report
                self._show_verdict()

        self._services.background.run(lambda _task: read_report(folder), done=came)

    def _show_verdict(self) -> None:
        subject = self._subject
        if subject is None:
            return
        prompts, seeds = subject.measured_with()
        count = len(prompts) * len(seeds)
        self._verdict.show_report(self._report, count=count, photos=len(subject.photos), busy=self._maker.busy)
        self._table.show_report(self._report)

    # --- keeping

    def _save(self) -> None:
        subject, stage, asked = self._key()
        if subject is not None and stage is not None:
            save.ask_and_save(self._services, self, subject, stage, asked, self._panel.pair)

    def _export(self) -> None:
        if self._subject is not None and self._stage is not None:
            ExportSheet(self.window(), self._services, self._stage.file, self._subject.title).open()
