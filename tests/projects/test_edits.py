"""Every edit and its inverse."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import edits, queries
from projects.change import Change
from projects.errors import ProjectError
from projects.project import Project
from tests.projects.rows import add_rows, snapshot


def _captions(project: Project) -> list[str]:
    return [image.caption for image in queries.images(project)]


def test_concepts(project: Project) -> None:
    change = edits.add_concept(project, "  My\n dog ", trigger="sks", class_noun="dog")
    (found,) = queries.concepts(project)
    assert (found.name, found.trigger, found.class_noun) == ("My dog", "sks", "dog")
    assert change.parts == {"concepts"}
    edits.rename_concept(project, found.id, trigger="bela")
    assert queries.concept(project, found.id).trigger == "bela"
    assert queries.concept(project, found.id).name == "My dog"
    second = edits.add_concept(project, "Cat").ids[0]
    edits.reorder_concepts(project, [second, found.id])
    assert [concept.id for concept in queries.concepts(project)] == [second, found.id]


@pytest.mark.parametrize("name", ["", "  \n", "x" * 201])
def test_a_name_must_be_a_name(project: Project, name: str) -> None:
    with pytest.raises(ProjectError, match="name"):
        edits.add_concept(project, name)
    assert queries.concepts(project) == ()


def test_removing_a_concept_hides_its_pictures_and_undo_brings_all_back(project: Project, concept: str) -> None:
    add_rows(project, concept, 3)
    before = snapshot(project)
    change = edits.remove_concept(project, concept)
    assert queries.images(project) == ()
    assert queries.counts(project).images == 0
    with pytest.raises(ProjectError, match="no longer there"):
        queries.concept(project, concept)
    change.inverse(project)
    assert snapshot(project) == before


def test_captions(project: Project, concept: str) -> None:
    ids = add_rows(project, concept, 12)
    edits.set_caption(project, ids, "a dog on grass")
    edits.replace_in_captions(project, ids[:2], "dog", "[trigger] dog")
    edits.add_to_captions(project, ids[:1], prefix="photo, ", suffix=", sunny")
    assert _captions(project)[:3] == [
        "photo, a [trigger] dog on grass, sunny",
        "a [trigger] dog on grass",
        "a dog on grass",
    ]
    with pytest.raises(ProjectError, match="too long"):
        edits.add_to_captions(project, ids, suffix="x" * 4000)
    assert _captions(project)[1] == "a [trigger] dog on grass"


def test_strange_text_is_kept_or_made_storable(project: Project, concept: str) -> None:
    (image,) = add_rows(project, concept, 1)
    edits.set_caption(project, [image], "日本語 👩‍👧 'quoted\"; DROP TABLE images; --")
    assert _captions(project) == ["日本語 👩‍👧 'quoted\"; DROP TABLE images; --"]
    edits.set_caption(project, [image], "lone \udcff surrogate \ud800 and \0 nought")
    assert "\udcff" not in _captions(project)[0]
    assert "\0" not in _captions(project)[0]


def test_moving_and_ordering_pictures(project: Project, concept: str) -> None:
    other = edits.add_concept(project, "Cat").ids[0]
    ids = add_rows(project, concept, 4)
    edits.reorder(project, [ids[3], ids[0]])
    assert [image.id for image in queries.images(project, concept)] == [ids[3], ids[1], ids[2], ids[0]]
    edits.move_images(project, [ids[0], ids[1]], other)
    assert [image.id for image in queries.images(project, other)] == [ids[0], ids[1]]
    assert edits.move_images(project, [ids[0]], other).parts == frozenset()
    with pytest.raises(ProjectError, match="same page"):
        edits.reorder(project, [ids[0], ids[2]])


def test_a_removed_picture_cannot_be_edited_until_it_is_back(project: Project, concept: str) -> None:
    ids = add_rows(project, concept, 2)
    change = edits.remove_images(project, ids[:1])
    assert change.title == "Remove 1 picture"
    with pytest.raises(ProjectError, match="no longer there"):
        edits.set_caption(project, ids, "x")
    assert _captions(project) == [""]
    edits.restore_images(project, ids[:1])
    assert [image.id for image in queries.images(project)] == ids


def test_repeats_have_bounds(project: Project, concept: str) -> None:
    ids = add_rows(project, concept, 1)
    edits.set_repeats(project, ids, 1000)
    for wrong in (0, -1, 1001):
        with pytest.raises(ProjectError, match="repeats"):
            edits.set_repeats(project, ids, wrong)
    assert queries.image(project, ids[0]).repeats == 1000


def test_a_mask_must_be_one_of_the_projects_files(project: Project, concept: str) -> None:
    (image,) = add_rows(project, concept, 1)
    for wrong in ("masks/missing.png", "images/x.png", "../x.png", "masks/../project.db"):
        with pytest.raises(ProjectError):
            edits.set_mask(project, image, wrong)
    (project.root / "masks" / "m.png").touch()
    change = edits.set_mask(project, image, "masks/m.png")
    assert queries.image(project, image).mask == "masks/m.png"
    change.inverse(project)
    assert queries.image(project, image).mask is None


def test_runs(project: Project, concept: str) -> None:
    edits.record_run(project, "2026-11-21-dog", "Dog", concept_id=concept, created=5.0)
    with pytest.raises(ProjectError, match="listed already"):
        edits.record_run(project, "2026-11-21-dog", "Again")
    edits.set_run_note(project, "2026-11-21-dog", "good with 300 steps")
    edits.set_favourite(project, "2026-11-21-dog", True)
    edits.rename_run(project, "2026-11-21-dog", "Bela")
    run = queries.run(project, "2026-11-21-dog")
    assert (run.title, run.note, run.favourite, run.created) == ("Bela", "good with 300 steps", True, 5.0)
    undo = edits.remove_run(project, run.id)
    assert queries.runs(project) == ()
    undo.inverse(project)
    assert queries.runs(project) == (run,)


def test_undo_keeps_what_another_window_changed_meanwhile(project: Project, concept: str) -> None:
    change = edits.rename_concept(project, concept, name="Cat")
    (image,) = add_rows(project, concept, 1)
    caption = edits.set_caption(project, [image], "mine")
    with Project.open(project.root) as other:
        edits.set_repeats(other, [image], 7)
    caption.inverse(project)
    change.inverse(project)
    assert queries.image(project, image).repeats == 7
    assert queries.image(project, image).caption == ""


def test_undo_of_what_is_gone_for_good_is_refused_whole(project: Project, concept: str) -> None:
    ids = add_rows(project, concept, 2)
    change = edits.set_caption(project, ids, "x")
    with project.transaction() as connection:
        connection.execute("DELETE FROM images WHERE id = ?", (ids[0],))
    with pytest.raises(ProjectError, match="no longer there"):
        change.inverse(project)
    assert queries.image(project, ids[1]).caption == "x"


def test_several_edits_as_one(project: Project, concept: str) -> None:
    ids = add_rows(project, concept, 2)
    before = snapshot(project)

    def caption(opened: Project) -> Change:
        return edits.set_caption(opened, ids, "x")

    def remove(opened: Project) -> Change:
        return edits.remove_images(opened, ids[:1])

    change = edits.together(project, [caption, remove], title="Tidy")
    assert change.parts == {"captions", "images"}
    after = snapshot(project)
    again = change.inverse(project)
    assert snapshot(project) == before
    again.inverse(project)
    assert snapshot(project) == after
    with pytest.raises(ProjectError):
        edits.together(project, [caption, remove], title="Fails: one is removed already")
    assert snapshot(project) == after


def test_an_edit_that_changes_nothing_says_so(project: Project, concept: str) -> None:
    assert edits.rename_concept(project, concept, name="Dog").parts == frozenset()
    assert edits.replace_in_captions(project, [], "", "x").ids == ()


Chooser = random.Random
_COUNTER = itertools.count()


def _random_edit(project: Project, choose: Chooser) -> Change:
    """Make any one edit that is possible now."""
    concept_ids = [concept.id for concept in queries.concepts(project)]
    image_ids = [image.id for image in queries.images(project)]
    run_ids = [run.id for run in queries.runs(project)]
    word = choose.choice(["a dog", "größer", "", "x, y", "[trigger] 犬"])
    some = choose.sample(image_ids, choose.randint(1, len(image_ids))) if image_ids else []
    possible: list[Callable[[], Change]] = [
        lambda: edits.add_concept(project, f"Concept {choose.random()}", trigger=word),
        lambda: edits.record_run(project, f"run-{next(_COUNTER)}", "Run", created=choose.random()),
        lambda: edits.set_setting(project, choose.choice("abc"), choose.choice([None, 1, [word], {"k": word}])),
        lambda: edits.rename_project(project, f"Name {choose.random()}"),
    ]
    if concept_ids:
        concept = choose.choice(concept_ids)
        possible += [
            lambda: edits.rename_concept(project, concept, name=f"N{choose.random()}", class_noun=word),
            lambda: edits.remove_concept(project, concept),
            lambda: edits.reorder_concepts(project, choose.sample(concept_ids, len(concept_ids))),
        ]
    if some:
        same_page = [image.id for image in queries.images(project, queries.image(project, some[0]).concept_id)]
        possible += [
            lambda: edits.set_caption(project, some, word),
            lambda: edits.replace_in_captions(project, some, "o", "00"),
            lambda: edits.add_to_captions(project, some, prefix="p ", suffix=" s"),
            lambda: edits.remove_images(project, some),
            lambda: edits.move_images(project, some, choose.choice(concept_ids)),
            lambda: edits.reorder(project, choose.sample(same_page, choose.randint(1, len(same_page)))),
            lambda: edits.set_repeats(project, some, choose.randint(1, 1000)),
            lambda: edits.set_mask(project, some[0], choose.choice([None, "masks/a.png", "masks/b.png"])),
        ]
    if run_ids:
        run = choose.choice(run_ids)
        possible += [
            lambda: edits.set_run_note(project, run, word),
            lambda: edits.set_favourite(project, run, choose.random() < 0.5),
            lambda: edits.rename_run(project, run, f"Run {choose.random()}"),
            lambda: edits.remove_run(project, run),
        ]
    return choose.choice(possible)()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 14))
def test_undoing_all_is_the_start_and_redoing_all_is_the_end(choose: random.Random, count: int) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, Project.create(Path(folder) / "p", "x") as project:
        for name in "ab":
            (project.root / "masks" / f"{name}.png").touch()
            add_rows(project, edits.add_concept(project, name).ids[0], 3)
        states, undo = [snapshot(project)], []
        for _ in range(count):
            undo.append(_random_edit(project, choose).inverse)
            states.append(snapshot(project))
        redo = []
        for expected in reversed(states[:-1]):
            redo.append(undo.pop()(project).inverse)
            assert snapshot(project) == expected
        for expected in states[1:]:
            undo.append(redo.pop()(project).inverse)
            assert snapshot(project) == expected
        for expected in reversed(states[:-1]):
            undo.pop()(project)
            assert snapshot(project) == expected
