"""`interference`: whether adapters get along, from their files alone, and if wished on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engines.api.errors import SettingsError
from engines.api.interference import InterferenceReport, TryTogether
from engines.api.uses import AdapterUse
from engines.cli.codes import FINE
from engines.cli.documents import Json
from engines.cli.jobs import base_address
from engines.cli.output import Bar, Voice
from engines.cli.pictures import BaseOption, DeviceOption, StepsOption, own_photos, photos_in, use_of, warm

_MARKS = {"fine": "fine", "careful": "careful", "fight": "trouble"}
_MOST = 8


def interference(
    adapters: Annotated[list[str], typer.Argument(metavar="FILE[=WEIGHT]...", help="Two adapters or more.")],
    out: Annotated[
        Path | None, typer.Option("--pictures", help="Also draw each alone and all together, into this folder.")
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option(
            "--photos", help="Photos of a subject, once for each adapter in the same order; a run's own when left out."
        ),
    ] = None,
    base: BaseOption = "starter",
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=8, help="Pictures of each prompt.")] = 2,
    steps: StepsOption = 0,
    device: DeviceOption = "auto",
    as_json: Json = False,
) -> int:
    """Say whether adapters can be used together, and what would mend it."""
    voice = Voice(as_json)
    uses = [use_of(text) for text in adapters]
    if not 2 <= len(uses) <= _MOST:
        raise SettingsError(f"Name two to {_MOST} adapters", f"{len(uses)} were named.")
    from engines.diffusion.interference.verdict import report

    found = report(uses)
    document: dict[str, Any] = {"report": found.model_dump(mode="json")}
    text = words(found)
    if out is not None:
        wanted = TryTogether(
            id="cli",
            base=base_address(base),
            adapters=tuple(uses),
            references=_photos(photos or (), uses),
            seeds=tuple(range(1, seeds + 1)),
            steps=steps,
            folder=str(out.absolute()),
        )
        document["together"] = together = _drawn(wanted, device, voice)
        text += "\n\n" + _kept_words(together)
    voice.result(document, text)
    return FINE


def words(found: InterferenceReport) -> str:
    """The report for people."""
    names = [one.title for one in found.adapters]
    lines = [found.verdict, ""]
    lines += [f"  {_MARKS[one.level]:8} {one.title}. {one.text}" + _slot(one.slot) for one in found.findings]
    lines += [""] if found.findings else []
    for pair in found.pairs:
        lines.append(
            f"{names[pair.first]} and {names[pair.second]}: overlap {pair.overlap:.3f} (by chance {pair.chance:.3f}), "
            f"crosstalk {pair.on_first:.2f} and {pair.on_second:.2f}, energy of the sum {pair.energy_ratio:.2f}"
        )
    if found.weight < 1:
        lines.append(f"Added up at weight {found.weight:.2f} the sum is as strong as the strongest of them.")
    return "\n".join(lines)


def _photos(folders: Sequence[Path], uses: Sequence[AdapterUse]) -> tuple[tuple[str, ...], ...]:
    """Photos of each subject: those of its folder, else those its run learned from."""
    if len(folders) > len(uses):
        raise SettingsError("There are more folders of photos than adapters", f"{len(folders)} and {len(uses)}.")
    given = [photos_in([folder]) for folder in folders]
    found = given + [own_photos(use) for use in uses[len(folders) :]]
    return tuple(tuple(str(file) for file in files) for files in found)


def _slot(slot: int) -> str:
    return f" Slot {slot} is free." if slot else ""


def _drawn(wanted: TryTogether, device: str, voice: Voice) -> dict[str, Any]:
    from engines.diffusion.interference.pictures import try_together

    generator = warm(wanted.base, device, voice)
    with Bar("Drawing") as bar:
        return try_together(generator, wanted, on_step=bar.update)


def _kept_words(together: dict[str, Any]) -> str:
    rows: Sequence[dict[str, Any]] = [*together["subjects"], {"title": "All of them", "kept": together["kept"]}]
    return "\n".join(_kept_line(row["title"], row["kept"]) for row in rows)


def _kept_line(title: str, kept: dict[str, float] | None) -> str:
    if kept is None:
        return f"{title}: alone it is no more like its photos than the base, so nothing can be said"
    return f"{title}: keeps {kept['mean']:.0%} of its likeness ({kept['low']:.0%} to {kept['high']:.0%})"
