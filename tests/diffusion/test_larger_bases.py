"""Stable Diffusion XL as a base: told exactly what the stock pipeline tells its denoiser, from a folder or one file, and taught end to end."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engines.api.errors import AdapterError, ModelError
from engines.core import randomness
from engines.diffusion.backbones import open_base
from engines.diffusion.exchange import write_adapter
from engines.diffusion.folders import pipeline_class
from engines.diffusion.sampling import Sampling, draw
from engines.diffusion.teach import Teach, build
from engines.launch.adapter_info import describe
from tests.diffusion.original_layout import original_state
from tests.diffusion.support import (
    CPU,
    loaded_by_diffusers,
    make_job,
    make_pictures,
    open_tiny,
    probe,
    random_adapter,
    stock,
)

WIDTH, HEIGHT = 48, 32


@pytest.fixture
def copy(tiny_sdxl: Path, tmp_path: Path) -> Path:
    """A tiny base that may be changed."""
    return Path(shutil.copytree(tiny_sdxl, tmp_path / "base"))


class Ear:
    """Hears what a denoiser is told."""

    def __init__(self, unet: torch.nn.Module) -> None:
        self.calls: list[dict[str, torch.Tensor]] = []
        unet.register_forward_pre_hook(self._hear, with_kwargs=True)

    def _hear(self, _: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        noisy, timesteps, *rest = args
        hidden = rest[0] if rest else kwargs["encoder_hidden_states"]
        self.calls.append({"noisy": noisy, "t": timesteps, "hidden": hidden, **kwargs["added_cond_kwargs"]})


@pytest.mark.parametrize("zeros", [True, False])
@pytest.mark.parametrize("negative", ["", "a blurry cat!"])
def test_the_denoiser_is_told_what_the_stock_pipeline_tells_it(negative: str, zeros: bool, copy: Path) -> None:
    index = copy / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "force_zeros_for_empty_prompt": zeros}))
    pipeline = stock(copy)
    pipeline.unet.to(memory_format=torch.channels_last)  # as ours: to the last bit, the order of sums counts
    theirs = Ear(pipeline.unet)
    expected = pipeline(
        "a sks dog", negative_prompt=negative or None, width=WIDTH, height=HEIGHT, num_inference_steps=3,
        guidance_scale=5.0, generator=torch.Generator().manual_seed(7), output_type="np",
    ).images  # fmt: skip
    base = open_tiny(copy)
    ours = Ear(base.networks()["unet"])
    how = Sampling(steps=3, guidance=5.0, negative=negative, width=WIDTH, height=HEIGHT)
    (picture,) = draw(base, ["a sks dog"], [7], how)
    assert len(ours.calls) == len(theirs.calls) == 3
    for mine, other in zip(ours.calls, theirs.calls, strict=True):
        for name in ("noisy", "hidden", "text_embeds", "time_ids"):
            assert torch.equal(mine[name], other[name]), name
        assert torch.equal(mine["t"], other["t"].expand(2))
    assert bool(ours.calls[0]["hidden"][0].any()) == (not zeros or bool(negative))
    assert ours.calls[0]["time_ids"].tolist() == [[HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH]] * 2
    assert np.abs(np.asarray(picture, dtype=np.float32) - expected[0] * 255).max() <= 0.51


def test_the_figures_of_the_larger_kind(tiny_sdxl: Path) -> None:
    info = open_tiny(tiny_sdxl).info
    assert (info.family, info.version, info.guidance) == ("stable-diffusion-xl", "sdxl_base_v1-0", 5.0)
    assert (info.resolution, info.side_multiple, info.text_length) == (32, 16, 32)


def test_words_are_found_by_both_tokenizers(tiny_sdxl: Path) -> None:
    """The second pads with a sign that may also stand in a caption."""
    base = open_tiny(tiny_sdxl)
    states = base.encode_prompts(["a sks dog!", "sks", ""])
    assert states["tokens"].shape == (3, 64)
    assert not torch.equal(*states["tokens"].chunk(2, dim=1))
    found = base.word_places(states, "sks")
    assert found.shape == (3, 32)
    assert found.sum(dim=1).tolist() == [3, 3, 0]
    assert found[1, 1:4].all()


def test_the_first_text_encoder_is_taught_where_it_is_heard(tiny_sdxl: Path) -> None:
    base = open_tiny(tiny_sdxl)
    by_network = {name: [s.path for s in base.text_linears() if s.network == name] for name in base.networks()}
    assert {name: len(paths) for name, paths in by_network.items()} == {
        "unet": 0, "text_encoder": 4, "text_encoder_2": 8,
    }  # fmt: skip
    before = probe(base)
    last = base.networks()["text_encoder"].get_submodule(by_network["text_encoder"][0].replace("layers.0", "layers.1"))
    last.weight.data.add_(1.0)
    assert torch.equal(probe(base), before)


def test_released_encoders_come_back(tiny_sdxl: Path) -> None:
    base = open_tiny(tiny_sdxl)
    before, pixels = base.encode_prompts(["a dog"]), torch.rand(1, 3, 32, 32) * 2 - 1
    latents = base.encode_pixels(pixels)[0]
    base.release_encoders()
    assert base.resident() == [base.unet, base.vae]
    after = base.encode_prompts(["a dog"])
    assert list(after) == list(before) == ["hidden", "pooled", "tokens"]
    assert all(torch.equal(after[name], state) for name, state in before.items())
    assert torch.equal(base.encode_pixels(pixels)[0], latents)


def test_an_autoencoder_that_overflows_computes_in_full_precision(tiny_sd: Path, copy: Path) -> None:
    half = replace(CPU, dtype=torch.float16)
    assert open_base(f"file:{tiny_sd}", half).vae.dtype == torch.float16
    base = open_base(f"file:{copy}", half)
    assert (base.unet.dtype, base.vae.dtype) == (torch.float16, torch.float32)
    latents = base.encode_pixels(torch.rand(1, 3, 32, 32) * 2 - 1)[0]
    before = base.decode_latents(latents)
    base.release_encoders()
    base.encode_pixels(torch.rand(1, 3, 32, 32) * 2 - 1)
    assert base.vae.dtype == torch.float32
    assert torch.equal(base.decode_latents(latents), before)
    config = copy / "vae" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "force_upcast": False}))
    assert open_base(f"file:{copy}", half).vae.dtype == torch.float16


def test_one_file_is_the_same_base(tiny_sdxl: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file(original_state(tiny_sdxl), file)
    with pytest.raises(ModelError, match="not one of the usual"):
        open_base(f"file:{file}", CPU)
    shutil.copytree(tiny_sdxl, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    base, other = open_base(f"file:{file}", CPU), open_tiny(tiny_sdxl)
    assert base.info.family == other.info.family
    torch.testing.assert_close(probe(base), probe(other))
    pixels = torch.rand(1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(base.encode_pixels(pixels)[0], other.encode_pixels(pixels)[0])
    base.release_encoders()
    torch.testing.assert_close(probe(base), probe(other))


def test_files_say_when_they_predict_velocity(tiny_sdxl: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_sdxl, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    marks = {"v_pred": torch.zeros(1), "ztsnr": torch.zeros(1)}
    save_file({**original_state(tiny_sdxl), **marks}, tmp_path / "model.safetensors")
    base = open_base(f"file:{tmp_path / 'model.safetensors'}", CPU)
    assert base.info.prediction == "v_prediction"
    assert float(base.schedule.alphas_cumprod[-1]) == pytest.approx(0.0, abs=1e-6)
    assert base.sampler().config.timestep_spacing == "trailing"


def test_refiners_and_odd_parts_are_refused_in_words(copy: Path, tmp_path: Path) -> None:
    state = {n: t for n, t in original_state(copy).items() if not n.startswith("conditioner.embedders.0")}
    save_file(state, tmp_path / "refiner.safetensors")
    with pytest.raises(ModelError, match="refiner"):
        open_base(f"file:{tmp_path / 'refiner.safetensors'}", CPU)
    index = copy / "model_index.json"
    parts = json.loads(index.read_text())
    index.write_text(json.dumps({**parts, "text_encoder_2": ["transformers", "CLIPTextModel"]}))
    with pytest.raises(ModelError, match="text_encoder_2"):
        open_tiny(copy)
    index.write_text(json.dumps(parts))
    config = copy / "vae" / "config.json"
    plain = config.read_text()
    config.write_text(json.dumps({**json.loads(plain), "latents_mean": [0.1] * 4, "latents_std": [2.0] * 4}))
    with pytest.raises(ModelError, match="a way of its own"):
        open_tiny(copy)
    config.write_text(plain)
    shutil.rmtree(copy / "tokenizer_2")
    with pytest.raises(ModelError, match="tokenizer_2"):
        open_tiny(copy)


def test_what_words_are_made_of_changes_the_key_of_their_cache(tiny_sdxl: Path, copy: Path) -> None:
    first = open_tiny(tiny_sdxl).info.text_hash
    index = copy / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "force_zeros_for_empty_prompt": False}))
    assert open_tiny(copy).info.text_hash != first
    shutil.copy(tiny_sdxl / "model_index.json", index)
    assert open_tiny(copy).info.text_hash == first
    weights = next((copy / "text_encoder_2").glob("*.safetensors"))
    changed = {name: tensor + 1 for name, tensor in load_file(weights).items()}
    save_file(changed, weights, {"format": "pt"})
    assert open_tiny(copy).info.text_hash != first


def prepared(base: Path, root: Path, **job: object) -> Teach:
    run = root / "runs" / "run"
    run.mkdir(parents=True, exist_ok=True)
    randomness.seed_all(0)
    task = build(make_job(base, **job), make_pictures(root, 3, sizes=((40, 40), (96, 40))), root, run, CPU)
    task.prepare(lambda *_: None)
    return task


@pytest.mark.parametrize(
    "job",
    [
        {"objective": {"class_pictures": 1}, "data": {"caption_dropout": 0.5}},
        {"method": {"rank": 2, "text_encoder": True}, "loop": {"gradient_checkpointing": True}},
    ],
    ids=["words prepared", "text encoders"],
)
def test_a_run_learns_samples_saves_and_is_loaded_elsewhere(
    job: dict[str, object], tiny_sdxl: Path, tmp_path: Path
) -> None:
    task = prepared(tiny_sdxl, tmp_path, **job)
    before = task.validate()
    groups = task.trainable.parameter_groups()
    with_texts = ["unet", "text_encoder", "text_encoder_2"]
    assert [group.name for group in groups] == (with_texts if "method" in job else with_texts[:1])
    optimizer = torch.optim.AdamW([{"params": group.parameters, "lr": 1e-2} for group in groups])
    for _ in range(4):
        task.loss(task.batches.next()).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert task.validate() != before
    (made,) = task.sample(4, tmp_path / "samples")
    with Image.open(made.file) as picture:
        assert picture.size == (32, 32)
    file = tmp_path / "adapter.safetensors"
    task.save_adapter(file, step=4)
    task.verify_adapter(file)
    assert describe(file).base_version == "sdxl_base_v1-0"
    changed = {name.partition(".")[0] for name, delta in loaded_by_diffusers(tiny_sdxl, file).items() if delta.any()}
    assert changed == {group.name for group in groups}


def test_while_teaching_the_denoiser_is_told_how_each_picture_was_cut(tiny_sdxl: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sdxl, tmp_path, data={"buckets": False})
    ear = Ear(task._ready.base.networks()["unet"])
    told = set()
    for _ in range(task.batches.epoch_steps):
        task.loss(task.batches.next())
        told |= {tuple(row) for row in ear.calls[-1]["time_ids"].int().tolist()}
    whole, cut = (
        (40, 40, 0, 0, 32, 32),
        (40, 96, 0, 22, 32, 32),
    )  # 96 x 40 becomes 76.8 x 32, of which 22.4 go on each side
    assert told == {whole, cut}
    task.validate()
    assert {tuple(row) for call in ear.calls for row in call["time_ids"].int().tolist()} == {whole, cut}


def test_it_does_not_start_from_an_adapter_of_the_other_kind(tiny_sd: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    write_adapter(random_adapter(open_tiny(tiny_sd), text=False), tmp_path / "small.safetensors")
    with pytest.raises(AdapterError, match=r"made for Stable Diffusion 1\.x or 2\.x"):
        prepared(tiny_sdxl, tmp_path, start_from="small.safetensors")


def test_the_two_kinds_of_folder_are_told_apart(tiny_sd: Path, tiny_sdxl: Path) -> None:
    assert pipeline_class(tiny_sd) != pipeline_class(tiny_sdxl)
    assert open_tiny(tiny_sd).info.family == "stable-diffusion"
