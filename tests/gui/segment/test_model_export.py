"""A taught model is taken elsewhere: the dialog says what can be made of it, a process writes it, and a stop leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from engines.api.catalog import Catalog
from engines.segmentation.describe import describe
from gui.services import Services
from gui.views.library.page import LibraryPage
from gui.views.segment.exporting.process import Exporting, said, step_of
from gui.views.segment.exporting.sheet import SegmentExportSheet
from gui.views.segment.exporting.wish import ExportWish, Kind, Source
from gui.views.segment.page import SegmentPage
from gui.views.shell.window import MainWindow
from gui.widgets.notice import Notice
from gui.workers.catalog import CatalogLoader
from projects.project import Project
from tests.gui import stage
from tests.gui.segment.conftest import WAIT_MS
from tests.gui.segment.test_teaching import finished, report


@pytest.fixture
def told(services: Services) -> list[Notice]:
    """Every notice."""
    notices: list[Notice] = []
    services.notice_asked.connect(notices.append)
    return notices


@pytest.fixture
def taught(page: SegmentPage, services: Services, project: Project, qtbot: QtBot) -> SegmentPage:
    """The page with what is on offer; runs come with `teach`."""
    loader = CatalogLoader(parent=services)
    loader._have(Catalog.model_validate({**stage.catalog().model_dump(), **describe()}))
    services.__dict__["catalog"] = loader
    return page


def teach(page: SegmentPage, project: Project, qtbot: QtBot, tuner: str = "lora") -> Path:
    """A finished run, measured."""
    folder = stage.add_adaptation(project, finished(), title="Discs <b>", tuner=tuner)
    report(project, folder)
    page.services.runs.look()
    qtbot.waitUntil(lambda: page.finished is not None, timeout=WAIT_MS)
    return folder


def open_sheet() -> SegmentExportSheet:
    """The dialog on show."""
    found = [one for one in QApplication.topLevelWidgets() if isinstance(one, SegmentExportSheet) and one.isVisible()]
    assert len(found) == 1
    return found[0]


def wish(folder: Path, source: Path, kind: Kind = "adapter") -> ExportWish:
    """To write an adapter into a folder."""
    return ExportWish(Source(source, "Discs", "lora", "starter"), kind, folder / "discs.safetensors", "starter")


def test_the_adapter_itself_goes_where_it_was_sent_and_the_window_says_so(
    taught: SegmentPage, project: Project, told: list[Notice], qtbot: QtBot
) -> None:
    folder = teach(taught, project, qtbot)
    taught.go("results")
    taught.results._export.click()
    sheet = open_sheet()
    sheet.choose("adapter")
    target = sheet.target
    assert target == project.root / "exports" / "Discs _b_.safetensors"
    assert str(target) in sheet._where.text()
    sheet.accept()
    assert not sheet._progress.isHidden()
    assert not sheet._form.isEnabled()
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    assert (told[0].level, told[0].text) == ("good", f"It went to {target}")
    assert [words for words, _call in told[0].actions] == ["Show in folder"]
    assert target.read_bytes() == (folder / "adapter.safetensors").read_bytes()
    qtbot.waitUntil(lambda: not isValid(sheet), timeout=WAIT_MS)


def test_what_does_not_merge_is_refused_in_words(taught: SegmentPage, project: Project, qtbot: QtBot) -> None:
    teach(taught, project, qtbot, "sam-adapter")
    taught.export_model()
    sheet = open_sheet()
    assert sheet.accept_button.isEnabled()
    sheet.choose("checkpoint")
    assert not sheet.accept_button.isEnabled()
    assert "cannot be merged" in sheet._where.text()
    assert "ONNX" in sheet._where.text()
    sheet.choose("onnx")
    assert sheet.accept_button.isEnabled()
    sheet.reject()


def test_each_kind_has_its_own_options_name_and_words(taught: SegmentPage, project: Project, qtbot: QtBot) -> None:
    folder = teach(taught, project, qtbot)
    taught.export_model()
    sheet = open_sheet()
    assert sheet.target == project.root / "exports" / "Discs _b_ ONNX"
    sheet._int8.setChecked(True)
    asked = ExportWish(Source.of_run(taught.finished), "onnx", sheet.target, "starter", int8=True).arguments()
    assert asked[:5] == ["segment", "export", str(folder / "adapter.safetensors"), "--to", "onnx"]
    assert asked[5:] == ["--out", str(sheet.target), "--base", "starter", "--json", "--int8"]
    sheet.choose("checkpoint")
    assert sheet._int8.isHidden()
    assert sheet.target.name == "Discs _b_ merged.safetensors"
    sheet._pickled.setChecked(True)
    assert sheet.target.name == "Discs _b_ merged.pth"
    sheet.target.parent.mkdir(exist_ok=True)
    sheet.target.write_bytes(b"mine")
    sheet._name.setText("Discs _b_ merged.PTH")
    assert sheet.target.name == "Discs _b_ merged.pth", "the ending is not said twice"
    assert not sheet.accept_button.isEnabled(), "nothing is ever replaced"
    assert "there already" in sheet._where.text()
    sheet.reject()


def test_a_stop_leaves_nothing_and_the_dialog_is_there_again(
    taught: SegmentPage, project: Project, told: list[Notice], qtbot: QtBot
) -> None:
    teach(taught, project, qtbot)
    taught.export_model()
    sheet = open_sheet()
    sheet.accept()
    target = sheet.target
    begun = target.with_name(f".{target.name}.0123456789ab.tmp")
    begun.mkdir(parents=True)
    (begun / "encoder.onnx").write_bytes(b"half")
    sheet.exporting.stop()
    assert list(target.parent.iterdir()) == []
    assert sheet.isVisible()
    assert sheet.accept_button.isEnabled()
    assert sheet._progress.isHidden()
    assert told == []
    sheet.reject()


def test_what_goes_wrong_is_said_in_the_dialog_or_without_it_in_the_window(
    taught: SegmentPage, project: Project, told: list[Notice], qtbot: QtBot
) -> None:
    folder = teach(taught, project, qtbot)
    (folder / "adapter.safetensors").write_bytes(b"torn")
    for closed in (False, True):
        taught.export_model()
        sheet = open_sheet()
        sheet.choose("adapter")
        sheet.accept()
        if closed:
            sheet.close()
            qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
            assert "damaged" in f"{told[0].title} {told[0].text}"
        else:
            qtbot.waitUntil(lambda sheet=sheet: not sheet._problem.isHidden(), timeout=WAIT_MS)
            assert "damaged" in sheet._problem.text()
            assert told == []
            sheet.reject()


def test_the_loss_of_eight_bits_is_told(tmp_path: Path) -> None:
    document = {"encoder_int8": {"overlap": 0.9714, "embedding": 0.02, "pictures": 3}}
    notice = said(wish(tmp_path, tmp_path / "a.safetensors", "onnx"), document)
    assert "0.971" in notice.hint
    assert "3 pictures" in notice.hint
    assert step_of("Exporting: 2 of 5 Writing and checking decoder.onnx") == (2, 5, "Writing and checking decoder.onnx")
    assert step_of("Note: it answers clicks") == (0, 0, "Note: it answers clicks")


def test_an_export_ends_with_the_window(services: Services, tmp_path: Path, qtbot: QtBot) -> None:
    source = stage.make_segment_adapter(tmp_path / "a.safetensors")
    exporting = Exporting(services, wish(tmp_path / "out", source))
    with qtbot.waitSignal(exporting.stopped, timeout=WAIT_MS):
        exporting.start()
        services.stopping.emit()
    assert not (tmp_path / "out" / "discs.safetensors").exists()


def test_the_library_shows_what_finds_things_and_leads_to_the_same_dialog(
    taught: SegmentPage, window: MainWindow, project: Project, qtbot: QtBot
) -> None:
    folder = teach(taught, project, qtbot)
    (project.root / "adapters").mkdir(exist_ok=True)
    stage.make_segment_adapter(project.root / "adapters" / "foreign.safetensors", title="Spots")
    window.go("library")
    library = window.page("library")
    assert isinstance(library, LibraryPage)
    qtbot.waitUntil(lambda: len(library._items) == 2, timeout=WAIT_MS)
    mine = next(item for item in library._items if not item.imported)
    foreign = next(item for item in library._items if item.imported)
    assert (mine.title, mine.method, mine.base) == ("Discs <b>", "LoRA", "starter")
    assert (foreign.title, foreign.base, foreign.problem) == ("Spots", None, "")
    assert mine.matches("nucleus segment")
    library._choose(foreign)
    library._act("export")
    sheet = open_sheet()
    assert sheet._model.parent() is not None, "a file from elsewhere does not know where its model lies"
    assert sheet._base() == "starter"
    sheet._model.set_path(Path("/models/sam_vit_b.pth"))
    assert sheet._base() == "file:/models/sam_vit_b.pth"
    sheet.reject()
    library._choose(mine)
    library._act("export")
    assert open_sheet()._source == Source(folder / "adapter.safetensors", "Discs <b>", "lora", "starter")
    open_sheet().reject()
    library._act("compare")
    assert taught.mode == "results"
    assert window.current == "segment"
