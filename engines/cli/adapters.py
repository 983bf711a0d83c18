"""`inspect` and `export`: what an adapter file is, and the same adapter for another tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from engines.api.errors import AdapterError, SettingsError
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.output import Voice
from engines.launch.adapter_info import FORMATS, AdapterInfo
from engines.launch.adapter_info import describe as read_info
from engines.launch.segment_file import SegmentInfo, describe_any

AdapterArgument = Annotated[Path, typer.Argument(help="An adapter file, or the folder of a finished run.")]


def inspect(adapter: AdapterArgument, as_json: Json = False) -> int:
    """Say what an adapter file is: format, rank, trigger word, base, how it was taught."""
    info = describe_any(adapter_file(adapter))
    words = segment_words(info) if isinstance(info, SegmentInfo) else info_words(info)
    Voice(as_json).result(info.as_data(), words)
    return FINE


def export(
    adapter: AdapterArgument,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    out_format: Annotated[
        str, typer.Option("--format", help="kohya (A1111, Forge, ComfyUI), diffusers or peft.")
    ] = "kohya",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
    as_json: Json = False,
) -> int:
    """Write an adapter in another tool's format."""
    written = write_as(adapter_file(adapter), out, out_format, overwrite=overwrite)
    voice = Voice(as_json)
    elsewhere = read_info(written).elsewhere
    document = {"file": str(written.absolute()), "format": out_format, "elsewhere": elsewhere}
    if elsewhere:
        voice.say(f"Note: {elsewhere}")
    voice.result(document, f"Written ({out_format}): {written.absolute()}")
    return FINE


def adapter_file(place: Path) -> Path:
    """The adapter meant: the file itself, or the result in a run's folder.

    Raises:
        AdapterError: there is none.
    """
    if (place / "job.json").is_file():
        found = place / "adapter.safetensors"
        if not found.is_file():
            title = "The run has no adapter yet"
            raise AdapterError(title, f"{place.name} is not finished.", "Let it finish, or resume it.")
        return found
    if not place.exists():
        title = "There is no such file"
        raise AdapterError(title, f"{place} does not exist.")
    return place


def write_as(adapter: Path, out: Path, out_format: str, *, overwrite: bool) -> Path:
    """Read an adapter of any known format and write it to `out`; returns where it lies."""
    from engines.diffusion.exchange import read_adapter, write_adapter

    for known in FORMATS:
        if known == out_format:
            write_adapter(read_adapter(adapter), out, known, overwrite=overwrite)
            return out
    raise SettingsError(f"There is no format “{out_format}”", hint=f"Known: {', '.join(FORMATS)}.")


def info_words(info: AdapterInfo) -> str:
    """The description for people."""
    rank = f"{info.rank}" + (f", alpha {info.alpha:g}" if info.alpha is not None else "")
    facts = {
        "File": f"{info.file}, {info.bytes / 1e6:.1f} MB",
        "Format": info.format + (", weight-decomposed (DoRA)" if info.dora else ""),
        "Rank": rank,
        "Layers": f"{info.modules}"
        + (f", {info.text_modules} of them in the text encoder" if info.text_modules else ""),
        "Title": info.title,
        "Erases": ", ".join(info.erases) + (", where the prompt asks for it" if info.gated else ""),
        "Trigger word": info.trigger,
        "Class": info.class_noun,
        "Base": info.base,
        "Taught with": info.method,
        "Steps": str(info.steps or ""),
    }
    return _lines(facts)


def segment_words(info: SegmentInfo) -> str:
    """The description of an adapter of a segmentation model for people."""
    answers = {"clicks": "clicks and boxes", "automatic": "finds its classes by itself"}
    facts = {
        "File": f"{info.file}, {info.bytes / 1e6:.1f} MB",
        "Kind": "adapter of a segmentation model",
        "Title": info.title,
        "Classes": ", ".join(info.classes),
        "Answers": answers.get(info.prompts, "clicks and boxes, and finds its classes by itself"),
        "Base": info.base,
        "Taught with": info.tuner,
        "Steps": info.about.get("steps", ""),
        "Pictures": info.about.get("pictures", ""),
    }
    return _lines(facts)


def _lines(facts: Mapping[str, str]) -> str:
    return "\n".join(f"{name + ':':14}{value}" for name, value in facts.items() if value)
