"""The right column of Images: the selected pictures, their caption, and what can be done with them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPixmap, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from gui import opening
from gui.models.thumbnails import Thumbnails
from gui.services import Services
from gui.widgets.buttons import DangerButton, LinkButton, QuietButton
from gui.widgets.card import Card, separator
from gui.widgets.chips import Chip
from gui.widgets.flow import FlowLayout
from gui.widgets.layouts import clear
from gui.widgets.number import NumberBox
from gui.widgets.page import EmptyState
from gui.widgets.picture import PictureView
from gui.widgets.text import ElidedLabel, Label, set_tip
from projects import edits
from projects.records import Image

_PREVIEW_EDGE = 512
_KEEP_AFTER_MS = 1500


class CaptionField(QPlainTextEdit):
    """The caption; `done` when the typing is over for now."""

    done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("images.caption")
        self.setAccessibleName("Caption")
        self.setTabChangesFocus(True)
        self.setFixedHeight(92)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_KEEP_AFTER_MS)
        self._pause.timeout.connect(self.done.emit)
        self.textChanged.connect(self._typed)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Leaving the field keeps what was typed."""
        super().focusOutEvent(event)
        self.done.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Ctrl+Enter keeps what was typed."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.done.emit()
            return
        super().keyPressEvent(event)

    def _typed(self) -> None:
        if self.document().isModified():
            self._pause.start()


class Inspector(Card):
    """Shows and edits the selection.

    Signals:
        remove_asked: take the selected pictures out.
    """

    remove_asked = Signal()

    def __init__(self, services: Services, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(name="images.inspector", padding=16, parent=parent)
        self.setAccessibleName("Selected photos")
        self._services = services
        self._thumbnails = thumbnails
        self._images: tuple[Image, ...] = ()
        self._words: dict[str, str] = {}
        self._picture = PictureView(name="images.preview", fit="fit", radius=10)
        self._picture.setFixedHeight(190)
        self._title = ElidedLabel(role="title")
        self._facts = Label(role="small")
        self._flags = QWidget()
        self._flag_row = FlowLayout(self._flags, spacing=6)
        self.caption = CaptionField()
        self.caption.done.connect(self.commit)
        self._bulk = self._make_bulk()
        self._repeats = NumberBox(1, edits.MOST_REPEATS, name="images.repeats", words="Times seen in each round")
        self._repeats.valueChanged.connect(self._set_repeats)
        self._remove = DangerButton("Remove", name="images.remove", icon="trash", on_click=self.remove_asked.emit)
        self._arrange()
        thumbnails.ready.connect(self._thumbnail_ready)
        self.show_images(())

    def set_flag_words(self, words: dict[str, str]) -> None:
        """What each flag means."""
        self._words = words

    def show_images(self, images: tuple[Image, ...]) -> None:
        """Show another selection, or the same one as it is now."""
        same = [item.id for item in images] == [item.id for item in self._images]
        if not same:
            self.commit()
        typing = same and self.caption.hasFocus() and self.caption.document().isModified()
        self._images = images
        self._details.setVisible(bool(images))
        self._nothing.setVisible(not images)
        self._refresh_head()
        if not typing:
            self._refresh_caption()
        self._repeats.blockSignals(True)
        self._repeats.setValue(images[0].repeats if images else 1)
        self._repeats.blockSignals(False)
        self._bulk.setVisible(len(images) > 1)
        editable = not self._services.session.read_only
        self.caption.setReadOnly(not editable)
        for widget in (self._bulk, self._remove, self._repeats):
            widget.setEnabled(editable)

    def commit(self) -> None:
        """Keep what is being typed."""
        if not self.caption.document().isModified() or not self._images:
            return
        self.caption.document().setModified(False)
        ids, text = tuple(item.id for item in self._images), self.caption.toPlainText().strip()
        if any(item.caption != text for item in self._images):
            opening.apply(self._services, lambda project: edits.set_caption(project, ids, text))

    def edit_caption(self) -> None:
        """Take the keyboard to the caption."""
        self.caption.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.caption.selectAll()

    def _arrange(self) -> None:
        self._nothing = EmptyState(
            "edit",
            "Select photos",
            "Click one to see it and write its caption. Hold Ctrl or Shift to caption several at once.",
            name="images.nothing",
        )
        self.body.addWidget(self._nothing)
        self._details = QWidget()
        self.body.addWidget(self._details)
        body = QVBoxLayout(self._details)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(7)
        body.addWidget(self._picture)
        body.addWidget(self._title)
        body.addWidget(self._facts)
        body.addWidget(self._flags)
        body.addSpacing(4)
        row = QHBoxLayout()
        row.addWidget(Label("Caption", role="strong"))
        row.addStretch(1)
        insert = LinkButton("+ trigger", name="images.insertTrigger", on_click=self._insert_trigger)
        set_tip(insert, "Puts [trigger] at the cursor; it becomes the trigger word when training begins")
        row.addWidget(insert)
        body.addLayout(row)
        body.addWidget(self.caption)
        body.addWidget(self._bulk)
        body.addWidget(separator())
        row = QHBoxLayout()
        words = Label("Times seen in each round", wrap=True)
        row.addWidget(words, 1)
        self._repeats.setFixedWidth(76)
        row.addWidget(self._repeats)
        body.addLayout(row)
        body.addStretch(1)
        body.addWidget(self._remove, 0, Qt.AlignmentFlag.AlignLeft)

    def _make_bulk(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._add_text = _line("images.addText", "Words to add", "Words to add")
        before = QuietButton("Before", name="images.addBefore", on_click=partial(self._add, before=True))
        after = QuietButton("After", name="images.addAfter", on_click=partial(self._add, before=False))
        column.addLayout(_row(self._add_text, before, after))
        self._find = _line("images.find", "Words to replace", "Replace")
        self._with = _line("images.with", "Replacement", "with")
        column.addLayout(
            _row(self._find, self._with, QuietButton("Replace", name="images.replace", on_click=self._replace))
        )
        for button in box.findChildren(QWidget):
            if button.property("kind") == "quiet":
                button.setProperty("small", "true")
        return box

    def _refresh_head(self) -> None:
        count = len(self._images)
        clear(self._flag_row)
        if not count:
            self._picture.set_picture(None)
            return
        first = self._images[0]
        self._title.setText(first.original_name if count == 1 else f"{count} photos selected")
        mask = ", with a mask" if first.mask else ""
        self._facts.setText(
            f"{first.width} × {first.height}{mask}" if count == 1 else "Words you write go to all of them."
        )
        for flag in sorted(first.flags) if count == 1 else ():
            self._flag_row.addWidget(Chip(self._words.get(flag, flag), level="warning"))
        self._flags.updateGeometry()
        self._show_picture()

    def _show_picture(self) -> None:
        project = self._services.session.project
        if not self._images or project is None:
            return
        first = self._images[0]
        large = self._thumbnails.get(project, first, _PREVIEW_EDGE)
        found: QPixmap | None = large or self._thumbnails.get(project, first, 256)
        self._picture.set_picture(found)

    def _thumbnail_ready(self, image_id: str) -> None:
        if self._images and self._images[0].id == image_id:
            self._show_picture()

    def _refresh_caption(self) -> None:
        captions = {item.caption for item in self._images}
        self.caption.setPlaceholderText(
            "Different captions; write to replace them all"
            if len(captions) > 1
            else "What is to be seen, in plain words"
        )
        self.caption.setPlainText(captions.pop() if len(captions) == 1 else "")
        self.caption.document().setModified(False)

    def _insert_trigger(self) -> None:
        self.caption.insertPlainText("[trigger]")
        self.caption.document().setModified(True)
        self.caption.setFocus()

    def _ids(self) -> tuple[str, ...]:
        self.commit()
        return tuple(item.id for item in self._images)

    def _add(self, *, before: bool) -> None:
        text, ids = self._add_text.text().strip(), self._ids()
        if text and ids:
            prefix, suffix = (f"{text} ", "") if before else ("", f" {text}")
            opening.apply(
                self._services, lambda project: edits.add_to_captions(project, ids, prefix=prefix, suffix=suffix)
            )

    def _replace(self) -> None:
        find, text, ids = self._find.text(), self._with.text(), self._ids()
        if find and ids:
            opening.apply(self._services, lambda project: edits.replace_in_captions(project, ids, find, text))

    def _set_repeats(self, value: int) -> None:
        ids = self._ids()
        if ids:
            opening.apply(self._services, lambda project: edits.set_repeats(project, ids, value))


def _line(name: str, words: str, placeholder: str) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(words)
    field.setPlaceholderText(placeholder)
    field.setProperty("small", "true")
    return field


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QLineEdit) else 0)
    return row
