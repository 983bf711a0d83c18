"""Makes the golden project of the newest format, once, when that format is released: `python -m tests.formats.make_golden`.

The folders of older formats are never made again: they are what people have on their disks.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from projects import edits, edits_regions, importing, masks, migrations, queries
from projects.edits_regions import NewRegion
from projects.project import Project
from projects.regions.mask import Mask
from tests.formats.content import content_of

HERE = Path(__file__).parent


def main() -> int:
    folder = HERE / f"v{migrations.newest()}"
    if folder.exists():
        print(f"{folder.name} was made already; a released format stays as it is.")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        _fill(folder / "project", Path(scratch))
    with closing(sqlite3.connect(folder / "project" / "project.db")) as connection:
        # One file of a few kilobytes, without side files, is what goes into the repository.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")
    with Project.open(folder / "project") as project:
        content = content_of(project)
    for side in ("-wal", "-shm"):
        (folder / "project" / f"project.db{side}").unlink(missing_ok=True)
    (folder / "content.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def _fill(root: Path, scratch: Path) -> None:
    """A little of everything that the format can hold."""
    for number, name in enumerate(("café 犬.png", "second.jpg", "third.webp", "removed.png")):
        Image.effect_mandelbrot((48, 32), (-2, -1.5, 1, 1.5), 20 + 20 * number).convert("RGB").save(scratch / name)
    (scratch / "second.txt").write_text("a [trigger] dog on grass, größer", encoding="utf-8")
    with Project.create(root, "Golden ✓") as project:
        dog = edits.add_concept(project, "My dog", trigger="sks", class_noun="dog").ids[0]
        cat = edits.add_concept(project, "Cat").ids[0]
        importing.import_paths(project, [scratch], dog)
        images = {image.original_name: image for image in queries.images(project)}
        mask = Image.new("L", (48, 32), 0)
        mask.paste(255, (8, 8, 40, 24))
        edits.set_mask(project, images["second.jpg"].id, masks.save_mask(project, images["second.jpg"], mask))
        edits.set_repeats(project, [images["third.webp"].id], 10)
        edits.move_images(project, [images["third.webp"].id], cat)
        edits.remove_images(project, [images["removed.png"].id])
        edits.record_run(project, "2026-11-21-my-dog", "My dog", concept_id=dog, created=1_795_000_000.0)
        edits.set_run_note(project, "2026-11-21-my-dog", "first try\nwith two lines")
        edits.set_favourite(project, "2026-11-21-my-dog", True)
        edits.record_run(project, "2026-11-22-other", "Other", created=1_795_100_000.0)
        edits.set_setting(project, "train.preset", {"name": "Balanced", "changes": [1, 2.5, None, "ü"]})
        _mark(project, scratch)


def _mark(project: Project, scratch: Path) -> None:
    """Pictures to segment with labels and regions of several kinds."""
    pictures = [scratch / "scan_1.png", scratch / "scan_2.png"]
    for seed, path in enumerate(pictures):
        Image.effect_mandelbrot((40, 30), (-1.5, -1, 0.5, 1), 30 + 15 * seed).convert("RGB").save(path)
    first, second = importing.import_paths(project, pictures, None).added
    cell = edits_regions.add_label(project, "Cell ✓").ids[0]
    gone = edits_regions.add_label(project, "Gone", colour="#123456").ids[0]
    ring = np.zeros((30, 40), dtype=bool)
    ring[5:20, 5:30] = True
    ring[8:12, 10:20] = False
    full = Mask.of(np.ones((30, 40), dtype=bool))
    regions = [
        NewRegion(first, cell, Mask.of(ring), "click"),
        NewRegion(second, cell, full, "proposal", accepted=False),
    ]
    edits_regions.add_regions(project, [*regions, NewRegion(first, gone, full, "brush")])
    edits_regions.remove_labels(project, [gone])
    blank = scratch / "blank.png"
    Image.new("RGB", (36, 24), "grey").save(blank)
    edits_regions.set_checked_empty(project, importing.import_paths(project, [blank], None).added)
    edits_regions.set_split(project, [second], "test")
    edits_regions.split_pictures(project)


if __name__ == "__main__":
    sys.exit(main())
