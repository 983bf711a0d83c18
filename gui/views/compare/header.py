"""The head of Compare: which adapter, how the two pictures are shown, and keeping what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gui.views.compare.subject import Subject
from gui.widgets.buttons import PrimaryButton, QuietButton
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.page import PageHeader
from gui.widgets.segmented import Segmented

_MODES = (
    ("slider", "Slider"),
    ("side", "Side by side"),
    ("blink", "Blink"),
    ("difference", "Difference"),
    ("grid", "Grid"),
)


class CompareHeader(PageHeader):
    """`choose` gets the place of a subject in the list, `mode` the key of a way to show."""

    def __init__(
        self,
        *,
        choose: Callable[[int], object],
        mode: Callable[[str], object],
        save: Callable[[], object],
        export: Callable[[], object],
    ) -> None:
        self._choice = ChoiceBox(name="compare.subject", label="Adapter to compare", letters=22)
        self._choice.setMaximumWidth(252)
        self._choice.activated.connect(choose)
        self._mode = Segmented(_MODES, name="compare.mode", label="How to show the two")
        self._mode.changed.connect(mode)
        self._save = QuietButton("Save sheet", name="compare.save", on_click=save)
        self._export = PrimaryButton("Export adapter", name="compare.export", on_click=export)
        super().__init__("Before and after", buttons=(self._choice, self._mode, self._save, self._export))

    @property
    def mode(self) -> str:
        """How the two are shown."""
        return self._mode.value

    def show_subjects(self, subjects: Sequence[Subject], chosen: Subject | None) -> None:
        """Show what there is to choose from."""
        for widget in (self._mode, self._save, self._export):
            widget.setVisible(bool(subjects))
        self._choice.setVisible(len(subjects) > 1)
        self._choice.clear()
        for subject in subjects:
            self._choice.addItem(subject.label)
        place = next((i for i, s in enumerate(subjects) if chosen is not None and s.id == chosen.id), -1)
        self._choice.setCurrentIndex(place)
        self.set_subtitle(chosen.label if chosen is not None and len(subjects) == 1 else "")
