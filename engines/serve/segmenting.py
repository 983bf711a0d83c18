"""Answers about pictures to be segmented. Models, decoders and the embeddings asked for last stay warm in between.

One request at a time is answered in the worker's main thread; beside it, another thread looks at pictures that will be asked about next
(`Ahead`). It stands still while anything else is at work, between two blocks of the encoder; if what is at work needs the model, the other either
hurries (it is the same picture) or gives way.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engines.api.errors import SettingsError
from engines.api.requests import Answer, Done, Request, Working
from engines.api.segment_requests import AskMask, FindObjects, OpenAhead, OpenPicture, SegmentRequest
from engines.serve.mailbox import Unwanted

if TYPE_CHECKING:
    from engines.segmentation.clicks import Asked, Clicks, Found

_MODELS = 4
_LOOK_S = 0.02
_LOOKING = "Looking at the picture"
_EVERYTHING = "everything"

Check = Callable[[], None]
"""Raises `Unwanted` when the request at work gave way."""


class Segmenting:
    """What answers; used by both threads.

    Args:
        tell: sends an answer.
        libraries: waits until torch and its kin may be used, calling what it is given now and then.
    """

    def __init__(self, tell: Callable[[Answer], None], libraries: Callable[[Check], None]) -> None:
        self._tell, self._libraries = tell, libraries
        self._making = threading.Lock()
        self._clicks: OrderedDict[tuple[str, ...], Clicks] = OrderedDict()
        self._awaited = ""  # what the main thread needs the model for, and the other has it

    def answer(self, request: SegmentRequest, check: Check) -> Done:
        """Do what is asked.

        Raises:
            Unwanted: it gave way.
            UserError: it cannot be done, in words.
        """
        text = "Looking for objects" if isinstance(request, FindObjects) else _LOOKING

        def between(done: int, total: int) -> None:
            check()
            # Nothing to count means that the other thread has the model.
            self._awaited = "" if total else _about(request)
            if total:
                self._tell(Working(id=request.id, text=text, done=done, total=total))

        self._libraries(check)
        try:
            clicks, asked = self._model_for(request), _asked(request)
            match request:
                case AskMask():
                    found = clicks.ask(
                        asked, request.clicks, request.box, between, follow=request.follow, remember=not request.hover
                    )
                    return Done(id=request.id, data={"candidates": _told(found[:1] if request.hover else found)})
                case FindObjects():
                    return Done(id=request.id, data={"regions": _told(_all(clicks, asked, request, between))})
                case _:
                    return _opened(request, clicks, between)
        finally:
            self._awaited = ""

    def ahead(self, request: OpenAhead, check: Check, busy: Callable[[], bool]) -> Done:
        """Have a picture ready while nothing else is at work (`busy`)."""

        def between(_done: int, _total: int) -> None:
            check()
            while busy() and self._awaited != _about(request):
                if self._awaited:
                    raise Unwanted
                time.sleep(_LOOK_S)
                check()

        self._libraries(check)
        between(0, 0)
        return _opened(request, self._model_for(request), between)

    def release(self) -> None:
        """Give the memory of all models back; whatever is looked at ahead of time gives way."""
        with self._making:
            kept = list(self._clicks.values())
            self._clicks.clear()
        self._awaited = _EVERYTHING
        for clicks in kept[:1]:
            clicks.shared.release()
        self._awaited = ""

    def _model_for(self, request: SegmentRequest) -> Clicks:
        """The one that answers for the request's model, opened when it is not open."""
        from engines.segmentation.clicks import Clicks, Shared
        from engines.segmentation.decoders import decoder_for, hashes_of

        base, file = request.model.base, request.model.adapter
        adapter = Path(file) if file else None
        with self._making:
            name = (base, file, *hashes_of(base, adapter))
            if name not in self._clicks:
                decoder = decoder_for(base, adapter, lambda text: self._tell(Working(id=request.id, text=text)))
                shared = next((one.shared for one in self._clicks.values()), None) or Shared()
                self._clicks[name] = Clicks(base, adapter, decoder, shared)
                if len(self._clicks) > _MODELS:
                    self._clicks.popitem(last=False)
            self._clicks.move_to_end(name)
            return self._clicks[name]


class Ahead:
    """Answers what is asked ahead of time; stands where `Handlers` stands for the other requests.

    Args:
        segmenting: what answers.
        unwanted: whether the request at work gave way.
        busy: whether another request is at work or waits.
    """

    def __init__(self, segmenting: Segmenting, unwanted: Callable[[], bool], busy: Callable[[], bool]) -> None:
        self._segmenting, self._unwanted, self._busy = segmenting, unwanted, busy

    def answer(self, request: Request) -> Done:
        """Have a picture ready."""
        if not isinstance(request, OpenAhead):
            raise SettingsError("The request is not understood", f"“{request.type}” is not done ahead of time.")
        return self._segmenting.ahead(request, self._check, self._busy)

    def release(self) -> None:
        """Give the memory of all models back."""
        self._segmenting.release()

    def _check(self) -> None:
        if self._unwanted():
            raise Unwanted


def _opened(request: OpenPicture | OpenAhead, clicks: Clicks, between: Callable[[int, int], None]) -> Done:
    frame, there = clicks.open(_asked(request), between)
    data = {"width": frame.width, "height": frame.height, "cached": there, "classes": list(clicks.names)}
    return Done(id=request.id, data=data)


def _all(clicks: Clicks, asked: Asked, request: FindObjects, between: Callable[[int, int], None]) -> Sequence[Found]:
    return (
        clicks.classes(asked, between)
        if request.classes
        else clicks.everything(asked, request.points_per_side, between)
    )


def _asked(request: SegmentRequest) -> Asked:
    from engines.segmentation.clicks import Asked

    for text in (request.picture, *([request.cache] if request.cache else [])):
        if not Path(text).is_absolute():
            raise SettingsError("The picture and its cache must be named in full", f"“{text}” is relative.")
    return Asked(Path(request.picture), Path(request.cache) / "embeddings" if request.cache else None)


def _about(request: SegmentRequest) -> str:
    """What tells that two requests need the same embedding."""
    return f"{request.model.base}|{request.model.adapter}|{request.picture}"


def _told(found: Sequence[Found]) -> list[dict[str, object]]:
    return [
        {
            "label": one.label,
            "counts": one.mask.text,
            "score": one.score,
            "area": one.mask.area,
            "box": list(one.mask.box),
        }
        for one in found
    ]
