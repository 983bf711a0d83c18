"""Figures in words: durations, sizes, dates and where a training stands."""

from __future__ import annotations

import datetime as dt

from engines.api.run_state import RunState

_PHASES = {
    "waiting": "Not started",
    "preparing": "Getting ready",
    "training": "Learning",
    "paused": "Paused",
    "finishing": "Finishing",
    "finished": "Finished",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def duration(seconds: float) -> str:
    """About how long, in the largest fitting unit: `20 s`, `4 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def spoken_duration(seconds: float) -> str:
    """The same in whole words: `about 20 seconds`."""
    if seconds < 90:
        count = max(round(seconds / 5) * 5, 5) if seconds > 10 else max(round(seconds), 1)
        return f"about {count} second{'' if count == 1 else 's'}"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} minutes"
    return f"about {seconds / 3600:.1f} hours"


def size(count: int) -> str:
    """Bytes as people read them: `3.1 MB`, `1.1 GB`."""
    if count < 1_000_000:
        return f"{max(count / 1000, 0.1):.1f} kB" if count < 100_000 else f"{count / 1000:.0f} kB"
    if count < 1_000_000_000:
        return f"{count / 1e6:.1f} MB"
    return f"{count / 1e9:.1f} GB"


def gigabytes(count: int) -> str:
    """Memory in binary gigabytes, as graphics cards are sold."""
    value = count / 2**30
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def when(seconds: float, *, now: float | None = None) -> str:
    """A moment as people say it: `today 14:05`, `yesterday`, `3 November`."""
    if seconds <= 0:
        return ""
    moment = dt.datetime.fromtimestamp(seconds).astimezone()
    today = dt.datetime.now().astimezone() if now is None else dt.datetime.fromtimestamp(now).astimezone()
    days = (today.date() - moment.date()).days
    if days == 0:
        return f"today {moment:%H:%M}"
    if days == 1:
        return "yesterday"
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment.day} {moment:%B}{year}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 photo`, `8 photos`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def standing(state: RunState) -> str:
    """Where a training stands, in one or two words."""
    if state.phase == "finished" and state.result is not None and state.result.reason == "stopped":
        return "Stopped and kept"
    if state.phase == "preparing" and state.text:
        return state.text
    return _PHASES[state.phase]


def phase(state: RunState) -> str:
    """The same without what is being prepared, for lists."""
    return _PHASES[state.phase] if state.phase == "preparing" else standing(state)


def method_title(name: str) -> str:
    """A method's registered name as people write it."""
    known = {"lora": "LoRA", "dora": "DoRA", "tara": "Token-aware"}
    known |= {"spm": "Membrane", "uce": "Rewriting", "esd": "Unlearning"}
    return known.get(name, name.replace("_", " ").capitalize())
