"""Pictures that exist only as rows, for tests that need many and never look at their pixels."""

from __future__ import annotations

from projects.edit_parts import new_id
from projects.project import Project
from projects.queries import concepts, images, labels, regions, runs


def add_rows(project: Project, concept_id: str | None, count: int) -> list[str]:
    """List `count` pictures without files; returns their ids."""
    ids = [new_id() for _ in range(count)]
    with project.transaction() as connection:
        start = connection.execute("SELECT count(*) FROM images").fetchone()[0]
        for place, image_id in enumerate(ids):
            connection.execute(
                "INSERT INTO images VALUES (?, ?, ?, ?, 1, 640, 480, ?, ?, ?, '', NULL, 1, '', NULL, ?, 1.0, NULL, NULL, 0, 0)",
                (
                    image_id,
                    concept_id,
                    f"images/{image_id}.png",
                    f"{place}.png",
                    image_id * 4,
                    image_id,
                    "00" * 48,
                    start + place,
                ),
            )
    return ids


def snapshot(project: Project) -> tuple[object, ...]:
    """Everything that a person can see of the document."""
    settings = [tuple(row) for row in project.rows("SELECT key, value FROM settings ORDER BY key")]
    marked = [regions(project, image.id) for image in images(project)]
    return concepts(project), images(project), labels(project), marked, runs(project), settings
