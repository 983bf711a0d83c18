"""`segment predict` and `segment export`: masks for pictures with an adapted model, and the model as files for elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engines.api.errors import JobError, SettingsError, UserError
from engines.api.segment_job import SegmentJob
from engines.cli.adapters import adapter_file
from engines.cli.codes import FINE
from engines.cli.documents import Json, line_documents, line_words
from engines.cli.masks import check_format
from engines.cli.output import Bar, Voice
from engines.cli.pictures import photos_in
from engines.launch.folder import read_any_job, run_of
from engines.launch.segment_file import copy_adapter

EXPORTS = ("onnx", "checkpoint", "adapter")
BaseOption = Annotated[
    str, typer.Option("--base", help="starter, or a checkpoint's file; that of the adapter's run when left out.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export in --out.")]


def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write; a new or empty folder.")],
    adapter: Annotated[
        Path | None, typer.Option("--adapter", help="An adapter file, or the folder of a finished adaptation.")
    ] = None,
    base: BaseOption = "",
    kind: Annotated[
        str, typer.Option("--format", help="coco, labelme, indexed, instances, yolo, single or pairs.")
    ] = "coco",
    everything: Annotated[
        bool, typer.Option("--everything", help="Proposals for all objects, even where the adapter knows classes.")
    ] = False,
    grid: Annotated[int, typer.Option("--grid", min=2, max=64, help="Clicks along each side for proposals.")] = 16,
    finer: Annotated[
        int,
        typer.Option(
            "--finer", min=0, max=8, help="Masks so many times finer than the model's own, with an adapter of I-MedSAM."
        ),
    ] = 0,
    as_json: Json = False,
) -> int:
    """Find masks in pictures: the classes of an adapter, or proposals for all objects."""
    from engines.segmentation.clicks import Clicks, Shared
    from engines.segmentation.decoders import decoder_for
    from engines.segmentation.predict import Wish
    from engines.segmentation.predict import predict as run_prediction

    voice = Voice(as_json)
    check_format(kind)
    files = photos_in(pictures)
    file = adapter_file(adapter) if adapter is not None else None
    address = base_of(base, file)
    clicks = Clicks(address, file, decoder_for(address, file, voice.say, finer=finer), Shared())
    wish = Wish(files, out, kind, grid if everything or not clicks.names else 0)
    with Bar("Looking", len(files)) as bar:  # Ctrl-C leaves nothing behind
        found = run_prediction(clicks, wish, lambda done, total, name: bar.update(done, total, name[:40]))
    count, many = len(found.masks), len(found.pictures)
    head = f"{count} mask{'' if count == 1 else 's'} in {many} picture{'' if many == 1 else 's'}: {out.absolute()}"
    document = {
        "folder": str(out.absolute()),
        "pictures": found.pictures,
        "masks": [asdict(one) for one in found.masks],
        "lines": line_documents(found.lines),
    }
    voice.result(document, "\n".join([head, *line_words(found.lines)]))
    return FINE


def export(
    out: Annotated[Path, typer.Option("--out", help="The folder (ONNX) or file (checkpoint) to write.")],
    adapter: Annotated[
        Path | None,
        typer.Argument(help="An adapter file, or the folder of a finished adaptation; else the plain model."),
    ] = None,
    to: Annotated[
        str, typer.Option("--to", help="onnx, checkpoint (.safetensors or .pth), or adapter (the file itself).")
    ] = "onnx",
    base: BaseOption = "",
    int8: Annotated[
        bool, typer.Option("--int8", help="An encoder of a quarter of the size; what that costs is measured.")
    ] = False,
    takes: Annotated[
        str,
        typer.Option("--takes", help="What the encoder is given: pixels, or colours as AnyLabeling hands them over."),
    ] = "pixels",
    candidates: Annotated[
        bool, typer.Option("--candidates", help="The decoder gives all its masks, not the one that answers best.")
    ] = False,
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Write a model with an adapter inside for use elsewhere: ONNX graphs, a merged checkpoint, or the adapter file itself."""
    voice = Voice(as_json)
    file = adapter_file(adapter) if adapter is not None else None
    if to not in EXPORTS or takes not in {"pixels", "colours"}:
        title = f"“{to if to not in EXPORTS else takes}” is not known here"
        raise SettingsError(title, hint=f"--to is one of {', '.join(EXPORTS)}; --takes is pixels or colours.")
    if to == "adapter":
        _copied(file, out, voice, overwrite=overwrite)
        return FINE
    address = base_of(base, file)
    if to == "checkpoint":
        from engines.segmentation.export.checkpoint import export_checkpoint

        note = export_checkpoint(address, file, out, overwrite=overwrite)
        if note:
            voice.say(f"Note: {note}")
        voice.result({"file": str(out.absolute()), "note": note}, f"Written: {out.absolute()}")
        return FINE
    from engines.segmentation.export.folder import Wish, export_folder

    wish = Wish(address, file, out, "colours" if takes == "colours" else "pixels", candidates, int8, overwrite)
    with Bar("Exporting", every_s=0.0) as bar:  # a handful of steps, each worth a line
        facts = export_folder(wish, lambda _phase, text, done, total: bar.update(done, total, text))
    loss = facts["encoder_int8"]
    words = f"Written: {out.absolute()}"
    if loss:
        words += f"\nWith eight bits, masks agree with the exact ones to an IoU of {loss['overlap']:.3f}."
    voice.result({"folder": str(out.absolute()), **facts}, words)
    return FINE


def _copied(file: Path | None, out: Path, voice: Voice, *, overwrite: bool) -> None:
    if file is None:
        title = "No adapter was named"
        raise SettingsError(title, hint="Name an adapter file, or the folder of a finished adaptation.")
    copy_adapter(file, out, overwrite=overwrite)
    voice.result({"file": str(out.absolute()), "note": ""}, f"Written: {out.absolute()}")


def base_of(text: str, adapter: Path | None) -> str:
    """The model meant: as named, or the one that an adapter's run was made on, or the starter.

    Raises:
        UserError: what is named is no file.
    """
    if not text:
        run = run_of(adapter) if adapter is not None else None
        job = read_any_job(run) if run is not None else None
        if job is not None and not isinstance(job, SegmentJob):
            title = "This run is of another kind"
            raise JobError(title, f"“{job.title}” teaches a subject.", "Choose an adaptation of a segmentation model.")
        return job.base if job is not None else "starter"
    if text == "starter" or text.startswith("file:"):
        return text
    if not Path(text).is_file():
        title = f"There is no model at {text}"
        raise UserError(title, hint="Name a checkpoint of Segment Anything, or starter.")
    return f"file:{Path(text).absolute()}"
