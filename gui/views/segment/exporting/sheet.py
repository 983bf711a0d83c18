"""The dialog: what to make of a finished adapter, under which name and where; then how far it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from engines.api.catalog import MethodEntry
from gui.services import Services
from gui.views.segment.exporting.process import Exporting
from gui.views.segment.exporting.wish import KINDS, ExportWish, Kind, Source, ending_of, first_name
from gui.widgets.card import Card, choice_card
from gui.widgets.notice import Notice
from gui.widgets.path_field import PathField
from gui.widgets.progress import ProgressLine
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label, set_tip
from projects.files import safe_name, unique_path

_ENDINGS = (".safetensors", ".pth")
_MODELS = "Segment Anything (*.pth *.pt *.safetensors)"
_STARTER = "starter"
_WHERE_PX = 34


class SegmentExportSheet(Sheet):
    """For one adapter. Closing it while something is written leaves that at work; a notice says how it ended."""

    def __init__(self, parent: QWidget | None, services: Services, source: Source) -> None:
        super().__init__(
            parent,
            f"Export “{source.title}”",
            "The adapter itself stays in your project; this writes files for use elsewhere.",
            name="segmentExport",
            accept="Export",
        )
        self.setMinimumWidth(600)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._services, self._source = services, source
        self._kind: Kind = "onnx"
        self._cards: dict[Kind, Card] = {}
        self.exporting: Exporting | None = None
        self._form = QWidget()
        self._problem = Label(role="bad", wrap=True)
        self._problem.hide()
        self._progress = ProgressLine(name="segmentExport.progress", on_stop=self._stop)
        self._progress.hide()
        self._lay_out()
        self.choose("onnx")
        if services.catalog.catalog is None:
            services.catalog.loaded.connect(self._refresh)
            services.catalog.load()

    @property
    def kind(self) -> Kind:
        """What is to be made."""
        return self._kind

    @property
    def target(self) -> Path | None:
        """Where it will go; None while its name or folder is missing."""
        folder, name = self._folder.path, self._name.text().strip()
        if folder is None or not name:
            return None
        ending = ending_of(self._kind, pickled=self._pickled.isChecked())
        if name.lower().endswith(_ENDINGS):
            name = name.rpartition(".")[0]
        return folder / (safe_name(name, fallback="adapter") + ending)

    def choose(self, kind: Kind) -> None:
        """Another kind of export."""
        self._kind = kind
        for key, card in self._cards.items():
            card.set_checked(key == kind)
        for option in (self._int8, self._colours):
            option.setVisible(kind == "onnx")
        self._pickled.setVisible(kind == "checkpoint")
        folder = self._folder.path
        first = first_name(self._source.title, kind)
        ending = ending_of(kind, pickled=self._pickled.isChecked())
        free = unique_path(folder / f"{first}{ending}").name if folder is not None else first
        self._name.setText(free.removesuffix(ending))
        self._refresh()

    def accept(self) -> None:
        """Begin to write; the dialog stays to show how far it is."""
        target = self.target
        if target is None or self.exporting is not None:
            return
        wish = ExportWish(
            self._source,
            self._kind,
            target,
            self._base(),
            int8=self._int8.isChecked(),
            colours=self._colours.isChecked(),
        )
        self.exporting = Exporting(self._services, wish)
        self.exporting.told.connect(self._progress.set)
        self.exporting.done.connect(self.close)
        self.exporting.stopped.connect(self._stopped)
        self.exporting.failed.connect(self._failed)
        self._problem.hide()
        self._progress.set(0, 0, "Beginning")
        self._refresh()
        self.exporting.start()

    def done(self, result: int) -> None:
        """Close; what is at work goes on, and the window says how it ended."""
        if self.exporting is not None:
            self.exporting.told.disconnect(self._progress.set)
            self.exporting.done.disconnect(self.close)
            self.exporting.stopped.disconnect(self._stopped)
            self.exporting.failed.disconnect(self._failed)
            self.exporting.failed.connect(self._services.notify)
            self.exporting = None
        super().done(result)

    # --- building

    def _lay_out(self) -> None:
        form = QVBoxLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(10)
        for words in KINDS:
            card = choice_card(words.title, words.what, name=f"segmentExport.{words.key}")
            card.clicked.connect(lambda key=words.key: self.choose(key))
            self._cards[words.key] = card
            form.addWidget(card)
        self._int8 = self._option("int8", "Smaller, with weights of eight bits")
        set_tip(
            self._int8, "About a quarter of the size, not faster. What it costs is measured, and told when it is done."
        )
        self._colours = self._option("colours", "For tools of the AnyLabeling family, which hand over colours")
        self._pickled = self._option("pth", "As .pth, for programs that read only Meta's own kind of file")
        self._pickled.toggled.connect(lambda _on: self._refresh())
        self._name = QLineEdit()
        self._name.setObjectName("segmentExport.name")
        self._name.setAccessibleName("Name")
        self._name.setMaxLength(200)
        self._name.textChanged.connect(lambda _text: self._refresh())
        self._folder = PathField(name="segmentExport.folder", words="Folder to write into")
        self._folder.set_path(self._first_folder())
        self._folder.changed.connect(self._refresh)
        self._model = PathField(name="segmentExport.base", words="Model it was made on", files=_MODELS, folders=False)
        self._model.changed.connect(self._refresh)
        self._where = Label(role="small", wrap=True)
        self._where.setObjectName("segmentExport.where")
        self._where.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._where.setMinimumHeight(_WHERE_PX)  # two lines, so that nothing is squeezed when it needs them
        for option in (self._int8, self._colours, self._pickled):
            form.addWidget(option)
        rows: list[tuple[str, QWidget]] = [("Name", self._name), ("In", self._folder)]
        if self._source.base is None:
            rows.insert(0, ("The model it was made on; empty for the built-in starter", self._model))
        for caption, field in rows:
            form.addWidget(Label(caption, role="small"))
            form.addWidget(field)
        form.addWidget(self._where)
        for widget in (self._form, self._problem, self._progress):
            self.body.addWidget(widget)

    def _option(self, key: str, words: str) -> QCheckBox:
        box = QCheckBox(words)
        box.setObjectName(f"segmentExport.{key}")
        return box

    def _first_folder(self) -> Path:
        project = self._services.session.project
        return project.root / "exports" if project is not None else Path.home()

    # --- following

    def _base(self) -> str:
        if self._source.base is not None:
            return self._source.base
        path = self._model.path
        return f"file:{path}" if path is not None else _STARTER

    def _unmerged(self) -> str:
        """Why there can be no checkpoint, in words; empty when there can."""
        catalog = self._services.catalog.catalog
        entries: tuple[MethodEntry, ...] = catalog.tuners if catalog is not None else ()
        way = next((entry for entry in entries if entry.name == self._source.tuner), None)
        if self._kind != "checkpoint" or way is None or way.merges:
            return ""
        return (
            f"“{way.title}” adds layers that a plain checkpoint has no place for, so this adapter cannot be merged into one. "
            "ONNX holds them: choose that."
        )

    def _refresh(self) -> None:
        busy, target = self.exporting is not None, self.target
        unmerged = self._unmerged()
        taken = target is not None and target.exists() and not busy
        self._form.setEnabled(not busy)
        self._progress.setVisible(busy)
        self.accept_button.setEnabled(target is not None and not taken and not unmerged and not busy)
        if self.reject_button is not None:
            self.reject_button.setText("Close" if busy else "Cancel")
        words = f"Goes to {target}" if target is not None else ""
        self._where.setText(unmerged or (f"{target} is there already; choose another name." if taken else words))

    def _stop(self) -> None:
        if self.exporting is not None:
            self.exporting.stop()

    def _stopped(self) -> None:
        self.exporting = None
        self._refresh()

    def _failed(self, notice: Notice) -> None:
        self.exporting = None
        self._problem.setText(f"{notice.title}. {notice.text} {notice.hint}".strip())
        self._problem.show()
        self._refresh()
        self.adjustSize()  # the sentence may need several lines
