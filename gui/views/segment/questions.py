"""The questions of the page Segment to the interactive worker, and its answers as masks, decoded beside the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from PySide6.QtCore import QObject

from engines.api.requests import Answer, Done
from engines.api.segment_requests import (
    AskMask,
    Click,
    FindObjects,
    OpenAhead,
    OpenPicture,
    SegmentModel,
    SegmentRequest,
)
from gui.canvas.marking.canvas import Points
from gui.canvas.marking.piece import Piece
from gui.services import Services
from gui.workers.interactive import OnAnswer, new_id
from projects.records import Image
from projects.regions.mask import Mask

T = TypeVar("T")
_CACHE = "cache"
_GRID = 16


@dataclass(frozen=True)
class Candidate:
    """One answer: its mask, and how sure the model is of it (0 to 1)."""

    piece: Piece
    score: float

    @property
    def mask(self) -> Mask:
        """The pixels."""
        return self.piece.mask


@dataclass(frozen=True)
class Found:
    """One thing that was found: number of its class (-1 for any object), its mask, and how sure the model is."""

    label: int
    mask: Mask
    score: float


class Questions:
    """Words what is to be asked about a picture of the open project, and reads the answers, as long as `owner` lives.

    Attributes:
        model: which model answers.
    """

    def __init__(self, services: Services, owner: QObject) -> None:
        self._services = services
        self._owner = owner
        self.model = SegmentModel()

    def open(self, image: Image, on_answer: OnAnswer) -> str:
        """Have a picture ready for clicks; returns the request's id, as all of these do."""
        picture, cache = self._place(image)
        return self._send(OpenPicture(id=new_id("open"), model=self.model, picture=picture, cache=cache), on_answer)

    def ahead(self, image: Image, on_answer: OnAnswer) -> str:
        """Have a picture ready that will be asked about next."""
        picture, cache = self._place(image)
        return self._send(OpenAhead(id=new_id("ahead"), model=self.model, picture=picture, cache=cache), on_answer)

    def mask(self, image: Image, points: Points, on_answer: OnAnswer, *, follow: int = -1, hover: bool = False) -> str:
        """Ask for the object that is pointed at; see `AskMask`."""
        picture, cache = self._place(image)
        request = AskMask(
            id=new_id("hover" if hover else "mask"),
            model=self.model,
            picture=picture,
            cache=cache,
            clicks=tuple(Click(x=x, y=y, inside=inside) for x, y, inside in points.clicks),
            box=points.box,
            follow=follow,
            hover=hover,
        )
        return self._send(request, on_answer)

    def objects(self, image: Image, on_answer: OnAnswer, *, classes: bool = False) -> str:
        """Ask for everything there is, or for the adapter's classes."""
        picture, cache = self._place(image)
        request = FindObjects(
            id=new_id("find"), model=self.model, picture=picture, cache=cache, classes=classes, points_per_side=_GRID
        )
        return self._send(request, on_answer)

    def cancel(self, request_id: str) -> None:
        """The answer is not wanted any more."""
        self._services.interactive.cancel(request_id)

    def candidates(self, answer: Done, image: Image, then: Callable[[tuple[Candidate, ...]], object]) -> None:
        """Decode what was answered to `mask`, the best first."""
        self._beside(
            lambda: tuple(
                Candidate(Piece(_mask(one, image)), _number(one.get("score"))) for one in _listed(answer, "candidates")
            ),
            then,
        )

    def found(self, answer: Done, image: Image, then: Callable[[tuple[Found, ...]], object]) -> None:
        """Decode what was answered to `objects`."""
        self._beside(
            lambda: tuple(
                Found(int(_number(one.get("label"), -1)), _mask(one, image), _number(one.get("score")))
                for one in _listed(answer, "regions")
            ),
            then,
        )

    def _beside(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        self._services.background.run(lambda _task: work(), done=then, owner=self._owner, priority=6)

    def _place(self, image: Image) -> tuple[str, str]:
        """The picture's file, and where its embedding is kept."""
        project = self._services.session.project
        if project is None:
            return image.file, ""
        return str(project.path(image.file)), "" if project.read_only else str(project.root / _CACHE)

    def _send(self, request: SegmentRequest, on_answer: Callable[[Answer], None]) -> str:
        return self._services.interactive.request(request, on_answer)


def _listed(answer: Done, name: str) -> Sequence[dict[str, object]]:
    return cast("Sequence[dict[str, object]]", answer.data.get(name) or ())


def _mask(one: dict[str, object], image: Image) -> Mask:
    return Mask.from_text(str(one["counts"]), image.width, image.height)


def _number(value: object, missing: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) else missing
