"""What the layers of a base are asked while an adapter is at work: pictures of its concept are made, and some of what comes in is kept."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from engines.api.prompts import with_article
from engines.api.uses import AdapterUse
from engines.diffusion.exchange.adapter import in_memory
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import StepHook

KEPT = 512
"""Rows kept for each layer; enough to tell the directions that count, and small enough for hundreds of layers."""

PLACES = ("", " on the grass", " at night")
STEPS, SEED = 6, 0


def look(
    generator: Generator, uses: Sequence[AdapterUse], words: Sequence[str], *, on_step: StepHook | None = None
) -> list[dict[str, torch.Tensor]]:
    """For each adapter, what every layer it changes or another one does was asked: rows (at most KEPT, in) by the layer's name, fp32 on the CPU.

    Args:
        generator: with the base open; left without adapters.
        uses: the adapters.
        words: what calls each one's concept, “tobi bear”.
        on_step: hears (done, total) denoising steps.

    Raises:
        AdapterError: one does not fit the base.
    """
    names = sorted({name for use in uses for name in generator.read(use).modules})
    found = []
    try:
        for number, (use, called) in enumerate(zip(uses, words, strict=True)):
            generator.use([use.model_copy(update={"weight": 1.0})])
            found.append(_asked(generator, names, called, _share(on_step, number, len(uses))))
    finally:
        generator.use(())
    return found


def _asked(
    generator: Generator, names: Collection[str], called: str, on_step: StepHook | None
) -> dict[str, torch.Tensor]:
    networks = generator.base.networks()
    heard: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    hooks = []
    for name in names:
        site = in_memory(name, networks)
        layer = networks[site.network].get_submodule(site.path)
        hooks.append(layer.register_forward_hook(_noting(heard[name], name)))
    prompts = [f"{with_article(called)}{place}" for place in PLACES]
    try:
        list(generator.pictures(prompts, [SEED] * len(prompts), steps=STEPS, on_step=on_step))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: _thinned(torch.cat(rows), name) for name, rows in heard.items()}


def _noting(heard: list[torch.Tensor], name: str) -> Callable[..., None]:
    def note(layer: Any, inputs: tuple[torch.Tensor, ...], _output: object) -> None:  # noqa: ANN401 - a layer
        rows = inputs[0].detach().float()
        if isinstance(layer, torch.nn.Conv2d):
            rows = torch.nn.functional.unfold(rows, layer.kernel_size, layer.dilation, layer.padding, layer.stride)  # type: ignore[arg-type]
            rows = rows.transpose(1, 2)
        heard.append(_thinned(rows.flatten(0, -2).cpu(), name))

    return note


def _thinned(rows: torch.Tensor, name: str) -> torch.Tensor:
    """At most KEPT of the rows, the same ones every time."""
    if len(rows) <= KEPT:
        return rows
    draws = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return rows[torch.randperm(len(rows), generator=draws)[:KEPT]]


def _share(on_step: StepHook | None, number: int, count: int) -> StepHook | None:
    if on_step is None:
        return None
    hook = on_step
    return lambda done, total: hook(number * total + done, count * total)
