"""Sample pictures in the middle of a run: they must neither disturb its random streams nor be able to end it."""

from __future__ import annotations

from engines.api.commands import SampleNow
from engines.api.errors import UserError
from engines.api.events import Note, Sample
from engines.core.contracts import SampleFile, Task
from engines.core.desk import Desk
from engines.core.devices import Device, release_cache
from engines.core.guard import in_words, is_memory_shortage
from engines.core.randomness import undisturbed
from engines.launch.folder import SAMPLES


def make(task: Task, wish: SampleNow, desk: Desk, device: Device, *, step: int) -> None:
    """Make the wished pictures and tell of them; a picture that cannot be made is a note, and the training goes on."""
    try:
        with undisturbed():
            files = _draw(task, wish, desk, step)
    except UserError as error:
        release_cache(device)
        text = f"{error} The training goes on."
        desk.journal.tell(Note(level="warning", title="No sample pictures this time", text=text))
        return
    for made in files:
        desk.journal.tell(Sample(step=step, prompt=made.prompt, seed=made.seed, file=desk.inside(made.file)))


def _draw(task: Task, wish: SampleNow, desk: Desk, step: int) -> list[SampleFile]:
    prompts = (wish.prompt,) if wish.prompt else ()
    try:
        return task.sample(step, desk.folder / SAMPLES, prompts=prompts, seed=wish.seed)
    except (MemoryError, RuntimeError) as error:
        words = in_words(error) if is_memory_shortage(error) else None
        if words is None:
            raise
        raise words from error
