"""What mends adapters that do not get along, as things to press: teach one anew in a free slot, weigh, take the way with places, leave one out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from engines.api.interference import Finding, InterferenceReport
from gui.services import Services
from gui.views.combine.board import Board
from gui.widgets.notice import Notice
from gui.workers.runs import Anew

_REGIONS, _MERGEABLE = "regions", "orthogonal"
_WORTH_WEIGHING = 0.995
_SHORT = 16


@dataclass(frozen=True)
class Cure:
    """One thing to press: its words, what it does, and the `whole` words where they had to be cut."""

    words: str
    run: Callable[[], object]
    whole: str = ""


class Cures:
    """Makes them for the findings of a report on the board's layout."""

    def __init__(self, services: Services, board: Board) -> None:
        self._services = services
        self._board = board

    def of(self, finding: Finding, report: InterferenceReport) -> tuple[Cure, ...]:
        """What can be done about a finding."""
        numbers = [number for number in finding.adapters if number < len(self._board.draft.parts)]
        match finding.cure:
            case "retrain":
                # Of two in one slot, the free slot was looked for on behalf of the last.
                chosen = numbers[-1:] if finding.slot else numbers
                return tuple(self._retrain(number, finding.slot) for number in chosen)
            case "weigh":
                return self.common(report) or tuple(self._soften(number, report) for number in numbers)
            case "rename":
                return tuple(self._rename(number) for number in numbers[-1:])
            case "replace":
                return tuple(self._leave_out(number) for number in numbers)
            case "regions":
                fits = any(not offer.why and offer.entry.name == _REGIONS for offer in self._board.offers())
                return (Cure("Keep each in its own place", self._use_regions),) if fits else ()
        return ()

    def common(self, report: InterferenceReport) -> tuple[Cure, ...]:
        """The common weight that mends the energy of the sum; nothing where it needs none."""
        if report.weight >= _WORTH_WEIGHING:
            return ()
        return (Cure(f"Weigh all × {report.weight:.2f}", partial(self._weigh_all, report.weight)),)

    def _name(self, number: int) -> str:
        return self._board.draft.parts[number].name

    def _short(self, number: int) -> str:
        name = self._name(number)
        return name if len(name) <= _SHORT else f"{name[: _SHORT - 1].rstrip()}…"

    def _weigh_all(self, factor: float) -> None:
        draft = self._board.draft
        parts = tuple(one.model_copy(update={"weight": round(one.weight * factor, 2)}) for one in draft.parts)
        self._board.put(draft.changed(parts=parts), "Weigh all subjects")

    def _soften(self, number: int, report: InterferenceReport) -> Cure:
        """As loud as the loudest of the others."""
        own = report.adapters[number].energy
        others = [one.energy for place, one in enumerate(report.adapters) if place != number]
        factor = min(max(others) / own, 1.0) if own > 0 and others else 1.0
        weight = round(self._board.draft.parts[number].weight * factor, 2)
        words = f"Weigh {self._short(number)} × {weight:.2f}"
        return Cure(words, lambda: self._board.set_part(number, f"Weigh {self._name(number)}", weight=weight))

    def _use_regions(self) -> None:
        self._board.put(self._board.draft.changed(strategy=_REGIONS), "Keep each in its own place")

    def _leave_out(self, number: int) -> Cure:
        whole = f"Leave out {self._name(number)}"
        return Cure(f"Leave out {self._short(number)}", lambda: self._board.remove(number), whole)

    def _retrain(self, number: int, slot: int) -> Cure:
        where = f", slot {slot}" if slot else ""
        whole = f"Teach {self._name(number)} anew as Mergeable{where}"
        return Cure(f"Teach {self._short(number)} anew{where}", lambda: self._teach(number, slot), whole)

    def _teach(self, number: int, slot: int) -> None:
        run = self._run(number)
        self._services.navigate("train")
        if run:
            self._services.runs.anew_asked.emit(Anew(run, _MERGEABLE, {"slot": slot} if slot else {}))
        else:
            self._without_photos(number)

    def _rename(self, number: int) -> Cure:
        whole = f"Teach {self._name(number)} under another word"
        return Cure("Teach it under another word", lambda: self._teach_again(number), whole)

    def _teach_again(self, number: int) -> None:
        run = self._run(number)
        self._services.navigate("train")
        if run:
            self._services.runs.anew_asked.emit(Anew(run, rename=True))
        else:
            self._without_photos(number)

    def _run(self, number: int) -> str:
        candidate = self._board.candidate(self._board.draft.parts[number])
        return candidate.run if candidate is not None else ""

    def _without_photos(self, number: int) -> None:
        text = (
            "It was brought in as a file, so its photos are not here. Bring them in on the page Images, then teach it."
        )
        self._services.notify(Notice("info", f"“{self._name(number)}” was not taught in this project", text))
