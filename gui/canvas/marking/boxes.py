"""Boxes in a picture as plain arithmetic: taking hold of them, pulling, snapping, overlaps. No widget.

A box is (left, top, right, bottom) in shares of the picture, 0..1 from its left and upper edge. A grip is (x, y), each -1, 0 or 1: which side of the
box is held, (0, 0) being all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Box = tuple[float, float, float, float]
Grip = tuple[int, int]

WHOLE: Grip = (0, 0)
LEAST = 0.04
"""The smallest side of a box."""

_LINES = (0.0, 1 / 3, 0.5, 2 / 3, 1.0)
_ROW_TOP, _ROW_BOTTOM, _EDGE, _GAP = 0.28, 0.94, 0.04, 0.04


def grip_at(box: Box, x: float, y: float, reach_x: float, reach_y: float) -> Grip | None:
    """What of a box lies under a point, within `reach` of its edges; None when the point is elsewhere."""
    left, top, right, bottom = box
    if not (left - reach_x <= x <= right + reach_x and top - reach_y <= y <= bottom + reach_y):
        return None
    across = -1 if abs(x - left) <= reach_x else 1 if abs(x - right) <= reach_x else 0
    down = -1 if abs(y - top) <= reach_y else 1 if abs(y - bottom) <= reach_y else 0
    return across, down


def pulled(box: Box, grip: Grip, by_x: float, by_y: float) -> Box:
    """A box moved or resized by a distance; it stays in the picture and keeps a least size."""
    left, right = _pulled(box[0], box[2], grip, 0, by_x)
    top, bottom = _pulled(box[1], box[3], grip, 1, by_y)
    return left, top, right, bottom


def between(x: float, y: float, to_x: float, to_y: float) -> Box:
    """The box between two corners, as far as it lies in the picture."""
    left, right = sorted((_clamped(x), _clamped(to_x)))
    top, bottom = sorted((_clamped(y), _clamped(to_y)))
    return left, top, right, bottom


def snapped(
    box: Box, grip: Grip, others: Iterable[Box], reach_x: float, reach_y: float
) -> tuple[Box, tuple[float, ...], tuple[float, ...]]:
    """A box that was pulled, drawn to lines that are near: edges, thirds and middle of the picture, edges and middles of other boxes.

    Returns:
        The box, and the upright (x) and level (y) lines it now lies on.
    """
    known = list(others)
    left, right, upright = _snapped(box[0], box[2], grip, 0, [(one[0], one[2]) for one in known], reach_x)
    top, bottom, level = _snapped(box[1], box[3], grip, 1, [(one[1], one[3]) for one in known], reach_y)
    return (left, top, right, bottom), upright, level


def overlap(one: Box, other: Box) -> float:
    """How much of the smaller of two boxes lies in the other, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min(area(one), area(other))
    return width * height / smaller if width > 0 and height > 0 and smaller > 0 else 0.0


def area(box: Box) -> float:
    """Share of the picture."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def row_of(count: int) -> tuple[Box, ...]:
    """Boxes side by side, to begin with; from four on in two rows."""
    if count <= 3:
        return _row(count, _ROW_TOP, _ROW_BOTTOM)
    upper = count // 2
    return (*_row(upper, _EDGE, 0.48), *_row(count - upper, 0.52, 1 - _EDGE))


def _row(count: int, top: float, bottom: float) -> tuple[Box, ...]:
    width = (1 - 2 * _EDGE - _GAP * (count - 1)) / max(count, 1)
    lefts = [_EDGE + number * (width + _GAP) for number in range(count)]
    return tuple((round(left, 4), top, round(left + width, 4), bottom) for left in lefts)


def _pulled(low: float, high: float, grip: Grip, axis: int, by: float) -> tuple[float, float]:
    held = grip[axis]
    if grip == WHOLE:
        by = min(max(by, -low), 1.0 - high)
        return low + by, high + by
    if held < 0:
        return min(max(low + by, 0.0), high - LEAST), high
    if held > 0:
        return low, max(min(high + by, 1.0), low + LEAST)
    return low, high


def _snapped(
    low: float, high: float, grip: Grip, axis: int, others: Sequence[tuple[float, float]], reach: float
) -> tuple[float, float, tuple[float, ...]]:
    held = grip[axis]
    if grip != WHOLE and not held:
        return low, high, ()
    lines = (*_LINES, *(line for one in others for line in (one[0], one[1], (one[0] + one[1]) / 2)))
    edges = (low, high, (low + high) / 2) if grip == WHOLE else (low if held < 0 else high,)
    pairs = [(abs(line - edge), line - edge) for line in lines for edge in edges]
    far, by = min(pairs, key=lambda pair: pair[0])
    if far > reach:
        return low, high, ()
    if grip == WHOLE:
        if not -1e-9 <= low + by <= high + by <= 1 + 1e-9:
            return low, high, ()
        low, high = low + by, high + by
    elif held < 0 and high - low - by >= LEAST:
        low += by
    elif held > 0 and high + by - low >= LEAST:
        high += by
    now = (low, high, (low + high) / 2) if grip == WHOLE else (low if held < 0 else high,)
    return low, high, tuple(sorted({line for line in lines for edge in now if abs(line - edge) < 1e-6}))


def _clamped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
