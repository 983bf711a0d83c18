"""The starter's tokenizer and trainings: any word encodes, and an interrupted training ends as an undisturbed one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.starter import autoencoder, clip, diffusion
from engines.starter.augment import spoil
from engines.starter.dataset import Shard
from engines.starter.render import render
from engines.starter.sampling import random_scene
from engines.starter.tokenizer import MAX_TOKENS, encode, load_tokenizer, train_tokenizer
from engines.starter.training import Schedule, load_checkpoint

CPU = torch.device("cpu")
MICRO = Schedule(steps=4, rate=1e-3, warmup=1, average=0.9, save_every=1)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):  # type: ignore[no-untyped-def]
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), vocabulary=700, captions=200)


@pytest.fixture(scope="module")
def shard() -> Shard:
    specs = tuple(random_scene(seed, count=1) for seed in range(8))
    drawn = [render(spec, size=32) for spec in specs]
    pictures, labels, shadows = (
        np.stack([getattr(one, key) for one in drawn]) for key in ("picture", "labels", "shadow")
    )
    return Shard(pictures, labels, shadows, specs)


@pytest.mark.parametrize(
    "text", ["a red ball", "übergroße Straße", "犬と猫", "🦜🦜", "\x00\x7f", "naïve — “quotes”", "кот", "", "a" * 500]
)
def test_any_text_encodes_without_an_unknown_token(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    ids = tokenizer(text).input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert ids[-1] == tokenizer.eos_token_id
    assert tokenizer.unk_token_id not in ids[1:-1]
    assert encode(tokenizer, [text]).shape == (1, MAX_TOKENS)


def test_every_byte_comes_back(tokenizer) -> None:  # type: ignore[no-untyped-def]
    text = "pâté 犬 🦜 zebra"
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).replace(" ", "") == text.replace(
        " ", ""
    )


def test_a_saved_tokenizer_loads_the_same(tokenizer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    tokenizer.save_pretrained(tmp_path)
    text = "a tobi bear on grass, 犬"
    assert load_tokenizer(tmp_path)(text).input_ids == tokenizer(text).input_ids


def test_spoiled_pictures_stay_pictures(shard: Shard) -> None:
    spoiled = spoil(shard.pictures, np.random.default_rng(1))
    assert spoiled.shape == shard.pictures.shape
    assert spoiled.dtype == np.uint8
    assert np.array_equal(spoiled, spoil(shard.pictures, np.random.default_rng(1)))
    assert not np.array_equal(spoiled, shard.pictures)


def _same_end(fit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Train straight through, and again with a stop in the middle: all parameters must agree exactly."""
    fit(tmp_path / "straight.pt", None)
    fit(tmp_path / "broken.pt", 2)
    fit(tmp_path / "broken.pt", None)
    straight, broken = load_checkpoint(tmp_path / "straight.pt"), load_checkpoint(tmp_path / "broken.pt")
    assert straight[2] == broken[2] == MICRO.steps
    assert all(torch.equal(straight[0][name], broken[0][name]) for name in straight[0])
    assert all(torch.equal(one, other) for one, other in zip(straight[1], broken[1], strict=True))
    assert all(bool(torch.isfinite(value).all()) for value in straight[0].values())


def test_autoencoder_resumes_exactly(shard: Shard, tmp_path: Path) -> None:
    recipe = autoencoder.AutoencoderRecipe(channels=(8, 8, 8), groups=4, crop=16, batch=4, schedule=MICRO)
    _same_end(lambda path, stop: autoencoder.fit(recipe, shard, checkpoint=path, device=CPU, stop_after=stop), tmp_path)


def test_diffusion_resumes_exactly(shard: Shard, tokenizer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recipe = diffusion.DiffusionRecipe(
        channels=(8, 16), heads=2, groups=4, text_width=16, text_layers=1, text_heads=2, batch=4, schedule=MICRO
    )
    latents = torch.randn(len(shard.specs), 4, 8, 8, generator=torch.Generator().manual_seed(0))
    data = diffusion.lessons(shard, latents, tokenizer, scaling=1.0)

    def fit(path: Path, stop: int | None) -> None:
        denoiser = diffusion.build(recipe, tokenizer, latent_channels=4, latent_size=8)
        diffusion.fit(recipe, denoiser, data, checkpoint=path, device=CPU, stop_after=stop)

    _same_end(fit, tmp_path)


def test_clip_resumes_exactly(shard: Shard, tokenizer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recipe = clip.ClipRecipe(
        width=16,
        layers=1,
        heads=2,
        text_width=16,
        text_layers=1,
        text_heads=2,
        projection=8,
        batch=4,
        pairs=2,
        schedule=MICRO,
    )
    data = clip.gallery(shard, shard, tokenizer, autoencoded=shard.pictures[:4], views_autoencoded=shard.pictures[:0])

    def fit(path: Path, stop: int | None) -> None:
        clip.fit(recipe, clip.build(recipe, tokenizer, size=32), data, checkpoint=path, device=CPU, stop_after=stop)

    _same_end(fit, tmp_path)


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    schedule = replace(MICRO, steps=100, warmup=10)
    rates = [schedule.rate_at(step) for step in range(100)]
    assert rates[0] < rates[9] == pytest.approx(schedule.rate)
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01 * schedule.rate


def test_moments_cover_the_whole_range_and_favour_its_middle() -> None:
    drawn = torch.cat([diffusion.moments(32, 1000, torch.Generator().manual_seed(seed)) for seed in range(400)]).float()
    assert drawn.min() >= 0
    assert drawn.max() <= 999
    share_mid = float(((drawn > 250) & (drawn < 750)).float().mean())
    assert 0.6 < share_mid < 0.8
    assert float((drawn < 100).float().mean()) > 0.02
    assert float((drawn >= 950).float().mean()) > 0.01


def test_a_warm_start_is_the_saved_model(shard: Shard, tokenizer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recipe = diffusion.DiffusionRecipe(
        channels=(8, 16), heads=2, groups=4, text_width=16, text_layers=1, text_heads=2, batch=4, schedule=MICRO
    )
    saved = diffusion.build(recipe, tokenizer, latent_channels=4, latent_size=8)
    saved.unet.save_pretrained(tmp_path / "unet")
    saved.text.save_pretrained(tmp_path / "text_encoder")
    other = replace(recipe, schedule=replace(MICRO, seed=MICRO.seed + 1))
    fresh = diffusion.build(other, tokenizer, latent_channels=4, latent_size=8)
    wanted = saved.state_dict()
    assert any(not torch.equal(value, wanted[name]) for name, value in fresh.state_dict().items())
    diffusion.go_on_from(fresh, tmp_path)
    assert all(torch.equal(value, wanted[name]) for name, value in fresh.state_dict().items())
