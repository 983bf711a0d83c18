"""The coarse part of maps: their lowest frequencies alone.

Leaving out all but a square around the middle of the spectrum is linear in rows and in columns apart, so it is two products with fixed matrices.
They give what a Fourier transform and its inverse give, and unlike those they are found in every exported graph's vocabulary.
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
