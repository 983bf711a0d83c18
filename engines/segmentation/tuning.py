"""The running half of every tuner: named parameters, how to take them out again, and how to merge them.

A tuner calls `Tuning.learn` for each tensor it trains, `replace` for each layer it puts its own in the place of, and `hook` for what it adds
to the flow. The rest, state, checkpoints, files, detaching, is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from engines.api.errors import AdapterError
from engines.core.contracts import ParameterGroup
from engines.segmentation.contracts import Segmenter

Merge = Callable[[], None]


class Tuning:
    """See `engines.segmentation.contracts.Tuned`.

    Attributes:
        encoder_changes: whether embeddings depend on what trains.
        passes: how often a picture is answered in one step; answers that differ by lot are drawn together.
        reach: how many slices of a volume on either side the encoder looks at too.
    """

    def __init__(self, model: Segmenter, rate: float, *, merges: bool) -> None:
        self.encoder_changes = False
        self.passes, self.reach = 1, 0
        self._model, self._rate, self._merges = model, rate, merges
        self._learned: dict[str, nn.Parameter] = {}
        self._rates: dict[str, float] = {}
        self._undo: list[Callable[[], object]] = []
        self._merge: list[Merge] = []
        self._own: list[nn.Module] = []

    def learn(self, name: str, parameter: nn.Parameter, *, rate: float = 0.0) -> None:
        """Train a parameter under a stable name; `rate` 0 takes the tuner's."""
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
        self._learned[name] = parameter
        self._rates[name] = rate or self._rate

    def learn_all(self, name: str, module: nn.Module, *, rate: float = 0.0) -> None:
        """Train every parameter of a module of its own (not of the model's)."""
        self._own.append(module.to(self.device).train())
        for part, parameter in module.named_parameters():
            self.learn(f"{name}.{part}", parameter, rate=rate)

    def unfreeze(self, name: str, module: nn.Module, *, rate: float = 0.0) -> None:
        """Train a part of the model itself; detaching puts its values back."""
        for part, parameter in list(module.named_parameters()):
            before = parameter.detach().clone()

            def restore(parameter: nn.Parameter = parameter, before: torch.Tensor = before) -> None:
                parameter.requires_grad_(False)
                parameter.grad = None
                parameter.data = before

            self.learn(f"{name}.{part}", parameter, rate=rate)
            self._undo.append(restore)

    def replace(self, parent: Any, name: str, layer: nn.Module) -> None:  # noqa: ANN401 - segment_anything has no types
        """Put a layer in the place of the model's own."""
        own = getattr(parent, name)
        setattr(parent, name, layer.to(self.device))
        self._undo.append(lambda: setattr(parent, name, own))

    def hook(self, handle: Any) -> None:  # noqa: ANN401 - a handle as torch gives it
        """Keep a hook's handle, to take it out with the rest."""
        self._undo.append(handle.remove)

    def when_merged(self, merge: Merge) -> None:
        """Have something done when what was learned is put into the model's weights; it runs after everything was taken out."""
        self._merge.append(merge)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        found: torch.device = next(self._model.decoder.parameters()).device
        return found

    def learning(self, on: bool) -> None:
        """Switch what only belongs to learning (dropout, drawing lots) on or off."""
        for module in self._own:
            module.train(on)

    def parameter_groups(self) -> list[ParameterGroup]:
        """One group for each learning rate."""
        rates = dict.fromkeys(self._rates.values())
        return [
            ParameterGroup(
                f"rate {rate:g}", [self._learned[name] for name in self._learned if self._rates[name] == rate], rate
            )
            for rate in rates
        ]

    def state(self) -> dict[str, torch.Tensor]:
        """Every trained tensor by its name."""
        return {name: found.detach().to("cpu", torch.float32, copy=True) for name, found in self._learned.items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put a `state()` back; raises AdapterError when names or shapes differ."""
        title = "The adapter does not fit these settings"
        if odd := sorted(set(self._learned) ^ set(state)):
            raise AdapterError(title, f"{len(odd)} tensors are missing or too many, such as “{odd[0]}”.")
        for name, parameter in self._learned.items():
            if parameter.shape != state[name].shape:
                raise AdapterError(
                    title, f"“{name}” is {tuple(state[name].shape)} there and {tuple(parameter.shape)} here."
                )
        with torch.no_grad():
            for name, parameter in self._learned.items():
                parameter.copy_(state[name])

    def metadata(self) -> dict[str, str]:
        """Nothing beyond what the settings say."""
        return {}

    def detach(self) -> None:
        """Take everything out again, last first."""
        while self._undo:
            self._undo.pop()()

    def merge(self) -> None:
        """Put what was learned into the model's own weights, for good."""
        if not self._merges:
            title = "This adapter cannot be put into the model's weights"
            raise AdapterError(
                title, "It adds layers that the plain model does not have.", "Export it as ONNX instead."
            )
        kept = {name: parameter.detach().clone() for name, parameter in self._learned.items()}
        own = dict(self._model.network.named_parameters())
        self.detach()
        with torch.no_grad():
            for name, values in kept.items():
                if name in own:  # a part of the model itself
                    own[name].copy_(values)
            for merge in self._merge:
                merge()
