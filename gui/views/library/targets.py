"""Where other tools look for adapters: found by their default folders, offered only when they are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Format = Literal["kohya", "diffusers", "peft"]


@dataclass(frozen=True)
class FormatWords:
    """A file format in words."""

    key: Format
    title: str
    where: str


FORMATS: tuple[FormatWords, ...] = (
    FormatWords(
        "kohya", "For web UIs and ComfyUI", "One file that A1111, Forge, ComfyUI, InvokeAI and most others read."
    ),
    FormatWords("diffusers", "For diffusers", "One file for Python programs that use the diffusers library."),
    FormatWords("peft", "For peft", "A folder for Python programs that use the peft library."),
)

# Default folder names after installation, and where each tool keeps adapters, relative to its folder.
_TOOLS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("A1111 web UI", ("stable-diffusion-webui",), "models/Lora"),
    ("Forge", ("stable-diffusion-webui-forge", "webui-forge"), "models/Lora"),
    ("SD.Next", ("automatic", "sdnext"), "models/Lora"),
    ("ComfyUI", ("ComfyUI", "ComfyUI_windows_portable/ComfyUI"), "models/loras"),
    ("Fooocus", ("Fooocus",), "models/loras"),
    ("InvokeAI", ("invokeai", "InvokeAI"), "autoimport/lora"),
    ("StabilityMatrix", ("StabilityMatrix", "AppData/Roaming/StabilityMatrix"), "Data/Models/Lora"),
)


@dataclass(frozen=True)
class Tool:
    """A tool that was found, and its folder for adapters."""

    title: str
    folder: Path


def usual_places() -> tuple[Path, ...]:
    """Folders in which people install such tools."""
    home = Path.home()
    places = [home, home / "Documents", home / "AI", home / "ai", home / "Desktop", home / "src"]
    if os.name == "nt":
        places += [Path(f"{drive}:/") for drive in "CDE"] + [Path(f"{drive}:/AI") for drive in "CDE"]
    return tuple(places)


def find_tools(places: Sequence[Path] | None = None) -> tuple[Tool, ...]:
    """The tools whose adapter folder is there; only names are looked at, nothing is scanned."""
    found: dict[Path, Tool] = {}
    for place in places if places is not None else usual_places():
        for title, names, below in _TOOLS:
            for name in names:
                folder = place / name / below
                if _is_folder(folder):
                    found.setdefault(folder.resolve(), Tool(title, folder))
    return tuple(found.values())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
