"""Why a set-up failed, in words, with the remedy; and how the installer's own output is read for the cause."""

from __future__ import annotations

import re
import sys


class SetupFailure(Exception):  # noqa: N818 - it is told to people, who call it that
    """An expected failure of the set-up.

    Args:
        title: a few words.
        what: what happened.
        hint: what to do about it.
    """

    def __init__(self, title: str, what: str = "", hint: str = "") -> None:
        super().__init__(title, what, hint)
        self.title = title
        self.what = what
        self.hint = hint


_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|getaddrinfo|Network is unreachable|Connection refused"
    r"|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|Max retries exceeded|ConnectionResetError|IncompleteRead"
    r"|Connection aborted|SSLError|RemoteDisconnected",
)
_COMPILER = re.compile(
    r"command '.*(gcc|cc|clang|cl\.exe)' failed|unable to execute|Microsoft Visual C\+\+ .* is required"
    r"|No such file or directory: '(gcc|cc|clang)'|Failed building wheel",
)


def python_headers_package() -> str:
    """The package that holds this Python's headers, on Debian and Ubuntu."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-dev"


def explain_install(output: str, *, log: str) -> SetupFailure:
    """Turn the installer's output into a reason and a remedy.

    Args:
        output: everything pip wrote.
        log: where the output is kept, for the last case.
    """
    again = "Then run the same command again; what was installed already stays."
    if re.search(r"No space left on device|Errno 28|WinError 112|Disk quota exceeded", output):
        return SetupFailure(
            "The disk is full",
            "There was no room left while the packages were being installed.",
            "Free about 10 GB, or let LORIKEET_ENV name a folder on a larger disk. " + again,
        )
    if re.search(r"Python\.h: No such file|Cannot open include file: 'Python\.h'|Python\.h' file not found", output):
        return SetupFailure(
            "Python's headers are missing",
            "A package had to be compiled on this machine, and the file Python.h is not here.",
            f"On Debian and Ubuntu: apt-get install {python_headers_package()}. On Fedora: dnf install python3-devel. {again}",
        )
    if re.search(r"TLSV1_ALERT|CERTIFICATE_VERIFY_FAILED", output):
        return SetupFailure(
            "The package index could not be trusted",
            "The certificate shown for the package index was not accepted.",
            "Check this machine's clock, and whether a proxy of your network needs its own certificate (PIP_CERT). "
            + again,
        )
    if _NETWORK.search(output):
        return SetupFailure(
            "The package index could not be reached",
            "Packages are fetched from the internet once, and the connection failed.",
            "Check the network, and HTTPS_PROXY if your network needs a proxy. " + again,
        )
    if re.search(r"No matching distribution found|Could not find a version that satisfies", output):
        wanted = re.search(r"No matching distribution found for (\S+)", output)
        name = wanted.group(1) if wanted else "a package"
        return SetupFailure(
            "A package does not exist for this machine",
            f"{name} is not offered for Python {sys.version.split()[0]} on {sys.platform}.",
            "Use a Python between 3.11 and 3.14, 64 bit. If you changed packaging/constraints.txt, check that line.",
        )
    if re.search(r"Permission denied|Errno 13|WinError 5\b", output):
        return SetupFailure(
            "The environment may not be written",
            "A file in the environment could not be written or replaced.",
            "Close Lorikeet if it is running, and check who owns the folder. " + again,
        )
    if _COMPILER.search(output):
        return SetupFailure(
            "A package could not be compiled",
            "A package had to be compiled on this machine, and no working C compiler was found.",
            f"On Debian and Ubuntu: apt-get install build-essential {python_headers_package()}. {again}",
        )
    tail = "\n  ".join(line for line in output.strip().splitlines()[-6:])
    return SetupFailure("The packages could not be installed", tail, f"The whole output is in {log}. {again}")
