"""Base models: folders, single files, old formats, damage, and what is never assumed."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engines.api.errors import ModelError
from engines.api.places import resources
from engines.core.weights import sha256_of
from engines.diffusion.backbones import open_base
from engines.diffusion.single_file import clip_tokenizer, clip_vocabulary
from tests.diffusion.original_layout import original_state
from tests.diffusion.support import CPU, open_tiny, probe


@pytest.fixture
def copy(tiny_sd: Path, tmp_path: Path) -> Path:
    """A tiny base that may be damaged."""
    return Path(shutil.copytree(tiny_sd, tmp_path / "base"))


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_figures_come_from_the_configurations(tiny_sd: Path, tiny_sd_v: Path) -> None:
    info = open_tiny(tiny_sd).info
    assert (info.resolution, info.latent_factor, info.latent_channels, info.side_multiple) == (32, 4, 4, 8)
    assert info.text_length == 32
    assert info.prediction == "epsilon"
    assert info.learning_rate > 1e-3  # a small model takes larger steps
    assert open_tiny(tiny_sd_v).info.prediction == "v_prediction"


def test_words_and_pictures_go_through(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    mean, std = base.encode_pixels(torch.rand(2, 3, 32, 40) * 2 - 1)
    assert mean.shape == std.shape == (2, 4, 8, 10)
    pixels = base.decode_latents(mean)
    assert pixels.shape == (2, 3, 32, 40)
    assert 0 <= float(pixels.min()) <= float(pixels.max()) <= 1
    assert base.tokenize(["a " * 500]).shape == (1, 32)


def test_released_encoders_come_back(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    pixels = torch.rand(1, 3, 32, 32) * 2 - 1
    before, words = base.encode_pixels(pixels)[0], base.encode_prompts(["a dog"])["hidden"]
    latents = torch.randn(1, 4, 8, 8)
    picture = base.decode_latents(latents)
    base.release_encoders()
    assert base.resident() == [base.unet, base.vae]
    assert not list(base.vae.encoder.parameters())
    assert torch.equal(base.decode_latents(latents), picture)
    assert torch.equal(base.encode_prompts(["a dog"])["hidden"], words)
    assert torch.equal(base.encode_pixels(pixels)[0], before)


def test_half_precision_variants_and_hints(tiny_sd: Path, copy: Path) -> None:
    for part in ("unet", "vae", "text_encoder"):
        for file in (copy / part).glob("*.safetensors"):
            file.rename(file.with_name(f"{file.stem}.fp16.safetensors"))
    (copy / "lorikeet.json").write_text(json.dumps({"title": "Tiny", "inference_steps": 9, "guidance": 3.5, "new": 1}))
    base = open_tiny(copy)
    assert torch.equal(probe(base), probe(open_tiny(tiny_sd)))
    assert (base.info.title, base.info.inference_steps, base.info.guidance) == ("Tiny", 9, 3.5)
    (copy / "lorikeet.json").write_text(json.dumps({"guidance": -1}))
    with pytest.raises(ModelError, match=r"lorikeet\.json"):
        open_tiny(copy)


def test_old_pickled_weights_are_read_without_running_code(tiny_sd: Path, copy: Path) -> None:
    for part, name in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model")):
        from safetensors.torch import load_file

        torch.save(load_file(copy / part / f"{name}.safetensors"), copy / part / f"{name}.bin")
        (copy / part / f"{name}.safetensors").unlink()
    base = open_tiny(copy)
    assert torch.equal(probe(base), probe(open_tiny(tiny_sd)))
    assert "pickle" in base.info.notes[0]


class _Evil:
    """Unpickling this runs a command."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.place,))


def test_code_in_a_checkpoint_never_runs(copy: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    (copy / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    (copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({"a": _Evil(trap)}))
    with pytest.raises(ModelError):
        open_tiny(copy)
    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": _Evil(trap)}))
    with pytest.raises(ModelError):
        open_base(f"file:{tmp_path / 'evil.ckpt'}", CPU)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "model_index.json").unlink(), "missing"),
        (lambda f: (f / "model_index.json").write_text("{"), "cannot be read"),
        (lambda f: change(f / "model_index.json", _class_name="FluxPipeline"), "not known"),
        (lambda f: change(f / "model_index.json", unet=["evil_module", "Unet"]), "Choose a Stable Diffusion"),
        (lambda f: shutil.rmtree(f / "vae"), "No weights"),
        (lambda f: (f / "unet" / "config.json").unlink(), "could not be loaded"),
        (lambda f: change(f / "unet" / "config.json", cross_attention_dim=48), "could not be loaded"),
        (lambda f: change(f / "vae" / "config.json", latent_channels=16), "could not be loaded"),
        (lambda f: change(f / "scheduler" / "scheduler_config.json", prediction_type="sample"), "cannot be taught"),
        (lambda f: (f / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"123"), "damaged"),
        (lambda f: shutil.rmtree(f / "tokenizer"), "could not be loaded"),
    ],
)
def test_damage_is_said_in_words(damage: object, words: str, copy: Path) -> None:
    damage(copy)
    with pytest.raises(ModelError, match=words):
        open_tiny(copy)


def test_places_that_are_not_there(tmp_path: Path) -> None:
    for base, words in (("file:/no/such/place", "nothing at"), ("elsewhere", "unknown way"), ("hub:", "unknown way")):
        with pytest.raises(ModelError, match=words):
            open_base(base, CPU)


@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
def test_single_checkpoint_files(suffix: str, tiny_sd: Path, tmp_path: Path) -> None:
    state = original_state(tiny_sd)
    file = tmp_path / f"model.{suffix}"
    if suffix == "ckpt":
        torch.save({"state_dict": state, "global_step": 3}, file)
    else:
        save_file(state, file)
    with pytest.raises(ModelError, match="not one of the usual"):
        open_base(f"file:{file}", CPU)
    shutil.copytree(tiny_sd, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    base = open_base(f"file:{file}", CPU)
    other = open_tiny(tiny_sd)
    torch.testing.assert_close(probe(base), probe(other))
    pixels = torch.rand(1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(base.encode_pixels(pixels)[0], other.encode_pixels(pixels)[0])
    assert base.info.base_hash == sha256_of(file)
    assert bool(base.info.notes) == (suffix == "ckpt")
    base.release_encoders()
    torch.testing.assert_close(probe(base), probe(other))


def test_odd_old_checkpoints(tiny_sd: Path, tmp_path: Path) -> None:
    state = original_state(tiny_sd)
    shutil.copytree(tiny_sd, tmp_path / "old", ignore=shutil.ignore_patterns("*.safetensors"))
    file = tmp_path / "old.ckpt"
    torch.save({"state_dict": state}, file, _use_new_zipfile_serialization=False)
    torch.testing.assert_close(probe(open_base(f"file:{file}", CPU)), probe(open_tiny(tiny_sd)))
    for odd in ([1, 2], {"state_dict": 5}, {"state_dict": {"a": "text"}}, 7):
        torch.save(odd, file)
        with pytest.raises(ModelError):
            open_base(f"file:{file}", CPU)


def test_no_memory_is_not_a_damaged_model(tiny_sd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        message = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        raise RuntimeError(message)

    monkeypatch.setattr(UNet2DConditionModel, "from_pretrained", full)
    with pytest.raises(RuntimeError, match="allocate"):
        open_tiny(tiny_sd)


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tiny_sd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engines.core.weights.atomic_write_text", full)
    assert len(open_tiny(tiny_sd).info.base_hash) == 64


def test_single_files_that_do_not_fit_are_explained(tiny_sd: Path, tmp_path: Path) -> None:
    state = original_state(tiny_sd)
    file = tmp_path / "model.safetensors"
    save_file({"conditioner.x": torch.ones(1), **state}, file)
    with pytest.raises(ModelError, match="refiner"):
        open_base(f"file:{file}", CPU)
    torch.save({"conditioner.x": torch.ones(1), **state}, tmp_path / "model.ckpt")
    with pytest.raises(ModelError, match=r"Choose its \.safetensors"):
        open_base(f"file:{tmp_path / 'model.ckpt'}", CPU)
    save_file({"something": torch.ones(1)}, file)
    with pytest.raises(ModelError, match="not known"):
        open_base(f"file:{file}", CPU)
    shutil.copytree(tiny_sd, tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    save_file({name: t for name, t in state.items() if "middle_block" not in name}, file)
    with pytest.raises(ModelError):
        open_base(f"file:{file}", CPU)


@pytest.mark.parametrize(
    ("name", "unet", "text"),
    [
        ("stable-diffusion-1", 859_520_964, 123_060_480),
        ("stable-diffusion-2", 865_910_724, 340_387_840),
        ("stable-diffusion-xl", 2_567_463_684, 123_060_480),
    ],
)
def test_the_shipped_layouts_are_the_published_architectures(name: str, unet: int, text: int) -> None:
    folder = resources() / "layouts" / name

    def count(model: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    with torch.device("meta"):
        assert count(UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))) == unet
        assert count(AutoencoderKL.from_config(AutoencoderKL.load_config(folder / "vae"))) == 83_653_863
        assert count(CLIPTextModel(CLIPTextConfig.from_pretrained(folder / "text_encoder"))) == text


def test_the_shipped_tokenizer_is_the_one_of_clip() -> None:
    """Token numbers as published with CLIP for the classic example."""
    tokenizer: CLIPTokenizer = clip_tokenizer(resources() / "layouts" / "stable-diffusion-1" / "tokenizer")
    assert len(clip_vocabulary()[0]) == 49408
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    padded = tokenizer(["Hello, World!"], padding="max_length", max_length=77).input_ids[0]
    assert padded[:7] == [49406, 3306, 267, 1002, 256, 49407, 49407]
    second = clip_tokenizer(resources() / "layouts" / "stable-diffusion-2" / "tokenizer")
    assert second(["a"], padding="max_length", max_length=77).input_ids[0][-1] == 0


def test_hashes_are_remembered_and_follow_the_file(tmp_path: Path) -> None:
    import hashlib
    import os

    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert sha256_of(file) == hashlib.sha256(b"one").hexdigest() == sha256_of(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert sha256_of(file) == hashlib.sha256(b"two").hexdigest()
