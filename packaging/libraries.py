"""The system libraries a window needs on Linux: which are missing, and how they come here.

Qt brings its own libraries but draws on a handful of the system's. Without the first group Qt cannot be loaded at all, not even
without a screen; the second group is needed for a window under X11. Wayland works with the first group alone.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from reasons import SetupFailure

BASE = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libzstd.so.1": "libzstd1",
    "libbrotlidec.so.1": "libbrotli1",
}
"""Library -> Debian package, for everything that Qt's core, drawing and widgets link to."""

WINDOW = {
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
}
"""The same for Qt's X11 plugin."""


def missing(libraries: Iterable[str]) -> list[str]:
    """Those the system's loader cannot find; none outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [name for name in libraries if not _loads(name)]


def packages_missing(*, window: bool) -> list[str]:
    """Debian's names of the packages that are missing, sorted."""
    wanted = {**BASE, **WINDOW} if window else BASE
    return sorted({wanted[name] for name in missing(wanted)})


def install_line(packages: Iterable[str]) -> str:
    """The one line that brings them on this system, as far as we know its package manager."""
    listed = " ".join(packages)
    if shutil.which("apt-get"):
        return f"sudo apt-get install -y {listed}"
    if shutil.which("dnf"):
        return "sudo dnf install -y mesa-libEGL mesa-libGL xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil libxkbcommon-x11 fontconfig dbus-libs"
    if shutil.which("pacman"):
        return "sudo pacman -S --needed libglvnd mesa xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil libxkbcommon-x11 fontconfig dbus"
    if shutil.which("zypper"):
        return "sudo zypper install Mesa-libEGL1 Mesa-libGL1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxkbcommon-x11-0 fontconfig libdbus-1-3"
    return f"install what your system calls these Debian packages: {listed}"


def provide(*, window: bool) -> None:
    """Install what is missing when we may (root on Debian or Ubuntu), else say the one line to run.

    Raises:
        SetupFailure: Qt could not even be loaded. A missing X11 library alone is only told: Wayland does without.
    """
    packages = packages_missing(window=window)
    if not packages:
        return
    if may_install():
        print(f"Installing system libraries: {' '.join(packages)}", flush=True)
        apt_install(packages)
        packages = packages_missing(window=window)
        if not packages:
            return
    line = install_line(packages)
    if missing(BASE):
        raise SetupFailure(
            "System libraries are missing",
            f"The window and its tests need: {', '.join(packages)}.",
            f"Run this once, then the same command again:\n  {line}",
        )
    print(f"A window under X11 needs a few system libraries. If it does not open, run this once:\n  {line}\n")


def may_install() -> bool:
    """Whether we are root on a system with apt-get."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: Iterable[str]) -> bool:
    """Install Debian packages, fetching the lists first when that turns out to be needed; tells whether it worked."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (1, 2):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            return True
        if attempt == 1:
            print("Fetching the package lists of the system ...", flush=True)
            subprocess.run(["apt-get", "update"], env=quiet, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    print("apt-get could not install them:\n  " + "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-3:]))
    return False


def debian_like() -> bool:
    """Whether this is Debian or one of its children."""
    return Path("/etc/debian_version").exists()


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
