"""`python -m engines serve`: reads requests in one thread, answers them in another, and ends when its input does.

Torch is not needed to be started; a third thread fetches it in the background, so that the first request for pictures does not wait for
all of it. That request waits for the thread instead of importing beside it: libraries that import in circles do not bear two at once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from engines.api.places import state_home
from engines.api.requests import Done, Dropped, Refused, Request
from engines.core.guard import Failure, guarded
from engines.serve.handlers import Handlers, Unwanted
from engines.serve.mailbox import Mailbox
from engines.serve.pipes import Speaker, end_with_the_window, read_requests


def main() -> int:
    """Serve standard input and output until the input ends."""
    speaker = Speaker.on_standard_output()
    mailbox = Mailbox(speaker.tell)

    def listen() -> None:
        read_requests(sys.stdin.buffer, put=mailbox.put, tell=speaker.tell)
        end_with_the_window(mailbox.close)

    threading.Thread(target=listen, name="requests", daemon=True).start()
    libraries = threading.Thread(target=_fetch_libraries, name="libraries", daemon=True)
    libraries.start()
    serve(mailbox, Handlers(speaker.tell, mailbox.unwanted, libraries), speaker, crashes=state_home() / "crashes")
    return 0


def serve(mailbox: Mailbox, handlers: Handlers, speaker: Speaker, *, crashes: Path) -> None:
    """Answer requests until the mailbox is closed; no request can end the process."""
    while (request := mailbox.take()) is not None:
        outcome = guarded(
            _answering(handlers, request),
            reports=(crashes,),
            about={"doing": f"request ({request.type})"},
            remedy=lambda: "Ask for smaller or fewer pictures, or close other programs that use memory.",
        )
        speaker.tell(_refusal(request, outcome, handlers) if isinstance(outcome, Failure) else outcome)


def _refusal(request: Request, failure: Failure, handlers: Handlers) -> Refused:
    if not failure.expected:
        guarded(handlers.release, reports=(), about={})  # whatever it left half done is not used again
    hint = f"{failure.hint} {failure.report}".strip()
    return Refused(id=request.id, title=failure.title, what=failure.what, hint=hint)


def _answering(handlers: Handlers, request: Request) -> Callable[[], Done | Dropped]:
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

    import engines.diffusion.compare  # noqa: F401
