"""What stands in the way of a set-up, in words; looks only, installs nothing."""

from __future__ import annotations

import sys

import libraries
from environment import GIGABYTE, Place, check_python, free_bytes, needed_bytes, problems
from reasons import SetupFailure


def set_up_report(where: Place) -> tuple[str, bool]:
    """One line a matter, and whether the environment can be used (then Lorikeet's own doctor goes on)."""
    lines = [_line(True, f"Python {sys.version.split()[0]}, {sys.executable}")]
    try:
        if not libraries.may_install():
            check_python()
    except SetupFailure as failure:
        lines.append(_line(False, f"{failure.title}: {failure.what} {failure.hint}"))
    wrong = problems(where, dev=False)
    if wrong:
        lines.append(_line(False, f"Environment {where.folder}: {'; '.join(wrong[:4])}."))
        free, needed = free_bytes(where.folder), needed_bytes()
        room = f"Disk: {free / GIGABYTE:.1f} GB free, a new environment needs {needed / GIGABYTE:.0f} GB"
        lines.append(_line(free >= needed, room))
    else:
        lines.append(_line(True, f"Environment {where.folder}"))
    packages = libraries.packages_missing(window=True)
    if packages:
        lines.append(_line(False, f"System libraries for the window are missing: {libraries.install_line(packages)}"))
    elif sys.platform.startswith("linux"):
        lines.append(_line(True, "System libraries for the window"))
    if wrong:
        lines.append("\nWhat to do: python3 packaging/bootstrap.py demo makes the environment right.")
    return "\n".join(lines), not wrong


def _line(good: bool, words: str) -> str:
    return f"{'ok  ' if good else '!!  '}{words}"
