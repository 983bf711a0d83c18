"""The four big cards of Home, each a door to one of the things Lorikeet does."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from engines.api import places
from gui.widgets.card import Card
from gui.widgets.picture import PictureView
from gui.widgets.text import Label

_HEAD_PX = 21


@dataclass(frozen=True)
class Door:
    """One card: its page, words, and picture in `resources/pictures`."""

    page: str
    title: str
    sentence: str
    picture: str


DOORS: tuple[Door, ...] = (
    Door(
        "images", "Teach a subject or a look", "A few photos in, a small adapter out that draws it anywhere.", "teach"
    ),
    Door("combine", "Combine", "Several of your subjects in one picture, each staying itself.", "combine"),
    Door("erase", "Erase", "Make a model forget something, and see what that did to the rest.", "erase"),
    Door("segment", "Segment", "Teach Segment Anything your own kind of image by clicking.", "segment"),
)


def door_card(door: Door) -> Card:
    """The card of a door; connect its `clicked`."""
    card = Card(name=f"home.{door.page}", clickable=True, padding=1)
    card.setAccessibleName(f"{door.title}. {door.sentence}")
    card.body.setSpacing(0)
    # Four doors of one width, whatever stands on them.
    card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    picture = PictureView(radius=13, top_only=True, ratio=1.86)
    picture.set_picture(QPixmap(str(places.resources() / "pictures" / f"{door.picture}.jpg")))
    card.body.addWidget(picture)
    words = QWidget()
    column = QVBoxLayout(words)
    column.setContentsMargins(17, 15, 17, 16)
    column.setSpacing(4)
    title = Label(door.title, role="title")
    title.setMinimumHeight(_HEAD_PX)
    column.addWidget(title)
    sentence = Label(door.sentence, role="muted", wrap=True)
    sentence.setMinimumHeight(36)
    column.addWidget(sentence)
    column.addStretch(1)
    card.body.addWidget(words, 1)
    return card
