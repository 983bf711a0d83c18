"""What a run was made with, for whoever wants to repeat it: `environment.json` in the run's folder."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from engines.core.devices import Device
from engines.launch.folder import ENVIRONMENT
from projects.files import atomic_write_json

_PACKAGES = ("lorikeet", "torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "numpy")
_LIVES = 50
# What must be the same for a resumed run to give the same bits.
_EXACT = ("packages", "device", "precision", "threads", "machine")


def write(folder: Path, device: Device, *, resumed_from: int | None) -> bool:
    """Write down versions, device and threads; earlier lives of the run are kept in the list.

    Returns:
        Whether this life can give the same bits as the one before (True for the first).
    """
    now = describe(device)
    lives = _earlier(folder)
    same = not lives or all(lives[-1].get(key) == now[key] for key in _EXACT)
    life = {"time": time.time(), "resumed_from": resumed_from, **now}
    atomic_write_json(folder / ENVIRONMENT, {"format": 1, "lives": [*lives, life][-_LIVES:]})
    return same


def describe(device: Device) -> dict[str, Any]:
    """Versions, device and threads as plain values."""
    return {
        "packages": {name: _version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if device.kind == "cuda" else device.kind,
        "precision": device.precision,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _earlier(folder: Path) -> list[dict[str, Any]]:
    try:
        lives = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["lives"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [life for life in lives if isinstance(life, dict)] if isinstance(lives, list) else []
