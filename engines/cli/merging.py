"""`merge`: one adapter of several, or a whole base model with them inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engines.api.errors import SettingsError
from engines.api.uses import AdapterUse
from engines.cli.codes import FINE
from engines.cli.combining import SettingOption
from engines.cli.documents import Json, check_free
from engines.cli.jobs import base_address, parse_plain_settings
from engines.cli.output import Bar, Voice
from engines.cli.pictures import DeviceOption, OverwriteOption, use_of, warm

if TYPE_CHECKING:
    from engines.diffusion.generate import Generator


def merge(
    adapters: Annotated[
        list[str], typer.Argument(metavar="ADAPTER[=WEIGHT]...", help="Adapter files or run folders, two or more.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write; with --checkpoint the folder.")],
    rule: Annotated[str, typer.Option("--rule", help="How; `describe` lists them.")] = "sum",
    settings: SettingOption = None,
    base: Annotated[
        str, typer.Option("--base", help="As for generate; for --checkpoint, and rules that look at it.")
    ] = "starter",
    words: Annotated[
        list[str] | None,
        typer.Option("--words", help="What calls each concept (“tobi bear”), in order, where adapters do not say."),
    ] = None,
    out_format: Annotated[str, typer.Option("--format", help="diffusers, kohya or peft.")] = "diffusers",
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Write a whole base model with the sum inside, as a diffusers folder.")
    ] = False,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: Json = False,
) -> int:
    """Make one adapter of several, or a whole base model with them inside."""
    voice = Voice(as_json)
    uses = [use_of(text) for text in adapters]
    check_free([out], overwrite=overwrite)
    from engines.diffusion import merge as merging
    from engines.diffusion.merging import rule_of

    if checkpoint:
        _write_model(voice, uses, out, base, overwrite=overwrite, plain=rule == "sum" and not settings)
        return FINE
    chosen = parse_plain_settings(settings or ())
    made_by = rule_of(rule, chosen)
    generator = _looking(base, uses, words or [], device, voice) if "base" in made_by.needs else None
    with Bar("Merging") as bar:
        told = merging.merge(
            uses, rule, chosen, out, form=out_format, overwrite=overwrite, generator=generator, words=words or (), on_step=bar.update
        )  # fmt: skip
    _remark(voice, told.notes)
    document = {
        "file": str(out.absolute()),
        "rule": rule,
        "rank": told.rank,
        "error": told.error,
        "exact": made_by.exact,
    }
    lost = "exact" if made_by.exact else f"{told.error:.1%} of the change is lost"
    voice.result(document, f"Written (rank {told.rank}, {lost}): {out.absolute()}")
    return FINE


def _write_model(voice: Voice, uses: list[AdapterUse], out: Path, base: str, *, overwrite: bool, plain: bool) -> None:
    """Write a whole base model with the plain sum inside."""
    from engines.diffusion.merge import write_checkpoint

    if not plain:
        title = "A whole model is written with the plain sum"
        raise SettingsError(title, hint="Merge by the rule first, then write the result into the model.")
    with Bar("Writing") as bar:
        notes = write_checkpoint(
            base_address(base),
            uses,
            out,
            overwrite=overwrite,
            progress=lambda _, text, done, total: bar.update(done, total, text),
        )
    _remark(voice, notes)
    voice.result({"model": str(out.absolute())}, f"Written: {out.absolute()}")


def _looking(base: str, uses: list[AdapterUse], words: list[str], device: str, voice: Voice) -> Generator:
    """The base, opened once everything else is known to be right."""
    from engines.diffusion.merge import called

    if words and len(words) != len(uses):
        title = "There must be as many --words as adapters"
        raise SettingsError(title, f"{len(words)} for {len(uses)}.")
    for use in uses if not words else ():
        called(use)
    return warm(base_address(base), device, voice)


def _remark(voice: Voice, notes: tuple[str, ...]) -> None:
    for note in notes:
        voice.say(f"Note: {note}")
