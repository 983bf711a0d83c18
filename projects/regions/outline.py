"""From outlines to masks and back, exactly.

A point's coordinates are those of the picture's plane, in which the pixel in column x and row y covers the square from (x, y) to
(x + 1, y + 1). A pixel belongs to an outline when its centre does, by the even-odd rule. Outlines traced here run along the pixels' edges
and so give back exactly the mask that they came from; holes are reached by a cut of no width, which every reader that fills by
crossings takes for what it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from projects.regions.mask import Bools, Ints, Mask

Points = NDArray[np.float64]

# Crossings worked on at a time; an outline may have any number.
_AT_ONCE = 4_000_000
# What is farther away than this has no business in a picture, and would lose its fractions.
FARTHEST = 10_000_000.0


def fill(outlines: Sequence[Points], width: int, height: int) -> Mask:
    """The pixels inside any of the outlines, of a picture of `width` times `height` pixels; what lies outside it is cut off.

    Args:
        outlines: each (n, 2) of x and y, closed by itself, and filled by the even-odd rule on its own.
        width: of the picture.
        height: of the picture.

    Raises:
        ValueError: a coordinate is not a number or farther than `FARTHEST`.
    """
    useful = [points for points in outlines if len(points) >= 3]
    if not useful:
        return Mask.from_counts([width * height], width, height)
    every = np.concatenate(useful)
    if not (np.abs(every) <= FARTHEST).all():
        msg = "a point of the outline is not in the plane"
        raise ValueError(msg)
    left, top, right, bottom = _within(every, width, height)
    inside = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for points in useful:
        x, y, x_end, y_end = _within(points, width, height)
        inside[y - top : y_end - top, x - left : x_end - left] |= _even_odd(points - (x, y), y_end - y, x_end - x)
    return Mask.of(inside, left=left, top=top, size=(width, height))


def area_of(outline: Points) -> float:
    """The area that an outline encloses, in pixels; negative when it runs counter-clockwise on the screen."""
    x, y = outline[:, 0], outline[:, 1]
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def trace(mask: Mask) -> list[Points]:
    """The outlines of a mask along its pixels' edges: one (n, 2) for each of its parts, holes cut open to the left.

    Parts that touch at a corner only are parts of their own. Points in the middle of a straight line are left out. Filling the outlines
    gives the mask back, and the outlines' area is the mask's.
    """
    corner = np.array(mask.box[:2])
    rings, outer = _rings(mask.crop())
    return [ring + corner for ring in _cut_open(rings, outer)]


def join(outlines: Sequence[Points]) -> Points:
    """One outline in place of several: lines of no width lead from the first to the others and back."""
    first = outlines[0]
    pieces = [first, first[:1]]
    for other in outlines[1:]:
        pieces += [other, other[:1], first[:1]]
    return np.concatenate(pieces) if len(outlines) > 1 else first


def simplify(outline: Points, tolerance: float) -> Points:
    """Leave points out so that none of them was farther than `tolerance` pixels from what stays (Douglas and Peucker, 1973).

    The ends of cuts stay, so that what was cut open remains closed without width.
    """
    if tolerance <= 0 or len(outline) <= 4:
        return outline
    _, which, times = np.unique(outline, axis=0, return_inverse=True, return_counts=True)
    fixed = np.flatnonzero(times[which.ravel()] > 1)
    if not fixed.size:
        start = outline[0]
        fixed = np.array([0, int(np.argmax(((outline - start) ** 2).sum(axis=1)))])
    # Each stretch between fixed points is a line of its own; the last leads around to the first.
    closed = np.concatenate([outline, outline[: fixed[0] + 1]])
    ends = [*fixed.tolist(), len(outline) + int(fixed[0])]
    keep = np.zeros(len(closed), dtype=np.bool_)
    keep[ends] = True
    waiting = list(itertools.pairwise(ends))
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        away = _distances(closed[first + 1 : last], closed[first], closed[last])
        farthest = int(np.argmax(away))
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    kept = np.flatnonzero(keep[:-1])
    return closed[kept]


def _within(points: Points, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels around the points that the picture has."""
    low = np.floor(points.min(axis=0)).clip(0, (width, height))
    high = np.ceil(points.max(axis=0)).clip(low, (width, height))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _even_odd(points: Points, height: int, width: int) -> Bools:
    """Fill one outline whose plane begins at the array's corner; (height, width)."""
    following = np.roll(points, -1, axis=0)
    downwards = points[:, 1] <= following[:, 1]
    upper = np.where(downwards[:, None], points, following)
    lower = np.where(downwards[:, None], following, points)
    # An edge crosses the rows whose centres lie between its ends, the upper one included.
    first = np.ceil(upper[:, 1] - 0.5).clip(0, height).astype(np.int64)
    rows = np.ceil(lower[:, 1] - 0.5).clip(0, height).astype(np.int64) - first
    edges = np.flatnonzero(rows > 0)
    crossed = np.zeros(height * (width + 1), dtype=np.uint8)
    for some in _portions(edges, rows):
        count = rows[some]
        edge = np.repeat(some, count)
        row = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        slope = (lower[edge, 0] - upper[edge, 0]) / (lower[edge, 1] - upper[edge, 1])
        x = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope
        column = np.ceil(x - 0.5).clip(0, width).astype(np.int64)
        np.bitwise_xor.at(crossed, row * (width + 1) + column, np.uint8(1))
    turned = crossed.reshape(height, width + 1)[:, :width]
    return np.bitwise_xor.accumulate(turned, axis=1).astype(np.bool_)


def _portions(edges: Ints, rows: Ints) -> list[Ints]:
    """Edges in groups that cross a bounded number of rows."""
    groups = np.cumsum(rows[edges]) // _AT_ONCE
    return np.split(edges, np.flatnonzero(np.diff(groups)) + 1) if edges.size else []


def _distances(points: Points, start: Points, end: Points) -> Points:
    along = end - start
    length = float(np.hypot(*along))
    share = (((points - start) @ along) / max(length**2, 1e-12)).clip(0, 1)
    away: Points = np.hypot(*(points - start - share[:, None] * along).T)
    return away


def _rings(inside: Bools) -> tuple[list[Points], list[bool]]:
    """The closed lines between object and background of (h, w), and whether each is the outer line of a part.

    Outer lines run clockwise on the screen, lines around holes counter-clockwise. Each begins at its uppermost corner, the leftmost of
    those.
    """
    padded = np.pad(inside, 1)
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    # Where two opposite pixels of the four around a corner belong to the object, two lines pass through the corner.
    falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
    y, x = np.nonzero((a ^ b ^ c ^ d) | falling | rising)
    twice = np.where(falling[y, x] | rising[y, x], 2, 1)
    copy = np.arange(twice.sum()) - np.repeat(np.cumsum(twice) - twice, twice)
    y, x = np.repeat(y, twice), np.repeat(x, twice)
    # In a row, corners are joined in pairs by edges along it; likewise in a column. The two lines through one corner keep apart: from the
    # left they go up where the upper left pixel belongs to the object, else down.
    beside = _partners(np.lexsort((copy, x, y)))
    above = _partners(np.lexsort((np.where(falling[y, x], copy, 1 - copy), y, x)))
    corners = np.stack([x, y], axis=1).astype(np.float64)
    is_outer = d[y, x]
    rings, outer = [], []
    free = bytearray(b"\1") * len(x)
    for start in range(len(x)):
        if not free[start]:
            continue
        path, corner = [], start
        while free[corner]:
            across = beside[corner]
            free[corner] = free[across] = 0
            path += [corner, across]
            corner = above[across]
        ring = corners[path]
        rings.append(ring if is_outer[start] else np.concatenate([ring[:1], ring[:0:-1]]))
        outer.append(bool(is_outer[start]))
    return rings, outer


def _partners(order: Ints) -> list[int]:
    partner = np.empty_like(order)
    partner[order[0::2]], partner[order[1::2]] = order[1::2], order[0::2]
    found: list[int] = partner.tolist()
    return found


def _cut_open(rings: list[Points], outer: list[bool]) -> list[Points]:
    """Lead every hole's line into the line to the left of its leftmost corner, and that again, until only outer lines are left."""
    if all(outer):
        return rings
    uprights = _Uprights(rings)
    # The line that a hole is led into reaches farther to the left than the hole; so the leftmost holes come last.
    holes = sorted((index for index, is_outer in enumerate(outer) if not is_outer), key=lambda i: -rings[i][:, 0].min())
    inserts: dict[int, list[tuple[int, Points]]] = {}
    for hole in holes:
        ring = _with_inserts(rings[hole], inserts.pop(hole, []))
        start = int(np.lexsort((ring[:, 1], ring[:, 0]))[0])
        loop = np.concatenate([ring[start:], ring[: start + 1]])
        target, edge, x = uprights.left_of(*loop[0])
        meeting = np.array([[x, loop[0, 1]]])
        inserts.setdefault(target, []).append((edge, np.concatenate([meeting, loop, meeting])))
    return [_with_inserts(rings[index], inserts.get(index, [])) for index, is_outer in enumerate(outer) if is_outer]


def _with_inserts(ring: Points, inserts: list[tuple[int, Points]]) -> Points:
    """The ring with detours after its points of these numbers; several on one edge in the order in which the edge passes them."""
    if not inserts:
        return ring
    pieces, done = [], 0
    for edge, detour in sorted(inserts, key=lambda item: (item[0], abs(item[1][0, 1] - ring[item[0], 1]))):
        pieces += [ring[done : edge + 1], detour]
        done = edge + 1
    joined = np.concatenate([*pieces, ring[done:]])
    # A detour that begins at a corner of the ring would name that corner twice in a row.
    again = (joined == np.roll(joined, 1, axis=0)).all(axis=1)
    shorter: Points = joined[~again]
    return shorter


class _Uprights:
    """The upright edges of all rings, found by what lies to the left of a point."""

    def __init__(self, rings: list[Points]) -> None:
        ring = np.repeat(np.arange(len(rings)), [len(points) for points in rings])
        edge = np.concatenate([np.arange(len(points)) for points in rings])
        start = np.concatenate(rings)
        end = np.concatenate([np.roll(points, -1, axis=0) for points in rings])
        upright = start[:, 0] == end[:, 0]
        self._ring, self._edge = ring[upright], edge[upright]
        self._x = start[upright, 0]
        self._top = np.minimum(start[upright, 1], end[upright, 1])
        self._bottom = np.maximum(start[upright, 1], end[upright, 1])

    def left_of(self, x: float, y: float) -> tuple[int, int, float]:
        """Ring, number of the edge in it and x of the nearest upright edge to the left that passes the pixels' row below `y`."""
        passing = np.flatnonzero((self._top <= y) & (self._bottom > y) & (self._x < x))
        nearest = passing[np.argmax(self._x[passing])]
        return int(self._ring[nearest]), int(self._edge[nearest]), float(self._x[nearest])
