"""From an empty machine to Lorikeet with one command: makes the private environment, keeps it right, and runs one verb in it.

    python3 packaging/bootstrap.py app      open the window
    python3 packaging/bootstrap.py demo     teach a sample subject and show before and after
    python3 packaging/bootstrap.py test     run the test-suite; further words go to pytest
    python3 packaging/bootstrap.py doctor   say what is right and what is missing; installs nothing

Standard library only. This one file must still be read by old Pythons (3.6), so that they can say in words that they are too old; hence the
annotations in quotes, and the other files loaded only after the version was looked at.
The environment is `.venv` beside this checkout, the folder that LORIKEET_ENV names, or one of the environments kept in the folder
LORIKEET_ENV_CACHE, which are shared by all checkouts with the same dependencies.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
NEWEST_TRIED = (3, 14)
VERBS = ("app", "demo", "test", "doctor")

EXIT_USAGE = 2
EXIT_EXPECTED = 3
EXIT_INTERRUPTED = 130


def main(arguments: "list[str]") -> int:
    """Do what the first word says; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a path may hold letters that the terminal lacks
    if not arguments or arguments[0] not in VERBS:
        print((__doc__ or "").strip())
        return 0 if arguments[:1] in (["-h"], ["--help"]) else EXIT_USAGE
    if sys.version_info[:2] < OLDEST:
        return _hand_over_to_newer_python(arguments)
    from reasons import SetupFailure

    try:
        return _run(arguments[0], arguments[1:])
    except SetupFailure as failure:
        print(f"\n{failure.title}\n  {failure.what}".rstrip(), file=sys.stderr)
        if failure.hint:
            print(f"\nWhat to do: {failure.hint}", file=sys.stderr)
        return EXIT_EXPECTED
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on where it left off.", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(verb: str, rest: "list[str]") -> int:
    import environment
    import libraries

    where = environment.locate(ROOT)
    if verb == "doctor":
        from doctor import set_up_report

        text, ready = set_up_report(where)
        if not ready:
            print(text)
            return 1
        if "--json" not in rest:
            print(text, end="\n\n", flush=True)
        return environment.run(where, ["-m", "engines", "doctor", *rest])
    if sys.version_info[:2] > NEWEST_TRIED:
        print(f"Note: Lorikeet has not been tried with Python {sys.version_info[0]}.{sys.version_info[1]} yet.")
    if verb in ("app", "test"):
        libraries.provide(window=verb == "app")
    environment.ensure(where, dev=verb == "test")
    if verb == "test":
        return environment.run(where, ["-m", "pytest", *rest])
    if verb == "demo":
        return environment.run(where, ["-m", "engines", "demo", *rest])
    return environment.run(where, ["-m", "lorikeet", "app", *rest])


def _hand_over_to_newer_python(arguments: "list[str]") -> int:
    """Look for a Python that is new enough and let it do the work; else say what is needed."""
    for minor in range(NEWEST_TRIED[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if not found:
            continue
        command = [found, "-c", "import ssl, venv"]
        probe = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if probe.returncode == 0:
            print(f"Going on with {found}.", flush=True)
            return subprocess.run([found, os.path.abspath(__file__), *arguments], check=False).returncode  # noqa: PTH100
    here = ".".join(str(part) for part in sys.version_info[:3])
    print(
        f"Lorikeet needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python {here}.\n\n"
        "What to do: install a newer Python (from python.org, your system's packages, or the Microsoft Store on Windows)\n"
        "and run the same command with it, for example: python3.12 packaging/bootstrap.py demo",
        file=sys.stderr,
    )
    return EXIT_EXPECTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
