"""What a person would see in a project, as plain data that can be compared across formats."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from projects import queries
from projects.project import Project


def content_of(project: Project) -> dict[str, object]:
    """Everything visible: records, settings, and the hashes of the pictures' and masks' files."""
    images = []
    for image in queries.images(project):
        about = asdict(image) | {"flags": sorted(image.flags)}
        about["file_sha256"] = _hash(project, image.file)
        about["mask_sha256"] = _hash(project, image.mask) if image.mask else None
        images.append(about)
    settings = project.rows("SELECT key, value FROM settings ORDER BY key")
    return {
        "name": project.name,
        "concepts": [asdict(concept) for concept in queries.concepts(project)],
        "images": images,
        "runs": [asdict(run) for run in queries.runs(project)],
        "settings": {str(row["key"]): json.loads(row["value"]) for row in settings},
    }


def _hash(project: Project, file: str) -> str:
    return hashlib.sha256(project.path(file).read_bytes()).hexdigest()
