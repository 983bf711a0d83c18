"""Which device computes, and in which precision."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import psutil
import torch

from engines.api.errors import SettingsError

Kind = Literal["cuda", "mps", "cpu"]
Precision = Literal["fp32", "fp16", "bf16"]

_DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_TITLES: dict[Kind, str] = {"cuda": "NVIDIA graphics card", "mps": "Apple graphics", "cpu": "processor"}


@dataclass(frozen=True)
class Device:
    """A device as picked.

    Attributes:
        kind: what it is.
        torch_device: for `.to()`.
        dtype: of frozen weights and of what passes through them.
        autocast: what trained parts (always fp32) compute in; None where everything is fp32.
        note: why this is not what was asked for, in plain words; empty when it is.
    """

    kind: Kind
    torch_device: torch.device
    dtype: torch.dtype = torch.float32
    autocast: torch.dtype | None = None
    note: str = ""

    @property
    def precision(self) -> Precision:
        """The precision by its short name."""
        return next(name for name, dtype in _DTYPES.items() if dtype == self.dtype)


def pick(device: str = "auto", precision: str = "auto") -> Device:
    """Choose a device and a precision it is good at.

    Args:
        device: `auto`, `cuda`, `mps` or `cpu`; `auto` takes the fastest there is.
        precision: `auto`, `fp32`, `fp16` or `bf16`. Processors and Apple graphics always compute in fp32: half precision is slower
            there or loses steps, so a wish for it is answered with fp32 and a note.

    Raises:
        SettingsError: the device is not here.
    """
    kind = _kind(device)
    if kind == "cuda":
        chosen = _cuda_precision(precision)
        dtype = _DTYPES[chosen]
        note = "" if precision in {"auto", chosen} else f"This card cannot compute in {precision}; {chosen} is used."
        return Device(kind, torch.device("cuda"), dtype, None if chosen == "fp32" else dtype, note)
    note = "" if precision in {"auto", "fp32"} else f"{precision} is no gain on this device; fp32 is used."
    return Device(kind, torch.device(kind), note=note)


def _kind(device: str) -> Kind:
    available: dict[Kind, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    for kind, here in available.items():
        if here and device in {"auto", kind}:
            return kind
    raise SettingsError(
        "This device is not here",
        f"The settings ask for “{device}” ({_title(device)}), which torch does not find on this computer.",
        "Choose “auto”, or run “doctor” to see what was found.",
    )


def _title(device: str) -> str:
    return next((title for kind, title in _TITLES.items() if kind == device), "unknown")


def _cuda_precision(asked: str) -> Precision:
    native_bf16 = torch.cuda.get_device_capability()[0] >= 8
    if asked == "auto":
        return "bf16" if native_bf16 else "fp16"
    if asked == "bf16" and not native_bf16:
        return "fp16"
    return "fp16" if asked == "fp16" else "bf16" if asked == "bf16" else "fp32"


def why_not(kind: str) -> tuple[str, str]:
    """Why torch cannot compute on a kind of device that this computer has: what is wrong, and what to do about it."""
    if kind == "mps":
        if not torch.backends.mps.is_built():
            return (
                "this build of torch cannot use Apple graphics",
                "Install torch for this Mac's own processor (arm64).",
            )
        return "Apple graphics are here, but torch cannot use them", "Update macOS."
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return "the variable CUDA_VISIBLE_DEVICES hides the NVIDIA card", "Unset it."
    if torch.version.cuda is None:
        hint = "Install the CUDA build of this torch version into the environment, as its own installation page says."
        return "this build of torch cannot use the NVIDIA card", hint
    hint = f"Update the NVIDIA driver to one that knows CUDA {torch.version.cuda}."
    return "the NVIDIA card is here, but torch cannot use it", hint


def sent(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the processor on a device; a graphics card is not waited for, whatever it still has to do."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def computing(device: Device) -> AbstractContextManager[object]:
    """Inside, trained parts compute in the device's autocast precision; where everything is fp32 nothing changes."""
    if device.autocast is None:
        return nullcontext()
    return torch.autocast(device.kind, dtype=device.autocast)


def memory_free_bytes(device: Device) -> int:
    """Memory that a run could use on this device now."""
    if device.kind == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def memory_used_bytes(device: Device) -> int:
    """The most this process held on the device so far (cuda), or holds now (elsewhere)."""
    if device.kind == "cuda":
        return int(torch.cuda.max_memory_allocated())
    if device.kind == "mps":
        return int(torch.mps.driver_allocated_memory())
    return int(psutil.Process(os.getpid()).memory_info().rss)


def release_cache(device: Device) -> None:
    """Give memory that torch holds in reserve back to the system."""
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()
