"""Home and Preferences: doors, recent projects, the sample, the hardware in words, settings that are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from engines.api.catalog import DeviceEntry
from gui import opening
from gui.recents import Recent
from gui.services import Services
from gui.views.home.computer import words_for
from gui.views.home.doors import DOORS
from gui.views.home.recent import contents
from gui.views.preferences import token
from gui.views.shell.window import MainWindow
from gui.widgets.card import Card
from gui.widgets.segmented import Segmented
from gui.widgets.text import ElidedLabel
from projects import queries
from projects.project import Project

_CPU = DeviceEntry(
    kind="cpu", title="CPU, 2 cores", memory_bytes=24 * 2**30, memory_free_bytes=21 * 2**30, precisions=("fp32",)
)


def test_every_door_says_where_it_leads(window: MainWindow) -> None:
    for door in DOORS:
        card = window.findChild(Card, f"home.{door.page}")
        assert card is not None
        assert card.accessibleName() == f"{door.title}. {door.sentence}"


def test_recent_projects_are_shown_and_can_be_opened_or_forgotten(
    window: MainWindow, services: Services, project: Project, qtbot: QtBot
) -> None:
    services.recents.seen(opening.describe(project))
    card = window.findChild(Card, "home.recent0")
    assert card is not None
    assert "4 photos" in " ".join(label.text() for label in card.findChildren(QLabel))
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: services.session.project is not None, timeout=20_000)
    assert window.current == "images"
    qtbot.waitUntil(lambda: services.background.active() == 0, timeout=20_000)
    qtbot.wait(10)
    services.recents.forget(str(project.root))
    qtbot.waitUntil(lambda: window.findChild(Card, "home.recent0") is None)


def test_a_recent_project_that_is_gone_is_told_in_words(
    window: MainWindow, services: Services, qtbot: QtBot, tmp_path: Path
) -> None:
    services.recents.seen(Recent(str(tmp_path / "gone"), "Gone", 1.0))
    card = window.findChild(Card, "home.recent0")
    assert card is not None
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.notices.shown is not None, timeout=20_000)
    assert window.notices.shown is not None
    assert window.notices.shown.level == "bad"
    assert services.session.project is None


def test_counts_in_words() -> None:
    recent = Recent("/a", "A", 0.0, images=1, concepts=2, runs=3)
    assert contents(recent) == "1 photo, 2 subjects, 3 trainings"
    assert contents(replace(recent, images=0, concepts=1, runs=0)) == "no photos yet"


def test_the_sample_is_ready_to_be_taught(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    opening.try_sample(services)
    qtbot.waitUntil(lambda: services.session.project is not None, timeout=60_000)
    project = services.session.project
    assert project is not None
    found = queries.concepts(project)
    assert len(found) == 3
    assert all(concept.trigger and concept.class_noun for concept in found)
    assert all(image.caption for image in queries.images(project))
    assert len(queries.images(project)) >= 18


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (_CPU, "No graphics card found"),
        (
            _CPU.model_copy(update={"kind": "cuda", "title": "NVIDIA T4", "memory_bytes": 15 * 2**30}),
            "Stable Diffusion 1.5 and 2.1",
        ),
        (_CPU.model_copy(update={"kind": "cuda", "title": "GTX 1050", "memory_bytes": 4 * 2**30}), "needs about 8 GB"),
        (
            _CPU.model_copy(update={"kind": "mps", "title": "Apple graphics", "memory_bytes": 32 * 2**30}),
            "Apple graphics found",
        ),
    ],
)
def test_the_hardware_in_words(device: DeviceEntry, words: str) -> None:
    assert words in words_for((device, _CPU))


def test_the_hardware_is_shown_when_it_was_looked_at(window: MainWindow, services: Services) -> None:
    services.set_devices((_CPU,))
    chip = window.bar.findChild(QAbstractButton, "topBar.hardware")
    assert chip is not None
    assert chip.text() == "CPU, 2 cores, 21 GB free"


def test_preferences_are_kept_at_once(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    window.go("preferences")
    theme = window.findChild(Segmented, "preferences.theme")
    startup = window.findChild(Segmented, "preferences.startup")
    folder = next(label for label in window.findChildren(ElidedLabel) if label.text().endswith("projects"))
    card = folder.parentWidget()
    assert card is not None
    assert card.rect().contains(folder.geometry()), "the projects folder is to be read"
    assert folder.width() > 40
    assert theme is not None
    assert startup is not None
    for owner, key in ((theme, "dark"), (startup, "home")):
        button = owner.findChild(QAbstractButton, f"{owner.objectName()}.{key}")
        assert button is not None
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    from gui.preferences import Preferences

    assert (Preferences().values.theme, Preferences().values.startup) == ("dark", "home")
    assert services.theme.tokens.dark
    services.theme.set_mode("light")


def test_a_missing_keyring_is_told_plainly(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    monkeypatch.setattr(keyring.core, "_keyring_backend", Keyring())
    window.go("preferences")
    state = window.findChild(QLabel, "preferences.tokenState")
    assert state is not None
    qtbot.waitUntil(lambda: "HF_TOKEN" in state.text(), timeout=20_000)
    with pytest.raises(token.KeyringMissingError):
        token.store("hf_secret")


def test_the_token_goes_to_the_keyring_and_nowhere_else(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr("keyring.get_password", lambda service, account: kept.get((service, account)))
    monkeypatch.setattr(
        "keyring.set_password", lambda service, account, secret: kept.update({(service, account): secret})
    )
    window.go("preferences")
    field = window.findChild(QLineEdit, "preferences.token")
    button = window.findChild(QAbstractButton, "preferences.keepToken")
    assert field is not None
    assert button is not None
    assert field.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, "hf_secret")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(kept), timeout=20_000)
    assert kept == {("lorikeet", "huggingface"): "hf_secret"}
    from engines.api import places

    written = b"".join(path.read_bytes() for path in places.state_home().rglob("*") if path.is_file())
    assert b"hf_secret" not in written
