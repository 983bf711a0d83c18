"""Exports an adapter for another tool: format, name and folder in plain words; never replacing a file unasked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLineEdit, QWidget
from shiboken6 import isValid

from engines.api.requests import Answer, Done, Dropped, Export, Refused
from engines.launch.adapter_info import describe
from gui.services import Services
from gui.views.library.targets import FORMATS, Format, Tool, find_tools
from gui.widgets.buttons import LinkButton, QuietButton
from gui.widgets.card import Card, choice_card
from gui.widgets.flow import FlowLayout
from gui.widgets.notice import Notice
from gui.widgets.sheet import Sheet, ask
from gui.widgets.text import Label, set_tip
from gui.workers.interactive import new_id
from projects.files import safe_name, unique_path

_WHERE_PX = 34


def target_path(folder: str, name: str, kind: Format) -> Path:
    """Where an export goes: a file, or a folder for peft."""
    plain = name.strip()
    plain = plain[: -len(".safetensors")] if plain.lower().endswith(".safetensors") else plain
    base = Path(folder).expanduser() / safe_name(plain, fallback="adapter")
    return base if kind == "peft" else base.with_name(f"{base.name}.safetensors")


class ExportSheet(Sheet):
    """The dialog for one adapter file."""

    def __init__(self, parent: QWidget | None, services: Services, source: Path, title: str) -> None:
        super().__init__(
            parent,
            f"Export “{title}”",
            "The adapter itself stays in your project; this writes a copy for another tool.",
            name="export",
            accept="Export",
        )
        self.setMinimumWidth(560)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._services = services
        self._source = source
        self._format: Format = "kohya"
        self._cards: dict[Format, Card] = {}
        for words in FORMATS:
            card = choice_card(words.title, words.where, name=f"export.{words.key}")
            card.clicked.connect(lambda key=words.key: self._choose(key))
            self._cards[words.key] = card
            self.body.addWidget(card)
        self._name = self._line("export.name", "File name", safe_name(title, fallback="adapter"))
        self.body.addWidget(Label("File name", role="small"))
        self.body.addWidget(self._name)
        self.body.addWidget(Label("Folder", role="small"))
        self._folder = self._line("export.folder", "Folder", str(self._first_folder()))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._folder, 1)
        row.addWidget(QuietButton("Choose…", name="export.browse", on_click=self._browse))
        self.body.addLayout(row)
        self._tools = QWidget()
        self._tool_row = FlowLayout(self._tools, spacing=14)
        self._tools.hide()
        self.body.addWidget(self._tools)
        self._captions = QCheckBox("Write the captions into the file, so that web UIs show their words")
        self._captions.setObjectName("export.captions")
        set_tip(self._captions, "Off, nothing of what you wrote about your photos leaves this computer with the file.")
        self.body.addWidget(self._captions)
        self._elsewhere = Label(role="small", wrap=True)
        self._elsewhere.setObjectName("export.elsewhere")
        self._elsewhere.hide()
        self.body.addWidget(self._elsewhere)
        self._where = Label(role="small", wrap=True)
        self._where.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._where.setMinimumHeight(_WHERE_PX)  # two lines, so that nothing is squeezed when it needs them
        self.body.addWidget(self._where)
        for line in (self._name, self._folder):
            line.textChanged.connect(lambda _text: self._refresh())
        self._choose("kohya")
        services.background.run(lambda _task: find_tools(), done=self._offer)
        services.background.run(lambda _task: describe(source).elsewhere, done=self._warn)

    @property
    def target(self) -> Path:
        """Where it will go."""
        return target_path(self._folder.text(), self._name.text(), self._format)

    def accept(self) -> None:
        """Export; asks before it replaces anything."""
        target = self.target
        overwrite = False
        if target.exists():
            overwrite = ask(
                self,
                "Replace what is there?",
                f"“{target.name}” exists in that folder already. Replacing it cannot be undone.",
                accept="Replace",
                danger=True,
                name="export.replace",
            )
            if not overwrite:
                self._name.setText(unique_path(target).stem if self._format != "peft" else unique_path(target).name)
                return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._services.notify(
                Notice(
                    "bad",
                    "The folder cannot be made",
                    f"{target.parent}: {error.strerror or error}.",
                    "Choose another folder.",
                )
            )
            return
        request = Export(
            id=new_id("export"),
            file=str(self._source),
            target=str(target),
            format=self._format,
            overwrite=overwrite,
            include_captions=self._captions.isChecked(),
        )
        services = self._services
        services.notify(Notice("info", "Exporting", str(target)))
        services.interactive.request(request, lambda answer: told(services, answer, target))
        super().accept()

    def _line(self, name: str, spoken: str, text: str) -> QLineEdit:
        line = QLineEdit(text)
        line.setObjectName(name)
        line.setAccessibleName(spoken)
        return line

    def _choose(self, key: Format) -> None:
        self._format = key
        for name, card in self._cards.items():
            card.set_checked(name == key)
        self._refresh()

    def _refresh(self) -> None:
        usable = bool(self._name.text().strip()) and bool(self._folder.text().strip())
        self.accept_button.setEnabled(usable)
        exists = usable and self.target.exists()
        self._where.setText(
            f"Goes to {self.target}" + (" (exists already; you will be asked)" if exists else "") if usable else ""
        )

    def _first_folder(self) -> Path:
        project = self._services.session.project
        return project.root / "exports" if project is not None else Path.home()

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Export into", self._folder.text())
        if path:
            self._folder.setText(str(Path(path)))

    def _warn(self, words: str) -> None:
        if isValid(self):
            self._elsewhere.setText(words)
            self._elsewhere.setVisible(bool(words))

    def _offer(self, tools: tuple[Tool, ...]) -> None:
        if not isValid(self):
            return  # closed meanwhile
        for place, tool in enumerate(tools):
            button = LinkButton(f"Into {tool.title}", name=f"export.tool.{place}")
            set_tip(button, str(tool.folder))
            button.clicked.connect(lambda _checked=False, folder=tool.folder: self._folder.setText(str(folder)))
            self._tool_row.addWidget(button)
        self._tools.setVisible(bool(tools))


def told(services: Services, answer: Answer, target: Path) -> None:
    """Say how an export ended, and where the file lies."""
    if isinstance(answer, Done):
        folder = target.parent

        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

        services.notify(Notice("good", "The adapter was exported", str(target), actions=(("Show in folder", show),)))
    elif isinstance(answer, Refused):
        services.notify(Notice("bad", answer.title, answer.what, answer.hint))
    elif isinstance(answer, Dropped):
        services.notify(
            Notice(
                "warning", "The export was dropped", "Another one was asked for before it was done.", "Export again."
            )
        )
