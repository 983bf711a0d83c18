"""`masks import` and `masks export`: bring masks into a project in any of the common formats, and take them out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engines.api.errors import UserError
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED
from engines.cli.documents import Json, line_documents, line_words
from engines.cli.interrupts import Interrupts
from engines.cli.output import Bar, Voice

ProjectFolder = Annotated[Path, typer.Argument(help="The project's folder.")]


def import_(
    project: ProjectFolder,
    source: Annotated[Path, typer.Argument(help="A file of marks, or a folder of masks and pictures.")],
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="coco, labelme, indexed, instances, yolo, single or pairs; auto looks which it is."
        ),
    ] = "auto",
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="The folder of the pictures, where they do not lie with the masks."),
    ] = None,
    label: Annotated[str, typer.Option("--label", help="The name for masks that have none.")] = "object",
    threshold: Annotated[
        float, typer.Option("--threshold", help="From which share of white a pixel of a soft mask counts.")
    ] = 0.5,
    as_json: Json = False,
) -> int:
    """Bring masks into a project, with their pictures where it does not have them; the originals are never touched."""
    from projects.project import Project
    from projects.regions.exchange.formats import AUTOMATIC
    from projects.regions.exchange.sheet import Request
    from projects.regions.importing import import_masks

    check_format(kind, AUTOMATIC)
    request = Request(source, pictures, label, threshold)
    with Project.open(project) as opened:
        with Bar("Importing") as bar, Interrupts() as interrupts:

            def progress(done: int, total: int, name: str) -> bool:
                bar.update(done, total, name[:40])
                return not interrupts.asked

            report = import_masks(opened, request, kind=kind, progress=progress)
        counts = {"pictures": len(report.added), "labels": len(report.labels), "regions": len(report.regions)}
        counts |= {"replaced": len(report.replaced), "checked": len(report.checked)}
        document = {**counts, "seconds": round(report.seconds, 3), "cancelled": report.cancelled}
        what = ", ".join(
            f"{len(ids)} {word}{'' if len(ids) == 1 else 's'}"
            for ids, word in ((report.regions, "mask"), (report.added, "new picture"), (report.labels, "new label"))
        )
        head = f"{what} came in ({report.seconds:.1f} s)."
        if report.replaced:
            head += f" {len(report.replaced)} of the masks took the place of earlier ones."
        text = "\n".join([head, *line_words(report.lines)])
        Voice(as_json).result({**document, "lines": line_documents(report.lines)}, text)
    if report.cancelled:
        return INTERRUPTED
    return (
        FINE
        if report.regions or report.checked or not any(line.level == "error" for line in report.lines)
        else EXPECTED
    )


def export(
    project: ProjectFolder,
    folder: Annotated[Path, typer.Argument(help="Where to write; a new or empty folder.")],
    kind: Annotated[
        str, typer.Option("--format", help="coco, labelme, indexed, instances, yolo, single or pairs.")
    ] = "coco",
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Outlines in place of masks, in formats that know both (coco, labelme).")
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="Pixels an outline may differ by, to have fewer points.")
    ] = 0.0,
    as_json: Json = False,
) -> int:
    """Write the pictures that have accepted masks, and these masks, as other tools read them."""
    from projects.project import Project
    from projects.regions.exchange.target import Options
    from projects.regions.exporting import export_masks

    check_format(kind)
    with Project.open(project) as opened, Bar("Exporting") as bar, Interrupts() as interrupts:

        def progress(done: int, total: int, name: str) -> bool:
            bar.update(done, total, name[:40])
            return not interrupts.asked

        report = export_masks(opened, folder, kind, options=Options(polygons, tolerance), progress=progress)
    document: dict[str, object] = {
        "folder": str(report.folder) if report.folder is not None else None,
        "pictures": report.pictures,
        "regions": report.regions,
        "seconds": round(report.seconds, 3),
        "lines": line_documents(report.lines),
    }
    pictures = "1 picture" if report.pictures == 1 else f"{report.pictures} pictures"
    head = f"Wrote {report.regions} mask{'' if report.regions == 1 else 's'} of {pictures} to {report.folder}."
    text = "\n".join([*([head] if report.folder is not None else []), *line_words(report.lines)])
    Voice(as_json).result(document, text)
    return FINE if report.folder is not None else INTERRUPTED


def check_format(kind: str, *others: str) -> None:
    """See that a format is one of those known, or one of `others`; raises UserError when not."""
    from projects.regions.exchange.formats import FORMATS

    if kind not in {*FORMATS, *others}:
        title = f"There is no format called {kind}"
        raise UserError(title, hint=f"Choose one of {', '.join([*FORMATS, *others])}.")
