"""Reading volumes. A file is judged by its header before anything of its size is reserved; pictures of a slice are made by a stated window.

Slices lie as voxels lie: of voxel (i, j, k) counted along the last axis, the picture of slice k shows i to the right and j downwards. So a
place in a picture is a voxel that every viewer tells, and a mask goes back without being turned.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from projects.errors import ImportFailure
from projects.pixels import read_values
from projects.scanning import natural

Bytes = npt.NDArray[np.uint8]
MOST_SLICES, MOST_SIDE, MOST_BYTES = 4096, 8192, 2 * 2**30
_LEAST_SIDE = 2
_FURTHEST_START = 1 << 24
_HEADERS = {348: "Nifti1", 540: "Nifti2"}
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
_TITLE = "This volume cannot be read"
_SAMPLED = 1 << 20


@dataclass(frozen=True)
class Window:
    """The values that become black (`low` and less) and white (`high` and more); those between become greys in even steps."""

    low: float
    high: float

    def greys(self, values: npt.NDArray[Any]) -> Bytes:
        """Values of any kind in 8 bits; what is no number is black."""
        wide = max(self.high - self.low, 1e-9)
        share = (np.nan_to_num(values.astype(np.float64), nan=self.low) - self.low) / wide
        return np.asarray(np.rint(share.clip(0.0, 1.0) * 255.0), np.uint8)


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume as it was read.

    Attributes:
        name: of its file or folder, without endings.
        voxels: (D, H, W) slices of pictures, numbers as the file holds them.
        slope: what those numbers mean: slope * number + intercept.
        intercept: see `slope`.
        axis: of the file's voxels, the one that counts slices.
        spacing: millimetres between slices, rows and columns; ones where nobody tells.
        affine: (4, 4) where the file's voxels (i, j, k, 1) lie in the scanner; None for a folder of pictures.
    """

    name: str
    voxels: npt.NDArray[Any]
    slope: float = 1.0
    intercept: float = 0.0
    axis: int = 2
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    affine: npt.NDArray[np.float64] | None = None

    def window(self) -> Window:
        """From the lowest to the highest value but for the outermost half percent on either side; all of them where the file has 8 bits."""
        if self.voxels.dtype == np.uint8 and (self.slope, self.intercept) == (1.0, 0.0):
            return Window(0.0, 255.0)
        flat = self.voxels.reshape(-1)
        some = flat[:: max(1, len(flat) // _SAMPLED)].astype(np.float64) * self.slope + self.intercept
        some = some[np.isfinite(some)]
        if not len(some):
            raise ImportFailure(_TITLE, f"“{self.name}” holds no numbers.", "Export it again.")
        low, high = np.percentile(some, (0.5, 99.5))
        return Window(float(low), float(high)) if high > low else Window(float(some.min()), float(some.max()) + 1.0)

    def greys(self, window: Window) -> Bytes:
        """All slices (D, H, W) in 8 bits."""
        found = np.empty(self.voxels.shape, np.uint8)
        for number, voxels in enumerate(self.voxels):
            found[number] = window.greys(voxels * self.slope + self.intercept)
        return found

    def in_file(self, slices: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Slices (D, H, W) in the order of the file's voxels (i, j, k)."""
        return np.moveaxis(slices.transpose(0, 2, 1), 0, self.axis)


def read_volume(source: Path, *, axis: int | None = None) -> Volume:
    """Read a NIfTI file (`.nii`, `.nii.gz`), or a folder with a picture for each slice, in the natural order of their names.

    Args:
        source: only ever read.
        axis: which axis of a NIfTI file counts slices, 0 to 2; None takes the one along which voxels are largest, the last of equals.

    Raises:
        ImportFailure: it is no volume, is damaged, or is too large; says which.
    """
    if source.is_dir():
        return _of_pictures(source)
    if not source.is_file():
        raise ImportFailure(_TITLE, f"There is no file at {source}.", "Choose it again; it may have been moved.")
    if axis not in {None, 0, 1, 2}:
        raise ImportFailure("There is no such axis", "A volume's axes are 0, 1 and 2.")
    return _of_nifti(source, axis)


def name_of(source: Path) -> str:
    """A volume's name: that of its file or folder without endings."""
    return source.name.removesuffix(".gz").removesuffix(".nii") or source.name


def _of_nifti(source: Path, axis: int | None) -> Volume:
    nibabel = nifti_library()
    length, kind = _header(source)
    failures = (
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        nibabel.spatialimages.HeaderDataError,
        nibabel.wrapstruct.WrapStructError,
    )
    try:
        header = getattr(nibabel, f"{kind}Header")(length)
        shape, kept = header.get_data_shape(), header.get_data_dtype()
        start, factor = float(header.get_data_offset()), header.get_slope_inter()
        _judge(source, shape, kept, start)
        image = getattr(nibabel, f"{kind}Image").from_filename(source)
        voxels = np.asarray(image.dataobj.get_unscaled()).reshape(shape[:3])
        affine, sizes = (
            np.asarray(image.affine, np.float64),
            [abs(float(size)) or 1.0 for size in header.get_zooms()[:3]],
        )
    except failures as error:
        raise ImportFailure(_TITLE, f"“{source.name}” is damaged or cut short: {error}.", "Export it again.") from error
    if axis is None:
        axis = max(range(3), key=lambda number: (round(sizes[number], 3), number))
    slices = np.moveaxis(voxels, axis, 0).transpose(0, 2, 1)
    across, down = (size for number, size in enumerate(sizes) if number != axis)
    slope, intercept = (1.0 if factor[0] is None else float(factor[0])), float(factor[1] or 0.0)
    return Volume(name_of(source), slices, slope, intercept, axis, (sizes[axis], down, across), affine)


def _header(source: Path) -> tuple[bytes, str]:
    """The header's bytes and which edition it is of."""
    try:
        with gzip.open(source) if source.name.lower().endswith(".gz") else source.open("rb") as opened:
            begun = opened.read(max(_HEADERS))
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailure(_TITLE, f"“{source.name}” cannot be opened: {error}.", "Export it again.") from error
    for length, kind in _HEADERS.items():
        known = {int.from_bytes(begun[:4], order) for order in ("little", "big")}
        magic = begun[344:347] if length == 348 else begun[4:7]
        if length in known and len(begun) >= length and magic in {b"n+1", b"n+2"}:
            return begun[:length], kind
    what = f"“{source.name}” is no NIfTI file in one piece."
    raise ImportFailure(_TITLE, what, "Convert it to .nii or .nii.gz, or choose a folder of slices.")


def _judge(source: Path, shape: tuple[int, ...], kept: np.dtype[Any], start: float) -> None:
    """Raise ImportFailure for what a header promises that is no volume, or more than is taken."""
    if len(shape) < 3 or any(side != 1 for side in shape[3:]) or min(shape) < 1 or sorted(shape[:3])[1] < _LEAST_SIDE:
        sides = " x ".join(str(side) for side in shape)
        raise ImportFailure(_TITLE, f"“{source.name}” is {sides}, which is no single volume.", "Take it apart first.")
    if kept.kind not in "iuf":
        raise ImportFailure(_TITLE, f"“{source.name}” holds no plain numbers ({kept}).", "Convert it to greys.")
    if max(shape) > MOST_SIDE or float(np.prod([float(side) for side in shape])) * kept.itemsize > MOST_BYTES:
        sides = " x ".join(str(side) for side in shape[:3])
        raise ImportFailure("This volume is too large", f"“{source.name}” is {sides}.", "Cut out what matters first.")
    if not 0 <= start <= _FURTHEST_START:
        raise ImportFailure(_TITLE, f"“{source.name}” says that its voxels begin nowhere.", "Export it again.")


def _of_pictures(folder: Path) -> Volume:
    files = sorted(
        (one for one in folder.iterdir() if one.suffix.lower() in _PICTURES), key=lambda one: natural(one.name)
    )
    if len(files) < 2:
        what = f"“{folder.name}” holds {len(files)} picture{'' if len(files) == 1 else 's'}."
        raise ImportFailure(_TITLE, what, "A folder of slices holds a picture for each.")
    first = read_values(files[0]).numbers
    total = float(first.nbytes) * len(files)
    if len(files) > MOST_SLICES or max(first.shape) > MOST_SIDE or total > MOST_BYTES:
        raise ImportFailure("This volume is too large", f"“{folder.name}” holds {len(files)} slices.", "Take fewer.")
    voxels = np.empty((len(files), *first.shape), first.dtype)
    for number, file in enumerate(files):
        values = read_values(file).numbers
        if values.shape != first.shape or values.dtype != first.dtype:
            what = f"“{file.name}” is of another size or kind than “{files[0].name}”."
            raise ImportFailure(_TITLE, what, "All slices of a volume are alike.")
        voxels[number] = values
    return Volume(folder.name, voxels)


def nifti_library() -> Any:  # noqa: ANN401 - nibabel has no types
    """The library for NIfTI files; raises ImportFailure when it is not installed."""
    try:
        import nibabel
        import nibabel.wrapstruct
    except ImportError as error:
        title = "NIfTI files need one more library"
        raise ImportFailure(title, "nibabel is not installed.", "Install it with: pip install nibabel") from error
    return nibabel
