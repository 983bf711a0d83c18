"""The published architectures at full size, without weights: how many layers adapters sit on, how many numbers they train, what the layers are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig

from engines.api.places import resources
from engines.diffusion.backbones import _stable_diffusion, _stable_diffusion_xl
from engines.diffusion.contracts import Base, Site
from engines.diffusion.exchange import Adapter, LoraPair, canonical, kohya
from engines.diffusion.folders import Opened, network_class, tokenizer_of
from engines.diffusion.hints import Hints
from engines.diffusion.single_file import clip_tokenizer
from engines.diffusion.weights import read_config
from tests.diffusion.support import CPU, attach

META = replace(CPU, torch_device=torch.device("meta"))
COUNTS = {
    ("stable-diffusion-1", "lora"): {1: 199_296, 4: 797_184, 8: 1_594_368, 16: 3_188_736, 32: 6_377_472},
    ("stable-diffusion-xl", "lora"): {1: 1_451_520, 4: 5_806_080, 8: 11_612_160, 16: 23_224_320, 32: 46_448_640},
    ("stable-diffusion-1", "orthogonal"): {8: 798_720, 20: 1_996_800},
    ("stable-diffusion-xl", "orthogonal"): {8: 5_324_800, 20: 13_312_000},
}


def full_size(name: str) -> Base:
    """A base of the shipped layout on torch's meta device: shapes without weights."""
    layout = resources() / "layouts" / name
    larger = name.endswith("xl")
    texts = ("text_encoder", "text_encoder_2") if larger else ("text_encoder",)
    with torch.device("meta"):
        opened = Opened(
            unet=UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(layout / "unet")),
            vae=AutoencoderKL.from_config(AutoencoderKL.load_config(layout / "vae")),
            texts={text: network_class(text)(CLIPTextConfig.from_pretrained(layout / text)) for text in texts},
            tokenizers={text: clip_tokenizer(layout / tokenizer_of(text)) for text in texts},
            index=read_config(layout / "model_index.json"),
            scheduler_config=read_config(layout / "scheduler" / "scheduler_config.json"),
            title=name,
            hints=Hints(),
            base_hash="",
            encoder_hash="",
            text_hash="",
            reopen=lambda _: None,
        )
    half = _stable_diffusion_xl if larger else _stable_diffusion
    return half.resident(opened, f"file:{Path(name)}", META)


def layer(base: Base, site: Site) -> torch.nn.Linear:
    found = base.networks()[site.network].get_submodule(site.path)
    assert isinstance(found, torch.nn.Linear)
    return found


@pytest.mark.parametrize(
    ("name", "linears", "weights", "context", "feed_forward", "text"),
    [
        ("stable-diffusion-1", 128, 93_511_680, 32, 32, {"text_encoder": 48}),
        ("stable-diffusion-xl", 560, 955_187_200, 140, 140, {"text_encoder": 44, "text_encoder_2": 128}),
    ],
)
def test_adapters_sit_on_every_layer_of_the_published_models(
    name: str, linears: int, weights: int, context: int, feed_forward: int, text: dict[str, int]
) -> None:
    base = full_size(name)
    sites = base.attention_linears()
    assert len(sites) == len(set(sites)) == linears
    assert sum(layer(base, site).weight.numel() for site in sites) == weights
    assert set(base.context_linears()) < set(sites)
    assert (len(base.context_linears()), len(base.feed_forward_linears())) == (context, feed_forward)
    networks = [site.network for site in base.text_linears()]
    assert {network: networks.count(network) for network in networks} == text


@pytest.mark.parametrize(
    ("name", "method", "rank", "count"),
    [(*which, rank, count) for which, counts in COUNTS.items() for rank, count in counts.items()],
)
def test_adapters_train_exactly_as_many_numbers_as_is_published(name: str, method: str, rank: int, count: int) -> None:
    with torch.device("meta"):
        taught = attach(full_size(name), method, rank=rank, **({"slot": 1} if method == "orthogonal" else {}))
    assert sum(p.numel() for group in taught.parameter_groups() for p in group.parameters) == count


def test_the_larger_model_has_its_published_figures() -> None:
    base = full_size("stable-diffusion-xl")
    counts = {name: sum(p.numel() for p in network.parameters()) for name, network in base.networks().items()}
    assert counts == {"unet": 2_567_463_684, "text_encoder": 123_060_480, "text_encoder_2": 694_659_840}
    info = base.info
    assert (info.parameters, info.resolution, info.latent_factor, info.text_length) == (2_567_463_684, 1024, 8, 77)
    assert (info.version, info.prediction, info.learning_rate) == ("sdxl_base_v1-0", "epsilon", 1e-4)


def keys(base: Base) -> set[str]:
    """The names in a kohya file of an adapter on all attention of the denoiser."""
    modules = {}
    for site in base.attention_linears():
        found = layer(base, site)
        down, up = torch.empty(4, found.in_features, device="meta"), torch.empty(found.out_features, 4, device="meta")
        modules[canonical(site)] = LoraPair(down, up, 4.0)
    return set(kohya.write(Adapter(modules))[0])


def expected(blocks: dict[str, int]) -> set[str]:
    """The names by hand: transformers by their place, each with so many blocks."""
    return {
        f"lora_unet_{place}_transformer_blocks_{block}_{attention}_{projection}.{part}"
        for place, count in blocks.items()
        for block in range(count)
        for attention in ("attn1", "attn2")
        for projection in ("to_q", "to_k", "to_v", "to_out_0")
        for part in ("lora_down.weight", "lora_up.weight", "alpha")
    }


def test_the_names_of_the_larger_model_are_those_of_its_first_release() -> None:
    """Levels two and three on the way down, the middle, and levels three and two on the way up: 2 and 10 blocks each."""
    found = keys(full_size("stable-diffusion-xl"))
    places = {f"input_blocks_{number}_1": 2 for number in (4, 5)} | {f"input_blocks_{n}_1": 10 for n in (7, 8)}
    places |= {"middle_block_1": 10}
    places |= {f"output_blocks_{n}_1": 10 for n in (0, 1, 2)} | {f"output_blocks_{n}_1": 2 for n in (3, 4, 5)}
    assert found == expected(places)
    assert len(found) == 560 * 3


def test_the_names_of_the_smaller_model_are_those_of_diffusers() -> None:
    found = keys(full_size("stable-diffusion-1"))
    places = {f"down_blocks_{block}_attentions_{n}": 1 for block in range(3) for n in range(2)}
    places |= {f"up_blocks_{block}_attentions_{n}": 1 for block in (1, 2, 3) for n in range(3)}
    places |= {"mid_block_attentions_0": 1}
    assert found == expected(places)
    assert len(found) == 128 * 3
