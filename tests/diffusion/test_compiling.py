"""Compiling the model first: said while it happens, used by the steps alone, the same numbers, and no harm where it cannot be done.

The backend here records graphs and runs them as they are; what a real one makes of them is torch's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters

from engines.api import commands as cmd
from engines.api import events as ev
from engines.core import compiling
from engines.core.run import FINE, STOPPED, run_folder
from engines.diffusion import teach
from engines.diffusion.teach import Teach
from engines.launch.folder import create_run
from engines.launch.inbox import send
from tests.diffusion.support import make_job, make_pictures, teaching

pytestmark = pytest.mark.usefixtures("heard_at_once")

HOLDING = {"objective": {"hold_weight": 1.0}}


class Backend:
    """Runs the graphs it is handed as they are, and counts: `graphs` compiled, and how often they `ran`."""

    def __init__(self) -> None:
        self.graphs = self.ran = 0

    def __call__(self, graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
        self.graphs += 1

        def run(*values: object) -> Any:
            self.ran += 1
            return graph.forward(*values)

        return run


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    made = Backend()
    monkeypatch.setattr(compiling, "BACKEND", made)
    torch._dynamo.reset()
    yield made
    torch._dynamo.reset()


def blocks_of(task: Teach) -> list[torch.nn.Module]:
    return [part for part in task._ready.base.unet.modules() if type(part).__name__ in teach._BLOCKS]


def taught(task: Teach, steps: int) -> dict[str, torch.Tensor]:
    parameters = [p for group in task.trainable.parameter_groups() for p in group.parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-2)
    torch.manual_seed(3)
    for _ in range(steps):
        task.loss(task.batches.next()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return task.trainable.state()


@pytest.mark.parametrize(
    "job", [HOLDING, {"name": "tara", "method": {"rank": 4}, "loop": {"gradient_checkpointing": True}}]
)
def test_steps_use_what_was_compiled_and_nothing_is_compiled_later(
    tiny_sd: Path, tmp_path: Path, backend: Backend, job: dict[str, Any]
) -> None:
    plain = taught(teaching(tiny_sd, tmp_path, **job), 3)
    assert backend.graphs == 0
    loop = {**job.get("loop", {}), "compile": True}
    told: list[tuple[str, str, int, int]] = []
    task = teaching(tiny_sd, tmp_path, **{**job, "loop": loop}, progress=lambda *said: told.append(said))
    compiled = backend.graphs
    assert compiled > 0
    assert [said[2:] for said in told if said[0] == "compiling"] == [(0, 2), (1, 2)]
    task.validate()
    task.sample(0, tmp_path / "samples")
    ran = backend.ran
    found = taught(task, 3)
    assert backend.ran >= ran + 3 * len(blocks_of(task))
    task.validate()
    task.sample(3, tmp_path / "samples", prompts=("a sks dog",) * 3)
    assert backend.graphs == compiled
    for name, tensor in plain.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-5)


def test_preparing_to_compile_changes_neither_order_nor_noise(tiny_sd: Path, tmp_path: Path, backend: Backend) -> None:
    task = teaching(tiny_sd, tmp_path, loop={"compile": True})
    assert task.batches.state() == {"epoch": 0, "position": 0}
    assert all(p.grad is None for group in task.trainable.parameter_groups() for p in group.parameters)
    state = torch.get_rng_state()
    task._try(next(task.batches.of_every_shape()))
    assert torch.equal(torch.get_rng_state(), state)


def test_left_and_resumed_it_gives_the_same_bits(
    tiny_sd: Path, tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tiny_sd, loop={"steps": 6, "compile": True, "checkpoint_every": 2, "device": "cpu"})
    undisturbed, left = (create_run(tmp_path / name, job, make_pictures(tmp_path / name, 2)) for name in "ab")
    assert run_folder(undisturbed) == FINE
    usual, calls = Teach.loss, iter(range(1000))

    def watched(task: Teach, batch: Any) -> torch.Tensor:
        if next(calls) == 4:  # the first is the trial
            send(left, cmd.Stop(keep=False))
        return usual(task, batch)

    monkeypatch.setattr(Teach, "loss", watched)
    assert run_folder(left) == STOPPED
    assert run_folder(left, resume=True) == FINE
    adapters = [(folder / "adapter.safetensors").read_bytes() for folder in (undisturbed, left)]
    assert adapters[0] == adapters[1]
    assert backend.ran > 0


def test_where_it_cannot_be_done_the_run_says_why_and_goes_on(
    tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: object, inputs: object) -> None:
        message = "No working C++ compiler found.\nSome trace."
        raise RuntimeError(message)

    monkeypatch.setattr(compiling, "BACKEND", broken)
    job = make_job(tiny_sd, loop={"steps": 2, "compile": True, "validate_every": 1, "device": "cpu"})
    folder = create_run(tmp_path, job, make_pictures(tmp_path, 2))
    assert run_folder(folder) == FINE
    events = [ev.from_line(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    (note,) = [one for one in events if isinstance(one, ev.Note) and "compiled" in one.title]
    assert note.title == "The model could not be compiled"
    assert "No working C++ compiler found" in note.text
    assert any(isinstance(one, ev.Progress) and one.phase == "compiling" for one in events)
    assert isinstance(events[-1], ev.Finished)


@pytest.mark.slow
def test_the_real_one_gives_the_same_steps(tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes minutes: it calls a C++ compiler for every kernel."""
    plain = taught(teaching(tiny_sd, tmp_path, **HOLDING), 3)
    monkeypatch.setattr(compiling, "BACKEND", "inductor")
    found = taught(teaching(tiny_sd, tmp_path, **HOLDING, loop={"compile": True}), 3)
    assert counters["stats"]["unique_graphs"] > 0
    for name, tensor in plain.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-2, atol=1e-4)
