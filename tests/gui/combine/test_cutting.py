"""A subject is cut out of its photo by a click, and ways that need no teaching are offered from then on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.combine.cutting import CutSheet
from gui.views.combine.page import CombinePage
from tests.gui.combine.conftest import DISC, WAIT_MS, find, made
from tests.gui.stage import asked


def test_a_click_cuts_a_subject_out(pair: CombinePage, qtbot: QtBot) -> None:
    find(pair, "combine.cut.0").click()
    sheet = pair.findChild(CutSheet)
    qtbot.waitUntil(lambda: sheet.canvas.frame.picture_w == 64, timeout=WAIT_MS)
    assert not sheet.accept_button.isEnabled()
    middle = QPoint(sheet.canvas.width() // 2, sheet.canvas.height() // 2)
    qtbot.mouseClick(sheet.canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(sheet.accept_button.isEnabled, timeout=WAIT_MS)
    sheet.accept()
    part = pair.board.draft.parts[0]
    assert part.cutout.mask().same(DISC)
    assert part.photo.startswith("images/")
    pair.board.remove(1)
    assert "tuning_free" in [offer.entry.name for offer in pair.board.offers() if not offer.why]


def test_the_engine_is_given_the_photo_and_its_mask(pair: CombinePage, qtbot: QtBot, tmp_path: Path) -> None:
    find(pair, "combine.cut.0").click()
    sheet = pair.findChild(CutSheet)
    qtbot.waitUntil(lambda: sheet.canvas.frame.picture_w == 64, timeout=WAIT_MS)
    find(sheet, "combine.cut.next").click()
    find(sheet, "combine.cut.middle").click()
    qtbot.waitUntil(sheet.accept_button.isEnabled, timeout=WAIT_MS)
    chosen = sheet.photo.file
    sheet.accept()
    assert pair.board.draft.parts[0].photo == chosen
    made(pair, qtbot)
    request = next(one for one in asked(tmp_path) if one["type"] == "compose")
    concept = request["composition"]["concepts"][0]
    assert Path(concept["picture"]).is_file()
    assert np.array_equal(np.asarray(Image.open(concept["cutout"])) > 0, DISC.array())
    assert request["composition"]["concepts"][1]["picture"] == ""


def test_what_has_no_photos_says_so(pair: CombinePage, services: Services) -> None:
    pair.cut(1)
    assert "no photo of" in services.notices[-1].title
