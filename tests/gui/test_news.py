"""The end of a training is told whichever page is in view, once, and also when it came while the window was closed."""

from __future__ import annotations

import pytest

from engines.api import events as ev
from gui.app import make_services
from gui.views.shell.news import News
from gui.workers import runs as runs_module
from tests.gui.stage import add_adaptation, add_run, make_project, make_stage, started, tell

FINISHED = ev.Finished(step=300, adapter="adapter.safetensors", sha256="0" * 64, bytes=5000, seconds=50.0)


class Window:
    """Services with news over them, as one window has them; every notice is kept."""

    def __init__(self, services, page="home"):
        self.services, self.page, self.notices, self.places = services, page, [], []
        services.notice_asked.connect(self.notices.append)
        services.navigation_asked.connect(self.places.append)
        self.news = News(services, lambda: self.page, services)

    def open(self, qtbot, project):
        self.services.session.adopt(project)
        qtbot.waitUntil(lambda: self.services.runs.listed, timeout=8000)

    def close(self):
        self.services.stop()
        self.services.session.close()


@pytest.fixture
def window(qapp, tmp_path):
    made = Window(make_stage(qapp, tmp_path))
    yield made
    made.close()


def test_the_end_is_told_on_any_page_once_and_leads_to_the_pictures(window, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    window.open(qtbot, project)
    assert window.notices == []
    tell(folder, FINISHED)
    qtbot.waitUntil(lambda: bool(window.notices), timeout=5000)
    notice = window.notices[0]
    assert "is taught" in notice.title
    assert notice.lasting
    notice.actions[0][1]()
    assert (window.places, window.services.runs.current) == (["compare"], folder.name)
    window.services.runs.look()
    qtbot.wait(400)
    assert len(window.notices) == 1


def test_how_far_it_is_stands_in_the_bar_of_every_page(window, tmp_path, qtbot):
    heard = []
    window.news.standing.connect(heard.append)
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    window.open(qtbot, project)
    for event, words in (
        (ev.Step(step=12, loss=0.4, learning_rate=1e-4), "Training, 12 of 300"),
        (ev.Paused(step=13), "Paused at 13 of 300"),
        (FINISHED, ""),
    ):
        tell(folder, event)
        qtbot.waitUntil(lambda words=words: heard[-1:] == [words], timeout=5000)


def test_nothing_is_said_to_somebody_who_watched_it_end(window, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    window.open(qtbot, project)
    window.page = "train"
    window.services.runs.set_current(folder.name)
    tell(folder, FINISHED)
    qtbot.waitUntil(lambda: window.services.runs.view(folder.name).state.phase == "finished", timeout=5000)
    window.page = "home"
    window.services.runs.changed.emit()
    assert window.notices == []


def test_what_ended_while_the_window_was_closed_is_told_when_it_opens_again(qapp, tmp_path, qtbot):
    first = Window(make_services(qapp, theme="light"))
    project = make_project(tmp_path / "p")
    root = project.root
    folder = add_run(project, [started()])
    first.open(qtbot, project)
    first.close()
    tell(folder, ev.Failed(title="The memory is full", what="It needs more.", expected=True))
    second = Window(make_services(qapp, theme="light"))
    second.services.session.open(root)
    qtbot.waitUntil(lambda: bool(second.notices), timeout=8000)
    assert second.notices[0].level == "warning"
    assert "The memory is full" in second.notices[0].text
    second.close()
    third = Window(make_services(qapp, theme="light"))
    third.services.session.open(root)
    qtbot.waitUntil(lambda: third.services.runs.listed, timeout=8000)
    assert third.notices == []
    third.close()


def test_an_interrupted_one_can_be_resumed_from_the_notice(window, tmp_path, qtbot, monkeypatch):
    begun = []
    monkeypatch.setattr(runs_module.queue, "begin", lambda folder: begun.append(folder) or "started")
    project = make_project(tmp_path / "p")
    folder = add_run(project, [started()])
    window.open(qtbot, project)
    tell(folder, started(alive=False))
    qtbot.waitUntil(lambda: bool(window.notices), timeout=8000)
    words, resume = window.notices[0].actions[0]
    assert words == "Resume"
    resume()
    qtbot.waitUntil(lambda: begun == [folder], timeout=8000)


def test_several_at_once_are_one_notice(window, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folders = [add_run(project, [started()], title=title) for title in ("Mug", "Duck")]
    window.open(qtbot, project)
    window.services.session.close()
    tell(folders[0], FINISHED)
    tell(folders[1], ev.Failed(title="The memory is full", what="It needs more.", expected=True))
    window.services.session.open(project.root)
    qtbot.waitUntil(lambda: bool(window.notices), timeout=8000)
    assert [(n.level, n.title, n.text) for n in window.notices] == [("warning", "2 trainings ended", "Taught: Mug.")]


def test_a_damaged_record_is_no_obstacle(qapp, tmp_path):
    from engines.api import places

    places.state_home().mkdir(parents=True, exist_ok=True)
    (places.state_home() / "at_work.json").write_text('[1, "/nowhere", {"a": 2}]')
    made = Window(make_services(qapp, theme="light"))
    made.services.runs.changed.emit()
    assert made.notices == []
    made.close()


def test_what_a_segmenter_learned_leads_to_its_own_page(window, tmp_path, qtbot):
    project = make_project(tmp_path / "p")
    folder = add_adaptation(project, [started()])
    window.open(qtbot, project)
    tell(folder, FINISHED)
    qtbot.waitUntil(lambda: bool(window.notices), timeout=5000)
    assert window.notices[0].title == "“Nuclei” has learned"
    window.notices[0].actions[0][1]()
    assert (window.places, window.services.runs.current_of("segment")) == (["segment"], folder.name)
    assert window.services.runs.current == ""
