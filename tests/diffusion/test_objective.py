"""The training error: noise, targets, weights by noise level, masks, class pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.errors import ModelError
from engines.diffusion.contracts import DenoisingBatch
from engines.diffusion.objective import (
    NoiseSchedule,
    Weighting,
    cell_weights,
    denoising_loss,
    draw_noise,
    errors,
    min_snr_weight,
    stratified_timesteps,
)
from tests.diffusion.support import open_tiny

CONFIG = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def schedule(**more: object) -> NoiseSchedule:
    return NoiseSchedule.from_config({**CONFIG, **more})


def test_the_schedule_is_the_one_of_stable_diffusion() -> None:
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    expected = torch.cumprod(1 - betas, 0).float()
    torch.testing.assert_close(schedule().alphas_cumprod, expected, rtol=1e-4, atol=1e-6)


def test_zero_terminal_snr_leaves_nothing_of_the_picture_at_the_end() -> None:
    rescaled = schedule(rescale_betas_zero_snr=True, prediction_type="v_prediction")
    last = torch.tensor([999])
    assert float(rescaled.snr(last)) == pytest.approx(0.0, abs=1e-9)
    clean, noise = torch.ones(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    torch.testing.assert_close(rescaled.add_noise(clean, noise, last), noise)
    torch.testing.assert_close(rescaled.target(clean, noise, last), -clean)


def test_a_base_that_predicts_something_else_is_refused() -> None:
    with pytest.raises(ModelError, match="sample"):
        schedule(prediction_type="sample")


@pytest.mark.parametrize("step", [0, 400, 999])
def test_velocity_and_noise_say_the_same(step: int) -> None:
    """From x_t and v follow noise and picture: eps = sqrt(abar) v + sqrt(1 - abar) x_t."""
    velocity = schedule(prediction_type="v_prediction")
    clean, noise, t = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3), torch.tensor([step])
    abar = velocity.alphas_cumprod[step]
    noisy, v = velocity.add_noise(clean, noise, t), velocity.target(clean, noise, t)
    torch.testing.assert_close(abar.sqrt() * v + (1 - abar).sqrt() * noisy, noise, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(abar.sqrt() * noisy - (1 - abar).sqrt() * v, clean, rtol=1e-4, atol=1e-5)
    assert torch.equal(schedule().target(clean, noise, t), noise)


def test_min_snr() -> None:
    snr = torch.tensor([0.0, 1e-8, 0.5, 5.0, 50.0, 1e8])
    for prediction in ("epsilon", "v_prediction"):
        weight = min_snr_weight(snr, 5.0, prediction)
        assert bool(torch.isfinite(weight).all())
        assert bool((weight <= 1).all())
        assert bool((weight >= 0).all())
        assert torch.equal(min_snr_weight(snr, 0.0, prediction), torch.ones_like(snr))
    torch.testing.assert_close(min_snr_weight(snr, 1e12, "epsilon"), torch.ones_like(snr))
    torch.testing.assert_close(min_snr_weight(snr, 5.0, "epsilon")[3:], torch.tensor([1.0, 0.1, 5e-8]))
    # The velocity form is the epsilon form seen through v: an error of v is SNR + 1 times one of eps, over SNR.
    some = snr[2:5]
    expected = min_snr_weight(some, 5.0, "epsilon") * some / (some + 1)
    torch.testing.assert_close(min_snr_weight(some, 5.0, "v_prediction"), expected)


def test_noise_offset_shifts_whole_channels() -> None:
    like = torch.zeros(400, 4, 4, 4)
    torch.manual_seed(0)
    plain = draw_noise(like, 0.0).mean(dim=(2, 3))
    shifted = draw_noise(like, 0.5).mean(dim=(2, 3))
    assert float(plain.std()) == pytest.approx(0.25, abs=0.02)
    assert float(shifted.std()) == pytest.approx((0.25**2 + 0.5**2) ** 0.5, abs=0.03)


def test_masks_are_normalised_so_that_small_subjects_count_as_much() -> None:
    small, large = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    small[..., :2, :2] = 1
    weights = cell_weights(torch.cat([small, large]), 0.0)
    torch.testing.assert_close(weights.mean(dim=(1, 2, 3)), torch.ones(2))
    assert float(weights[0, 0, 0, 0]) == pytest.approx(16.0)
    assert float(weights[0, 0, 7, 7]) == 0.0
    outside = cell_weights(small, 0.1)
    assert float(outside[0, 0, 7, 7]) / float(outside[0, 0, 0, 0]) == pytest.approx(0.1)
    assert torch.equal(cell_weights(torch.zeros(1, 1, 8, 8), 0.0), torch.ones(1, 1, 8, 8))  # nothing left: no mask


def test_only_what_is_masked_teaches(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    clean, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4, :] = 1
    noisy_elsewhere = noise.clone()
    noisy_elsewhere[..., 4:, :] = 0  # the target differs only where nothing is learned
    text, t = base.encode_prompts(["a dog"]), torch.tensor([300])

    def measured(target: torch.Tensor) -> torch.Tensor:
        predicted = base.predict(base.schedule.add_noise(clean, noise, t), t, text)
        return ((predicted - target).square() * cell_weights(mask, 0.0)).mean()

    with torch.no_grad():
        ours = errors(base, text, clean, noise, t, weight=cell_weights(mask, 0.0), gamma=0.0)
        torch.testing.assert_close(ours[0], measured(noise))
        torch.testing.assert_close(ours[0], measured(noisy_elsewhere))


def test_class_pictures_in_one_call_equal_two_calls(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    text = base.encode_prompts(["a sks dog", "a dog"])
    mean, std = torch.randn(2, 4, 8, 8), torch.zeros(2, 4, 8, 8)
    batch = DenoisingBatch(mean, std, text, None, None, subjects=1)
    with torch.no_grad():
        torch.manual_seed(4)
        joined = denoising_loss(base, batch, text, Weighting(5.0, class_weight=0.7))
        torch.manual_seed(4)
        torch.randn_like(std)
        noise = torch.randn_like(mean)
        t = torch.randint(0, 1000, (2,))
        parts = [
            errors(
                base,
                {"hidden": text["hidden"][i : i + 1]},
                mean[i : i + 1],
                noise[i : i + 1],
                t[i : i + 1],
                weight=None,
                gamma=5.0,
            )
            for i in range(2)
        ]
    torch.testing.assert_close(joined, parts[0][0] + 0.7 * parts[1][0], rtol=1e-4, atol=1e-6)


def test_what_is_held_costs_nothing_until_the_answer_differs(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    text = base.encode_prompts(["a sks dog", "a cat"])
    mean, std = torch.randn(2, 4, 8, 8), torch.zeros(2, 4, 8, 8)
    weighting = Weighting(5.0, hold_weight=3.0)

    def loss(held: int, shift: float) -> float:
        def answer(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            return base.predict(noisy, timesteps, text)[1:] + shift

        torch.manual_seed(4)
        batch = DenoisingBatch(mean, std, text, None, None, subjects=1, held=held)
        with torch.no_grad():
            return float(denoising_loss(base, batch, text, weighting, answer))

    torch.manual_seed(4)
    alone = loss(1, 0.0)
    subject_and_class = loss(0, 0.0)
    assert alone != pytest.approx(subject_and_class)
    assert loss(1, 0.5) > alone
    torch.manual_seed(4)
    torch.randn_like(std)
    noise = torch.randn_like(mean)
    t = torch.randint(0, 1000, (2,))
    with torch.no_grad():
        own = errors(base, text, mean, noise, t, weight=None, gamma=5.0)
    assert alone == pytest.approx(float(own[0]), rel=1e-4)


def test_stratified_timesteps_cover_the_range_evenly() -> None:
    assert stratified_timesteps(4, 1000).tolist() == [125, 375, 625, 875]
    assert stratified_timesteps(1, 1000).tolist() == [500]
