"""The command line: the whole job without a window. Thin verbs over the functions that the window and the workers use too.

Exit codes: 0 fine, 1 a floor missed or a check failed, 2 wrong usage, 3 an expected failure (told in words), 4 a mistake in the program
(a crash report was written), 130 stopped by the person. With `--json`, standard output carries JSON and nothing else; long jobs write
one JSON line an event. Progress and words go to standard error.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence

from engines.api.places import state_home
from engines.cli.codes import BUG, EXPECTED, INTERRUPTED, USAGE
from engines.core.guard import Failure, guarded

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code and never raises what a person could cause."""
    words = list(arguments)
    _speak_any_language()
    try:
        outcome = guarded(
            lambda: _dispatch(words), reports=[state_home() / "crashes"], about={"command": " ".join(words)[:4000]}
        )
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    if isinstance(outcome, Failure):
        _tell(outcome, as_json="--json" in words)
        return EXPECTED if outcome.expected else BUG
    return outcome


def _dispatch(words: list[str]) -> int:
    import typer

    from engines.cli.app import make_app

    # Typer carries its own copy of click since 0.20-odd; the common parent of its usage errors is found through the one it exports.
    usage_error: type[Exception] = next(
        base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
    )
    try:
        code = make_app()(args=words, prog_name="lorikeet", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except usage_error as error:
        error.show(file=sys.stderr)  # type: ignore[attr-defined]
        return USAGE
    except BrokenPipeError:  # whoever read our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _speak_any_language() -> None:
    """A terminal that lacks a letter shows a question mark; a pipe gets UTF-8, which is what JSON is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace", encoding=None if stream.isatty() else "utf-8")


def _tell(failure: Failure, *, as_json: bool) -> None:
    if as_json:
        told = {"title": failure.title, "what": failure.what, "hint": failure.hint, "report": failure.report}
        print(json.dumps({"error": told}, ensure_ascii=False))
    lines = [f"\n{failure.title}."]
    lines += [f"  {line}" for line in failure.what.splitlines()]
    if failure.hint:
        lines.append(f"What to do: {failure.hint}")
    if failure.report:
        lines.append(f"Report: {failure.report}")
    print("\n".join(lines), file=sys.stderr)
