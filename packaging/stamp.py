"""What an environment must hold, as one short key.

The key covers the dependencies of pyproject.toml, the pins of constraints.txt, the Python version and the platform. Tool settings in
pyproject.toml do not count: they change nothing that is installed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tomllib
from pathlib import Path
from typing import Any


def project(root: Path) -> dict[str, Any]:
    """The `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def requirements(root: Path, *, dev: bool) -> list[str]:
    """The direct dependencies, with those for development when `dev`."""
    table = project(root)
    listed = [str(line) for line in table["dependencies"]]
    if dev:
        listed += [str(line) for line in table["optional-dependencies"]["dev"]]
    return listed


def key(root: Path) -> str:
    """Sixteen hexadecimal digits; equal keys may share an environment."""
    parts = {
        "needs": requirements(root, dev=True),
        "scripts": project(root).get("scripts", {}),
        "pins": (root / "packaging" / "constraints.txt").read_text(encoding="utf-8"),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
