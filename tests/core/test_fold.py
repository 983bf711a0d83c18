"""The fold over events is total and deterministic, whatever order they come in."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from engines.api import events as ev
from engines.api.run_state import RunState, advance, interrupted

STEPS = st.integers(0, 500)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
WORDS = st.text(max_size=20)

EVENTS = st.one_of(
    st.builds(
        ev.Started, pid=st.integers(1, 10**6), steps_total=STEPS, resumed_from=st.one_of(st.none(), STEPS), host=WORDS
    ),
    st.builds(ev.Progress, phase=WORDS, text=WORDS, done=STEPS, total=STEPS),
    st.builds(ev.Forecast, seconds=NUMBERS, memory_bytes=STEPS, measured=st.booleans()),
    st.builds(ev.Step, step=STEPS, loss=NUMBERS, learning_rate=NUMBERS),
    st.builds(ev.Validation, step=STEPS, loss=NUMBERS, best=st.booleans()),
    st.builds(ev.Sample, step=STEPS, prompt=WORDS, seed=STEPS, file=WORDS),
    st.builds(ev.Checkpoint, step=STEPS, folder=WORDS),
    st.builds(ev.Note, title=WORDS),
    st.builds(ev.Paused, step=STEPS),
    st.builds(ev.Resumed, step=STEPS),
    st.builds(ev.Failed, title=WORDS, expected=st.booleans()),
    st.builds(ev.Finished, step=STEPS, adapter=WORDS, sha256=WORDS),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_any_events_in_any_order_give_a_state(events: list[ev.Event]) -> None:
    state = reduce(advance, events, RunState())
    assert repr(state) == repr(reduce(advance, events, RunState()))
    steps = [step for step, _ in state.validation]
    assert steps == sorted(set(steps))
    kept = [checkpoint.step for checkpoint in state.checkpoints]
    assert kept == sorted(set(kept))
    assert len({sample.file for sample in state.samples}) == len(state.samples)
    assert interrupted(state).phase == "interrupted"
    if events:
        ends = {"finished": ev.Finished, "failed": ev.Failed, "paused": ev.Paused}
        for phase, kind in ends.items():
            if isinstance(events[-1], kind):
                assert state.phase == phase


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_events_survive_their_line(event: ev.Event) -> None:
    line = ev.to_line(event)
    assert "\n" not in line
    assert repr(ev.from_line(line)) == repr(event)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=15), st.integers(0, 100))
def test_a_resume_replaces_what_came_after_its_checkpoint(events: list[ev.Event], step: int) -> None:
    state = reduce(advance, [*events, ev.Started(pid=1, steps_total=500, resumed_from=step)], RunState())
    assert all(point <= step for point, _ in state.validation)
    assert all(sample.step <= step for sample in state.samples)
    assert all(checkpoint.step <= step for checkpoint in state.checkpoints)
    assert (state.failure, state.result, state.step) == (None, None, step)
