"""One turn of one loop in a process of its own, so that the most memory it held is its own: `python -m engines.bench._turn JSON`.

The last line it prints is a `Report` as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Turn:
    """What to do.

    Attributes:
        loop: the plain one, or ours.
        base: a diffusers folder; `pictures` a sample subject's; `folder` the loop's own, kept from turn to turn.
        method: ours: which.
        steps: how many.
        batch: pictures a step; 0 as the quick preset has it.
        spare: recompute instead of storing.
        cached: the plain loop: encode once.
    """

    loop: Literal["plain", "ours"]
    base: str
    pictures: str
    folder: str
    steps: int
    method: str = "lora"
    batch: int = 0
    spare: bool = False
    cached: bool = False


@dataclass(frozen=True)
class Report:
    """What came of it; sizes in bytes, `learned` numbers."""

    pace: float
    peak: int
    learned: int
    optimiser: int
    file: int
    device: str
    precision: str


def plain(turn: Turn) -> Report:
    """The plain loop: some steps to warm up, then the measured ones."""
    from engines.bench._plain_loop import PlainLoop, PlainSettings
    from engines.bench._worker_loop import WARM, examples_of, shared_settings
    from engines.core.devices import pick

    device = pick("auto")
    shared = shared_settings(Path(turn.base))
    more: dict[str, Any] = {"precision": device.precision, "spare": turn.spare, "cached": turn.cached}
    settings = PlainSettings(**{**shared, "batch": turn.batch or shared["batch"], **more})
    loop = PlainLoop(Path(turn.base), examples_of(Path(turn.pictures)), settings, device.torch_device)
    loop.run(WARM)
    pace = turn.steps / loop.run(turn.steps)
    file = loop.save(Path(turn.folder))
    return Report(
        pace,
        peak_bytes(),
        loop.trained_count,
        loop.optimiser_bytes,
        file.stat().st_size,
        device.kind,
        device.precision,
    )


def ours(turn: Turn) -> Report:
    """A whole run of the worker."""
    import math

    from engines.bench._worker_loop import WorkerLoop, pace_of
    from engines.core.devices import pick
    from engines.launch.tensor_file import read_tensor_file

    device = pick("auto")
    loop = WorkerLoop(Path(turn.folder), Path(turn.base), Path(turn.pictures))
    more = {"batch_size": turn.batch} if turn.batch else {}
    folder = loop.run(turn.method, steps=turn.steps, gradient_checkpointing=turn.spare, **more)
    checkpoint = max((folder / "checkpoints").glob("step-*"))
    tensors = read_tensor_file(checkpoint / "state.safetensors").tensors
    return Report(
        pace_of(folder),
        peak_bytes(),
        sum(math.prod(entry.shape) for name, entry in tensors.items() if name.startswith("trained.")),
        sum(entry.end - entry.start for name, entry in tensors.items() if name.startswith("optimizer.")),
        (folder / "adapter.safetensors").stat().st_size,
        device.kind,
        device.precision,
    )


def peak_bytes() -> int:
    """The most that was held: on the card where there is one, else by the process."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage tells there is the parent's where that was larger
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(arguments: list[str]) -> None:
    """Do the turn told by the first argument."""
    from diffusers.utils import logging as diffusers_log
    from transformers.utils import logging as transformers_log

    diffusers_log.disable_progress_bar()
    transformers_log.disable_progress_bar()
    turn = Turn(**json.loads(arguments[0]))
    report = plain(turn) if turn.loop == "plain" else ours(turn)
    print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
