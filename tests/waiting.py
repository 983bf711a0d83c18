"""Sees what a program would wait for on a device, without one: by watching every operator on torch's meta device, which has no numbers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

READS = {"_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "masked_select", "unique"}


class Watch:
    """Writes down every operator that reads numbers off a device, or sends some up."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.sent: list[str] = []
        self._modes = ExitStack()

    def __enter__(self) -> Self:
        self._modes.enter_context(_Operators(self))
        self._modes.enter_context(_Calls(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._modes.close()


class _Calls(TorchFunctionMode):
    """Sees `torch.tensor(..., device=...)`, whose sending is no operator."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, function: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in {torch.tensor, torch.as_tensor} and result.is_meta:
            self._watch.sent.append(f"{function.__name__} of {tuple(result.shape)}")
        return result


class _Operators(TorchDispatchMode):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_dispatch__(self, operator: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = operator.overloadpacket.__name__
        if name in READS:
            self._watch.read.append(name)
        source = args[1] if name == "copy_" else args[0] if args else None
        result = operator(*args, **(kwargs or {}))
        if name in {"_to_copy", "copy_"} and source.device.type == "cpu" and result.device.type == "meta":
            self._watch.sent.append(f"{name} of {tuple(source.shape)}")
        return result
