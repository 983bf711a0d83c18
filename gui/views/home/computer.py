"""What this computer can do, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout

from gui.widgets.buttons import QuietButton
from gui.widgets.card import Card
from gui.widgets.chips import Chip
from gui.widgets.text import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from engines.api.catalog import DeviceEntry

_GIB = 2**30


class ComputerCard(Card):
    """One line about the hardware, filled in once it was looked at."""

    def __init__(self, on_more: Callable[[], object]) -> None:
        super().__init__(name="home.computer")
        self.setAccessibleName("This computer")
        row = QHBoxLayout()
        row.setSpacing(18)
        self._words = Label("Looking at what this computer has…", wrap=True)
        row.addWidget(Chip("This computer", level="accent"))
        row.addWidget(self._words, 1)
        row.addWidget(QuietButton("Settings…", name="home.settings", on_click=on_more))
        self.body.addLayout(row)

    def show_devices(self, devices: tuple[DeviceEntry, ...]) -> None:
        """Say what they are good for."""
        self._words.setText(words_for(devices))


def words_for(devices: tuple[DeviceEntry, ...]) -> str:
    """What the best device is good for."""
    if not devices:
        return "The hardware could not be looked at. The built-in starter model trains on any computer."
    best = devices[0]
    if best.kind == "cuda":
        return f"{best.title} found, {_gigabytes(best.memory_bytes)} of memory. {_fits(best.memory_bytes)}"
    if best.kind == "mps":
        return f"Apple graphics found, {_gigabytes(best.memory_bytes)} shared with the system. {_fits(best.memory_bytes // 2)}"
    return (
        "No graphics card found: the built-in starter model trains here within minutes. "
        "With a graphics card of 8 GB or more you can teach Stable Diffusion 1.5."
    )


def _fits(memory_bytes: int) -> str:
    if memory_bytes >= 7.5 * _GIB:
        return "Stable Diffusion 1.5 and 2.1 and the built-in starter model train here."
    return "The built-in starter model trains here in a moment; Stable Diffusion needs about 8 GB."


def _gigabytes(number: int) -> str:
    return f"{number / _GIB:.0f} GB"
