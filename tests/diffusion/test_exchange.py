"""Adapter files: every format in and out, the same change of the weights proved with diffusers' own loader, and hostile files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engines.api.errors import AdapterError
from engines.diffusion.exchange import Adapter, LoraPair, check_fit, describe, export, read_adapter, write_adapter
from engines.diffusion.placement import change_of
from engines.launch.tensor_file import read_tensor_file
from tests.diffusion.support import assert_same_change, changes, loaded_by_diffusers, open_tiny, random_adapter

NAME = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"


@pytest.mark.parametrize("alpha", [4.0, 3.0, 1.0, 11.5])
@pytest.mark.parametrize("form", ["diffusers", "kohya"])
def test_diffusers_sees_the_same_change(form: str, alpha: float, tiny_sd: Path, tmp_path: Path) -> None:
    adapter = random_adapter(open_tiny(tiny_sd), rank=4, alpha=alpha)
    write_adapter(adapter, tmp_path / "a.safetensors", form)
    seen = loaded_by_diffusers(tiny_sd, tmp_path / "a.safetensors")
    expected = changes(adapter)
    for name, delta in seen.items():
        wanted = expected.get(name, torch.zeros_like(delta))
        torch.testing.assert_close(delta, wanted, rtol=1e-4, atol=1e-6)
    assert set(expected) <= set(seen)


@pytest.mark.parametrize("form", ["diffusers", "kohya"])
def test_mixed_ranks_keep_their_scales(form: str, tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    modules = dict(random_adapter(base, rank=4, alpha=2.0).modules)
    modules[NAME] = random_adapter(base, rank=2, alpha=5.0, seed=2).modules[NAME]
    adapter = Adapter(modules)
    write_adapter(adapter, tmp_path / "a.safetensors", form)
    seen = loaded_by_diffusers(tiny_sd, tmp_path / "a.safetensors")
    for name, delta in changes(adapter).items():
        torch.testing.assert_close(seen[name], delta, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["diffusers", "kohya", "peft"])
@pytest.mark.parametrize("alpha", [4.0, 3.0])
def test_round_trips(form: str, alpha: float, tiny_sd: Path, tmp_path: Path) -> None:
    adapter = random_adapter(open_tiny(tiny_sd), alpha=alpha)
    place = tmp_path / ("folder" if form == "peft" else "a.safetensors")
    write_adapter(adapter, place, form)
    found = read_adapter(place)
    assert_same_change(adapter, found)
    assert found.format == form
    assert found.metadata["modelspec.title"] == "Test"
    assert {pair.alpha for pair in found.modules.values()} == {alpha}
    again = tmp_path / "again"
    write_adapter(found, again, "kohya")
    assert_same_change(adapter, read_adapter(again))


@pytest.mark.parametrize("target", ["diffusers", "kohya"])
@pytest.mark.parametrize("source", ["diffusers", "kohya", "peft"])
@pytest.mark.parametrize("mixed", [False, True])
def test_diffusers_loads_what_was_read_from_another_file(
    source: str, target: str, mixed: bool, tiny_sd: Path, tmp_path: Path
) -> None:
    base = open_tiny(tiny_sd)
    modules = dict(random_adapter(base, rank=4, alpha=8.0).modules)
    if mixed:
        modules[NAME] = random_adapter(base, rank=2, alpha=5.0, seed=2).modules[NAME]
    adapter = Adapter(modules)
    place = tmp_path / ("folder" if source == "peft" else "a.safetensors")
    write_adapter(adapter, place, source)
    export(place, tmp_path / "b.safetensors", target)
    seen = loaded_by_diffusers(tiny_sd, tmp_path / "b.safetensors")
    for name, delta in changes(adapter).items():
        torch.testing.assert_close(seen[name], delta, rtol=1e-4, atol=1e-6)


def test_foreign_scales_do_not_outlive_their_file(tmp_path: Path) -> None:
    down, up = torch.randn(4, 32), torch.randn(32, 4)
    small_down, small_up = torch.randn(2, 32), torch.randn(32, 2)
    other = NAME.replace("to_q", "to_k")
    tensors = {
        f"{NAME}.lora_A.weight": down, f"{NAME}.lora_B.weight": up,
        f"{other}.lora_A.weight": small_down, f"{other}.lora_B.weight": small_up,
    }  # fmt: skip
    settings = json.dumps({"unet.r": 4, "unet.lora_alpha": 8, "unet.rank_pattern": {"to_k": 2}})
    save_file(tensors, tmp_path / "a.safetensors", metadata={"lora_adapter_metadata": settings})
    first = read_adapter(tmp_path / "a.safetensors")
    write_adapter(first, tmp_path / "b.safetensors", "diffusers")
    assert_same_change(first, read_adapter(tmp_path / "b.safetensors"))


def test_a_peft_folder_is_replaced_whole(tiny_sd: Path, tmp_path: Path) -> None:
    both = random_adapter(open_tiny(tiny_sd))
    write_adapter(both, tmp_path / "folder", "peft")
    only_unet = Adapter({name: pair for name, pair in both.modules.items() if name.startswith("unet.")})
    write_adapter(only_unet, tmp_path / "folder", "peft", overwrite=True)
    assert set(read_adapter(tmp_path / "folder").modules) == set(only_unet.modules)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_kohya_names_and_alphas_are_the_true_ones(tiny_sd: Path, tmp_path: Path) -> None:
    adapter = random_adapter(open_tiny(tiny_sd), rank=4, alpha=3.0)
    write_adapter(adapter, tmp_path / "a.safetensors", "kohya")
    tensors = load_file(tmp_path / "a.safetensors")
    stem = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"
    assert tensors[f"{stem}.alpha"].item() == 3.0
    assert tensors[f"{stem}.lora_down.weight"].shape[0] == 4
    assert "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight" in tensors
    assert len(tensors) == 3 * len(adapter.modules)


def test_peft_reads_our_folders(tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    modules = dict(random_adapter(base, rank=4, alpha=2.0).modules)
    modules[NAME] = random_adapter(base, rank=2, alpha=5.0, seed=2).modules[NAME]
    adapter = Adapter(modules)
    write_adapter(adapter, tmp_path / "folder", "peft")
    for network in ("unet", "text_encoder"):
        plain = dict(open_tiny(tiny_sd).networks()[network].named_parameters())
        model = PeftModel.from_pretrained(open_tiny(tiny_sd).networks()[network], tmp_path / "folder" / network)
        merged = dict(model.merge_and_unload().named_parameters())
        for name, pair in adapter.modules.items():
            if name.startswith(network + "."):
                path = name.removeprefix(network + ".").removeprefix("text_model.") + ".weight"
                torch.testing.assert_close(merged[path] - plain[path], pair.delta(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("processor", [True, False])
def test_older_diffusers_files_are_read(processor: bool, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(4, 32, generator=generator), torch.randn(32, 4, generator=generator)
    stem = "unet.mid_block.attentions.0.transformer_blocks.0.attn1"
    middle = ".processor.to_out_lora." if processor else ".to_out.0.lora."
    text = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer."
    tensors = {
        f"{stem}{middle}down.weight": down, f"{stem}{middle}up.weight": up,
        f"{text}down.weight": down.clone(), f"{text}up.weight": up.clone(),
    }  # fmt: skip
    save_file(tensors, tmp_path / "a.safetensors")
    found = read_adapter(tmp_path / "a.safetensors")
    assert found.format == "diffusers-old"
    torch.testing.assert_close(found.modules[f"{stem}.to_out.0"].delta(), up @ down)
    assert "text_encoder.text_model.encoder.layers.0.self_attn.q_proj" in found.modules


def test_both_spellings_of_the_text_encoder_are_read(tmp_path: Path) -> None:
    pair = {"lora_A.weight": torch.ones(2, 8), "lora_B.weight": torch.ones(8, 2)}
    for prefix in ("text_encoder.text_model.", "text_encoder."):
        tensors = {f"{prefix}encoder.layers.0.self_attn.q_proj.{part}": t.clone() for part, t in pair.items()}
        save_file(tensors, tmp_path / "a.safetensors")
        names = list(read_adapter(tmp_path / "a.safetensors").modules)
        assert names == ["text_encoder.text_model.encoder.layers.0.self_attn.q_proj"]


def test_scales_in_diffusers_metadata_are_honoured(tmp_path: Path) -> None:
    """Files of other trainers keep alpha and rank stabilisation in the metadata, the weights unscaled."""
    down, up = torch.randn(4, 8), torch.randn(8, 4)
    tensors = {f"{NAME}.lora_A.weight": down, f"{NAME}.lora_B.weight": up}
    for settings, scale in (({"unet.lora_alpha": 6}, 1.5), ({"unet.lora_alpha": 6, "unet.use_rslora": True}, 3.0)):
        save_file(tensors, tmp_path / "a.safetensors", {"lora_adapter_metadata": json.dumps(settings)})
        torch.testing.assert_close(read_adapter(tmp_path / "a.safetensors").modules[NAME].delta(), scale * up @ down)


@pytest.mark.parametrize("form", ["diffusers", "kohya", "peft"])
def test_magnitudes_go_round(form: str, tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    adapter = random_adapter(base, alpha=3.0)
    networks = base.networks()
    modules = {}
    for name, pair in adapter.modules.items():
        modules[name] = LoraPair(pair.down, pair.up, pair.alpha, torch.rand(pair.up.shape[0]) + 0.5)
    place = tmp_path / ("folder" if form == "peft" else "a.safetensors")
    write_adapter(Adapter(modules), place, form)
    found = read_adapter(place)
    weight = networks["unet"].get_submodule(NAME.removeprefix("unet.")).weight
    torch.testing.assert_close(change_of(found.modules[NAME], weight), change_of(modules[NAME], weight))
    assert describe(place).dora


def test_nothing_is_overwritten_without_being_told(tiny_sd: Path, tmp_path: Path) -> None:
    adapter = random_adapter(open_tiny(tiny_sd))
    place = tmp_path / "a.safetensors"
    write_adapter(adapter, place)
    before = place.read_bytes()
    with pytest.raises(AdapterError, match="there already"):
        write_adapter(adapter, place, "kohya")
    assert place.read_bytes() == before
    write_adapter(adapter, place, "kohya", overwrite=True)
    assert describe(place).format == "kohya"
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_captions_leave_the_house_only_when_asked(tiny_sd: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.safetensors"
    write_adapter(random_adapter(open_tiny(tiny_sd)), source)
    export(source, tmp_path / "plain.safetensors", "kohya")
    assert "ss_tag_frequency" not in read_tensor_file(tmp_path / "plain.safetensors").metadata
    export(source, tmp_path / "told.safetensors", "kohya", captions={"a dog, grass": 2, "grass": 1})
    told = json.loads(read_tensor_file(tmp_path / "told.safetensors").metadata["ss_tag_frequency"])
    assert told == {"pictures": {"a dog": 2, "grass": 3}}


def test_an_adapter_of_another_base_is_refused(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    adapter = random_adapter(base)
    check_fit(adapter, base)
    wide = LoraPair(torch.ones(4, 320), torch.ones(320, 4), 4.0)
    with pytest.raises(AdapterError, match="320 x 320"):
        check_fit(Adapter({**adapter.modules, NAME: wide}), base)
    with pytest.raises(AdapterError, match="does not have"):
        check_fit(Adapter({**adapter.modules, "unet.down_blocks.9.attentions.0.proj_in": wide}), base)


GOOD = {
    "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": torch.ones(2, 8),
    "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": torch.ones(8, 2),
    "lora_unet_mid_block_attentions_0_proj_in.alpha": torch.tensor(2.0),
}
STEM = "lora_unet_mid_block_attentions_0_proj_in"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({f"{STEM}.lora_down.weight": None}, "lacks its down"),
        ({f"{STEM}.lora_up.weight": None}, "lacks its up"),
        ({f"{STEM}.lora_up.weight": torch.ones(8, 3)}, "do not meet"),
        ({f"{STEM}.lora_up.weight": torch.ones(8, 2, 1, 1)}, "do not meet"),
        ({f"{STEM}.lora_up.weight": torch.full((8, 2), torch.nan)}, "not numbers"),
        ({f"{STEM}.lora_down.weight": torch.full((2, 8), torch.inf)}, "not numbers"),
        ({f"{STEM}.lora_down.weight": torch.ones(2, 8, dtype=torch.int64)}, "not numbers"),
        ({f"{STEM}.lora_down.weight": torch.ones(0, 8), f"{STEM}.lora_up.weight": torch.ones(8, 0)}, "do not meet"),
        ({f"{STEM}.alpha": torch.tensor(-1.0)}, "alpha"),
        ({f"{STEM}.alpha": torch.ones(3)}, "not one number"),
        ({f"{STEM}.dora_scale": torch.ones(1, 8)}, "by input"),
        ({f"{STEM}.lokr_w1": torch.ones(2, 2)}, "LoKr"),
        ({f"{STEM}.hada_w1_a": torch.ones(2, 2)}, "LoHa"),
        ({f"{STEM}.something": torch.ones(2, 2)}, "not part of a LoRA"),
        ({"lora_unet_no_such_layer.lora_down.weight": torch.ones(2, 8)}, "not a layer"),
        ({"lora_unet_input_blocks_99_1_proj_in.lora_down.weight": torch.ones(2, 8)}, "not a layer"),
        ({"lora_te3_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": torch.ones(2, 8)}, "not a layer"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, torch.Tensor | None], words: str, tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in {**GOOD, **change}.items() if tensor is not None}
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(AdapterError, match=words):
        read_adapter(tmp_path / "a.safetensors")


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.ones(2)}, tmp_path / "base.safetensors")
    save_file({"transformer.blocks.0.lora_A.weight": torch.ones(2, 2)}, tmp_path / "flux.safetensors")
    save_file({"x": torch.ones(2)}, tmp_path / "x.safetensors")
    for file, words in (("base", "whole base model"), ("flux", "another kind"), ("x", "no low-rank")):
        with pytest.raises(AdapterError, match=words):
            read_adapter(tmp_path / f"{file}.safetensors")
        with pytest.raises(AdapterError, match=words):
            describe(tmp_path / f"{file}.safetensors")
    with pytest.raises(AdapterError, match="cannot be read"):
        read_adapter(tmp_path / "missing.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(AdapterError, match="adapter_config"):
        read_adapter(tmp_path / "folder")


def raw(header: object, *, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape: list[object], start: object, end: object, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "empty": b"",
    "seven bytes": b"1234567",
    "header longer than the file": raw({}, length=10_000),
    "header of 2^63": raw({}, length=2**63),
    "header of 200 MB": raw({}, length=200_000_000) + b" " * 100,
    "no json": raw(b"\xff\xfe not json"),
    "deep json": raw(b"[" * 200_000),
    "a list": raw([1, 2]),
    "entry is text": raw({"a": "b"}),
    "negative shape": raw({"a": tensor([-1, 2], 0, 8)}, data=b"\0" * 8),
    "bool shape": raw({"a": tensor([True], 0, 4)}, data=b"\0" * 4),
    "huge shape": raw({"a": tensor([2**47, 2**47], 0, 8)}, data=b"\0" * 8),
    "float shape": raw({"a": tensor([1.5], 0, 6)}, data=b"\0" * 8),
    "offsets outside": raw({"a": tensor([4], 0, 16)}, data=b"\0" * 8),
    "offsets backwards": raw({"a": tensor([1], 8, 4)}, data=b"\0" * 8),
    "offsets do not match": raw({"a": tensor([3], 0, 8)}, data=b"\0" * 8),
    "unknown dtype": raw({"a": tensor([1], 0, 4, "PICKLE")}, data=b"\0" * 4),
    "many axes": raw({"a": tensor([1] * 50, 0, 4)}, data=b"\0" * 4),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_headers(case: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(HOSTILE[case])
    for look in (read_adapter, describe):
        with pytest.raises(AdapterError, match="damaged"):
            look(path)


def test_overlapping_tensors_do_not_get_through(tmp_path: Path) -> None:
    header = {f"{STEM}.lora_down.weight": tensor([1, 2], 0, 8), f"{STEM}.lora_up.weight": tensor([2, 1], 0, 8)}
    path = tmp_path / "a.safetensors"
    path.write_bytes(raw(header, data=struct.pack("<2f", 1, 2)))
    with pytest.raises(AdapterError):
        read_adapter(path)


def test_half_precision_files_are_read(tmp_path: Path) -> None:
    for dtype in (torch.float16, torch.bfloat16):
        save_file({name: value.to(dtype) for name, value in GOOD.items()}, tmp_path / "a.safetensors")
        found = read_adapter(tmp_path / "a.safetensors")
        torch.testing.assert_close(
            found.modules["unet.mid_block.attentions.0.proj_in"].delta(), torch.full((8, 8), 2.0)
        )
        assert describe(tmp_path / "a.safetensors").alpha == 2.0


def test_convolutions_are_carried(tmp_path: Path) -> None:
    stem = "lora_unet_down_blocks_0_resnets_0_conv1"
    tensors = {f"{stem}.lora_down.weight": torch.randn(2, 4, 3, 3), f"{stem}.lora_up.weight": torch.randn(8, 2, 1, 1)}
    save_file(tensors, tmp_path / "a.safetensors")
    pair = read_adapter(tmp_path / "a.safetensors").modules["unet.down_blocks.0.resnets.0.conv1"]
    weight = torch.zeros(8, 4, 3, 3)
    expected = torch.einsum(
        "or,rikl->oikl", tensors[f"{stem}.lora_up.weight"][..., 0, 0], tensors[f"{stem}.lora_down.weight"]
    )
    torch.testing.assert_close(change_of(pair, weight), expected)
    assert pair.alpha == 2.0


def test_files_are_whole_or_not_there(tiny_sd: Path, tmp_path: Path) -> None:
    write_adapter(random_adapter(open_tiny(tiny_sd)), tmp_path / "new" / "a.safetensors")
    with safe_open(tmp_path / "new" / "a.safetensors", "pt") as file:
        assert file.metadata()["lorikeet.alpha"] == "3"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AdapterError, match="could not be written"):
        write_adapter(random_adapter(open_tiny(tiny_sd)), tmp_path / "file" / "a.safetensors")
