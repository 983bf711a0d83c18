"""Running pip in stages, telling in words what it does, and keeping its output for when it fails.

The stages keep the room needed on the way small, and what one stage installed stays when a later one fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import stamp
from reasons import explain_install

HEAVY = ("torch", "torchvision")


def pip_install(python: Path, *, root: Path, log: Path, dev: bool, link: bool) -> None:
    """Install the pinned dependencies of the checkout `root`, and with `link` the checkout itself.

    Args:
        python: the environment's Python.
        root: the checkout.
        log: receives pip's whole output.
        dev: with the tools for development.
        link: make `import engines` and the command `lorikeet` of this environment mean this checkout.

    Raises:
        SetupFailure: with the cause found in pip's output.
    """
    needs = stamp.requirements(root, dev=dev)
    heavy = [need for need in needs if re.split(r"[<>=!~;\s]", need, maxsplit=1)[0] in HEAVY]
    pinned = ["--prefer-binary", "-c", str(root / "packaging" / "constraints.txt")]
    stages = [
        (words, [*pinned, *listed])
        for words, listed in (
            ("torch, with the libraries for NVIDIA cards where there are any (the largest part)", heavy),
            ("everything else", [*needs, *(["setuptools"] if link else [])]),
        )
        if listed
    ]
    if link:
        stages.append(("Lorikeet itself", ["--no-deps", "--no-build-isolation", "-e", str(root)]))
    scratch = log.parent / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        with log.open("w", encoding="utf-8", errors="replace") as out:
            for number, (words, arguments) in enumerate(stages, start=1):
                print(f"{number} of {len(stages)}: {words}", flush=True)
                _pip(python, arguments, scratch=scratch, out=out, log=log)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pip(python: Path, arguments: list[str], *, scratch: Path, out: IO[str], log: Path) -> None:
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    surroundings = {**os.environ, "TMPDIR": str(scratch), "TMP": str(scratch), "TEMP": str(scratch)}
    surroundings.pop("PYTHONPATH", None)
    surroundings.pop("PIP_REQUIRE_VIRTUALENV", None)
    kept: list[str] = []
    teller = _Teller()
    with subprocess.Popen(
        [*command, *arguments],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=scratch,
    ) as child:
        try:
            for line in child.stdout or ():
                out.write(line)
                kept.append(line)
                teller.tell(line)
        except KeyboardInterrupt:
            child.terminate()
            raise
    teller.end()
    if child.returncode != 0:
        raise explain_install("".join(kept), log=str(log))


class _Teller:
    """Says what pip is doing: one line that changes on a terminal, a line now and then elsewhere."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = time.monotonic()
        self._count = 0

    def tell(self, line: str) -> None:
        """Hear one line of pip."""
        words = self._words(line.strip())
        if not words:
            return
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + f"   {words}"[:width].ljust(width), end="", flush=True)
        elif time.monotonic() - self._last >= self.EVERY_S or words.startswith("unpacking"):
            self._last = time.monotonic()
            print(f"   {words}", flush=True)

    def end(self) -> None:
        """Leave the changing line."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + " " * width + "\r", end="", flush=True)

    def _words(self, line: str) -> str:
        if line.startswith(("Downloading ", "Processing ")):
            self._count += 1
            name = re.split(r"[/\\]", line.split()[1])[-1].split("-")[0]
            size = re.search(r"\(([\d.]+ [kMG]B)\)", line)
            return f"fetching {name}" + (f" ({size.group(1)})" if size else "") + f", package {self._count}"
        if line.startswith("Collecting "):
            return "looking for " + re.split(r"[<>=!~;\s(]", line.removeprefix("Collecting "), maxsplit=1)[0]
        if line.startswith("Installing collected packages"):
            return f"unpacking {line.count(',') + 1} packages; this takes a minute or two"
        return ""
