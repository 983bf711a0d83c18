"""Makes one adapter of several by a rule, or a whole base model with them inside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import AdapterError, ModelError, SettingsError
from engines.api.uses import AdapterUse
from engines.core.contracts import ProgressHook
from engines.core.devices import pick
from engines.diffusion.backbones import open_base, place_of, quiet
from engines.diffusion.exchange import Adapter, read_adapter, write_adapter
from engines.diffusion.exchange.taught_words import pack
from engines.diffusion.focus import FOCUS
from engines.diffusion.generate import Generator
from engines.diffusion.merging import rule_of
from engines.diffusion.merging._layers import Merged, Weighted
from engines.diffusion.placement import Placement
from engines.diffusion.sampling import StepHook
from engines.launch.adapter_info import describe
from projects.files import atomic_folder

_SAME = (
    "ss_base_model_version",
    "ss_new_sd_model_hash",
    "ss_sd_model_name",
    "lorikeet.base",
    "lorikeet.base_hash",
    "modelspec.architecture",
)
_WEIGHTS = (".safetensors", ".bin", ".safetensors.index.json", ".bin.index.json")


@dataclass(frozen=True)
class Told:
    """What came of a merge: the share that the file lacks, its rank, and what is worth knowing."""

    error: float
    rank: int
    notes: tuple[str, ...]


def merge(
    uses: Sequence[AdapterUse],
    rule: str,
    settings: Mapping[str, Any],
    target: Path,
    *,
    form: str = "diffusers",
    overwrite: bool = False,
    generator: Generator | None = None,
    words: Sequence[str] = (),
    on_step: StepHook | None = None,
) -> Told:
    """Merge adapters by a rule and write the result.

    Args:
        uses: the adapters at their strengths.
        rule: registered name.
        settings: of the rule.
        target: where the adapter is written.
        form: `diffusers`, `kohya` or `peft`.
        overwrite: replace what is there.
        generator: with the base open, for rules that look at it.
        words: what calls each concept; what the adapters say of themselves where it is empty.
        on_step: hears (done, total) of looking at the base.

    Raises:
        AdapterError: an adapter is missing, damaged or of a kind that cannot be merged, or the file cannot be written.
        SettingsError: the rule or a setting is not known, or it needs a base and none was given.
    """
    made_by = rule_of(rule, settings)
    adapters = [read_adapter(Path(use.file)) for use in uses]
    parts = [Weighted(adapter, use.weight) for adapter, use in zip(adapters, uses, strict=True)]
    seen = None
    if "base" in made_by.needs:
        if generator is None:
            title = f"“{made_by.title}” needs the base model"
            raise SettingsError(
                title, "It looks at what the base does with each adapter.", "Say which base they were taught on."
            )
        from engines.diffusion.merging._seen import look

        seen = look(generator, uses, words or [called(use) for use in uses], on_step=on_step)
    merged = made_by.merged(parts, seen)
    whole = Adapter(merged.adapter.modules, about(parts, uses, rule, settings))
    write_adapter(whole, target, form, overwrite=overwrite)
    return Told(
        merged.error, max((pair.rank for pair in whole.modules.values()), default=0), notes(parts, uses, merged)
    )


def called(use: AdapterUse) -> str:
    """What an adapter says that calls its concept, “tobi bear”; raises SettingsError where it says nothing."""
    info = describe(Path(use.file))
    words = " ".join(word for word in (info.trigger, info.class_noun) if word)
    if not words:
        title = f"“{Path(use.file).name}” does not say what calls it"
        raise SettingsError(title, hint="Give its trigger word and class noun, such as “tobi bear”.")
    return words


def about(
    parts: Sequence[Weighted], uses: Sequence[AdapterUse], rule: str, settings: Mapping[str, Any]
) -> dict[str, str]:
    """What the merged file says of itself: what all parts agree on, every word, and how it was made."""
    told = [part.adapter.metadata for part in parts]
    same = {key: told[0][key] for key in _SAME if key in told[0] and all(one.get(key) == told[0][key] for one in told)}
    names = [describe(Path(use.file)) for use in uses]
    triggers = [info.trigger for info in names if info.trigger]
    made = {"rule": rule, "settings": dict(settings), "parts": [[Path(u.file).name, u.weight] for u in uses]}
    words = {word: vectors for part in reversed(parts) for word, vectors in part.adapter.words.items()}
    return {
        **same,
        **pack(words),
        "ss_network_module": "networks.lora",
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.title": " + ".join(info.title for info in names),
        "modelspec.trigger_phrase": ", ".join(triggers),
        "modelspec.merged_from": ", ".join(Path(use.file).name for use in uses),
        "lorikeet.trigger": ", ".join(triggers),
        "lorikeet.merged": json.dumps(made, ensure_ascii=False, sort_keys=True),
    }


def notes(parts: Sequence[Weighted], uses: Sequence[AdapterUse], merged: Merged) -> tuple[str, ...]:
    """What is worth knowing of a merge."""
    found = []
    for part, use in zip(parts, uses, strict=True):
        if part.adapter.metadata.get(FOCUS, "").strip():
            found.append(f"“{Path(use.file).name}” kept to its own word; merged into a file it acts on all words.")
        if part.adapter.words and part.weight != 1.0:
            found.append(f"The word of “{Path(use.file).name}” is taken whole, whatever the strength.")
    if merged.error > 0.1:
        found.append(f"The file lacks {merged.error:.0%} of the merged change; a higher rank keeps more.")
    return tuple(found)


def write_checkpoint(
    base: str, uses: Sequence[AdapterUse], target: Path, *, overwrite: bool = False, progress: ProgressHook = quiet
) -> tuple[str, ...]:
    """Write a base model with adapters added up in its weights, as a diffusers folder that appears whole; returns what is worth knowing.

    Raises:
        ModelError: the base is one file, which is not written anew; AdapterError: an adapter does not fit, or the place is taken.
    """
    source = place_of(base, progress=progress)
    if not source.is_dir():
        title = "This base model cannot be written with adapters inside"
        raise ModelError(title, "It is a single file.", "Choose it as a diffusers folder, or merge into one adapter.")
    if target.exists() and not (overwrite and (target / "model_index.json").is_file()):
        title = "The model could not be written"
        raise AdapterError(title, f"“{target.name}” is there already.", "Choose another name.")
    opened = open_base(base, pick("cpu"), progress=progress)
    adapters = [(read_adapter(Path(use.file)), use.weight) for use in uses]
    plain = [(Adapter(one.modules, {**one.metadata, FOCUS: ""}), weight) for one, weight in adapters]
    Placement(opened).use(plain)
    changed = {name.partition(".")[0] for adapter, _ in adapters for name in adapter.modules}
    try:
        with atomic_folder(target) as building:
            shutil.copytree(
                source,
                building,
                dirs_exist_ok=True,
                ignore=lambda folder, names: _left_out(Path(folder).name, names, changed),
            )
            for name in sorted(changed):
                network: Any = opened.networks()[name]
                network.save_pretrained(building / name, safe_serialization=True)
    except OSError as error:
        title = "The model could not be written"
        raise AdapterError(title, f"{target.name}: {error.strerror or error}.", "Choose another folder.") from error
    taught = [word for adapter, _ in adapters for word in adapter.words]
    return tuple(f"The word “{word}” was taught vectors, which no base model holds." for word in taught)


def _left_out(folder: str, names: Sequence[str], changed: set[str]) -> set[str]:
    """Weights that are written anew."""
    return {name for name in names if name.endswith(_WEIGHTS)} if folder in changed else set()
