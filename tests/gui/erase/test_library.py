"""Erasers in the library are a kind of their own, and lead to the page that shows what they do."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.services import Services
from gui.views.library.page import LibraryPage
from projects.project import Project
from tests.gui.erase.conftest import WAIT_MS, add_erasure, find, finished, report_of


def test_an_eraser_is_a_kind_of_its_own(services: Services, project: Project, qtbot: QtBot) -> None:
    folder = add_erasure(project, finished(), targets=("snowman", "<b>car</b>"), report=report_of())
    services.session.adopt(project)
    page = LibraryPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.findChild(QWidget, f"library.{folder.name}") is not None, timeout=WAIT_MS)
    card = find(page, f"library.{folder.name}")
    words = [label.text() for label in card.findChildren(QLabel)]
    assert "erases" in words
    assert any(one.startswith("Membrane") for one in words)
    item = page._items[0]
    assert item.picture == folder / "compare" / "step-000000" / "erased-000.png"
    assert item.matches("eraser car")
    assert "snowman, <b>car</b>" in [label.text() for label in find(page, "library.detail").findChildren(QLabel)]
    shown: list[str] = []
    services.runs.results_asked.connect(shown.append)
    assert find(page, "library.compare").text() == "Before and after"
    find(page, "library.compare").click()
    assert services.places == ["erase"]
    assert shown == [folder.name]
    find(page, "library.repeat").click()
    assert services.places == ["erase", "erase"]
