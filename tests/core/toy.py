"""A toy task: a tiny network learns a linear map from noisy data. It uses every random stream and is done in milliseconds."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image

from engines.api.errors import AdapterError, TrainingError
from engines.api.job import Job, JobConcept, JobImage
from engines.api.recipe import LoopSettings, Recipe, SampleSettings
from engines.core.contracts import ParameterGroup, ProgressHook, SampleFile
from engines.core.devices import Device

WIDTH = 8


def legacy_normal() -> float:
    """A number from numpy's global generator, as older libraries draw them."""
    return float(np.random.standard_normal())  # noqa: NPY002


class ToyTrainable:
    def __init__(self) -> None:
        self.network = torch.nn.Sequential(torch.nn.Linear(WIDTH, 16), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1))

    def parameter_groups(self) -> list[ParameterGroup]:
        first, _, last = self.network
        return [
            ParameterGroup("first", list(first.parameters()), 1e-2),
            ParameterGroup("last", list(last.parameters()), 5e-3),
        ]

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().float().cpu().clone() for name, value in self.network.named_parameters()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        own = dict(self.network.named_parameters())
        if set(own) != set(state):
            raise AdapterError("The toy does not fit")
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(state[name])

    def metadata(self) -> dict[str, str]:
        return {"toy": "1"}


class ToyBatches:
    """Shuffles anew each epoch with its own generator; the data is drawn with numpy's and Python's global ones too."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(1)
        self._inputs = torch.randn(12, WIDTH, generator=generator)
        self._order = random.Random(seed)
        self._rest: list[int] = []

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        if not self._rest:
            self._rest = list(range(12))
            self._order.shuffle(self._rest)
        x = self._inputs[self._rest.pop()].unsqueeze(0)
        x = x + 0.01 * legacy_normal() + 0.01 * random.gauss(0, 1)
        return x, x.sum(dim=1, keepdim=True)

    def state(self) -> dict[str, Any]:
        version, words, following = self._order.getstate()
        return {"order": [version, list(words), following], "rest": self._rest}

    def load_state(self, state: Mapping[str, Any]) -> None:
        version, words, following = state["order"]
        self._order.setstate((version, tuple(words), following))
        self._rest = list(state["rest"])


@dataclass
class Mischief:
    """What a test wants to happen, by number of the loss computed in this process; `step_s` slows every step down."""

    at: dict[int, Callable[[], object]] = field(default_factory=dict)

    nan_at: int = -1
    zero_from: int = -1
    step_s: float = 0.0
    prepare_steps: int = 1
    prepare_s: float = 0.0
    noisy: bool = True
    empty_adapter: bool = False
    sample_error: Exception | None = None
    seen: list[str] = field(default_factory=list)


class ToyTask:
    def __init__(self, job: Job, folder: Path, mischief: Mischief) -> None:
        self._job, self._folder, self._mischief = job, folder, mischief
        self._losses = 0

    def prepare(self, progress: ProgressHook) -> None:
        for done in range(self._mischief.prepare_steps):
            progress("loading", "Loading the toy", done, self._mischief.prepare_steps)
            time.sleep(self._mischief.prepare_s)
        self._trainable = ToyTrainable()
        self._batches = ToyBatches(self._job.recipe.loop.seed)
        progress("loading", "Loaded", self._mischief.prepare_steps, self._mischief.prepare_steps)

    @property
    def trainable(self) -> ToyTrainable:
        return self._trainable

    @property
    def batches(self) -> ToyBatches:
        return self._batches

    def loss(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        self._losses += 1
        if self._mischief.step_s:
            time.sleep(self._mischief.step_s)
        self._mischief.at.get(self._losses, lambda: None)()
        x, y = batch
        self._trainable.network.train()
        loss = (self._trainable.network(x + 0.05 * torch.randn_like(x)) - y).pow(2).mean()
        if self._losses == self._mischief.nan_at:
            return loss * float("nan")
        return loss * 0.0 if 0 <= self._mischief.zero_from <= self._losses else loss

    def _draw_and_forget(self) -> None:
        if self._mischief.noisy:  # a careless task: the frame must put the streams back
            torch.randn(3), legacy_normal(), random.random()

    def validate(self) -> float:
        self._draw_and_forget()
        self._trainable.network.eval()
        x = torch.randn(16, WIDTH, generator=torch.Generator().manual_seed(5))
        with torch.no_grad():
            return float((self._trainable.network(x) - x.sum(dim=1, keepdim=True)).pow(2).mean())

    def sample(
        self, step: int, folder: Path, *, prompts: Sequence[str] = (), seed: int | None = None
    ) -> list[SampleFile]:
        self._draw_and_forget()
        self._mischief.seen.append(f"sample {step} {list(prompts)} {seed}")
        if self._mischief.sample_error is not None and step > 0:
            raise self._mischief.sample_error
        shade = int(255 * abs(float(self._trainable.network[0].weight[0, 0].detach())) % 255)
        path = folder / f"step-{step:06d}{'-wish' if prompts else ''}.png"
        Image.new("L", (4, 4), shade).save(path)
        return [SampleFile(prompts[0] if prompts else "toy", seed or 7, path)]

    def save_adapter(self, path: Path, *, step: int) -> None:
        state = self._trainable.state()
        if self._mischief.empty_adapter:
            state = {name: torch.zeros_like(value) for name, value in state.items()}
        path.write_bytes(safetensors.torch.save(state, {"step": str(step)}))

    def verify_adapter(self, path: Path) -> None:
        state = safetensors.torch.load_file(path)
        if not all(bool(torch.isfinite(value).all()) for value in state.values()):
            raise TrainingError("The adapter holds numbers that are none")
        if not any(bool(value.any()) for value in state.values()):
            raise TrainingError("The adapter is empty", "All of its numbers are zero.")


def builder(mischief: Mischief | None = None) -> Any:
    wrong = mischief or Mischief()

    def build(job: Job, images: Sequence[JobImage], root: Path, folder: Path, device: Device) -> ToyTask:
        return ToyTask(job, folder, wrong)

    return build


def toy_job(name: str = "toy", **loop: Any) -> Job:
    settings = {"steps": 60, "validate_every": 10, "checkpoint_every": 20, "device": "cpu", "warmup": 5, **loop}
    recipe = Recipe(loop=LoopSettings(**settings), samples=SampleSettings(every=30))
    return Job(id=name, title=name, created=1.0, concept=JobConcept(name="toy", trigger="toy"), recipe=recipe)


def toy_images() -> list[JobImage]:
    return [JobImage(file="images/a.png", caption="a toy")]


def main(arguments: list[str]) -> int:
    """`python -m tests.core.toy FOLDER STEP_SECONDS [--resume]`: a worker of its own for tests that kill it."""
    from engines.core.run import run_folder

    mischief = Mischief(step_s=float(arguments[1]))
    return run_folder(Path(arguments[0]), resume="--resume" in arguments, task_builder=builder(mischief))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
