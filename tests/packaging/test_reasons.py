"""A failed installation is told in words that name the cause and the remedy."""

from __future__ import annotations

import pytest

from tests.packaging.modules import reasons

CASES = [
    (
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError: Failed to establish a new "
            "connection: [Errno -3] Temporary failure in name resolution'\nERROR: Could not find a version that satisfies the "
            "requirement torch==2.14.1 (from versions: none)\nERROR: No matching distribution found for torch==2.14.1"
        ),
        "could not be reached",
        "HTTPS_PROXY",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "disk is full",
        "LORIKEET_ENV",
    ),
    ("src/x.c:1:10: fatal error: Python.h: No such file or directory\nerror: command 'gcc' failed", "headers", "-dev"),
    (
        "error: command '/usr/bin/gcc' failed: No such file or directory\nFailed building wheel for x",
        "compiled",
        "build-essential",
    ),
    (
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.14.1 (from versions: 2.13.0)\n"
            "ERROR: No matching distribution found for torch==2.14.1"
        ),
        "does not exist",
        "3.11",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
        "may not be written",
        "owns",
    ),
    ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "could not be trusted", "clock"),
]


@pytest.mark.parametrize(("output", "title", "hint"), CASES)
def test_the_cause_is_named(output: str, title: str, hint: str) -> None:
    failure = reasons.explain_install(output, log="install.log")
    assert title in failure.title
    assert hint in failure.hint


def test_an_unknown_failure_shows_the_last_lines_and_where_the_rest_is() -> None:
    failure = reasons.explain_install("first\n" + "\n".join(f"line {i}" for i in range(20)), log="install.log")
    assert "line 19" in failure.what
    assert "first" not in failure.what
    assert "install.log" in failure.hint
