"""Checkpoints: everything needed to go on as if nothing had happened, written so that a power cut cannot hurt them.

A checkpoint is a folder `checkpoints/step-000100` with

    state.safetensors     trained tensors, optimiser moments, torch's random states
    state.json            optimiser groups, position in the data, Python's and numpy's random states, the clock
    adapter.safetensors   the adapter as it stood, ready for use
    seal.json             size and SHA-256 of the files above, and which job they belong to

It is built under a temporary name, read back, renamed, and only then do older ones go. One whose seal does not fit is torn and is not
used. The format and its rules are Lorikeet's own.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from engines.api.errors import JobError
from engines.launch.folder import ADAPTER, CHECKPOINTS
from projects.files import atomic_write_bytes, flush_folder, replace

_FORMAT = 1
_NAME = re.compile(r"step-(\d{6,})")
_SEAL = "seal.json"
_TENSORS = "state.safetensors"
_PLAIN = "state.json"
_PLAIN_BYTES = 2**30


@dataclass(frozen=True)
class Snapshot:
    """What a checkpoint holds.

    Attributes:
        step: optimiser steps done.
        tensors: everything that is a tensor, by name, on the CPU.
        plain: everything else, JSON-serialisable.
        validation: the loss measured at this step; None when none was.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    plain: dict[str, Any]
    validation: float | None = None


@dataclass(frozen=True)
class Kept:
    """A checkpoint on disk whose seal is readable (its files may still turn out torn)."""

    step: int
    folder: Path
    validation: float | None
    bytes: int


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, folder: Path, *, digest: str, keep: int) -> None:
        self._home = folder / CHECKPOINTS
        self._digest = digest
        self._keep = keep

    def save(self, snapshot: Snapshot, write_adapter: Callable[[Path], None]) -> Kept:
        """Write, read back, rename, and prune what is older than needed; the best one measured is always kept.

        Args:
            snapshot: what to keep.
            write_adapter: writes the adapter file to the path it is given.

        Raises:
            OSError: the disk is full or failing; older checkpoints are as they were.
        """
        self._home.mkdir(exist_ok=True)
        self._sweep()
        target = self._home / f"step-{snapshot.step:06d}"
        there = next((kept for kept in self.all() if kept.step == snapshot.step), None)
        if there is not None and self._read_seal(target).get("job") == self._digest and self._fits(there):
            return there  # the same step of the same job is the same state
        building = self._home / f".new-{uuid.uuid4().hex}"
        building.mkdir()
        try:
            write_adapter(building / ADAPTER)
            atomic_write_bytes(building / _TENSORS, safetensors.torch.save(_packed(snapshot.tensors)))
            atomic_write_bytes(building / _PLAIN, json.dumps(snapshot.plain, separators=(",", ":")).encode())
            kept = self._seal(building, snapshot)
            if not self._fits(Kept(snapshot.step, building, kept.validation, kept.bytes)):
                raise OSError(5, "The checkpoint reads back differently than it was written", str(building))
            if target.exists():
                replace(target, self._home / f".old-{uuid.uuid4().hex}")
            replace(building, target)
            flush_folder(self._home)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        self._prune(snapshot.step)
        return Kept(snapshot.step, target, kept.validation, kept.bytes)

    def latest(self) -> tuple[Kept | None, list[Kept]]:
        """The newest whole checkpoint, and the torn ones that are newer.

        Raises:
            JobError: the newest whole one belongs to other settings.
        """
        torn: list[Kept] = []
        for kept in reversed(self.all()):
            if not self._fits(kept):
                torn.append(kept)
                continue
            if self._read_seal(kept.folder).get("job") != self._digest:
                raise JobError(
                    "This run's settings were changed",
                    f"The checkpoint of step {kept.step} was made with other settings or pictures than the run now has.",
                    "Put job.json and samples.jsonl back as they were, or start a new run.",
                )
            return kept, torn
        return None, torn

    def load(self, kept: Kept) -> Snapshot:
        """Read a whole checkpoint. Raises JobError when it is damaged after all."""
        try:
            tensors = safetensors.torch.load((kept.folder / _TENSORS).read_bytes())
            plain = json.loads((kept.folder / _PLAIN).read_text(encoding="utf-8"))
        except (OSError, ValueError, SafetensorError) as error:
            raise JobError("A checkpoint is damaged", f"{kept.folder.name}: {error}") from error
        return Snapshot(kept.step, tensors, plain, kept.validation)

    def all(self) -> list[Kept]:
        """Every sealed checkpoint, by step; an unreadable seal shows as one of no bytes (torn)."""
        found = []
        for folder in self._home.iterdir() if self._home.is_dir() else ():
            match = _NAME.fullmatch(folder.name)
            if match and folder.is_dir():
                seal = self._read_seal(folder)
                loss = seal.get("validation")
                size = sum(int(entry["bytes"]) for entry in _files(seal).values())
                found.append(Kept(int(match.group(1)), folder, loss if isinstance(loss, float) else None, size))
        return sorted(found, key=lambda kept: kept.step)

    def discard(self, torn: list[Kept]) -> None:
        """Remove torn checkpoints, so that nobody takes them for good ones."""
        for kept in torn:
            shutil.rmtree(kept.folder, ignore_errors=True)

    def _seal(self, building: Path, snapshot: Snapshot) -> Kept:
        files = {name: _figures(building / name) for name in (ADAPTER, _TENSORS, _PLAIN)}
        loss = snapshot.validation
        seal = {
            "format": _FORMAT,
            "step": snapshot.step,
            "job": self._digest,
            "validation": loss if loss is not None and math.isfinite(loss) else None,
            "files": files,
        }
        atomic_write_bytes(building / _SEAL, json.dumps(seal, indent=1).encode())
        return Kept(snapshot.step, building, loss, sum(int(entry["bytes"]) for entry in files.values()))

    def _fits(self, kept: Kept) -> bool:
        """Whether every file of a checkpoint is there and has the content its seal tells."""
        seal = self._read_seal(kept.folder)
        files = _files(seal)
        if seal.get("format") != _FORMAT or seal.get("step") != kept.step or set(files) != {ADAPTER, _TENSORS, _PLAIN}:
            return False
        try:
            return all(_figures(kept.folder / name) == entry for name, entry in files.items())
        except OSError:
            return False

    @staticmethod
    def _read_seal(folder: Path) -> dict[str, Any]:
        try:
            seal = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return seal if isinstance(seal, dict) else {}

    def _prune(self, step: int) -> None:
        """Keep the newest few and the best; only those up to `step` count, the one just written among them."""
        everything = [kept for kept in self.all() if kept.step <= step]
        measured = [kept for kept in everything if kept.validation is not None]
        best = min(measured, key=lambda kept: (kept.validation, -kept.step)) if measured else None
        for kept in everything[: -self._keep]:
            if best is None or kept.step != best.step:
                shutil.rmtree(kept.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what an interrupted save left behind."""
        for pattern in (".new-*", ".old-*"):
            for leftover in self._home.glob(pattern):
                shutil.rmtree(leftover, ignore_errors=True)


def pack_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Split an optimiser's state into tensors by name and plain values.

    bitsandbytes puts its tensors one level deeper than others do, and takes them back from either.
    """
    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    scalars: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        deeper = {name: value for inner in values.values() if isinstance(inner, dict) for name, value in inner.items()}
        for name, value in {**values, **deeper}.items():
            if isinstance(value, dict):
                continue
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{index}.{name}"] = value.detach()
            else:
                scalars.setdefault(str(index), {})[name] = value
    return tensors, {"kind": _kind(optimizer), "groups": state["param_groups"], "scalars": scalars}


def is_of(optimizer: torch.optim.Optimizer, plain: Mapping[str, Any]) -> bool:
    """Whether the plain half of a packed state is of this kind of optimiser."""
    return bool(plain.get("kind", "AdamW") == _kind(optimizer))


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
    """Put a state split by `pack_optimizer` back."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain["scalars"].items()}
    for key, tensor in tensors.items():
        prefix, _, rest = key.partition(".")
        if prefix == "optimizer":
            index, _, name = rest.partition(".")
            state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": plain["groups"]})


def _kind(optimizer: torch.optim.Optimizer) -> str:
    return type(getattr(optimizer, "optimizer", optimizer)).__name__  # accelerate wraps it for its scaler


def _packed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    # Copies: safetensors refuses tensors that share memory, and the training goes on in the originals.
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}


def _files(seal: dict[str, Any]) -> dict[str, dict[str, Any]]:
    files = seal.get("files")
    if not isinstance(files, dict):
        return {}
    return {
        str(name): entry
        for name, entry in files.items()
        if isinstance(entry, dict) and isinstance(entry.get("bytes"), int) and isinstance(entry.get("sha256"), str)
    }


def _figures(path: Path) -> dict[str, Any]:
    digest, size = file_figures(path)
    return {"bytes": size, "sha256": digest}


def file_figures(path: Path) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file, read from the disk."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
