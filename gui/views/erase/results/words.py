"""What was measured, in sentences. They say what was seen in how many pictures, and promise nothing."""

from __future__ import annotations

from collections.abc import Sequence

from engines.api.erase_report import Attempt, EraseReport, EraseRow, Group, Standing
from gui.views.train.words import plural
from gui.widgets.chips import Level

GROUPS: dict[Group, str] = {
    "target": "What must not appear",
    "synonym": "Other words for it",
    "neighbour": "What lies near",
    "unrelated": "Other things",
}
STANDINGS: dict[Standing, tuple[str, Level]] = {
    "gone": ("hardly recognised", "good"),
    "weakened": ("weakened", "warning"),
    "there": ("still there", "bad"),
    "unknown": ("cannot be told", "plain"),
}
PROMISE = "An eraser keeps a model from showing something by accident or on a plain wish. It does not keep anybody from it who has the model and means to."


def seen(row: EraseRow) -> str:
    """`8 of 8 → 0 of 8`: in how many pictures the word was recognised, before and after; empty when nobody judged."""
    judged = [picture.seen for picture in row.pictures if picture.seen is not None]
    if not judged:
        return ""
    before, after = sum(pair[0] for pair in judged), sum(pair[1] for pair in judged)
    return f"seen {before} → {after} of {len(judged)}"


def harm(report: EraseReport) -> str:
    """What else changed, in two plain sentences with the interval."""
    damage = report.damage
    if damage is None:
        return report.note or "Nobody judged what else has changed."
    words = (
        f"Pictures of other things changed by {damage.mean:.2f} (95 % interval {damage.low:.2f} to {damage.high:.2f})"
    )
    if report.another_seed:
        share = damage.mean / report.another_seed
        words += f", {round(100 * share)} % of what another seed alone changes."
    else:
        words += "; 0 is the same picture."
    return " ".join(part for part in (words, stayed(report)) if part)


def stayed(report: EraseReport) -> str:
    """How much of the rest is still recognised; empty when nobody could tell."""
    if report.kept is None:
        return ""
    return (
        f"Neighbours and other things are recognised in {round(100 * report.kept)} % as many pictures as with the base."
    )


def counted(report: EraseReport) -> str:
    """How much was looked at."""
    pictures = sum(len(row.pictures) for row in report.rows)
    return (
        f"{plural(pictures, 'pair')} of pictures from the same words and seeds, of {plural(len(report.rows), 'word')}."
    )


def recovered(attempts: Sequence[Attempt]) -> int:
    """How many attempts brought it back."""
    return sum(one.recovered for one in attempts)
