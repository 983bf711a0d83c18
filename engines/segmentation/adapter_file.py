"""Adapter files of segmentation models: the trained tensors as safetensors, and in the metadata all that is needed to use them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engines.api.errors import AdapterError
from engines.launch.segment_file import KIND, PREFIX, describe_segment
from engines.launch.tensor_file import order_metadata
from engines.segmentation.contracts import Segmenter
from engines.segmentation.tuners import tuner_of
from engines.segmentation.tuning import Tuning
from projects.files import atomic_path


@dataclass(frozen=True)
class SegmentAdapter:
    """What a file holds.

    Attributes:
        tensors: every trained tensor by its name.
        tuner: registered name, with its `settings`.
        classes: names of what it finds.
        prompts: what it was taught to answer: `clicks`, `automatic` or `both`.
        base_hash: sha256 of the model file it was made on; `base_title` what that is called.
        about: further strings for people (title, steps, figures).
    """

    tensors: Mapping[str, torch.Tensor]
    tuner: str
    settings: Mapping[str, Any]
    classes: tuple[str, ...]
    prompts: str
    base_hash: str
    base_title: str
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def automatic(self) -> bool:
        """Whether it finds its classes without being asked."""
        return self.prompts != "clicks"


def write_segment_adapter(adapter: SegmentAdapter, path: Path, *, overwrite: bool = False) -> None:
    """Write a file, atomically; raises AdapterError when it exists and `overwrite` is not set."""
    from safetensors.torch import save_file

    if path.exists() and not overwrite:
        title = "There is a file of this name"
        raise AdapterError(title, f"{path.name} was not overwritten.", "Choose another name.")
    metadata = {
        "kind": KIND,
        "tuner": adapter.tuner,
        "settings": json.dumps(adapter.settings, sort_keys=True),
        "classes": json.dumps(adapter.classes, ensure_ascii=False),
        "prompts": adapter.prompts,
        "base_hash": adapter.base_hash,
        "base_title": adapter.base_title,
    }
    told = {f"{PREFIX}{name}": value for name, value in metadata.items()} | dict(adapter.about)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in adapter.tensors.items()}
    with atomic_path(path) as temporary:
        save_file(plain, temporary, told)
        order_metadata(temporary)


def read_segment_adapter(path: Path) -> SegmentAdapter:
    """Read a file of anybody's.

    Raises:
        AdapterError: missing, damaged, of another kind, or with numbers that are not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    info = describe_segment(path)
    title = "This adapter cannot be read"
    try:
        tensors = load_file(path)
    except (ValueError, OSError, SafetensorError) as error:
        raise AdapterError(title, f"“{path.name}” is damaged: {error}.", "Export it again.") from error
    if any(not bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise AdapterError(title, f"“{path.name}” holds numbers that are not finite.", "Train it again.")
    return SegmentAdapter(
        tensors=tensors,
        tuner=info.tuner,
        settings=info.settings,
        classes=info.classes,
        prompts=info.prompts,
        base_hash=info.base_hash,
        base_title=info.base,
        about=info.about,
    )


def check_base(adapter: SegmentAdapter, model: Segmenter) -> None:
    """Raise AdapterError when the adapter was made on another model."""
    if adapter.base_hash and adapter.base_hash != model.info.base_hash:
        title = "The adapter was made for another model"
        what = f"It was made on “{adapter.base_title}”, and this is “{model.info.title}”, or another edition of it."
        raise AdapterError(title, what, "Open the model it was made on.")


def class_tokens(model: Segmenter, count: int) -> torch.nn.Parameter:
    """Learned tokens (count, C), one for each class: a click inside without a place, until something was learned."""
    inside = model.prompter.point_embeddings[1].weight.detach()
    generator = torch.Generator("cpu").manual_seed(0)
    noise = torch.randn(count, inside.shape[1], generator=generator) * float(inside.std()) * 0.1
    return torch.nn.Parameter(inside.expand(count, -1).float() + noise.to(inside.device))


CLASS_TOKENS = "class_tokens"


def attach_for_use(adapter: SegmentAdapter, model: Segmenter) -> tuple[Tuning, torch.Tensor | None]:
    """Place an adapter in a model for use, frozen, and return it with its class tokens (K, C) where it has some.

    Raises:
        AdapterError: it was made for another model, or does not fit its own settings.
    """
    check_base(adapter, model)
    tuning = tuner_of(adapter.tuner, adapter.settings).attach(model)
    assert isinstance(tuning, Tuning)  # noqa: S101 - the one running half there is
    try:
        if adapter.automatic:
            tuning.learn(CLASS_TOKENS, class_tokens(model, len(adapter.classes)))
        tuning.load_state(adapter.tensors)
    except AdapterError:
        tuning.detach()
        raise
    tuning.learning(False)
    for group in tuning.parameter_groups():
        for parameter in group.parameters:
            parameter.requires_grad_(False)
    tokens = adapter.tensors[CLASS_TOKENS].to(tuning.device) if adapter.automatic else None
    return tuning, tokens


def same_tensors(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor], names: Sequence[str]) -> bool:
    """Whether both hold equal tensors under these names."""
    return all(torch.equal(first[name], second[name]) for name in names)
