"""Frequencies of maps: their coarse part, and how strong each frequency is.

Leaving out all but a square around the middle of the spectrum is linear in rows and in columns apart, so it is two products with fixed matrices,
and so is the spectrum itself. They give what a Fourier transform and its inverse give, and unlike those they are found in every exported graph's vocabulary.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import torch


def coarse_part(maps: torch.Tensor, half: int) -> torch.Tensor:
    """What frequencies -half to half - 1, along rows and along columns, hold of maps (..., H, W); fp32.

    It is the real part, as in `ifft2(kept * fft2(maps)).real` with a kept square of 2 half on a side.
    """
    with torch.autocast(maps.device.type, enabled=False):
        found = maps.float()
        down, down_odd = (torch.from_numpy(part).to(maps.device) for part in _low_pass(int(maps.shape[-2]), half))
        across, across_odd = (torch.from_numpy(part).to(maps.device) for part in _low_pass(int(maps.shape[-1]), half))
        coarse: torch.Tensor = down @ found @ across.T - down_odd @ found @ across_odd.T
        return coarse


@functools.lru_cache(maxsize=16)
def _low_pass(length: int, half: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Real and imaginary part (length, length) of going to the kept frequencies and back."""
    apart = np.arange(length)[:, None] - np.arange(length)
    phases = 2.0 * np.pi / length * (np.arange(-half, half)[:, None] * np.arange(length) % length)
    # One row is enough: what a pixel gives to another depends only on how far apart they are.
    real, imaginary = (part.sum(axis=0) / length for part in (np.cos(phases), np.sin(phases)))
    return real[apart % length].astype(np.float32), imaginary[apart % length].astype(np.float32)


def spectrum(maps: torch.Tensor) -> torch.Tensor:
    """How strong every frequency of maps (..., H, W) is, from 0 for the weakest to 1 for the strongest, the lowest in the middle; fp32.

    Strengths are told on a logarithmic scale: the mean alone would else outshine everything.
    """
    with torch.autocast(maps.device.type, enabled=False):
        found = maps.float()
        (down, down_odd), (across, across_odd) = (
            tuple(torch.from_numpy(part).to(maps.device) for part in _waves(int(side))) for side in maps.shape[-2:]
        )
        even = down @ found @ across.T - down_odd @ found @ across_odd.T
        odd = down @ found @ across_odd.T + down_odd @ found @ across.T
        strength = torch.log1p((even.square() + odd.square()).sqrt())
        least, most = (pick(strength, dim=(-2, -1), keepdim=True) for pick in (torch.amin, torch.amax))
        told: torch.Tensor = (strength - least) / (most - least).clamp_min(1e-6)
        return told


@functools.lru_cache(maxsize=16)
def _waves(length: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Even and odd waves (length, length), one frequency a row, the lowest in the middle, as `fftshift` orders them."""
    phases = 2.0 * np.pi / length * (np.arange(-(length // 2), -(-length // 2))[:, None] * np.arange(length) % length)
    return np.cos(phases).astype(np.float32), np.sin(phases).astype(np.float32)
