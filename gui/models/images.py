"""The pictures of a concept as a list that can be thousands long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt

from projects.records import Image

Show = Literal["all", "flagged", "uncaptioned"]
Index = QModelIndex | QPersistentModelIndex
_PATIENCE = 64
_DRAGGED = "application/x-lorikeet-photos"


def dragged_ids(data: QMimeData) -> tuple[str, ...]:
    """The pictures of this project that a drag carries; empty for a drag from anywhere else."""
    return tuple(bytes(data.data(_DRAGGED).data()).decode(errors="replace").split())


class ImagesModel(QAbstractListModel):
    """Holds records, never pixels. Refreshing keeps rows that are still there, and with them selection and scroll position.

    `describe` says what is to be said of a picture on hover and by screen readers, where it is not its caption that matters.
    """

    def __init__(self, parent: QObject | None = None, *, describe: Callable[[Image], str] | None = None) -> None:
        super().__init__(parent)
        self._describe = describe
        self._all: tuple[Image, ...] = ()
        self._rows: list[Image] = []
        self._row_of: dict[str, int] = {}
        self._text = ""
        self._show: Show = "all"
        self._words: dict[str, str] = {}

    @property
    def all_images(self) -> tuple[Image, ...]:
        """Every picture of the concept, shown or not."""
        return self._all

    def image(self, row: int) -> Image:
        """The picture in a row."""
        return self._rows[row]

    def row(self, image_id: str) -> int:
        """The row of a picture; -1 when it is not shown."""
        return self._row_of.get(image_id, -1)

    def set_flag_words(self, words: dict[str, str]) -> None:
        """What each flag means, for the tooltip."""
        self._words = words

    def set_images(self, images: Sequence[Image]) -> None:
        """Show the pictures as they are now."""
        self._all = tuple(images)
        self._refresh()

    def set_filter(self, text: str, show: Show) -> None:
        """Show only pictures whose caption or name holds `text`, and of those only the ones asked for."""
        if (text, show) != (self._text, self._show):
            self._text, self._show = text, show
            self._refresh()

    def touch_all(self) -> None:
        """Draw every picture again: something that is shown with them is different."""
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def touch(self, image_id: str) -> None:
        """Draw one picture again."""
        row = self.row(image_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row), [Qt.ItemDataRole.DecorationRole])

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """How many are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Caption for eyes and screen readers, words on hover, and the record for the delegate."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        image = self._rows[index.row()]
        if self._describe is not None and role in {Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole}:
            return self._describe(image)
        if role == Qt.ItemDataRole.DisplayRole:
            return image.caption or image.original_name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{image.original_name}. {image.caption or 'No caption'}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(image)
        return image if role == Qt.ItemDataRole.UserRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every picture can be dragged to another subject."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt's name
        """A drag is understood by this window only."""
        return [_DRAGGED]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        """The ids of these pictures, in the order of the page."""
        data = QMimeData()
        rows = sorted({index.row() for index in indexes})
        data.setData(_DRAGGED, " ".join(self._rows[row].id for row in rows).encode())
        return data

    def _tip(self, image: Image) -> str:
        lines = [f"{image.original_name}, {image.width} × {image.height}"]
        lines += [self._words.get(flag, flag) for flag in sorted(image.flags)]
        if image.mask:
            lines.append("Has a mask: only its white part is learned")
        if image.repeats > 1:
            lines.append(f"Seen {image.repeats} times in each round")
        return "\n".join(lines)

    def _wanted(self, image: Image) -> bool:
        if self._show == "flagged" and not image.flags:
            return False
        if self._show == "uncaptioned" and image.caption.strip():
            return False
        return not self._text or self._text.casefold() in f"{image.caption}\n{image.original_name}".casefold()

    def _refresh(self) -> None:
        wanted = [image for image in self._all if self._wanted(image)]
        old_ids = [image.id for image in self._rows]
        new_ids = [image.id for image in wanted]
        if new_ids[: len(old_ids)] == old_ids:
            self._append(wanted)
        elif not self._shrink(old_ids, new_ids):
            self.beginResetModel()
            self._take(wanted)
            self.endResetModel()
            return
        before = self._rows
        self._take(wanted)
        changed = [row for row, (old, new) in enumerate(zip(before, wanted, strict=True)) if old != new]
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def _append(self, wanted: list[Image]) -> None:
        more = wanted[len(self._rows) :]
        if more:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(wanted) - 1)
            self._take([*self._rows, *more])
            self.endInsertRows()

    def _shrink(self, old_ids: list[str], new_ids: list[str]) -> bool:
        """Remove rows one by one where only a few went; False when this is not such a case."""
        kept = set(new_ids)
        gone = [row for row, key in enumerate(old_ids) if key not in kept]
        if len(gone) > _PATIENCE or [key for key in old_ids if key in kept] != new_ids:
            return False
        for row in reversed(gone):
            self.beginRemoveRows(QModelIndex(), row, row)
            self._take([*self._rows[:row], *self._rows[row + 1 :]])
            self.endRemoveRows()
        return True

    def _take(self, rows: list[Image]) -> None:
        self._rows = rows
        self._row_of = {image.id: row for row, image in enumerate(rows)}
