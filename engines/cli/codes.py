"""The exit codes, in one place."""

from __future__ import annotations

from typing import Final

FINE: Final = 0
MISSED: Final = 1
"""A floor was missed, or a check failed."""
USAGE: Final = 2
EXPECTED: Final = 3
"""A failure in words, with a remedy."""
BUG: Final = 4
"""A mistake in the program; a crash report was written."""
INTERRUPTED: Final = 130
"""The person stopped it."""
