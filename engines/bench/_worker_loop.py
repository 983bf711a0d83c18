"""Our loop as a bench runs it: the whole worker on a project of its own, with its journal, its checks and its caches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engines.api import events as ev

RANK = 8
WARM = 3
"""The first steps are left out of a pace: libraries choose their kernels there."""


class WorkerLoop:
    """Whole runs on one project; latents and captions are cached by the first, as for a person's second run."""

    def __init__(self, root: Path, base: Path, pictures: Path) -> None:
        """Make the project, unless it is there from an earlier turn.

        Args:
            root: the project's folder.
            base: a diffusers folder.
            pictures: a sample subject's folder.
        """
        from engines.cli.demo import subject_facts
        from projects import edits
        from projects.importing import import_paths
        from projects.project import Project

        self._base, self._root = base, root
        if not root.exists():
            facts = subject_facts(pictures)
            with Project.create(root, "Bench") as project:
                added = edits.add_concept(
                    project, facts["name"], trigger=facts["trigger"], class_noun=facts["class_noun"]
                )
                import_paths(project, [pictures], added.ids[0])

    def run(self, method: str = "lora", **loop: Any) -> Path:  # noqa: ANN401 - settings of the loop
        """One run, measured and sampled as little as can be; returns its folder."""
        from engines.cli.jobs import Wishes, plan, prepare_run
        from engines.cli.watch import raise_if_not_finished
        from engines.core.run import run_folder
        from engines.launch.follow import Follower
        from projects.project import Project

        quiet: dict[str, Mapping[str, Any]] = {
            "loop": {"validate_every": 100_000, "checkpoint_every": 100_000, **loop},
            "samples": {"every": 0},
            "method": {"rank": RANK},
        }
        with Project.open(self._root) as project:
            (concept,) = project.rows("SELECT id FROM concepts")
            planned = plan(Wishes(base=f"file:{self._base}", preset="quick", method=method, changes=quiet))
            folder = prepare_run(project, str(concept["id"]), planned)
        run_folder(folder)
        follower = Follower(folder)
        raise_if_not_finished(follower.catch_up(), folder)
        return folder


def shared_settings(base: Path) -> dict[str, Any]:
    """What the plain loop has to do alike on a base (a diffusers folder); see `PlainSettings`."""
    from engines.api.recipe import apply_preset
    from engines.diffusion.presets import preset

    recipe = apply_preset(preset("quick"))
    config = json.loads((base / "vae" / "config.json").read_text(encoding="utf-8"))
    unet = json.loads((base / "unet" / "config.json").read_text(encoding="utf-8"))
    return {
        "rank": RANK,
        "batch": recipe.loop.batch_size,
        "rate": recipe.loop.learning_rate or 1e-4,
        "gamma": recipe.objective.min_snr_gamma,
        "edge": int(unet["sample_size"]) * 2 ** (len(config["block_out_channels"]) - 1),
        "clip": recipe.loop.gradient_clip,
    }


def examples_of(pictures: Path) -> list[tuple[Path, str]]:
    """The pictures of a sample subject's folder with their captions."""
    files = sorted(file for file in pictures.iterdir() if file.suffix in {".png", ".jpg"})
    return [(file, file.with_suffix(".txt").read_text(encoding="utf-8").strip()) for file in files]


def pace_of(folder: Path) -> float:
    """Steps a second of a finished run, from its first warm step that was told to its last."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [event for line in lines if isinstance(event := ev.from_line(line), ev.Step)]
    warm = [step for step in steps if step.step >= WARM] if len(steps) > 2 else steps
    return (warm[-1].step - warm[0].step) / (warm[-1].time - warm[0].time)
