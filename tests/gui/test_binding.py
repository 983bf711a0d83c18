"""The Qt binding itself: PySide6 6.12.0 on Python 3.11 gave back None and True once too often at every call, until the process died."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage


class Speaker(QObject):
    said = Signal(object)


def test_calls_do_not_wear_none_and_true_out(qapp):
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    speaker = Speaker()
    speaker.said.connect(lambda _what: None)
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(500):
        image.fill(QColor(1, 2, 3))
        speaker.said.emit(3)
    assert sys.getrefcount(None) > before[0] - 100
    assert sys.getrefcount(True) > before[1] - 100
