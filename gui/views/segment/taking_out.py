"""Taking masks out for other tools: in which format, and where to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from gui.services import Services
from gui.widgets.card import Card, choice_card
from gui.widgets.notice import Notice
from gui.widgets.page import ScrollBody
from gui.widgets.path_field import PathField
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label
from gui.workers.background import Task
from projects.files import safe_name, unique_path
from projects.project import Project
from projects.regions.exchange.formats import FORMATS
from projects.regions.exchange.target import Options
from projects.regions.exporting import ExportReport, export_masks

_FIRST = "coco"
_BOTH = frozenset({"coco", "labelme"})
_LIST_PX = 300


class TakeMasksSheet(Sheet):
    """The dialog."""

    def __init__(self, parent: QWidget | None, project: Project) -> None:
        super().__init__(
            parent,
            "Export masks",
            "Writes every picture with marks that you kept, and these marks, into a new folder.",
            name="takeMasks",
            accept="Export",
        )
        self.setMinimumWidth(580)
        self._project = project
        self._cards: dict[str, Card] = {}
        self.kind = _FIRST
        choices = ScrollBody(margins=(0, 0, 12, 0), spacing=8)
        choices.setMinimumHeight(_LIST_PX)
        for key, found in FORMATS.items():
            card = choice_card(found.title, found.what, name=f"takeMasks.{key}")
            card.clicked.connect(lambda key=key: self.choose(key))
            self._cards[key] = card
            choices.column.addWidget(card)
        self._outlines = QCheckBox("Outlines in place of masks, for tools that know no masks")
        self._outlines.setObjectName("takeMasks.polygons")
        self._name = QLineEdit()
        self._name.setObjectName("takeMasks.name")
        self._name.setAccessibleName("Name of the folder")
        self._name.setMaxLength(200)
        self._folder = PathField(name="takeMasks.folder", words="Folder to write into")
        self._folder.set_path(project.root / "exports")
        self._where = Label(role="small", wrap=True)
        self.body.addWidget(choices, 1)
        self.body.addWidget(self._outlines)
        self.body.addWidget(Label("Name of the new folder", role="small"))
        self.body.addWidget(self._name)
        self.body.addWidget(Label("In", role="small"))
        self.body.addWidget(self._folder)
        self.body.addWidget(self._where)
        self._name.textChanged.connect(lambda _text: self._refresh())
        self._folder.changed.connect(self._refresh)
        self.choose(_FIRST)

    @property
    def target(self) -> Path | None:
        """The folder that will be made; None while its name or place is missing."""
        folder, name = self._folder.path, self._name.text().strip()
        return folder / safe_name(name) if folder is not None and name else None

    @property
    def options(self) -> Options:
        """Outlines or masks, where the format knows both."""
        return Options(polygons=self._outlines.isChecked() and self.kind in _BOTH)

    def choose(self, kind: str) -> None:
        """Another format."""
        self.kind = kind
        for key, card in self._cards.items():
            card.set_checked(key == kind)
        self._outlines.setVisible(kind in _BOTH)
        folder = self._folder.path or self._project.root / "exports"
        self._name.setText(unique_path(folder / safe_name(f"{self._project.name} {FORMATS[kind].title}")).name)
        self._refresh()

    def _refresh(self) -> None:
        target = self.target
        taken = target is not None and target.exists()
        self.accept_button.setEnabled(target is not None and not taken)
        words = f"Goes to {target}" if target is not None else ""
        self._where.setText(f"{target} is there already; choose another name." if taken else words)


def take_out(services: Services, project: Project, kind: str, target: Path, options: Options) -> Task[ExportReport]:
    """Write the masks beside the window, and say how it ended."""
    services.notify(Notice("info", "Exporting masks", str(target)))

    def work(task: Task[ExportReport]) -> ExportReport:
        return export_masks(
            project, target, kind, options=options, progress=lambda _done, _total, _name: not task.cancelled
        )

    return services.background.run(work, done=lambda report: services.notify(_said(report)), failed=services.notify)


def _said(report: ExportReport) -> Notice:
    folder = report.folder
    if folder is None:
        return Notice("warning", "The masks were not exported", report.lines[0].title if report.lines else "")
    masks = f"{report.regions} mask{'' if report.regions == 1 else 's'}"
    pictures = f"{report.pictures} picture{'' if report.pictures == 1 else 's'}"
    lost = " ".join(f"{line.title}. {line.hint}".strip() for line in report.lines[:3])

    def show() -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    return Notice("good", f"{masks} of {pictures} exported", str(folder), lost, (("Show in folder", show),), stays=True)
