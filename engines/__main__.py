"""`python -m engines VERB ...`: the same command line as `lorikeet VERB ...`."""

from __future__ import annotations

import sys

from engines.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
