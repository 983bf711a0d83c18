"""Which optimiser a run gets, how it travels through checkpoints, and that the loop asks the device for nothing in between."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.api import commands as cmd
from engines.api import events as ev
from engines.api.recipe import LoopSettings
from engines.core import loop, optimiser, pace
from engines.core.checkpoint import is_of, pack_optimizer, unpack_optimizer
from engines.core.contracts import ParameterGroup
from engines.core.devices import Device, pick
from engines.core.run import FINE, STOPPED
from engines.launch.inbox import send
from tests.core.conftest import Toy
from tests.core.toy import Mischief
from tests.waiting import Watch

CPU: Device = pick("cpu")
CARD: Device = replace(CPU, kind="cuda")
SMALL = LoopSettings(optimiser="adamw-8bit", weight_decay=0.2)


def groups() -> list[ParameterGroup]:
    return [ParameterGroup("a", [torch.nn.Parameter(torch.ones(3))], 0.5)]


class Deeper(torch.optim.SGD):
    """Keeps its tensors one level deeper in its state, as bitsandbytes does, and takes them back from either."""

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["state"] = {index: {"step": 3, "inner": dict(values)} for index, values in state["state"].items()}
        return state


def test_the_loop_reads_the_error_only_when_it_tells(
    new_toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven times as many steps, and not one more number read."""
    monkeypatch.setattr(pace, "_TELL_S", 1e9)
    monkeypatch.setattr(loop, "CHECKPOINT_S", 1e9)
    counts = []
    for steps in (4, 28):
        toy = new_toy(steps=steps, validate_every=1000, checkpoint_every=1000, accumulate=2)
        with Watch() as watch:
            assert toy.run() == 0
        told = [event.step for event in toy.of_type(ev.Step)]
        assert told == [1, steps]
        counts.append(len(watch.read))
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("device", [CPU, CARD])
def test_where_eight_bits_cannot_be_the_usual_one_is_used_and_the_reason_told(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    made, why = optimiser.make(groups(), SMALL, device)
    assert isinstance(made, torch.optim.AdamW)
    assert made.param_groups[0]["weight_decay"] == 0.2
    assert ("NVIDIA" if device is CPU else "bitsandbytes, which is not installed") in why
    assert optimiser.make(groups(), LoopSettings(), device)[1] == ""


def test_eight_bits_are_those_of_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "bitsandbytes"
    package.mkdir()
    (package / "__init__.py").write_text("import torch\nclass optim:\n    class AdamW8bit(torch.optim.AdamW): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # so that it is forgotten afterwards: peft would find it
    del sys.modules["bitsandbytes"]
    made, why = optimiser.make(groups(), SMALL, CARD)
    assert (type(made).__name__, why) == ("AdamW8bit", "")
    assert (made.param_groups[0]["lr"], made.param_groups[0]["weight_decay"]) == (0.5, 0.2)


def test_a_wish_that_cannot_be_is_a_note_and_the_run_goes_on(new_toy: Callable[..., Toy]) -> None:
    toy = new_toy(steps=3, optimiser="adamw-8bit")
    assert toy.run() == FINE
    assert [note.text for note in toy.of_type(ev.Note) if note.title == "Another optimiser is used"] == [
        "The optimiser in 8 bits needs an NVIDIA card; the usual one is used."
    ]


def test_tensors_that_lie_deeper_are_packed_too() -> None:
    one = Deeper([torch.nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    one.param_groups[0]["params"][0].grad = torch.tensor([1.0, 2.0, 3.0])
    one.step()
    tensors, plain = pack_optimizer(one)
    assert tensors["optimizer.0.momentum_buffer"].tolist() == [1.0, 2.0, 3.0]
    assert plain["scalars"] == {"0": {"step": 3}}
    other = Deeper([torch.nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    unpack_optimizer(other, tensors, plain)
    (state,) = other.state.values()
    assert state["momentum_buffer"].tolist() == [1.0, 2.0, 3.0]
    assert is_of(other, plain)
    assert not is_of(torch.optim.AdamW([torch.nn.Parameter(torch.ones(3))]), plain)


def test_a_run_resumed_with_another_optimiser_says_so_and_goes_on(
    new_toy: Callable[..., Toy], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = new_toy(steps=12, checkpoint_every=4)
    usual = optimiser.make

    def deeper(found: list[ParameterGroup], *_: object) -> tuple[Deeper, str]:
        return Deeper([{"params": group.parameters} for group in found], lr=0.1, momentum=0.9), ""

    monkeypatch.setattr(optimiser, "make", deeper)
    assert toy.run(Mischief(at={6: lambda: send(toy.folder, cmd.Stop(keep=False))})) == STOPPED
    monkeypatch.setattr(optimiser, "make", usual)
    assert toy.run(resume=True) == FINE
    assert any(note.title == "The optimiser begins anew" for note in toy.of_type(ev.Note))
