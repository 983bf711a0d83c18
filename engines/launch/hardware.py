"""What this computer has to compute with, found without torch: processor, memory, graphics cards."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from engines.api.catalog import DeviceEntry

_QUERY = ("--query-gpu=name,memory.total,memory.free,compute_cap", "--format=csv,noheader,nounits")
_TIMEOUT_S = 5.0
_BF16_SINCE = 8.0


def probe() -> tuple[DeviceEntry, ...]:
    """Every device, the best first; the processor is always the last. Takes up to a second where a graphics card is asked."""
    return (*_nvidia(), *_apple(), _processor())


def sentence(devices: tuple[DeviceEntry, ...]) -> str:
    """The best device in a few words, such as `CPU, 2 cores, 21 GB free`."""
    return describe(devices[0]) if devices else ""


def describe(device: DeviceEntry) -> str:
    """One device in a few words. A processor is named by its cores: they, not the brand, say how long a run takes."""
    free = f"{device.memory_free_bytes / 2**30:.0f} GB free"
    return f"{device.title}, {free}"


def cores() -> int:
    """Cores this process may use (a container may be given fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1


def disk_free_bytes(folder: Path) -> int:
    """Free space where `folder` lies; 0 when it cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _processor() -> DeviceEntry:
    memory = psutil.virtual_memory()
    count = cores()
    return DeviceEntry(
        kind="cpu",
        title=f"CPU, {count} core{'s' if count != 1 else ''}",
        memory_bytes=int(memory.total),
        memory_free_bytes=int(memory.available),
        precisions=("fp32",),
    )


def _apple() -> tuple[DeviceEntry, ...]:
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return ()
    memory = psutil.virtual_memory()  # shared between the processor and the graphics part
    return (
        DeviceEntry(
            kind="mps",
            title="Apple graphics",
            memory_bytes=int(memory.total),
            memory_free_bytes=int(memory.available),
            precisions=("fp32",),
        ),
    )


def _nvidia() -> tuple[DeviceEntry, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    flags: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # exists on Windows only
    try:
        answer = subprocess.run(  # noqa: S603 - a found program with fixed arguments
            [program, *_QUERY], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True, creationflags=flags
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    return parse_nvidia(answer.stdout)


def parse_nvidia(text: str) -> tuple[DeviceEntry, ...]:
    """Read the lines `name, total MiB, free MiB, compute capability`; lines of another shape are passed over."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.rsplit(",", 3)]
        try:
            name, total, free, capability = parts[0], float(parts[1]), float(parts[2]), float(parts[3])
        except (IndexError, ValueError):
            continue
        found.append(
            DeviceEntry(
                kind="cuda",
                title=name,
                memory_bytes=int(total * 2**20),
                memory_free_bytes=int(free * 2**20),
                precisions=("fp32", "fp16", "bf16") if capability >= _BF16_SINCE else ("fp32", "fp16"),
            )
        )
    return tuple(sorted(found, key=lambda entry: -entry.memory_free_bytes))
