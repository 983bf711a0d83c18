"""Every edit a person can make to the document: one function, one transaction, one `Change` with its inverse.

Nothing is deleted by an edit: what is removed is marked, and its file stays until `projects.upkeep.purge`, so that every undo finds
everything it needs.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from projects import queries
from projects.change import Change, Edit, Part
from projects.edit_parts import counted, new_id, pick, reordered, words
from projects.errors import ProjectError
from projects.files import readable_text
from projects.project import NAME_KEY, Project
from projects.rows import RowChange, arrived, commit, nothing

LONGEST_CAPTION = 4000
LONGEST_NOTE = 20_000
MOST_REPEATS = 1000

_CONCEPTS: frozenset[Part] = frozenset({"concepts"})
_IMAGES: frozenset[Part] = frozenset({"images"})
_RUNS: frozenset[Part] = frozenset({"runs"})


# --- the project


def rename_project(project: Project, name: str) -> Change:
    """Give the project another name (its folder keeps its own)."""
    return set_setting(project, NAME_KEY, words(name, "The name"))


def set_setting(project: Project, key: str, value: object) -> Change:
    """Store a value under `key`; None forgets it.

    Args:
        project: to be changed.
        key: dotted, owner first ("train.preset").
        value: anything JSON can hold.
    """
    with project.transaction():
        found = project.rows("SELECT value FROM settings WHERE key = ?", (key,))
        before = str(found[0]["value"]) if found else None
        after = None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
        change = RowChange("settings", key, {"value": before}, {"value": after})
        return commit(project, [change], parts=frozenset({"settings"}), title="Change a setting", ids=[key])


def together(project: Project, edits: Sequence[Edit], *, title: str) -> Change:
    """Make several edits as one: one transaction, one step back.

    Raises:
        ProjectError: one of them is not possible; then none was made.
    """
    with project.transaction():
        changes = [edit(project) for edit in edits]
    parts = frozenset(part for change in changes for part in change.parts)
    ids = tuple(dict.fromkeys(touched for change in changes for touched in change.ids))
    backwards = [change.inverse for change in reversed(changes)]
    return Change(parts, title, ids, functools.partial(together, edits=backwards, title=title))


# --- concepts


def add_concept(project: Project, name: str, *, trigger: str = "", class_noun: str = "") -> Change:
    """Add a concept at the end of the list; `ids[0]` of the change is its id."""
    concept_id = new_id()
    with project.transaction() as connection:
        position = project.rows("SELECT coalesce(max(position) + 1, 0) FROM concepts")[0][0]
        connection.execute(
            "INSERT INTO concepts (id, name, trigger, class_noun, position) VALUES (?, ?, ?, ?, ?)",
            (
                concept_id,
                words(name, "The name"),
                words(trigger, "The trigger", empty=True),
                words(class_noun, "The class", empty=True),
                position,
            ),
        )
    return arrived({"concepts": [concept_id]}, parts=_CONCEPTS, title="Add a concept")


def rename_concept(
    project: Project,
    concept_id: str,
    *,
    name: str | None = None,
    trigger: str | None = None,
    class_noun: str | None = None,
) -> Change:
    """Change a concept's words; what is None stays."""
    with project.transaction():
        old = queries.concept(project, concept_id)
        before = {"name": old.name, "trigger": old.trigger, "class_noun": old.class_noun}
        after = {
            "name": old.name if name is None else words(name, "The name"),
            "trigger": old.trigger if trigger is None else words(trigger, "The trigger", empty=True),
            "class_noun": old.class_noun if class_noun is None else words(class_noun, "The class", empty=True),
        }
        change = RowChange("concepts", concept_id, before, after)
        return commit(project, [change], parts=_CONCEPTS, title="Rename a concept", ids=[concept_id])


def remove_concept(project: Project, concept_id: str) -> Change:
    """Remove a concept with its pictures; its trainings stay."""
    with project.transaction():
        queries.concept(project, concept_id)
        change = RowChange("concepts", concept_id, {"removed": None}, {"removed": time.time()})
        parts = _CONCEPTS | _IMAGES
        return commit(project, [change], parts=parts, title="Remove a concept", ids=[concept_id])


def reorder_concepts(project: Project, concept_ids: Sequence[str]) -> Change:
    """Put the named concepts into this order, in the places that they hold together."""
    with project.transaction():
        old = queries.concepts(project)
        order = reordered([item.id for item in old], concept_ids, "concept")
        positions = {item.id: item.position for item in old}
        changes = [
            RowChange("concepts", key, {"position": positions[key]}, {"position": place})
            for place, key in enumerate(order)
        ]
        return commit(project, changes, parts=_CONCEPTS, title="Reorder the concepts", ids=concept_ids)


# --- captions


def set_caption(project: Project, image_ids: Sequence[str], text: str) -> Change:
    """Give the same words to one picture or several."""
    caption = _caption(text)
    return _recaption(project, image_ids, lambda _old: caption, title=f"Caption {counted(image_ids, 'picture')}")


def replace_in_captions(project: Project, image_ids: Sequence[str], find: str, replacement: str) -> Change:
    """Replace every occurrence of `find` (upper and lower case matter) in the pictures' captions."""
    if not find:
        return nothing("Replace in captions")
    return _recaption(
        project, image_ids, lambda old: old.replace(find, replacement), title=f"Replace “{find[:20]}” in captions"
    )


def add_to_captions(project: Project, image_ids: Sequence[str], *, prefix: str = "", suffix: str = "") -> Change:
    """Put words before and after the captions, joined as given."""
    return _recaption(project, image_ids, lambda old: f"{prefix}{old}{suffix}", title="Add to captions")


# --- pictures


def remove_images(project: Project, image_ids: Sequence[str]) -> Change:
    """Take pictures out; their files stay until `projects.upkeep.purge`."""
    with project.transaction():
        found = pick(project, image_ids)
        now = time.time()
        changes = [RowChange("images", item.id, {"removed": None}, {"removed": now}) for item in found]
        return commit(project, changes, parts=_IMAGES, title=f"Remove {counted(found, 'picture')}", ids=image_ids)


def restore_images(project: Project, image_ids: Sequence[str]) -> Change:
    """Bring removed pictures back.

    Raises:
        ProjectError: one was deleted for good.
    """
    with project.transaction():
        changes = []
        for image_id in dict.fromkeys(image_ids):
            found = project.rows("SELECT removed FROM images WHERE id = ?", (image_id,))
            if not found:
                raise ProjectError("The picture is no longer there", "It was deleted for good.")
            changes.append(RowChange("images", image_id, {"removed": found[0]["removed"]}, {"removed": None}))
        return commit(project, changes, parts=_IMAGES, title=f"Restore {counted(changes, 'picture')}", ids=image_ids)


def move_images(project: Project, image_ids: Sequence[str], concept_id: str | None) -> Change:
    """Move pictures to the end of another concept, or out of all of them, to segment them."""
    with project.transaction():
        if concept_id is not None:
            queries.concept(project, concept_id)
        found = [item for item in pick(project, image_ids) if item.concept_id != concept_id]
        first = _end_of(project, concept_id)
        changes = [
            RowChange(
                "images",
                item.id,
                {"concept_id": item.concept_id, "position": item.position},
                {"concept_id": concept_id, "position": first + place},
            )
            for place, item in enumerate(found)
        ]
        return commit(
            project, changes, parts=_IMAGES, title=f"Move {counted(found, 'picture')}", ids=[i.id for i in found]
        )


def reorder(project: Project, image_ids: Sequence[str]) -> Change:
    """Put the named pictures of one page into this order, in the places that they hold together."""
    with project.transaction():
        picked = pick(project, image_ids)
        if not picked:
            return nothing("Reorder the pictures")
        page = picked[0].concept_id
        old = queries.images_to_segment(project) if page is None else queries.images(project, page)
        order = reordered([item.id for item in old], image_ids, "picture")
        positions = {item.id: item.position for item in old}
        changes = [
            RowChange("images", key, {"position": positions[key]}, {"position": place})
            for place, key in enumerate(order)
        ]
        return commit(project, changes, parts=_IMAGES, title="Reorder the pictures", ids=image_ids)


def set_repeats(project: Project, image_ids: Sequence[str], repeats: int) -> Change:
    """Say how often pictures are seen in one round of training (1 to 1000)."""
    if not 1 <= repeats <= MOST_REPEATS:
        raise ProjectError("That many repeats are not possible", f"Repeats go from 1 to {MOST_REPEATS}.")
    with project.transaction():
        found = pick(project, image_ids)
        changes = [RowChange("images", item.id, {"repeats": item.repeats}, {"repeats": repeats}) for item in found]
        return commit(project, changes, parts=_IMAGES, title=f"Repeat {counted(found, 'picture')}", ids=image_ids)


def set_mask(project: Project, image_id: str, file: str | None) -> Change:
    """Give a picture the mask that `projects.masks.save_mask` stored under `file`, or none.

    Raises:
        ProjectError: the file is not a mask of this project.
    """
    if file is not None and (not file.startswith("masks/") or not project.path(file).is_file()):
        raise ProjectError("The mask is not there", f"{file} is not one of the project's masks.")
    with project.transaction():
        old = queries.image(project, image_id)
        if old.mask is not None:  # undo may want it back: from now on, and not from when it was drawn, it counts as old
            with suppress(OSError):
                os.utime(project.path(old.mask))
        change = RowChange("images", image_id, {"mask": old.mask}, {"mask": file})
        title = "Remove the mask" if file is None else "Change the mask"
        return commit(project, [change], parts=frozenset({"masks"}), title=title, ids=[image_id])


# --- runs


def record_run(
    project: Project, run_id: str, title: str, *, concept_id: str | None = None, created: float | None = None
) -> Change:
    """List the training whose folder is `runs/<run_id>`; `created` in seconds since 1970, now when None.

    Raises:
        ProjectError: it is listed already.
    """
    with project.transaction() as connection:
        if project.rows("SELECT id FROM runs WHERE id = ?", (run_id,)):
            raise ProjectError("The training is listed already", f"The project knows {run_id!r}.")
        if concept_id is not None:
            queries.concept(project, concept_id)
        connection.execute(
            "INSERT INTO runs (id, concept_id, title, created, note, favourite) VALUES (?, ?, ?, ?, '', 0)",
            (run_id, concept_id, words(title, "The title"), time.time() if created is None else created),
        )
    return arrived({"runs": [run_id]}, parts=_RUNS, title="Add a training")


def rename_run(project: Project, run_id: str, title: str) -> Change:
    """Give a training another title (its folder keeps its own)."""
    with project.transaction():
        old = queries.run(project, run_id)
        change = RowChange("runs", run_id, {"title": old.title}, {"title": words(title, "The title")})
        return commit(project, [change], parts=_RUNS, title="Rename a training", ids=[run_id])


def set_run_note(project: Project, run_id: str, note: str) -> Change:
    """Write down the person's own words about a training."""
    if len(note) > LONGEST_NOTE:
        raise ProjectError("The note is too long", f"Up to {LONGEST_NOTE} characters fit.")
    with project.transaction():
        old = queries.run(project, run_id)
        change = RowChange("runs", run_id, {"note": old.note}, {"note": readable_text(note)})
        return commit(project, [change], parts=_RUNS, title="Note on a training", ids=[run_id])


def set_favourite(project: Project, run_id: str, favourite: bool) -> Change:
    """Mark a training as a favourite, or not."""
    with project.transaction():
        old = queries.run(project, run_id)
        change = RowChange("runs", run_id, {"favourite": int(old.favourite)}, {"favourite": int(favourite)})
        return commit(project, [change], parts=_RUNS, title="Mark a training", ids=[run_id])


def remove_run(project: Project, run_id: str) -> Change:
    """Take a training off the list; its folder stays."""
    with project.transaction():
        queries.run(project, run_id)
        change = RowChange("runs", run_id, {"removed": None}, {"removed": time.time()})
        return commit(project, [change], parts=_RUNS, title="Remove a training", ids=[run_id])


# --- helpers


def _recaption(project: Project, image_ids: Sequence[str], rewrite: Callable[[str], str], *, title: str) -> Change:
    with project.transaction():
        changes = [
            RowChange("images", item.id, {"caption": item.caption}, {"caption": _caption(rewrite(item.caption))})
            for item in pick(project, image_ids)
        ]
        return commit(project, changes, parts=frozenset({"captions"}), title=title, ids=image_ids)


def _end_of(project: Project, concept_id: str | None) -> int:
    found = project.rows("SELECT coalesce(max(position) + 1, 0) FROM images WHERE concept_id IS ?", (concept_id,))
    return int(found[0][0])


def _caption(text: str) -> str:
    if len(text) > LONGEST_CAPTION:
        raise ProjectError("The caption is too long", f"Up to {LONGEST_CAPTION} characters fit.")
    return readable_text(text)
