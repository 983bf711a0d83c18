"""Writing masks of a volume as a NIfTI file that lies over it voxel by voxel."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from projects.errors import ImportFailure
from projects.files import atomic_path
from projects.volumes.reading import Volume, nifti_library

ENDINGS = (".nii.gz", ".nii")


def check_place(file: Path, *, overwrite: bool) -> None:
    """Raise ImportFailure when masks cannot be written there: the library is missing, the name is not right, or there is such a file."""
    nifti_library()
    if not file.name.lower().endswith(ENDINGS):
        raise ImportFailure("This is no name for a volume", f"“{file.name}”.", "End it in .nii.gz or .nii.")
    if file.exists() and not overwrite:
        raise ImportFailure("There is a file of this name", f"{file.name} was not overwritten.", "Choose another name.")


def write_labels(volume: Volume, labels: npt.NDArray[np.uint8], file: Path, *, overwrite: bool = False) -> None:
    """Write numbers of classes, 0 for none, as an 8-bit NIfTI file in the volume's own place and order.

    Args:
        volume: what they belong to; of a folder of pictures, voxels lie at whole millimetres.
        labels: (D, H, W), as the volume's slices lie.
        file: to write, ending in `.nii.gz` or `.nii`.
        overwrite: replace a file of this name.

    Raises:
        ImportFailure: see `check_place`.
    """
    check_place(file, overwrite=overwrite)
    nibabel = nifti_library()
    place = np.eye(4) if volume.affine is None else volume.affine
    image: Any = nibabel.Nifti1Image(np.ascontiguousarray(volume.in_file(labels)), place)
    image.header.set_xyzt_units("mm")
    data = image.to_bytes()
    with atomic_path(file) as temporary:
        temporary.write_bytes(gzip.compress(data, mtime=0) if file.name.lower().endswith(".gz") else data)
