"""A fresh run of the toy for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.api import events as ev
from engines.core.run import run_folder
from engines.launch.folder import create_run
from tests.core.toy import Mischief, builder, toy_images, toy_job


class Toy:
    """A run folder with the toy's job, run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, mischief: Mischief | None = None, *, resume: bool = False) -> int:
        return run_folder(self.folder, resume=resume, task_builder=builder(mischief))

    @property
    def adapter(self) -> bytes:
        return (self.folder / "adapter.safetensors").read_bytes()

    @property
    def events(self) -> list[ev.Event]:
        return [ev.from_line(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]

    def of_type(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def _all_heard_at_once(heard_at_once: None) -> None:
    """Toys are done in milliseconds."""


@pytest.fixture
def new_toy(tmp_path: Path) -> Callable[..., Toy]:
    def make(**loop: Any) -> Toy:
        return Toy(create_run(tmp_path, toy_job(**loop), toy_images()))

    return make


@pytest.fixture
def toy(new_toy: Callable[..., Toy]) -> Toy:
    return new_toy()
