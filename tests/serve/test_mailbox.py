"""Latest wins per kind; what gives way hears of it, exactly once."""

from __future__ import annotations

import threading

from engines.api.requests import Answer, Cancel, Dropped, Generate, Inspect, Release
from engines.serve.mailbox import Mailbox


def picture(name: str) -> Generate:
    return Generate(id=name, prompts=("a",), seeds=(1,), folder="/tmp")


def test_the_latest_of_a_kind_wins() -> None:
    told: list[Answer] = []
    mailbox = Mailbox(told.append)
    for name in ("1", "2", "3"):
        mailbox.put(picture(name))
    mailbox.put(Inspect(id="i", file="x"))
    assert told == [Dropped(id="1"), Dropped(id="2")]
    assert [mailbox.take(), mailbox.take()] == [picture("3"), Inspect(id="i", file="x")]


def test_the_one_at_work_gives_way_to_its_kind_only() -> None:
    mailbox = Mailbox(lambda _: None)
    mailbox.put(picture("1"))
    mailbox.take()
    mailbox.put(Inspect(id="i", file="x"))
    assert not mailbox.unwanted()
    mailbox.put(picture("2"))
    assert mailbox.unwanted()
    mailbox.take()
    assert not mailbox.unwanted()


def test_cancel_reaches_what_waits_and_what_is_at_work() -> None:
    told: list[Answer] = []
    mailbox = Mailbox(told.append)
    mailbox.put(picture("1"))
    mailbox.take()
    mailbox.put(Inspect(id="2", file="x"))
    mailbox.put(Cancel(id="c", target="2"))
    assert told == [Dropped(id="2")]
    mailbox.put(Cancel(id="c", target="nobody"))
    assert not mailbox.unwanted()
    mailbox.put(Cancel(id="c", target="1"))
    assert mailbox.unwanted()
    assert told == [Dropped(id="2")]


def test_release_does_not_wait_for_pictures() -> None:
    told: list[Answer] = []
    mailbox = Mailbox(told.append)
    mailbox.put(picture("1"))
    mailbox.take()
    mailbox.put(Inspect(id="i", file="x"))
    mailbox.put(Release(id="r"))
    assert mailbox.unwanted()
    assert told == []
    assert [mailbox.take(), mailbox.take()] == [Inspect(id="i", file="x"), Release(id="r")]


def test_closing_wakes_the_one_who_waits() -> None:
    mailbox = Mailbox(lambda _: None)
    taken: list[object] = []
    waiter = threading.Thread(target=lambda: taken.append(mailbox.take()))
    waiter.start()
    mailbox.close()
    waiter.join(5)
    assert taken == [None]
