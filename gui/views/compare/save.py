"""Saves a sheet of before and after: the measured one where there is one, else the pair on show."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.services import Services
from gui.views.compare.pairing import Pairing
from gui.views.compare.report import SHEET
from gui.views.compare.subject import Asked
from gui.widgets.notice import Notice
from projects.errors import UserError
from projects.files import atomic_path, safe_name

_EDGE, _GAP, _HEAD, _FOOT = 512, 24, 44, 56


def ask_and_save(
    services: Services, parent: QWidget, pairing: Pairing, asked: Asked, pair: tuple[QImage, QImage]
) -> None:
    """Ask where to, then save beside the window and say where it lies."""
    source = measured_sheet(pairing.report_folder)
    if source is None and any(image.isNull() for image in pair):
        services.notify(Notice("info", "There is no pair to save yet", "", "Press Try or Measure first."))
        return
    name = safe_name(f"{pairing.subject.title} before and after.png")
    path, _kind = QFileDialog.getSaveFileName(parent, "Save the sheet", str(Path.home() / name), "Pictures (*.png)")
    if not path:
        return
    target = Path(path).with_suffix(".png")
    words = f"{asked.prompt}, seed {asked.seed}, strength {asked.strength:g}"

    def work(_task: object) -> Path:
        if source is not None:
            return save_copy(source, target)
        left, right = pairing.sides
        return save_pair(pair, (left.title, right.title), words, target)

    def saved(where: Path) -> None:
        services.notify(Notice("good", "The sheet was saved", str(where)))

    services.background.run(work, done=saved, failed=services.notify)


def measured_sheet(folder: Path) -> Path | None:
    """The sheet of a measured comparison, if there is one."""
    path = folder / SHEET
    return path if path.is_file() else None


def save_copy(source: Path, target: Path) -> Path:
    """Copy a sheet to where the person wants it; raises UserError."""
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def save_pair(pair: tuple[QImage, QImage], titles: tuple[str, str], words: str, target: Path) -> Path:
    """Draw the pair (left, right) with its words, and save it as PNG; raises UserError."""
    sheet = QImage(_EDGE * 2 + _GAP * 3, _EDGE + _HEAD + _FOOT + _GAP, QImage.Format.Format_RGB32)
    sheet.fill(QColor("#FFFFFF"))
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    font = QFont()
    font.setPixelSize(18)
    for place, (image, title) in enumerate(zip(pair, titles, strict=True)):
        left = _GAP + place * (_EDGE + _GAP)
        area = QRectF(left, _HEAD, _EDGE, _EDGE)
        size = image.size().scaled(_EDGE, _EDGE, Qt.AspectRatioMode.KeepAspectRatio)
        where = QRectF(0, 0, size.width(), size.height())
        where.moveCenter(area.center())
        painter.drawImage(where, image)
        painter.setFont(font)
        painter.setPen(QColor("#1B1D1F"))
        painter.drawText(QRectF(left, 8, _EDGE, _HEAD - 12), int(Qt.AlignmentFlag.AlignVCenter), title)
    painter.setPen(QColor("#66696E"))
    foot = QRectF(_GAP, _HEAD + _EDGE + 8, sheet.width() - 2 * _GAP, _FOOT)
    painter.drawText(foot, int(Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap), words)
    painter.end()
    try:
        with atomic_path(target) as temporary:
            if not sheet.save(str(temporary), "PNG"):  # type: ignore[call-overload] # the stubs want bytes
                raise UserError(
                    "The sheet could not be saved", f"{target.name} could not be written.", "Choose another folder."
                )
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _unwritable(target: Path, error: OSError) -> UserError:
    return UserError("The sheet could not be saved", f"{target}: {error.strerror or error}.", "Choose another folder.")
