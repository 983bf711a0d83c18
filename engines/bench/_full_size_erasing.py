"""What erasers cost at the size of Stable Diffusion 1.5: seconds of the closed form on a processor, and bytes of a membrane.

Only what takes part is there: the text encoder and the layers that read words, with random weights; all else has its shape and no memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Weighed:
    """Seconds of erasing several concepts by UCE, what that took in, and the size of a file of one membrane in half precision."""

    seconds: float
    bytes: int
    note: str


def weigh(concepts: Sequence[str], folder: Path) -> Weighed:
    """Do both; files go into a scratch folder."""
    import torch

    from engines.diffusion.contracts import LearningRates
    from engines.diffusion.erasers import eraser_of
    from engines.diffusion.erasing.contracts import Wish
    from engines.diffusion.exchange import Adapter, LoraPair, canonical, write_adapter
    from engines.launch.erase_plan import erasures
    from engines.launch.eraser_marks import Mark, pack

    base = _shaped()
    begun, worked = time.perf_counter(), time.process_time()
    solved = eraser_of("uce", {}).attach(base, LearningRates(1e-4, 1e-4), Wish(erasures(concepts), ("dog", "cat")))
    seconds = min(time.perf_counter() - begun, time.process_time() - worked)
    modules = {}
    for site in (*base.attention_linears(), *base.feed_forward_linears(), *base.projections()):
        weight: Any = base.networks()[site.network].get_submodule(site.path).weight
        down = torch.randn(1, *weight.shape[1:]).half()
        up = torch.randn(weight.shape[0], 1, *(1,) * (weight.ndim - 2)).half()
        modules[canonical(site)] = LoraPair(down, up, 1.0)
    file = folder / "membrane.safetensors"
    write_adapter(Adapter(modules, pack([Mark(concepts[0], rows=1, floor=0.9)])), file, overwrite=True)
    layers = len(solved.adapter().modules)
    note = f"{len(concepts)} concepts, {layers} layers, words read and solved; {torch.get_num_threads()} threads, the processor's own time where that is less"
    return Weighed(seconds, file.stat().st_size, note)


def _shaped() -> Any:  # noqa: ANN401 - a base of which only some of the weights are there
    """Stable Diffusion 1.5 by its layout."""
    import torch

    from engines.api.places import resources
    from engines.bench._random_base import made
    from engines.core.devices import pick
    from engines.diffusion.backbones._stable_diffusion import resident
    from engines.diffusion.folders import Opened, network_class
    from engines.diffusion.hints import Hints
    from engines.diffusion.single_file import clip_tokenizer
    from engines.diffusion.weights import read_config

    layout = resources() / "layouts" / "stable-diffusion-1"
    with torch.device("meta"):
        unet, vae = (made(network_class(part), layout / part) for part in ("unet", "vae"))
    torch.manual_seed(0)
    text = made(network_class("text_encoder"), layout / "text_encoder")
    scheduler = dict(read_config(layout / "scheduler" / "scheduler_config.json"))
    opened = Opened(
        unet=unet,
        vae=vae,
        texts={"text_encoder": text},
        tokenizers={"text_encoder": clip_tokenizer(layout / "tokenizer")},
        index={},
        scheduler_config=scheduler,
        title="Stable Diffusion 1.5, random weights",
        hints=Hints(),
        base_hash="",
        encoder_hash="",
        text_hash="",
        reopen=lambda _part: text,
    )
    base: Any = resident(opened, "random", pick("cpu", "fp32"))
    for site in base.context_linears():
        layer = base.unet.get_submodule(site.path)
        layer.weight = torch.nn.Parameter(torch.randn(layer.weight.shape) / layer.weight.shape[1] ** 0.5, False)
    return base
