"""Commands arrive in order, once, and rubbish in the inbox does no harm."""

from __future__ import annotations

import time
from pathlib import Path

from engines.api.commands import Pause, Resume, SampleNow, SaveNow, Stop
from engines.launch.inbox import Inbox, send


def test_commands_arrive_in_order_and_once(tmp_path: Path) -> None:
    sent = [Pause(), SampleNow(prompt="ein Häschen", seed=3), SaveNow(), Resume(), Stop(keep=False)]
    for command in sent:
        send(tmp_path, command)
    inbox = Inbox(tmp_path)
    assert inbox.take() == sent
    assert inbox.take() == []
    assert list((tmp_path / "inbox").iterdir()) == []


def test_rubbish_is_removed_and_counted(tmp_path: Path) -> None:
    send(tmp_path, Pause())
    (tmp_path / "inbox" / "0-rubbish.json").write_text('{"type": "format_disk"}')
    (tmp_path / "inbox" / "1-huge.json").write_bytes(b"[" * 10**6)
    (tmp_path / "inbox" / "notes.txt").write_text("mine")
    inbox = Inbox(tmp_path)
    assert inbox.take() == [Pause()]
    assert inbox.refused == 2
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["notes.txt"]


def test_what_was_meant_for_an_earlier_worker_is_forgotten(tmp_path: Path) -> None:
    send(tmp_path, Stop())
    time.sleep(0.01)
    born = time.time()
    time.sleep(0.01)
    send(tmp_path, Pause())
    inbox = Inbox(tmp_path)
    inbox.forget(before=born)
    assert inbox.take() == [Pause()]


def test_no_inbox_is_an_empty_inbox(tmp_path: Path) -> None:
    assert Inbox(tmp_path / "nowhere").take() == []
