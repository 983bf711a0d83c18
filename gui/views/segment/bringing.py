"""Bringing masks of other tools in: which, in what format, and what the nameless ones are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.views.segment.marks import FIRST_LABEL
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.number import NumberBox
from gui.widgets.path_field import PathField
from gui.widgets.sheet import Sheet
from gui.widgets.text import Label
from projects.regions.exchange.formats import AUTOMATIC, FORMATS

_FILES = "Masks (*.json *.zip *.yaml *.png *.tif *.tiff *.bmp *.gif);;All files (*)"
_LOOK = "Look which it is"


@dataclass(frozen=True)
class MasksAsked:
    """What is to be brought in; see `projects.regions.exchange.sheet.Request`."""

    path: Path
    kind: str = AUTOMATIC
    pictures: Path | None = None
    label: str = FIRST_LABEL
    threshold: float = 0.5

    def as_data(self) -> dict[str, object]:
        """As the import's own process reads it."""
        pictures = str(self.pictures) if self.pictures is not None else None
        return {
            "path": str(self.path),
            "kind": self.kind,
            "pictures": pictures,
            "label": self.label,
            "threshold": self.threshold,
        }


class BringMasksSheet(Sheet):
    """The dialog; `asked` is the choice once it was accepted."""

    def __init__(self, parent: QWidget | None, source: Path | None = None) -> None:
        super().__init__(
            parent,
            "Bring masks in",
            "Marks made elsewhere, with their pictures where this project does not have them. The originals are only read, and one undo takes "
            "all of it back.",
            name="bringMasks",
            accept="Bring them in",
        )
        self.setMinimumWidth(580)
        self._source = PathField(name="bringMasks.source", words="File or folder of masks", files=_FILES)
        self._source.set_path(source)
        self._kind = ChoiceBox(name="bringMasks.kind", label="Format")
        self._kind.addItem(_LOOK, AUTOMATIC)
        for key, found in FORMATS.items():
            self._kind.addItem(found.title, key)
        self._what = Label(role="small", wrap=True)
        self._pictures = PathField(name="bringMasks.pictures", words="Folder of the pictures")
        self._name = QLineEdit(FIRST_LABEL)
        self._name.setObjectName("bringMasks.label")
        self._name.setAccessibleName("Label for masks without a name")
        self._name.setMaxLength(200)
        self._least = NumberBox(1, 100, name="bringMasks.threshold", words="Brightness from which a pixel counts")
        self._least.setSuffix(" %")
        self._least.setValue(50)
        for words, field in (
            ("File or folder", self._source),
            ("Format", self._kind),
            ("", self._what),
            ("Folder of the pictures, where they do not lie with the masks", self._pictures),
            ("Label for masks that bear no name", self._name),
            ("Soft masks: from this share of white on, a pixel counts", self._least),
        ):
            if words:
                self.body.addWidget(Label(words, role="small"))
            self.body.addWidget(field)
        self._source.changed.connect(self._refresh)
        self._name.textChanged.connect(lambda _text: self._refresh())
        self._kind.currentIndexChanged.connect(lambda _place: self._refresh())
        self._refresh()
        self._source.setFocus()

    @property
    def asked(self) -> MasksAsked | None:
        """The choice; None while nothing is named that is there."""
        path = self._source.path
        if path is None or not path.exists():
            return None
        label = self._name.text().strip() or FIRST_LABEL
        return MasksAsked(path, self._kind.currentData(), self._pictures.path, label, self._least.value() / 100)

    def _refresh(self) -> None:
        found = FORMATS.get(self._kind.currentData())
        self._what.setText(found.what if found is not None else "The report says what it was taken for.")
        self.accept_button.setEnabled(self.asked is not None)
