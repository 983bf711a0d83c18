"""A step never waits for the device: nothing is read off it, and nothing goes up to it except from pinned memory.

Without a graphics card this is seen on torch's meta device, which has no numbers to read, by watching every operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.core import devices
from engines.core.contracts import ParameterGroup
from engines.core.devices import Device, computing, pick
from engines.diffusion import data
from engines.diffusion.trained_word import TrainedWord
from tests.diffusion.support import CPU, teaching
from tests.waiting import Watch

META: Device = replace(CPU, torch_device=torch.device("meta"))
JOBS: dict[str, dict[str, Any]] = {
    "lora": {},
    "with class pictures and masks": {"objective": {"class_pictures": 2, "noise_offset": 0.1}},
    "holding": {"objective": {"hold_weight": 1.0}},
    "text encoder": {"method": {"rank": 2, "text_encoder": True}},
    "orthogonal": {"name": "orthogonal", "method": {"rank": 4}},
    "token-aware": {"name": "tara", "method": {"rank": 4}},
    "token-aware, its word taught": {"name": "tara", "method": {"rank": 4, "train_word": True}},
    "accumulating, spared": {"loop": {"gradient_checkpointing": True}},
}


@contextmanager
def pinned(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `sent` sends counts as lying there: on a card it goes up while nobody waits."""
    with patch.context() as inside:
        inside.setattr(data, "sent", lambda values, device: torch.empty_like(values, device=device))
        yield


@pytest.fixture(scope="module")
def projects(tiny_sd: Path, tiny_sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """For each base a project whose caches hold all that the jobs ask for."""
    roots = {base: tmp_path_factory.mktemp("project") for base in (tiny_sd, tiny_sdxl)}
    for base, root in roots.items():
        teaching(base, root, objective={"class_pictures": 2, "hold_weight": 1.0})
    return roots


@pytest.mark.parametrize(
    ("larger", "kind"), [*((False, kind) for kind in JOBS), (True, "holding"), (True, "text encoder")]
)
def test_a_step_of_teaching_waits_for_nothing(
    larger: bool, kind: str, tiny_sd: Path, tiny_sdxl: Path, projects: dict[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def group(word: TrainedWord) -> ParameterGroup:  # its own asks how large the vectors are, once
        return ParameterGroup("word", list(word.named().values()), 1.0)

    monkeypatch.setattr(TrainedWord, "group", group)
    base = tiny_sdxl if larger else tiny_sd
    task = teaching(base, projects[base], device=META, **JOBS[kind])
    with pinned(monkeypatch), Watch() as watch:
        for _ in range(3):
            batch = task.batches.next()
            assert batch.mean.is_meta
            task.loss(batch).backward()
    assert watch.read == []
    assert watch.sent == []


def test_what_waits_is_seen() -> None:
    with Watch() as watch:
        torch.arange(3, device="meta") + torch.tensor([1, 2, 3], device="meta") + torch.ones(4).to("meta")[1:]
        bool(torch.ones(2).any())
        with pytest.raises(RuntimeError, match="meta"):
            float(torch.ones((), device="meta"))
    assert watch.sent == ["tensor of (3,)", "_to_copy of (4,)"]
    assert watch.read == ["_local_scalar_dense", "_local_scalar_dense"]


def test_numbers_arrive_on_the_device() -> None:
    assert devices.sent(torch.tensor([3, 1]), torch.device("cpu")).tolist() == [3, 1]


def test_what_trains_computes_in_the_precision_of_the_device() -> None:
    half = replace(CPU, autocast=torch.bfloat16)
    one = torch.ones(2, 2)
    with computing(half):
        assert (one @ one).dtype == torch.bfloat16
    with computing(CPU):
        assert (one @ one).dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch tells of waiting on CUDA only")
@pytest.mark.parametrize("kind", JOBS)
def test_the_card_is_not_waited_for(kind: str, tiny_sdxl: Path, tmp_path: Path) -> None:
    device = pick("cuda")
    task = teaching(tiny_sdxl, tmp_path, device=device, **JOBS[kind])

    def step() -> None:
        with computing(device):
            loss = task.loss(task.batches.next())
        loss.backward()

    for _ in range(3):
        step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
