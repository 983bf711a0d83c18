"""The sample project: the shipped subjects with their captions, as if a newcomer had brought photos of three toys."""

from __future__ import annotations

import json
from pathlib import Path

from projects import edits
from projects.errors import ProjectError
from projects.importing import import_paths
from projects.project import Project

_FACTS = "subject.json"


def create_sample(root: Path, name: str, samples: Path) -> Project:
    """Make the sample project in `root` and open it.

    Args:
        root: missing or empty, see `Project.create`.
        name: of the project.
        samples: folder with a folder a subject: pictures, captions beside them, and `subject.json` (name, trigger, class_noun).

    Raises:
        ProjectError: there are no samples, or the project cannot be made.
    """
    subjects = sorted(path.parent for path in samples.glob(f"*/{_FACTS}"))
    if not subjects:
        raise ProjectError(
            "The sample is missing",
            f"{samples} holds no subjects.",
            "Install Lorikeet again; the samples come with it.",
        )
    project = Project.create(root, name)
    for folder in subjects:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        change = edits.add_concept(project, facts["name"], trigger=facts["trigger"], class_noun=facts["class_noun"])
        import_paths(project, [folder], change.ids[0])
    return project
