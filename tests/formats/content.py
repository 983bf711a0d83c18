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
        about["regions"] = [asdict(region) | {"box": list(region.box)} for region in queries.regions(project, image.id)]
        images.append(about)
    settings = project.rows("SELECT key, value FROM settings ORDER BY key")
    return {
        "name": project.name,
        "concepts": [asdict(concept) for concept in queries.concepts(project)],
        "images": images,
        "labels": [asdict(label) for label in queries.labels(project)],
        "runs": [asdict(run) for run in queries.runs(project)],
        "settings": {str(row["key"]): json.loads(row["value"]) for row in settings},
    }


def brought_up_to_date(content: dict[str, object]) -> dict[str, object]:
    """What an older format's content is in the newest one: it holds none of what came later."""
    images: list[dict[str, object]] = content["images"]
    later = {"split": None, "split_by_hand": False, "checked_empty": False, "regions": []}
    return {"labels": [], **content, "images": [{**later, **image} for image in images]}


def _hash(project: Project, file: str) -> str:
    return hashlib.sha256(project.path(file).read_bytes()).hexdigest()
