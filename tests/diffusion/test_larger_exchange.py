"""Adapter files of Stable Diffusion XL: three networks, the names of its first release, and what happens on a base of the other kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from engines.api.errors import AdapterError
from engines.diffusion.exchange import Adapter, LoraPair, check_fit, describe, export, read_adapter, write_adapter
from engines.diffusion.exchange.adapter import is_larger
from engines.diffusion.exchange.sgm import from_sgm, to_sgm
from engines.diffusion.placement import Placement
from tests.diffusion.support import (
    assert_same_change,
    changes,
    loaded_by_diffusers,
    make_job,
    open_tiny,
    probe,
    random_adapter,
)

NAME = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
SECOND = "text_encoder_2.text_model.encoder.layers.1.self_attn.q_proj"


@pytest.fixture
def adapter(tiny_sdxl: Path) -> Adapter:
    """On all three networks, with an alpha that is not the rank."""
    return random_adapter(open_tiny(tiny_sdxl), rank=4, alpha=3.0)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("form", ["diffusers", "kohya"])
def test_diffusers_sees_the_same_change(
    form: str, mixed: bool, adapter: Adapter, tiny_sdxl: Path, tmp_path: Path
) -> None:
    modules = dict(adapter.modules)
    if mixed:
        other = random_adapter(open_tiny(tiny_sdxl), rank=2, alpha=5.0, seed=2).modules
        modules |= {NAME: other[NAME], SECOND: other[SECOND]}
    write_adapter(Adapter(modules), tmp_path / "a.safetensors", form)
    seen = loaded_by_diffusers(tiny_sdxl, tmp_path / "a.safetensors")
    expected = changes(Adapter(modules))
    assert set(expected) <= set(seen)
    assert {name.partition(".")[0] for name in expected} == {"unet", "text_encoder", "text_encoder_2"}
    for name, delta in seen.items():
        torch.testing.assert_close(delta, expected.get(name, torch.zeros_like(delta)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["diffusers", "kohya", "peft"])
def test_round_trips(form: str, adapter: Adapter, tmp_path: Path) -> None:
    place = tmp_path / ("folder" if form == "peft" else "a.safetensors")
    write_adapter(adapter, place, form)
    found = read_adapter(place)
    assert_same_change(adapter, found)
    assert {pair.alpha for pair in found.modules.values()} == {3.0}
    told = describe(place)
    assert (told.format, told.modules, told.text_modules) == (form, len(adapter.modules), 12)
    export(place, tmp_path / "b.safetensors", "kohya")
    assert_same_change(adapter, read_adapter(tmp_path / "b.safetensors"))


def test_kohya_files_use_the_names_of_the_first_release(adapter: Adapter, tmp_path: Path) -> None:
    write_adapter(adapter, tmp_path / "a.safetensors", "kohya")
    tensors = load_file(tmp_path / "a.safetensors")
    assert len(tensors) == 3 * len(adapter.modules)
    assert tensors["lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.alpha"].item() == 3.0
    for name in (
        "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_out_0",
        "lora_unet_output_blocks_5_1_transformer_blocks_0_attn2_to_k",
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj",
        "lora_te2_text_model_encoder_layers_1_self_attn_out_proj",
    ):
        assert f"{name}.lora_up.weight" in tensors
    assert not any("down_blocks" in name or "lora_te_" in name for name in tensors)


def test_kohya_files_with_diffusers_names_are_read_too(adapter: Adapter, tmp_path: Path) -> None:
    tensors = {}
    starts = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
    for name, pair in adapter.modules.items():
        network, _, path = name.partition(".")
        stem = starts[network] + path.replace(".", "_")
        tensors |= {f"{stem}.lora_down.weight": pair.down, f"{stem}.lora_up.weight": pair.up}
        tensors[f"{stem}.alpha"] = torch.tensor(pair.alpha)
    save_file(tensors, tmp_path / "a.safetensors")
    assert_same_change(adapter, read_adapter(tmp_path / "a.safetensors"))


def test_every_layer_has_its_name_and_comes_back(tiny_sdxl: Path) -> None:
    unet = open_tiny(tiny_sdxl).networks()["unet"]
    paths = [name for name, part in unet.named_modules() if isinstance(part, torch.nn.Linear | torch.nn.Conv2d)]
    names = [to_sgm(path) for path in paths]
    assert len(set(names)) == len(paths)
    assert [from_sgm(name) for name in names] == [path.replace(".", "_") for path in paths]
    known = {
        "down_blocks.1.downsamplers.0.conv": "input_blocks_6_0_op",
        "up_blocks.1.upsamplers.0.conv": "output_blocks_5_2_conv",
        "up_blocks.2.resnets.2.conv_shortcut": "output_blocks_8_0_skip_connection",
        "mid_block.resnets.1.time_emb_proj": "middle_block_2_emb_layers_1",
        "add_embedding.linear_2": "label_emb_0_2",
    }
    assert {path: to_sgm(path) for path in known} == known


def test_peft_reads_our_folders(adapter: Adapter, tiny_sdxl: Path, tmp_path: Path) -> None:
    write_adapter(adapter, tmp_path / "folder", "peft")
    for network in ("unet", "text_encoder", "text_encoder_2"):
        plain = dict(open_tiny(tiny_sdxl).networks()[network].named_parameters())
        model = PeftModel.from_pretrained(open_tiny(tiny_sdxl).networks()[network], tmp_path / "folder" / network)
        merged = dict(model.merge_and_unload().named_parameters())
        for name, delta in changes(adapter).items():
            if name.startswith(network + "."):
                path = name.removeprefix(network + ".") + ".weight"
                path = path if path in plain else path.removeprefix("text_model.")
                torch.testing.assert_close(merged[path] - plain[path], delta, rtol=1e-4, atol=1e-6)


def test_it_is_put_into_all_three_networks(adapter: Adapter, tiny_sdxl: Path, tmp_path: Path) -> None:
    export_to = tmp_path / "a.safetensors"
    write_adapter(adapter, export_to, "kohya")
    base = open_tiny(tiny_sdxl)
    before = probe(base)
    placement = Placement(base)
    seen = []
    for network in ("unet", "text_encoder", "text_encoder_2"):
        part = {name: pair for name, pair in read_adapter(export_to).modules.items() if name.startswith(network + ".")}
        placement.use([(Adapter(part), 1.0)])
        seen.append(probe(base))
        assert not torch.allclose(seen[-1], before, atol=1e-4)
    placement.clear()
    assert torch.equal(probe(base), before)


def test_an_adapter_of_the_other_kind_is_one_plain_sentence(adapter: Adapter, tiny_sd: Path, tiny_sdxl: Path) -> None:
    smaller, larger = open_tiny(tiny_sd), open_tiny(tiny_sdxl)
    own = random_adapter(smaller)
    with pytest.raises(AdapterError) as caught:
        check_fit(adapter, smaller)
    assert caught.value.what == "It was made for Stable Diffusion XL, and “tiny-sd0” is Stable Diffusion 1.x or 2.x."
    with pytest.raises(AdapterError) as caught:
        check_fit(own, larger)
    assert caught.value.what == "It was made for Stable Diffusion 1.x or 2.x, and “tiny-sdxl0” is Stable Diffusion XL."
    check_fit(adapter, larger)
    odd = {**adapter.modules, NAME: LoraPair(torch.ones(4, 320), torch.ones(320, 4), 4.0)}
    with pytest.raises(AdapterError, match="320 x 320"):  # of the same kind, but of another size
        check_fit(Adapter(odd), larger)


def test_which_kind_an_adapter_is_of(adapter: Adapter, tiny_sd: Path) -> None:
    unet_only = {name: pair for name, pair in adapter.modules.items() if name.startswith("unet.")}
    assert is_larger(Adapter(unet_only))
    assert not is_larger(
        Adapter(unet_only, {"ss_base_model_version": "sd_v1"})
    )  # of a small base with deep transformers
    assert is_larger(Adapter({NAME: adapter.modules[NAME]}, {"ss_base_model_version": "sdxl_base_v1-0"}))
    assert not is_larger(random_adapter(open_tiny(tiny_sd)))


def test_metadata_name_the_larger_model(tiny_sdxl: Path) -> None:
    from engines.diffusion.exchange.metadata import metadata_of

    told = metadata_of(make_job(tiny_sdxl), open_tiny(tiny_sdxl).info, {}, step=3, pictures=2, side=1024)
    assert told["ss_base_model_version"] == "sdxl_base_v1-0"
    assert told["ss_v2"] == "False"
    assert told["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert told["modelspec.implementation"].endswith("generative-models")
    assert told["modelspec.resolution"] == "1024x1024"
