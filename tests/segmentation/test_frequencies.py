"""The matrices for coarse frequencies give what Fourier transforms give."""

from __future__ import annotations

import math

import pytest
import torch

from engines.segmentation.frequencies import coarse_part, spectrum
from engines.segmentation.layers import fine_frequencies
from engines.segmentation.layers_after import _pooled, divided


def by_transform(maps: torch.Tensor, half: int) -> torch.Tensor:
    """The same through the spectrum, in double precision."""
    height, width = maps.shape[-2:]
    spectrum = torch.fft.fftshift(torch.fft.fft2(maps.double()), dim=(-2, -1))
    kept = torch.zeros(height, width)
    kept[height // 2 - half : height // 2 + half, width // 2 - half : width // 2 + half] = 1
    return torch.fft.ifft2(torch.fft.ifftshift(spectrum * kept, dim=(-2, -1))).real.float()


@pytest.mark.parametrize(("height", "width", "half"), [(128, 128, 32), (64, 64, 31), (33, 50, 7), (8, 8, 0)])
def test_the_coarse_part_is_that_of_the_spectrum(height: int, width: int, half: int) -> None:
    maps = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(coarse_part(maps, half), by_transform(maps, half), rtol=0, atol=1e-5)


def test_what_is_fine_is_the_rest_without_its_sign() -> None:
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected = (pixels - by_transform(pixels, int(math.sqrt(64 * 64 * 0.25) / 2))).abs()
    torch.testing.assert_close(fine_frequencies(pixels, 0.25), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("side", "grid"), [(32, 8), (4, 8), (33, 8), (7, 5)])
def test_pooling_by_products_is_torchs_adaptive_pooling(side: int, grid: int) -> None:
    maps = torch.randn(2, 3, side, side + 1, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(_pooled(maps, grid), torch.nn.functional.adaptive_avg_pool2d(maps, grid))


def test_coarse_and_fine_tokens_add_up() -> None:
    tokens = torch.randn(2, 16, 12, 5, generator=torch.Generator().manual_seed(3))
    coarse, fine = divided(tokens, 0.5)
    torch.testing.assert_close(coarse + fine, tokens)
    torch.testing.assert_close(
        coarse.permute(0, 3, 1, 2), by_transform(tokens.permute(0, 3, 1, 2), 3), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 50)])
def test_a_spectrum_is_that_of_the_transform(height: int, width: int) -> None:
    maps = torch.randn(2, height, width, generator=torch.Generator().manual_seed(3))
    strength = torch.fft.fftshift(torch.fft.fft2(maps.double()), dim=(-2, -1)).abs().log1p()
    low, high = (pick(strength, dim=(1, 2), keepdim=True) for pick in (torch.amin, torch.amax))
    torch.testing.assert_close(spectrum(maps), ((strength - low) / (high - low)).float(), rtol=0, atol=1e-4)
    assert not bool(spectrum(torch.zeros(1, 8, 8)).any())
