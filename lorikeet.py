"""The command `lorikeet`: without arguments it opens the window, with arguments it is the command line."""

from __future__ import annotations

import sys


def main() -> int:
    """Open the window, or hand over to the command line."""
    if len(sys.argv) <= 1 or sys.argv[1] == "app":
        from gui.app import main as window

        return window(sys.argv[2:])
    from engines.cli import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
