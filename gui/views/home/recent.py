"""The cards of recent projects: picture, name, what is in it and how long ago it was open."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QImageReader
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.recents import Recent, age
from gui.widgets.buttons import IconButton
from gui.widgets.card import Card
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel

_EDGE_PX = 74


def recent_card(recent: Recent, *, name: str) -> tuple[Card, PictureView, IconButton]:
    """The card, its picture (to be filled in) and its button for more."""
    card = Card(name=name, clickable=True, padding=12)
    sentence = contents(recent)
    card.setAccessibleName(f"Open {recent.name}. {sentence}")
    row = QHBoxLayout()
    row.setSpacing(12)
    picture = PictureView(radius=9)
    picture.setFixedSize(_EDGE_PX, _EDGE_PX)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addStretch(1)
    words.addWidget(ElidedLabel(recent.name, role="title"))
    words.addWidget(ElidedLabel(sentence, role="muted"))
    words.addWidget(ElidedLabel(age(recent.opened), role="small"))
    words.addStretch(1)
    more = IconButton("more", f"More about {recent.name}", name=f"{name}.more")
    row.addWidget(picture)
    row.addLayout(words, 1)
    row.addWidget(more, 0, Qt.AlignmentFlag.AlignTop)
    card.body.addLayout(row)
    return card, picture, more


def contents(recent: Recent) -> str:
    """What is in a project, in one line."""
    parts = [_count(recent.images, "photo") if recent.images else "no photos yet"]
    if recent.concepts > 1:
        parts.append(_count(recent.concepts, "subject"))
    if recent.runs:
        parts.append(_count(recent.runs, "training"))
    return ", ".join(parts)


def load_picture(path: str) -> QImage:
    """Read a thumbnail; a null picture when it is not there any more. Safe on any thread."""
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    return reader.read()


def filler() -> QWidget:
    """Keeps the columns of a row that is not full."""
    return QWidget()


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
