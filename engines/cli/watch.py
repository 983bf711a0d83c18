"""Watching a run from the command line: its events become a progress bar, a few words, or JSON lines.

What a run told before it was watched is only taken into its state; told again it would look as if it had just happened.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engines.api import events as ev
from engines.api.commands import Stop
from engines.api.errors import TrainingError, UserError
from engines.api.run_state import RunState
from engines.cli.codes import BUG, EXPECTED, FINE, INTERRUPTED
from engines.cli.interrupts import Interrupts
from engines.cli.output import Bar, Voice
from engines.launch import queue
from engines.launch.follow import Follower
from engines.launch.inbox import send
from engines.launch.local import launched

_LOOK_S = 0.1
_QUEUE_LOOK_S = 0.3
_UNATTENDED_LOOKS = 50
_OVER = {"finished", "failed", "interrupted"}


class Teller:
    """Turns one run's events into what a person or a script sees."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._bar: Bar | None = None
        self._phase = ""

    def tell(self, event: ev.Event, state: RunState) -> None:
        """Tell one event; `state` is the run's state after it."""
        self._voice.line(ev.to_line(event))
        match event:
            case ev.Started() if event.resumed_from:
                self._voice.say(f"Going on from step {event.resumed_from}.")
            case ev.Progress():
                self._prepare(event)
            case ev.Forecast() if not event.measured:
                size = f"{event.memory_bytes / 2**30:.1f} GB of memory"
                self._voice.say(f"Forecast: about {duration(event.seconds)}, {size}. {event.text}".rstrip())
            case ev.Step():
                self._step(event, state)
            case ev.Note():
                self._break()
                self._voice.say(
                    f"{'Note' if event.level == 'info' else 'Warning'}: {event.title}. {event.text}".rstrip()
                )
            case ev.Paused():
                self._break()
                self._voice.say("Paused; another window may resume it.")
            case _:
                pass

    def close(self) -> None:
        """Leave the bar."""
        self._break()

    def _prepare(self, event: ev.Progress) -> None:
        if self._bar is not None or event.text == self._phase:
            return
        self._phase = event.text
        self._voice.say(f"{event.text} ...")

    def _step(self, event: ev.Step, state: RunState) -> None:
        if self._bar is None:
            self._bar = Bar("Learning", state.steps_total)
        measured = f", validation {state.validation[-1][1]:.4f}" if state.validation else ""
        self._bar.update(
            event.step, state.steps_total, f"{event.steps_per_s:.1f} steps/s, loss {event.loss:.3f}{measured}"
        )

    def _break(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def watch(folder: Path, voice: Voice, *, begin: Callable[[Path], queue.How] = queue.begin) -> int:
    """Put a run to work in a process of its own and follow it until it is over; returns the exit code.

    While another run of the project is at work it waits in the queue; Ctrl-C takes it out again. Later, Ctrl-C asks the run to stop and
    keep what it learned; a second one leaves it to end by itself.

    Args:
        folder: the run's folder.
        voice: hears what happens from now on.
        begin: puts it to work, or in the queue.

    Raises:
        UserError: the run left the queue without having been started.
    """
    follower, teller = _caught_up(folder), Teller(voice)
    before = launched(folder)
    asked = False
    with Interrupts() as interrupts:
        if begin(folder) == "queued":
            if not _turn_came(folder, voice, interrupts):
                return INTERRUPTED
            if launched(folder) == before:
                title = "The run left the queue without being started"
                what = f"Somebody took {folder.name} out of it, or it could not be started."
                raise UserError(title, what, f"lorikeet run {folder} --resume")
        follower.poll(at_once=True)
        while True:
            for event in follower.events:
                teller.tell(event, follower.state)
            if follower.state.phase in _OVER:
                break
            if not follower.poll():
                time.sleep(_LOOK_S)
            if interrupts.asked and not asked:
                asked = True
                send(folder, Stop(keep=True))
                voice.say("\nStopping; what was learned is kept. Press Ctrl-C again to leave it to end by itself.")
    teller.close()
    return INTERRUPTED if asked and follower.state.phase != "failed" else code_of(follower.state)


def _turn_came(folder: Path, voice: Voice, interrupts: Interrupts) -> bool:
    """Wait until a run in the queue is started; False when the person took it out with Ctrl-C."""
    root, run = folder.resolve().parents[1], folder.name
    ahead, unattended = "", 0
    while run in queue.waiting(root):
        if interrupts.asked and queue.remove(root, run):
            return False
        current = queue.busy(root)
        if current is not None and current.name not in {ahead, run}:
            ahead = current.name
            voice.say(f"Waiting in the queue for {ahead}, which is at work. Ctrl-C takes this run out of the queue.")
            voice.line(json.dumps({"type": "waiting", "for": ahead}, ensure_ascii=False))
        # A worker of the queue needs a moment to begin; one that was killed is replaced.
        unattended = 0 if queue.is_running(root) else unattended + 1
        if unattended > _UNATTENDED_LOOKS:
            queue.ensure_running(root)
            unattended = 0
        time.sleep(_QUEUE_LOOK_S)
    return True


@contextmanager
def told_from_inside(folder: Path, voice: Voice) -> Iterator[None]:
    """Tell the events of a run that works in this very process, from a thread beside it."""
    done = threading.Event()
    follower, teller = _caught_up(folder), Teller(voice)

    def tell() -> None:
        while not done.wait(_LOOK_S):
            _tell_new(follower, teller)
        _tell_new(follower, teller)
        teller.close()

    thread = threading.Thread(target=tell, name="tell", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _caught_up(folder: Path) -> Follower:
    """A follower that knows the run's past."""
    follower = Follower(folder)
    follower.catch_up()
    return follower


def _tell_new(follower: Follower, teller: Teller) -> None:
    while follower.poll():
        for event in follower.events:
            teller.tell(event, follower.state)
        if not follower.events:
            return


def code_of(state: RunState) -> int:
    """The exit code that fits how a run ended."""
    if state.phase == "failed" and state.failure is not None:
        return EXPECTED if state.failure.expected else BUG
    return FINE if state.phase == "finished" else EXPECTED


def raise_if_not_finished(state: RunState, folder: Path) -> None:
    """Raise what kept a run from its result, in the run's own words."""
    if state.phase == "finished":
        return
    if state.phase == "interrupted":
        title = "The worker ended before the run was done"
        raise UserError(title, f"{folder.name} can go on.", f"lorikeet run {folder} --resume")
    failure = state.failure
    if failure is None:
        title = "The run has no result"
        raise TrainingError(title, state.text)
    raise TrainingError(failure.title, failure.what, failure.hint)


def duration(seconds: float) -> str:
    """Seconds in words: `45 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
