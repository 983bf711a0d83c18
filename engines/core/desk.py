"""What the loop works with apart from the task: the run's folder, its journal, its checkpoints and the commands that come in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines.core.checkpoint import Checkpoints, Kept, Snapshot
from engines.core.controls import Controls
from engines.core.journal import Journal


@dataclass(frozen=True)
class Desk:
    """Attributes: `resume_from` is the checkpoint to go on from (None: from the start), `seconds_before` what the run took until now."""

    folder: Path
    journal: Journal
    controls: Controls
    checkpoints: Checkpoints
    resume_from: Snapshot | None = None
    seconds_before: float = 0.0

    def save(self, snapshot: Snapshot, write_adapter: Callable[[Path], None]) -> Kept:
        """Write a checkpoint."""
        return self.checkpoints.save(snapshot, write_adapter)

    def inside(self, path: Path) -> str:
        """A path relative to the run's folder, with forward slashes, as events name files."""
        return path.resolve().relative_to(self.folder.resolve()).as_posix()


def clear_unfinished(folder: Path) -> None:
    """Remove temporary files that a killed worker left in the run's folder itself."""
    for leftover in folder.glob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
