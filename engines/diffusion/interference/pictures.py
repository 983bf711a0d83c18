"""The test on pictures: how much of itself each subject keeps when all adapters act together.

Each subject is drawn alone and with all adapters at work, with the same words and seeds, and both are held against photos of it, or, where there
are none, the second against the first. Kept is (together - base) / (alone - base), with a bootstrap over prompts (docs/combining.md).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from engines.api.errors import SettingsError
from engines.api.interference import TryTogether
from engines.api.job import JobConcept
from engines.api.prompts import sample_prompts
from engines.api.uses import AdapterUse
from engines.core.intervals import Rows, estimate
from engines.diffusion.compare import read_photos
from engines.diffusion.encoders import Encoder, open_encoder
from engines.diffusion.evaluate import likeness
from engines.diffusion.exchange import read_adapter
from engines.diffusion.generate import Generator
from engines.diffusion.sampling import StepHook
from projects.files import atomic_path, atomic_write_json

REPORT = "together.json"
COLUMNS = ("base", "alone", "together")

PictureHook = Callable[[str, str, int, int], None]
"""Hears of a picture: its file, its prompt, its seed, and which of `COLUMNS` it belongs to."""


@dataclass(frozen=True)
class _Subject:
    """Who is tested: how it is called, what it is drawn with, and pictures of it."""

    title: str
    prompts: tuple[str, ...]
    use: AdapterUse
    photos: Sequence[Image.Image]


def try_together(
    generator: Generator,
    wanted: TryTogether,
    *,
    on_picture: PictureHook | None = None,
    on_step: StepHook | None = None,
) -> dict[str, Any]:
    """Draw, judge and report; the report is `together.json` in the folder.

    Args:
        generator: opened on the base if it is not yet; left without adapters.
        wanted: what to test.
        on_picture: hears of every picture when its file is there.
        on_step: hears (done, total) denoising steps of the whole; may raise to end it.

    Raises:
        SettingsError: an adapter does not say its word; AdapterError or ModelError: a part cannot be used.
    """
    photos = (*wanted.references, *[()] * len(wanted.adapters))
    subjects = [_subject(use, files) for use, files in zip(wanted.adapters, photos, strict=False)]
    folder = Path(wanted.folder)
    folder.mkdir(parents=True, exist_ok=True)
    generator.open(wanted.base)
    judge = open_encoder(generator.device)
    rounds = [(subject, column) for subject in subjects for column in range(len(COLUMNS))]
    seen: dict[tuple[str, int], torch.Tensor] = {}
    try:
        for number, (subject, column) in enumerate(rounds):
            generator.use(((), (subject.use,), wanted.adapters)[column])
            own = _Round(subject, column, number, folder)
            seen[subject.use.file, column] = own.drawn(
                generator, judge, wanted, on_picture, _whole(on_step, number, len(rounds))
            )
    finally:
        generator.use(())
    told = [
        _told(judge, subject, [seen[subject.use.file, column] for column in range(len(COLUMNS))], wanted)
        for subject in subjects
    ]
    report = {
        "format": 1,
        "subjects": told,
        "kept": _kept([row for one in told for row in one["rows"]]),
        "conditions": {"base": generator.base.info.title, "seeds": list(wanted.seeds), "judge": judge.name},
    }
    atomic_write_json(folder / REPORT, report)
    return report


@dataclass(frozen=True)
class _Round:
    """The pictures of one subject drawn one way."""

    subject: _Subject
    column: int
    number: int
    folder: Path

    def drawn(
        self,
        generator: Generator,
        judge: Encoder,
        wanted: TryTogether,
        on_picture: PictureHook | None,
        on_step: StepHook | None,
    ) -> torch.Tensor:
        """As the judge sees them: one row for each prompt and seed, prompts first."""
        pairs = list(itertools.product(self.subject.prompts, wanted.seeds))
        pictures = generator.pictures(
            [prompt for prompt, _ in pairs], [seed for _, seed in pairs], steps=wanted.steps, on_step=on_step
        )
        found = []
        for place, ((prompt, seed), picture) in enumerate(zip(pairs, pictures, strict=True)):
            file = self.folder / f"{self.number // len(COLUMNS):02d}-{COLUMNS[self.column]}-{place:02d}.png"
            with atomic_path(file, durable=False) as temporary:
                picture.save(temporary, format="PNG")
            found.append(judge.images([picture]))
            if on_picture is not None:
                on_picture(str(file), prompt, seed, self.column)
        return torch.cat(found)


def _subject(use: AdapterUse, files: Sequence[str]) -> _Subject:
    data = read_adapter(Path(use.file)).metadata
    trigger = (data.get("lorikeet.trigger") or data.get("modelspec.trigger_phrase", "")).strip()
    title = data.get("modelspec.title") or Path(use.file).stem
    if not trigger:
        raise SettingsError(
            f"“{title}” does not say its word",
            "Without it nobody can tell whether the subject is there.",
            "Import it with its trigger word.",
        )
    concept = JobConcept(name=title, trigger=trigger, class_noun=data.get("lorikeet.class_noun", ""))
    photos, _ = read_photos([Path(file) for file in files])
    return _Subject(title, sample_prompts(concept), use, photos)


def _told(judge: Encoder, subject: _Subject, vectors: Sequence[torch.Tensor], wanted: TryTogether) -> dict[str, Any]:
    """A subject's figures. Rows are (alone - base, together - base) by prompt."""
    like = judge.images(list(subject.photos)) if subject.photos else vectors[1]
    if subject.photos:
        figures = [likeness(one, like) for one in vectors]
    else:
        figures = [[float(cosine) for cosine in (one * like).sum(-1)] for one in vectors]
    by_prompt = [np.array(values).reshape(len(subject.prompts), len(wanted.seeds)).mean(1) for values in figures]
    rows = np.stack([by_prompt[1] - by_prompt[0], by_prompt[2] - by_prompt[0]], axis=1)
    means = {name: float(np.mean(values)) for name, values in zip(COLUMNS, figures, strict=True)}
    return {
        "title": subject.title,
        "file": subject.use.file,
        "photos": len(subject.photos),
        "likeness": means,
        "kept": _kept(rows.tolist()),
        "rows": rows.tolist(),
    }


def _kept(rows: Sequence[Sequence[float]]) -> dict[str, float | int] | None:
    """Share of the gain that is left, with its interval; None where an adapter alone gained nothing, or resampling could not tell."""
    found = estimate(np.array(rows), _share, count=len(rows)).as_data()
    return found if all(math.isfinite(value) for value in found.values()) else None


def _share(means: Rows) -> Rows:
    gained = means[:, 0]
    return np.where(gained > 1e-4, means[:, 1] / np.where(gained > 1e-4, gained, 1.0), np.nan)


def _whole(on_step: StepHook | None, number: int, count: int) -> StepHook | None:
    return None if on_step is None else lambda done, total: on_step(number * total + done, count * total)
