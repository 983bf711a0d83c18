"""The subjects of the picture: a card each with photo, words and weight, and the way to add one more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.canvas.loading import show_file
from gui.forms.quiet import quiet_wheel, roomy
from gui.theme import tokens as design
from gui.views.combine.board import Board
from gui.views.combine.candidates import Candidate
from gui.views.combine.draft import LEAST, MOST, Part, called
from gui.views.combine.words import ask_words
from gui.widgets.buttons import IconButton, LinkButton
from gui.widgets.card import Card
from gui.widgets.layouts import clear
from gui.widgets.mark import Mark
from gui.widgets.menu_button import Entry, MenuButton
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label, set_tip
from gui.workers.background import Background

_PHOTO_PX, _SMALL_PX = 52, 34
_MOST_OFFERED = 6
_HEAVIEST = 2.0


class ConceptCards(QWidget):
    """Follows the board.

    Signals:
        wanted: a subject's words are wanted in the prompt; carries its number.
        cutting: a subject shall be cut out of a photo; carries its number.
    """

    wanted = Signal(int)
    cutting = Signal(int)

    def __init__(self, board: Board, background: Background) -> None:
        super().__init__()
        self._board = board
        self._background = background
        self._cards: list[_ConceptCard] = []
        self._drawn: object = None
        self._offers: object = None
        self._column = QVBoxLayout()
        self._column.setSpacing(design.GAP - 4)
        self.add_button = MenuButton("Add a subject", self._entries, name="combine.add", icon="plus")
        self.add_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._hint = Label(role="small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self._offered = QVBoxLayout()
        self._offered.setSpacing(8)
        column.addLayout(self._column)
        column.addWidget(self._hint)
        column.addLayout(self._offered)
        column.addWidget(self.add_button)
        board.changed.connect(self._renew)
        board.chosen_changed.connect(self._renew)
        board.candidates_changed.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        """Draw the cards anew only when other subjects are there, so that the keyboard stays where it is."""
        board = self._board
        parts = board.draft.parts
        known = tuple((part.source, part.name, called(part), board.candidate(part)) for part in parts)
        if known != self._drawn:
            self._drawn = known
            clear(self._column)
            self._cards = [
                _ConceptCard(board, self._background, number, want=self.wanted.emit, cut=self.cutting.emit)
                for number in range(len(parts))
            ]
            for card in self._cards:
                self._column.addWidget(card)
        for number, card in enumerate(self._cards):
            card.show_part(parts[number], chosen=number == board.chosen)
        self.add_button.setEnabled(not board.full and bool(board.candidates))
        missing = LEAST - len(parts)
        words = f"Choose {'two' if missing == LEAST else 'one more'} of them, up to {MOST}:" if missing > 0 else ""
        self._hint.setText(words)
        self._hint.setVisible(bool(words) and bool(board.candidates))
        self._offer(missing > 0)

    def _offer(self, wanted: bool) -> None:
        """While there are not enough, the newest subjects lie open to be taken; later the menu is enough."""
        there = {part.source for part in self._board.draft.parts}
        offered = [one for one in self._board.candidates if one.id not in there][:_MOST_OFFERED] if wanted else []
        if offered != self._offers:
            self._offers = offered
            clear(self._offered)
            for place, one in enumerate(offered):
                self._offered.addWidget(self._offered_card(place, one))

    def _offered_card(self, place: int, one: Candidate) -> Card:
        card = Card(name=f"combine.offered.{place}", clickable=True, padding=8)
        card.set_dashed(True)
        card.setAccessibleName(f"Add {one.title}, {one.how}")
        card.clicked.connect(partial(self._board.add, one))
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(_photo(self._background, one, _SMALL_PX))
        row.addWidget(ElidedLabel(f"{one.title}, {one.how}" if one.how else one.title), 1)
        row.addWidget(Mark("plus", 16))
        card.body.addLayout(row)
        return card

    def _entries(self) -> Sequence[Entry | None]:
        there = {part.source for part in self._board.draft.parts}
        return [self._entry(one, there=one.id in there) for one in self._board.candidates]

    def _entry(self, one: Candidate, *, there: bool) -> Entry:
        words = f"{one.title}, {one.how}" if one.how else one.title
        return Entry(words, partial(self._board.add, one), enabled=not there, why_not="It is in the picture already.")


class _ConceptCard(Card):
    """One subject. `want` is called with its number when its words are wanted in the prompt, `cut` when it shall be cut out."""

    def __init__(
        self,
        board: Board,
        background: Background,
        number: int,
        *,
        want: Callable[[int], object],
        cut: Callable[[int], object],
    ) -> None:
        part = board.draft.parts[number]
        colour = design.concept_colour(number)
        super().__init__(name=f"combine.part.{number}", clickable=True, padding=12, accent=colour.name())
        self._board, self._number = board, number
        self.clicked.connect(lambda: board.choose(number))
        candidate = board.candidate(part)
        gone = candidate is None and board.listed
        how = "The adapter is not there any more" if gone else candidate.how if candidate is not None else ""
        self.setAccessibleName(f"{part.name}. {how}. {called(part)}")
        photo = _photo(background, candidate, _PHOTO_PX)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(part.name, role="strong"))
        words.addWidget(ElidedLabel(how, role="warning" if gone else "muted"))
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(photo)
        head.addLayout(words, 1)
        remove = partial(board.remove, number)
        head.addWidget(
            IconButton("close", f"Leave out {part.name}", name=f"combine.remove.{number}", size=14, on_click=remove),
            0,
            Qt.AlignmentFlag.AlignTop,
        )
        self.body.setSpacing(8)
        self.body.addLayout(head)
        self.body.addLayout(self._foot(part, want, cut))

    def show_part(self, part: Part, *, chosen: bool) -> None:
        """Show what may change without other cards."""
        self.set_checked(chosen)
        self._weight.blockSignals(True)
        self._weight.setValue(part.weight)
        self._weight.blockSignals(False)

    def _foot(self, part: Part, want: Callable[[int], object], cut: Callable[[int], object]) -> QHBoxLayout:
        number = self._number
        chip = LinkButton(called(part), name=f"combine.insert.{number}", on_click=lambda: want(number))
        set_tip(chip, "Put these words into the prompt")
        chip.setAccessibleName(f"Put “{called(part)}” into the prompt")
        chip.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        chip.setStyleSheet("text-align: left")
        self._weight = QDoubleSpinBox()
        self._weight.setObjectName(f"combine.weight.{number}")
        self._weight.setAccessibleName(f"Strength of {part.name}")
        set_tip(self._weight, "How strongly it acts: 1 as it was taught, 0 not at all")
        self._weight.setRange(min(0.0, part.weight), max(_HEAVIEST, part.weight))
        self._weight.setSingleStep(0.05)
        self._weight.setPrefix("× ")
        self._weight.setFixedWidth(98)
        self._weight.setKeyboardTracking(False)
        quiet_wheel(self._weight)
        roomy(self._weight)
        self._weight.valueChanged.connect(self._weigh)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(chip, 1)
        row.addWidget(self._cut(cut))
        edit = partial(ask_words, self._board, number, self)
        row.addWidget(
            IconButton("edit", f"Words of {part.name}", name=f"combine.words.{number}", size=15, on_click=edit)
        )
        row.addWidget(self._weight)
        return row

    def _cut(self, cut: Callable[[int], object]) -> IconButton:
        tip = f"Cut {self._board.draft.parts[self._number].name} out of a photo, for ways that need no teaching"
        return IconButton("mask", tip, name=f"combine.cut.{self._number}", size=15, on_click=lambda: cut(self._number))

    def _weigh(self, weight: float) -> None:
        name = self._board.draft.parts[self._number].name
        self._board.set_part(self._number, f"Weigh {name}", weight=round(weight, 2))


def _photo(background: Background, candidate: Candidate | None, edge: int) -> PictureView:
    photo = PictureView(radius=8, empty="images")
    photo.setFixedSize(edge, edge)
    if candidate is not None and candidate.picture is not None:
        show_file(background, photo, candidate.picture, edge * 2)
    return photo
