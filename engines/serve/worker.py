"""`python -m engines serve`: reads requests in one thread, answers them in another, and ends when its input does.

What is asked ahead of time is answered in a thread of its own, which stands still while another request is at work.

Torch is not needed to be started; a third thread fetches it in the background, so that the first request for pictures does not wait for
all of it. That request waits for the thread instead of importing beside it: libraries that import in circles do not bear two at once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engines.api.places import state_home
from engines.api.requests import Done, Dropped, Refused, Request
from engines.core.guard import Failure, guarded
from engines.serve.handlers import Handlers
from engines.serve.mailbox import Desk, Mailbox, Unwanted
from engines.serve.pipes import Speaker, end_with_the_window, read_requests
from engines.serve.segmenting import Ahead

_LAST_WORDS_S = 3.0


class Answering(Protocol):
    """What answers the requests of a mailbox."""

    def answer(self, request: Request) -> Done:
        """Do what is asked; raises Unwanted when it gave way."""
        ...

    def release(self) -> None:
        """Give the memory of all models back."""
        ...


def main() -> int:
    """Serve standard input and output until the input ends."""
    speaker = Speaker.on_standard_output()
    desk = Desk(speaker.tell)

    def listen() -> None:
        read_requests(sys.stdin.buffer, put=desk.put, tell=speaker.tell)
        end_with_the_window(desk.close)

    threading.Thread(target=listen, name="requests", daemon=True).start()
    libraries = threading.Thread(target=_fetch_libraries, name="libraries", daemon=True)
    libraries.start()
    crashes = state_home() / "crashes"
    handlers = Handlers(speaker.tell, desk.main.unwanted, libraries)
    ahead = Ahead(handlers.segmenting, desk.ahead.unwanted, desk.main.busy)
    beside = threading.Thread(
        target=serve, args=(desk.ahead, ahead, speaker), kwargs={"crashes": crashes}, name="ahead", daemon=True
    )
    beside.start()
    serve(desk.main, handlers, speaker, crashes=crashes)
    beside.join(_LAST_WORDS_S)
    return 0


def serve(mailbox: Mailbox, handlers: Answering, speaker: Speaker, *, crashes: Path) -> None:
    """Answer requests until the mailbox is closed; no request can end the process."""
    while (request := mailbox.take()) is not None:
        outcome = guarded(
            _answering(handlers, request),
            reports=(crashes,),
            about={"doing": f"request ({request.type})"},
            remedy=lambda: "Ask for smaller or fewer pictures, or close other programs that use memory.",
        )
        speaker.tell(_refusal(request, outcome, handlers) if isinstance(outcome, Failure) else outcome)


def _refusal(request: Request, failure: Failure, handlers: Answering) -> Refused:
    if not failure.expected:
        guarded(handlers.release, reports=(), about={})  # whatever it left half done is not used again
    hint = f"{failure.hint} {failure.report}".strip()
    return Refused(id=request.id, title=failure.title, what=failure.what, hint=hint)


def _answering(handlers: Answering, request: Request) -> Callable[[], Done | Dropped]:
    def answer() -> Done | Dropped:
        try:
            return handlers.answer(request)
        except Unwanted:
            return Dropped(id=request.id)

    return answer


def _fetch_libraries() -> None:
    # diffusers and transformers hand out their parts on demand; asking for the parts is what takes the time.
    from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: F401
    from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

    import engines.diffusion.compare
    import engines.segmentation.clicks  # noqa: F401
