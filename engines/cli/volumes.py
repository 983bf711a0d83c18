"""`volumes import` and `segment volume`: scans in three dimensions, into a project, or to their masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from engines.api.errors import SettingsError
from engines.cli.adapters import adapter_file
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED
from engines.cli.documents import Json, line_documents, line_words
from engines.cli.interrupts import Interrupts
from engines.cli.masks import ProjectFolder
from engines.cli.output import Bar, Voice
from engines.cli.segmenting import BaseOption, OverwriteOption, base_of

SourceArgument = Annotated[Path, typer.Argument(help="A NIfTI file (.nii, .nii.gz), or a folder of slices.")]
WindowOption = Annotated[
    str,
    typer.Option(
        "--window", metavar="LOW,HIGH", help="Values that become black and white; else all but the outermost."
    ),
]
AxisOption = Annotated[
    int | None,
    typer.Option("--axis", help="Which axis of a NIfTI file counts slices, 0 to 2; else that of the largest steps."),
]


def import_(
    project: ProjectFolder,
    source: SourceArgument,
    masks: Annotated[
        Path | None, typer.Option("--masks", help="A volume of the same size whose numbers are classes, 0 for none.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Names of the classes 1, 2, ... of --masks; may be given often.")
    ] = None,
    window: WindowOption = "",
    axis: AxisOption = None,
    as_json: Json = False,
) -> int:
    """Bring a volume into a project, a picture for each slice; its slices stay together when pictures are dealt out."""
    from projects.project import Project
    from projects.volumes.importing import import_volume

    chosen = _window(window)
    with Project.open(project) as opened, Bar("Importing") as bar, Interrupts() as interrupts:

        def progress(done: int, total: int, name: str) -> bool:
            bar.update(done, total, name[:40])
            return not interrupts.asked

        taken = import_volume(
            opened, source, window=chosen, axis=axis, masks=masks, labels=tuple(label or ()), progress=progress
        )
    report, used = taken.report, taken.window
    head = f"{len(report.added)} slices of “{taken.name}” came in, {used.low:g} as black and {used.high:g} as white."
    document = {
        "volume": taken.name,
        "window": [used.low, used.high],
        "pictures": len(report.added),
        "regions": len(report.regions),
        "lines": line_documents(report.lines),
    }
    Voice(as_json).result(document, "\n".join([head, *line_words(report.lines)]))
    if report.cancelled:
        return INTERRUPTED
    return FINE if report.added else EXPECTED


def find(
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", help="The NIfTI file of masks to write.")],
    adapter: Annotated[
        Path | None, typer.Option("--adapter", help="An adapter file, or the folder of a finished adaptation.")
    ] = None,
    base: BaseOption = "",
    click: Annotated[
        str,
        typer.Option(
            "--click", metavar="X,Y,Z", help="Column, row and slice of the object, from 0; else the adapter's classes."
        ),
    ] = "",
    truth: Annotated[Path | None, typer.Option("--truth", help="True masks, to tell Dice by.")] = None,
    window: WindowOption = "",
    axis: AxisOption = None,
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Find masks in a volume: the object at one click, followed through the slices, or an adapter's classes."""
    from projects.volumes.importing import class_numbers
    from projects.volumes.reading import read_volume
    from projects.volumes.writing import check_place, write_labels

    place = _numbers(click, 3, "--click") if click else None
    chosen = _window(window)
    check_place(out, overwrite=overwrite)
    volume = read_volume(source, axis=axis)
    known = None if truth is None else class_numbers(volume, read_volume(truth, axis=volume.axis))
    used = chosen or volume.window()
    file = adapter_file(adapter) if adapter is not None else None
    names, found = _asked(base_of(base, file), file, volume.greys(used), place)
    labels = np.zeros(volume.voxels.shape, np.uint8)
    for number, mask in reversed(list(enumerate(found, start=1))):
        labels[mask] = number
    write_labels(volume, labels, out, overwrite=overwrite)
    rows = _judged(names, found, known, place)
    words = [
        f"{row['label']}: {row['voxels']} voxels in {row['slices']} slices{_dice_words(row['dice'])}" for row in rows
    ]
    document = {"file": str(out.absolute()), "window": [used.low, used.high], "found": rows}
    head = f"Written: {out.absolute()} ({used.low:g} as black, {used.high:g} as white)"
    Voice(as_json).result(document, "\n".join([*words, head]))
    return FINE


def _asked(base: str, file: Path | None, slices: Any, place: list[float] | None) -> tuple[list[str], list[Any]]:  # noqa: ANN401 - arrays
    """Names of what was found, and its masks (D, H, W)."""
    from engines.core.devices import pick
    from engines.segmentation.adapter_file import attach_for_use, read_segment_adapter
    from engines.segmentation.segmenters import open_segmenter
    from engines.segmentation.volumes import VolumeSession

    model, names, reach, tokens = open_segmenter(base, pick()), list[str](), 0, None
    if file is not None:
        adapter = read_segment_adapter(file)
        tuned, tokens = attach_for_use(adapter, model)
        names, reach = list(adapter.classes), tuned.reach
    session = VolumeSession(model, slices, reach=reach, tokens=tokens)
    with Bar("Looking", len(slices)) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done, total, "")

        if place is not None:
            return ["object"], [session.follow((place[0], place[1], place[2]), progress)]
        return names, session.classes(progress)


def _judged(names: list[str], found: list[Any], known: Any, place: list[float] | None) -> list[dict[str, Any]]:  # noqa: ANN401 - arrays
    """A line for each mask; the truth of what was clicked at is the class that lies there."""
    from engines.segmentation.volumes import dice

    rows = []
    for number, (name, mask) in enumerate(zip(names, found, strict=True), start=1):
        share = None
        if known is not None:
            label = number if place is None else int(known[int(place[2]), int(place[1]), int(place[0])])
            share = dice(mask, known == label) if label else 0.0
        slices = int(mask.any(axis=(1, 2)).sum())
        rows.append({"label": name, "voxels": int(mask.sum()), "slices": slices, "dice": share})
    return rows


def _dice_words(share: float | None) -> str:
    return "" if share is None else f", Dice {share:.3f}"


def _window(text: str) -> Any:  # noqa: ANN401 - a Window, which is imported where it is used
    from projects.volumes.reading import Window

    if not text:
        return None
    low, high = _numbers(text, 2, "--window")
    if not low < high:
        raise SettingsError("The window is empty", hint="--window takes the lower value first.")
    return Window(low, high)


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not np.isfinite(found).all():
        raise SettingsError(f"“{text}” is not understood", hint=f"{option} takes {count} numbers with commas between.")
    return found
