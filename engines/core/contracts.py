"""The contracts everything plugs into: small Protocols; code is shared by calling, not by inheriting.

    Task        what a kind of job gives to the run: prepare, train on, measure, sample, save
    Concludes   a task that measures its own result before the run is finished
    Trainable   the running half of a method: parameters, state, metadata
    Batches     an endless, resumable order of the data
    Stopped     raised by the progress hook when somebody asked to stop

The denoising side (Backbone, Method) is declared in `engines.diffusion.contracts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:  # methods declare themselves without it
    import torch


class Stopped(Exception):  # noqa: N818 - not an error: the person asked for it
    """The person asked to stop (or the system to end) while something was being prepared."""


ProgressHook = Callable[[str, str, int, int], None]
"""Called as (phase, text, done, total) during long preparations; raises `Stopped` when the person asked to stop.

With the phase `NOTE` the text is kept as a note: its first sentence becomes the note's title.
"""

NOTE = "note"
CLASS_PICTURES = "class pictures"
"""The phase of making pictures of the plain class."""


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a learning rate."""

    name: str
    parameters: list[torch.nn.Parameter]
    learning_rate: float


class Trainable(Protocol):
    """The running half of a method. Before its first step it must leave the base model's output bit-for-bit unchanged."""

    def parameter_groups(self) -> list[ParameterGroup]:
        """The parameters that train; none for what is solved at once, which then skips the loop."""
        ...

    def state(self) -> dict[str, torch.Tensor]:
        """Every trained tensor by a stable name, detached, on the CPU, in fp32."""
        ...

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put a `state()` back; raises AdapterError on missing, surplus or misshapen tensors."""
        ...

    def metadata(self) -> dict[str, str]:
        """What an adapter file says about this method (all strings)."""
        ...


class Batches(Protocol):
    """An endless order of batches whose position can be saved and restored exactly."""

    def next(self) -> Any:  # noqa: ANN401 - the task's own batch type
        """The next batch, on the training device."""
        ...

    def state(self) -> dict[str, Any]:
        """Position and random states, JSON-serialisable."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put a `state()` back."""
        ...


@dataclass(frozen=True)
class SampleFile:
    """A picture made by `Task.sample`."""

    prompt: str
    seed: int
    file: Path


class Task(Protocol):
    """What one kind of job gives to `engines.core.run`. Built once a process; the run calls it in this order."""

    def prepare(self, progress: ProgressHook) -> None:
        """Load the base, attach the method, fill the caches, free what is not needed any more."""
        ...

    @property
    def trainable(self) -> Trainable:
        """The running method (after `prepare`)."""
        ...

    @property
    def batches(self) -> Batches:
        """The data (after `prepare`)."""
        ...

    def loss(self, batch: Any) -> torch.Tensor:  # noqa: ANN401 - the task's own batch type
        """Mean training error of one batch, a scalar that requires grad. Draws its noise from torch's global generator."""
        ...

    def validate(self) -> float:
        """Error on fixed pictures, noise and timesteps; must not disturb any random state."""
        ...

    def sample(
        self, step: int, folder: Path, *, prompts: Sequence[str] = (), seed: int | None = None
    ) -> list[SampleFile]:
        """Make pictures with the method as it stands; must not disturb any random state."""
        ...

    def save_adapter(self, path: Path, *, step: int) -> None:
        """Write the adapter file with its metadata, atomically."""
        ...

    def verify_adapter(self, path: Path) -> None:
        """Reload the file and check it: finite, non-zero, right shapes; raises TrainingError."""
        ...


@runtime_checkable
class Concludes(Protocol):
    """A task that has something to find out once its adapter is written, before the run is finished."""

    def conclude(self, adapter: Path, *, step: int, progress: ProgressHook) -> list[str]:
        """Find it out and say it in sentences; empty ones are passed over.

        What was learned is safe by now: a UserError, or the wish to stop, only leaves the finding out.
        """
        ...
