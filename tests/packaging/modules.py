"""The set-up's own modules; they import each other by sibling path, as the script does."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))

import bootstrap  # noqa: E402
import doctor  # noqa: E402
import environment  # noqa: E402
import installing  # noqa: E402
import kept  # noqa: E402
import libraries  # noqa: E402
import reasons  # noqa: E402
import stamp  # noqa: E402

__all__ = ["ROOT", "bootstrap", "doctor", "environment", "installing", "kept", "libraries", "reasons", "stamp"]
