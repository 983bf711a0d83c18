"""Answers as the interactive worker does about pictures to be segmented: discs around clicks. Run as a process of its own.

python answering.py LOG [refuse|slow]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from engines.api.requests import REQUESTS, Done, Refused, Working
from engines.api.segment_requests import AskMask, FindObjects, OpenAhead, OpenPicture
from projects.regions.mask import Mask

CLASSES = ("disc", "corner")


def say(answer: Done | Refused | Working) -> None:
    print(answer.model_dump_json(), flush=True)


def disc(size: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[: size[1], : size[0]]
    inside: np.ndarray = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= radius**2
    return inside


def told(inside: np.ndarray, score: float, label: int = -1) -> dict[str, object]:
    mask = Mask.of(inside)
    return {"label": label, "counts": mask.text, "score": score, "area": mask.area, "box": list(mask.box)}


def masks(request: AskMask, size: tuple[int, int]) -> list[dict[str, object]]:
    if request.box is not None:
        left, top, right, bottom = (round(side) for side in request.box)
        inside = np.zeros((size[1], size[0]), np.bool_)
        inside[top:bottom, left:right] = True
        return [told(inside, 0.9)]
    if len(request.clicks) == 1:
        x, y = request.clicks[0].x, request.clicks[0].y
        found = [told(disc(size, x, y, radius), score) for radius, score in ((10, 0.9), (20, 0.7), (5, 0.5))]
        return found[:1] if request.hover else found
    inside = np.zeros((size[1], size[0]), np.bool_)
    for click in request.clicks:
        one = disc(size, click.x, click.y, 10)
        inside = inside | one if click.inside else inside & ~one
    return [told(inside, 0.8)]


def main(log: Path, manner: str) -> None:
    for line in sys.stdin:
        request = REQUESTS.validate_json(line)
        with log.open("a", encoding="utf-8") as file:
            file.write(line)
        if manner == "refuse":
            say(
                Refused(
                    id=request.id,
                    title="The model is not here",
                    what="Its file is missing.",
                    hint="Choose another one.",
                )
            )
            continue
        if manner == "slow":
            time.sleep(0.2)
        match request:
            case OpenPicture() | OpenAhead():
                size = Image.open(request.picture).size
                say(Working(id=request.id, text="Looking at the picture"))
                data = {"width": size[0], "height": size[1], "cached": False, "classes": []}
                say(Done(id=request.id, data=data))
            case AskMask():
                say(Done(id=request.id, data={"candidates": masks(request, Image.open(request.picture).size)}))
            case FindObjects():
                size = Image.open(request.picture).size
                labels = (0, 1) if request.classes else (-1, -1)
                found = [told(disc(size, 50, 50, 15), 0.9, labels[0]), told(disc(size, 120, 80, 12), 0.8, labels[1])]
                say(Done(id=request.id, data={"regions": found}))
            case _:
                say(Done(id=request.id))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
