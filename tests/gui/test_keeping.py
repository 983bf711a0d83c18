"""Small files are written beside the window, and the newest content is what remains."""

from __future__ import annotations

import json
import threading

from gui.workers import keeping
from gui.workers.background import Background
from gui.workers.keeping import Keeper


def test_the_newest_content_remains_whatever_thread_writes_it(qapp, tmp_path):
    background = Background()
    keeper = Keeper(tmp_path / "deep" / "kept.json", background)
    for number in range(200):
        keeper.keep([number])
    background.stop()
    keeper.flush()
    assert json.loads(keeper.path.read_text()) == [199]


def test_writing_does_not_happen_on_the_thread_that_asks(qapp, tmp_path, monkeypatch, qtbot):
    threads = []
    monkeypatch.setattr(keeping, "atomic_write_json", lambda *_a, **_k: threads.append(threading.current_thread()))
    background = Background()
    Keeper(tmp_path / "kept.json", background).keep([1])
    qtbot.waitUntil(lambda: bool(threads))
    assert threads[0] is not threading.main_thread()
    background.stop()


def test_a_home_that_cannot_be_written_to_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("in the way")
    keeper = Keeper(tmp_path / "file" / "kept.json")
    keeper.keep([1])
    assert not keeper.path.exists()
    assert (tmp_path / "file").read_text() == "in the way"
