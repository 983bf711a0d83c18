"""The private environment Lorikeet runs in: finding it, telling whether it is right, making or mending it, running something in it.

It holds the pinned dependencies. A `.venv` inside the checkout also gets Lorikeet itself (a link to the checkout, with the command
`lorikeet`); an environment elsewhere may serve several checkouts, so nothing in it points at any of them: the checkout that runs is
put first on the import path instead.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import kept
import libraries
import stamp
from installing import pip_install
from reasons import SetupFailure

GIGABYTE = 1_000_000_000
STAMP = "lorikeet-environment.json"
MARK = ".lorikeet"
"""Written into the folder before anything else, so that a half-made environment is known to be ours and may be made anew."""

_INSPECT = """
import importlib.metadata as metadata, json, sys
from pip._vendor.packaging.requirements import Requirement
asked = json.load(sys.stdin)
wrong = []
for line in asked["needs"]:
    need = Requirement(line)
    if need.marker is not None and not need.marker.evaluate():
        continue
    try:
        metadata.version(need.name)
    except metadata.PackageNotFoundError:
        wrong.append(need.name + " is missing")
for line in asked["pins"]:
    pin = Requirement(line)
    if pin.marker is not None and not pin.marker.evaluate():
        continue
    try:
        version = metadata.version(pin.name)
    except metadata.PackageNotFoundError:
        continue
    if version not in pin.specifier:
        wrong.append(pin.name + " is " + version + ", wanted " + str(pin.specifier))
print(json.dumps(wrong))
"""


@dataclass(frozen=True)
class Place:
    """Where the checkout and its environment lie.

    Attributes:
        root: the checkout.
        folder: the environment.
        private: the environment belongs to this checkout alone.
        cache: the folder of environments that it is one of, or None.
    """

    root: Path
    folder: Path
    private: bool
    cache: Path | None = None

    @property
    def python(self) -> Path:
        """The environment's own Python."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def log(self) -> Path:
        """What the installer wrote last time."""
        return self.folder / "install.log"


def locate(root: Path) -> Place:
    """`.venv` in the checkout, where LORIKEET_ENV points, or one of those in the folder LORIKEET_ENV_CACHE, by the dependencies."""
    wanted = os.environ.get("LORIKEET_ENV", "").strip()
    shelf = os.environ.get("LORIKEET_ENV_CACHE", "").strip()
    if shelf and not wanted:
        cache = Path(shelf).expanduser().absolute()
        return Place(root=root, folder=kept.folder(cache, stamp.key(root)), private=False, cache=cache)
    folder = Path(wanted).expanduser().absolute() if wanted else root / ".venv"
    return Place(root=root, folder=folder, private=folder.is_relative_to(root))


def problems(where: Place, *, dev: bool) -> list[str]:
    """What is not right with the environment, in words; empty when it can be used as it is."""
    if not where.folder.exists():
        return ["there is no environment yet"]
    if not _python_works(where):
        return ["its Python does not start, or is another version than this one"]
    try:
        written = json.loads((where.folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ["the last installation did not finish"]
    if written.get("key") != stamp.key(where.root):
        return ["the dependencies have changed"]
    if dev and not written.get("dev"):
        return ["the tools for development are not installed"]
    if where.private and written.get("root") != str(where.root):
        return ["the folder was moved"]
    return _inspect(where, dev=dev)


def ensure(where: Place, *, dev: bool) -> None:
    """Make the environment right; quick when it is.

    Raises:
        SetupFailure: it cannot be done; the reason and the remedy are in words.
    """
    if where.cache is not None:
        kept.mark_used(where.folder)
        kept.tidy(where.cache, keep=where.folder)
    if not problems(where, dev=dev):
        return
    with _lock(where):
        wrong = problems(where, dev=dev)
        if wrong:
            _make_right(where, wrong, dev=dev)


def run(where: Place, arguments: list[str]) -> int:
    """Run the environment's Python on this checkout; on Linux and macOS this process becomes that one."""
    command = [str(where.python), *arguments]
    # This process becomes the program, so the system counts the set-up as its time; the demo takes it off again.
    settings = {**surroundings(where), "LORIKEET_SET_UP_AT": str(time.time())}
    os.chdir(where.root)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execve(command[0], command, settings)  # noqa: S606 - no shell is wanted
    with subprocess.Popen(command, env=settings) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the child hears it too, and decides
                continue


def surroundings(where: Place) -> dict[str, str]:
    """The variables a command runs under: this checkout comes first on the import path, whatever the environment holds."""
    already = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join([str(where.root), *([already] if already else [])])
    settings = {**os.environ, "PYTHONPATH": path, "VIRTUAL_ENV": str(where.folder)}
    settings.pop("PYTHONHOME", None)
    return settings


def needed_bytes() -> int:
    """Room a new environment takes, with what is unpacked on the way: torch for Linux brings the CUDA libraries."""
    return (10 if sys.platform.startswith("linux") else 4) * GIGABYTE


def free_bytes(folder: Path) -> int:
    """Free room on the disk where `folder` is or will be."""
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    return shutil.disk_usage(existing).free


def check_python() -> None:
    """Raises SetupFailure when this Python cannot make environments."""
    if sys.maxsize <= 2**32:
        raise SetupFailure("This Python is a 32-bit one", "torch exists for 64 bit only.", "Install a 64-bit Python.")
    missing = [name for name in ("venv", "ensurepip", "ssl") if importlib.util.find_spec(name) is None]
    if missing and libraries.may_install() and libraries.debian_like():
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        print(f"Installing the system package {package}", flush=True)
        if libraries.apt_install([package]):
            importlib.invalidate_caches()
            missing = [name for name in missing if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupFailure(
            "This Python cannot make environments",
            f"Its part {' and '.join(missing)} is not installed.",
            "On Debian and Ubuntu: sudo apt-get install python3-venv. Elsewhere: install Python from python.org.",
        )


def _make_right(where: Place, wrong: list[str], *, dev: bool) -> None:
    started = time.monotonic()
    print(f"Setting up Lorikeet in {where.folder} ({'; '.join(wrong[:3])})", flush=True)
    check_python()
    _refuse_foreign(where)
    if where.folder.exists() and not _python_works(where):
        if any(where.folder.iterdir()):
            print("What is there cannot be used; it is made anew.", flush=True)
        _empty(where.folder)
    fresh = not where.python.exists()
    if fresh:
        _check_room(where)
        _create(where)
    (where.folder / STAMP).unlink(missing_ok=True)
    dev = dev or _had_dev(where)
    pip_install(where.python, root=where.root, log=where.log, dev=dev, link=where.private)
    left = _inspect(where, dev=dev)
    if left:
        raise SetupFailure(
            "The environment is not right",
            f"After the installation: {'; '.join(left[:5])}.",
            f"Delete {where.folder} and run the same command again.",
        )
    text = json.dumps({"key": stamp.key(where.root), "dev": dev, "root": str(where.root)}, indent=2)
    partial = where.folder / (STAMP + ".part")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(where.folder / STAMP)
    print(f"The environment is ready ({time.monotonic() - started:.0f} s).\n", flush=True)


def _refuse_foreign(where: Place) -> None:
    """Never install into, or empty, a folder that is not an environment of ours."""
    if not where.folder.exists():
        return
    if not where.folder.is_dir():
        raise SetupFailure(f"{where.folder} is a file", hint="Let LORIKEET_ENV name a folder.")
    ours = (where.folder / MARK).exists() or (where.folder / "pyvenv.cfg").exists()
    if any(where.folder.iterdir()) and not ours:
        raise SetupFailure(
            f"{where.folder} holds something else",
            "It is neither empty nor an environment.",
            "Let LORIKEET_ENV name an empty or a new folder.",
        )


def _check_room(where: Place) -> None:
    free, needed = free_bytes(where.folder), needed_bytes()
    if free < needed:
        raise SetupFailure(
            "There is not enough room on the disk",
            f"The environment needs {needed / GIGABYTE:.0f} GB while it is made; {free / GIGABYTE:.1f} GB are free.",
            "Make room, or let LORIKEET_ENV name a folder on a larger disk.",
        )


def _create(where: Place) -> None:
    print("Making the environment ...", flush=True)
    try:
        where.folder.mkdir(parents=True, exist_ok=True)
        (where.folder / MARK).write_text("made by packaging/bootstrap.py\n", encoding="utf-8")
    except OSError as error:
        raise SetupFailure(
            f"{where.folder} cannot be written", str(error), "Let LORIKEET_ENV name a folder you own."
        ) from error
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(where.folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not _python_works(where):
        output = (done.stdout + done.stderr).strip()
        raise SetupFailure(
            "The environment could not be made",
            "\n  ".join(output.splitlines()[-6:]),
            "On Debian and Ubuntu: sudo apt-get install python3-venv. Else try another Python from 3.11 to 3.14.",
        )


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _had_dev(where: Place) -> bool:
    """A tool of development is there already, so this environment goes on serving development."""
    return (where.python.parent / ("pytest.exe" if os.name == "nt" else "pytest")).exists()


def _python_works(where: Place) -> bool:
    if not where.python.exists():
        return False
    probe = "import sys, pip; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(where.python), "-I", "-c", probe], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _inspect(where: Place, *, dev: bool) -> list[str]:
    """Ask the environment itself whether everything is there in the pinned version."""
    pins = (where.root / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    asked = {
        "needs": stamp.requirements(where.root, dev=dev),
        "pins": [line for line in pins if line.strip() and not line.startswith("#")],
    }
    done = subprocess.run(
        [str(where.python), "-I", "-c", _INSPECT], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return ["its packages cannot be listed"]
    listed: list[str] = json.loads(done.stdout)
    return listed


@contextmanager
def _lock(where: Place) -> Iterator[None]:
    """Let one set-up at a time touch the environment; the lock goes with the process, however it ends."""
    try:
        where.folder.parent.mkdir(parents=True, exist_ok=True)
        handle = where.folder.with_name(where.folder.name + ".lock").open("a+b")
    except OSError as error:
        raise SetupFailure(
            f"{where.folder.parent} cannot be written", str(error), "Let LORIKEET_ENV name a folder you own."
        ) from error
    with handle:
        if not _try_lock(handle):
            print("Another set-up of this environment is at work; waiting for it ...", flush=True)
            while not _try_lock(handle):
                time.sleep(1)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
