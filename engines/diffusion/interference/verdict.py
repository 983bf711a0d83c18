"""From figures to plain words: what may go wrong when adapters act together, and what would mend it.

What the words rest on was measured (docs/combining.md): adapters that were taught to leave everything else alone keep far more of themselves in
a sum than others, whatever their directions; directions in common and one adapter much louder than the rest come next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from engines.api.interference import AdapterFacts, Finding, InterferenceReport, Level
from engines.api.uses import AdapterUse
from engines.diffusion.exchange import Adapter, read_adapter
from engines.diffusion.exchange.adapter import is_larger
from engines.diffusion.focus import FOCUS
from engines.diffusion.interference.weights import Voice, Weighed, weigh
from engines.launch.lanes import Lane, free_slot

CROSSTALK, LOUD, ENERGY = 0.25, 3.0, 1.2
"""From here on worth a word: crosstalk of two adapters, how many times stronger one is than another, energy of the sum over its parts."""

_ORDER: tuple[Level, ...] = ("fine", "careful", "fight")


def report(uses: Sequence[AdapterUse]) -> InterferenceReport:
    """Read adapters and say how they get along; torch, but no base model.

    Raises:
        AdapterError: one of the files is missing, damaged or no adapter.
    """
    return judged([read_adapter(Path(use.file)) for use in uses], uses)


def judged(adapters: Sequence[Adapter], uses: Sequence[AdapterUse]) -> InterferenceReport:
    """The report on adapters already read, each with how it is used."""
    voices = [
        Voice(adapter, use.weight, bool(_word(adapter, use))) for adapter, use in zip(adapters, uses, strict=True)
    ]
    weighed = weigh(voices)
    facts = tuple(
        _facts(adapter, use, voice, energy)
        for adapter, use, voice, energy in zip(adapters, uses, voices, weighed.energies, strict=True)
    )
    found = tuple(_findings(adapters, facts, weighed))
    parts = sum(energy**2 for energy in weighed.energies)
    level: Level = max((finding.level for finding in found), key=_ORDER.index, default=_ORDER[0])
    return InterferenceReport(
        adapters=facts,
        pairs=weighed.pairs,
        layers=weighed.layers,
        energy_ratio=weighed.total / parts if parts else 1.0,
        weight=_mending(facts, weighed),
        level=level,
        verdict=_verdict(level, found),
        findings=found,
    )


def _facts(adapter: Adapter, use: AdapterUse, voice: Voice, energy: float) -> AdapterFacts:
    data = adapter.metadata
    first, _, last = data.get("lorikeet.directions", "").partition("-")
    return AdapterFacts(
        file=use.file,
        title=data.get("modelspec.title") or data.get("ss_output_name") or Path(use.file).stem,
        trigger=(data.get("lorikeet.trigger") or data.get("modelspec.trigger_phrase", "")).strip(),
        class_noun=data.get("lorikeet.class_noun", "").strip(),
        method=data.get("lorikeet.method", ""),
        rank=max((pair.rank for pair in adapter.modules.values()), default=0),
        strength=use.weight,
        held=_held(data.get("lorikeet.recipe", "")),
        focused=voice.focused,
        directions=(int(first), int(last)) if first.isdecimal() and last.isdecimal() else None,
        base=data.get("lorikeet.base_hash") or data.get("ss_new_sd_model_hash", ""),
        energy=energy,
    )


def _word(adapter: Adapter, use: AdapterUse) -> str:
    return (adapter.metadata.get(FOCUS, "") if use.focus is None else use.focus).strip()


def _held(recipe: str) -> bool:
    try:
        return float(json.loads(recipe)["objective"]["hold_weight"]) > 0
    except (ValueError, KeyError, TypeError):
        return False


def _findings(adapters: Sequence[Adapter], facts: Sequence[AdapterFacts], weighed: Weighed) -> Iterator[Finding]:
    yield from _bases(adapters, facts, weighed)
    yield from _words(facts)
    yield from _directions(facts)
    yield from _answers(facts, weighed)
    yield from _loose(facts)
    yield from _loud(facts)
    if any(pair.dora is not None for adapter in adapters for pair in adapter.modules.values()):
        yield Finding(
            level="careful",
            title="One of them changes magnitudes too",
            text="Weight-decomposed adapters (DoRA) do not simply add up; the figures leave their magnitudes out.",
            adapters=tuple(
                number for number, one in enumerate(adapters) if any(p.dora is not None for p in one.modules.values())
            ),
        )


def _bases(adapters: Sequence[Adapter], facts: Sequence[AdapterFacts], weighed: Weighed) -> Iterator[Finding]:
    kinds = [is_larger(adapter) for adapter in adapters]
    known = [one.base for one in facts]
    if len(set(kinds)) > 1 or weighed.shapes_differ:
        odd = tuple(n for n, kind in enumerate(kinds) if kind != kinds[0]) or tuple(
            sorted(sum(weighed.shapes_differ, ()))
        )
        yield Finding(
            level="fight",
            title="They were made for different kinds of base model",
            text="Their layers have different sizes, so they cannot act on one model at all.",
            adapters=odd,
            cure="replace",
        )
    elif len(set(filter(None, known))) > 1:
        yield Finding(
            level="careful",
            title="They were taught on different base models",
            text="The models are built alike, so it works; but each adapter was fitted to another model's habits.",
            adapters=tuple(n for n, base in enumerate(known) if base and base != known[0]),
        )


def _words(facts: Sequence[AdapterFacts]) -> Iterator[Finding]:
    owners: dict[str, list[int]] = {}
    for number, one in enumerate(facts):
        if one.trigger:
            owners.setdefault(one.trigger.casefold(), []).append(number)
    for numbers in owners.values():
        if len(numbers) > 1:
            yield Finding(
                level="fight",
                title=f"{len(numbers)} of them answer to “{facts[numbers[0]].trigger}”",
                text="The prompt cannot say which of them is meant. Teach one of them with another word.",
                adapters=tuple(numbers),
                cure="rename",
            )


def _directions(facts: Sequence[AdapterFacts]) -> Iterator[Finding]:
    lanes = [
        Lane(one.directions[0], one.directions[1] - one.directions[0] + 1) if one.directions else None for one in facts
    ]
    for second, own in enumerate(lanes):
        for first in range(second):
            other = lanes[first]
            if own is None or other is None or not own.overlaps(other):
                continue
            taken = [found for number, found in enumerate(lanes) if found is not None and number != second]
            yield Finding(
                level="fight",
                title=f"“{facts[first].title}” and “{facts[second].title}” keep to the same directions",
                text="They were taught in the same slot, so each speaks into what the other has learned.",
                adapters=(first, second),
                cure="retrain",
                slot=free_slot(taken, width=own.count * 64, rank=own.count) or 0,
            )


def _answers(facts: Sequence[AdapterFacts], weighed: Weighed) -> Iterator[Finding]:
    for pair in weighed.pairs:
        worst = max(pair.on_first, pair.on_second)
        if worst < CROSSTALK or (facts[pair.first].directions and facts[pair.second].directions):
            continue
        loud = pair.second if pair.on_first >= pair.on_second else pair.first
        yield Finding(
            level="careful",
            title=f"“{facts[loud].title}” answers to what “{facts[pair.first + pair.second - loud].title}” listens to",
            text=f"Its answer is {worst:.0%} as strong as the other's own. Taught as Mergeable it keeps to directions of its own.",
            adapters=(loud,),
            cure="retrain",
        )


def _loose(facts: Sequence[AdapterFacts]) -> Iterator[Finding]:
    loose = tuple(n for n, one in enumerate(facts) if not one.held)
    if not loose:
        return
    names = ", ".join(f"“{facts[n].title}”" for n in loose)
    yield Finding(
        level="careful",
        title="Not made to be added up",
        text=f"Nothing taught {names} to leave other things alone. In our trials such adapters kept about a third of their "
        "likeness in a sum of three; Mergeable ones kept most of it.",
        adapters=loose,
        cure="retrain",
    )


def _loud(facts: Sequence[AdapterFacts]) -> Iterator[Finding]:
    strengths = [one.energy for one in facts if one.energy > 0]
    if len(strengths) < 2 or max(strengths) < LOUD * min(strengths):
        return
    loudest = max(range(len(facts)), key=lambda number: facts[number].energy)
    yield Finding(
        level="careful",
        title=f"“{facts[loudest].title}” is {max(strengths) / min(strengths):.1f} times as strong as the weakest",
        text="It may drown the others. Lower its strength.",
        adapters=(loudest,),
        cure="weigh",
    )


def _mending(facts: Sequence[AdapterFacts], weighed: Weighed) -> float:
    """1 where all of them were taught to leave the rest alone; else what brings the sum back to the strongest one's energy."""
    strongest = max(weighed.energies, default=0.0)
    if all(one.held for one in facts) or weighed.total <= strongest**2 or not weighed.total:
        return 1.0
    return float(strongest / weighed.total**0.5)


def _verdict(level: Level, found: Sequence[Finding]) -> str:
    if level == "fine":
        return "They should get along. Only pictures can tell for certain."
    worst = next(finding for finding in found if finding.level == level)
    start = "They will disturb each other" if level == "fight" else "They may disturb each other"
    return f"{start}: {worst.title[0].lower() + worst.title[1:] if worst.title[0].isalpha() else worst.title}."
