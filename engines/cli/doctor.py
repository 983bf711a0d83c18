"""`doctor`: what this installation can do, what stands in its way, and the remedy, in words."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from engines.api import places
from engines.api.version import VERSION
from engines.cli.codes import FINE, MISSED
from engines.cli.documents import Json
from engines.cli.output import Voice

Level = Literal["ok", "warning", "problem"]
PACKAGES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "PySide6-Essentials",
)
ENOUGH_DISK = 5 * 10**9
ENOUGH_MEMORY = 4 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it stands, and what to do about it when it is not right."""

    name: str
    level: Level
    text: str
    hint: str = ""


def doctor(as_json: Json = False) -> int:
    """Look at this installation: versions, devices, memory, disk, screen, models."""
    findings = [finding for look in LOOKS for finding in look()]
    good = all(finding.level != "problem" for finding in findings)
    marks = {"ok": "ok  ", "warning": "!   ", "problem": "!!  "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.level]}{finding.name}: {finding.text}")
        if finding.hint:
            lines.append(f"    What to do: {finding.hint}")
    Voice(as_json).result({"ok": good, "findings": [asdict(finding) for finding in findings]}, "\n".join(lines))
    return FINE if good else MISSED


def versions() -> list[Finding]:
    """Lorikeet, Python, and the libraries everything rests on."""
    found = [f"Lorikeet {VERSION}, Python {platform.python_version()}, {platform.platform(terse=True)}"]
    missing = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    findings = [Finding("Versions", "ok", ", ".join(found))]
    if missing:
        hint = "python3 packaging/bootstrap.py demo mends the environment."
        findings.append(Finding("Packages", "problem", f"{', '.join(missing)} not installed", hint))
    return findings


def devices() -> list[Finding]:
    """What can compute, and whether torch can use it."""
    from engines.launch.hardware import describe, probe

    found = probe()
    findings = [Finding("Device", "ok", describe(device)) for device in found]
    memory = found[-1].memory_free_bytes
    if memory < ENOUGH_MEMORY:
        hint = "Close other programs before teaching."
        findings.append(Finding("Memory", "warning", f"only {memory / 2**30:.1f} GB are free", hint))
    kinds = {device.kind for device in found}
    return [*findings, *_torch(kinds)]


def _torch(kinds: set[str]) -> list[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        hint = "python3 packaging/bootstrap.py demo mends the environment."
        return [Finding("torch", "problem", f"it cannot be loaded: {error}", hint)]
    from engines.core.devices import why_not

    for kind, usable in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if kind in kinds and not usable:
            return [Finding("torch", "warning", *why_not(kind))]
    if torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        name = f"sm_{major}{minor}"
        known = torch.cuda.get_arch_list()
        if name not in known and not any(arch.startswith(f"sm_{major}") for arch in known):
            hint = "Install a build of torch that was made for this card."
            return [Finding("torch", "warning", f"it was not built for this card ({name})", hint)]
        return [Finding("torch", "ok", f"it computes on {torch.cuda.get_device_name()}")]
    if torch.backends.mps.is_available():
        return [Finding("torch", "ok", "it computes on Apple graphics")]
    return [Finding("torch", "ok", f"it computes on the processor, with {torch.get_num_threads()} threads")]


def disk() -> list[Finding]:
    """Room where projects and caches go."""
    from engines.launch.hardware import disk_free_bytes

    findings = []
    for name, folder in (("Projects", places.data_home()), ("Cache", places.cache_home())):
        existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
        free = disk_free_bytes(existing)
        few = free < ENOUGH_DISK
        hint = "Make room before fetching models or teaching." if few else ""
        findings.append(Finding(name, "warning" if few else "ok", f"{folder}, {free / 1e9:.0f} GB free", hint))
        if not os.access(existing, os.W_OK):
            hint = "Let LORIKEET_HOME name a folder you own."
            findings.append(Finding(name, "problem", f"{existing} cannot be written", hint))
    return findings


def window() -> list[Finding]:
    """Whether the window could open: Qt's libraries, and a screen."""
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        return []
    if not sys.platform.startswith("linux"):
        return [Finding("Window", "ok", "Qt is installed")]
    plugins = Path(next(iter(spec.submodule_search_locations))) / "Qt" / "plugins" / "platforms"
    hint = "python3 packaging/bootstrap.py doctor prints the line that installs the system libraries."
    missing = [reason for name in ("libqoffscreen.so", "libqxcb.so") if (reason := _cannot_load(plugins / name))]
    if missing:
        return [Finding("Window", "problem", f"a system library is missing ({missing[0]})", hint)]
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return [Finding("Window", "warning", "there is no screen here; the command line does the same work")]
    return [Finding("Window", "ok", "Qt finds its libraries, and there is a screen")]


def _cannot_load(library: Path) -> str:
    """Why a library cannot be loaded, tried in a process of its own; empty when it can."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    done = subprocess.run(  # noqa: S603 - our own interpreter and fixed code
        [sys.executable, "-c", code, str(library)], capture_output=True, text=True, check=False
    )
    lines = done.stderr.strip().splitlines()
    return lines[-1].removeprefix("OSError: ") if done.returncode and lines else ""


def models() -> list[Finding]:
    """The embedded starter, the samples, and what was fetched from a hub."""
    findings = []
    for name, folder, needed in (
        ("Starter", places.starter("diffusion"), "model_index.json"),
        ("Starter CLIP", places.starter("clip"), "config.json"),
        ("Starter Segment Anything", places.starter("sam"), "sam.safetensors"),
        ("Samples", places.samples(), ""),
    ):
        here = (folder / needed).exists()
        hint = "" if here else "Get the whole of Lorikeet again; part of the folder resources is missing."
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if here else 0
        text = f"{size / 1e6:.0f} MB" if here else f"not found in {folder}"
        findings.append(Finding(name, "ok" if here else "problem", text, hint))
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ImportError:
        return findings
    fetched = sorted(path.name for path in Path(HF_HUB_CACHE).glob("models--*"))
    names = [name.removeprefix("models--").replace("--", "/") for name in fetched]
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    findings.append(Finding("Fetched models", "ok", listed or "none yet"))
    return findings


def methods() -> list[Finding]:
    """Whether every way to teach could be loaded."""
    try:
        from engines.diffusion.describe import describe
    except ImportError as error:
        hint = "python3 packaging/bootstrap.py demo mends the environment."
        return [Finding("Methods", "problem", f"they cannot be loaded: {error}", hint)]
    catalog = describe()
    names = ", ".join(method.title for method in catalog.methods)
    findings = [Finding("Methods", "ok" if names else "problem", names or "none could be loaded")]
    hint = "Get the whole of Lorikeet again, or report this."
    return [*findings, *(Finding("Broken part", "problem", reason, hint) for reason in catalog.broken)]


def crashes() -> list[Finding]:
    """Reports of earlier mistakes of the program."""
    folder = places.state_home() / "crashes"
    reports = sorted(folder.glob("crash-*.txt")) if folder.is_dir() else []
    if not reports:
        return [Finding("Crash reports", "ok", "none")]
    hint = f"Send the newest with a report: {reports[-1]}"
    return [Finding("Crash reports", "warning", f"{len(reports)} in {folder}", hint)]


LOOKS: tuple[Callable[[], list[Finding]], ...] = (versions, devices, disk, window, models, methods, crashes)
