"""The register of slots: a subject keeps its own, a new one gets a free one, and nobody gets another's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engines.api.errors import SettingsError
from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.launch.folder import create_run, read_job

IMAGES = [JobImage(file="images/a.png", caption="")]


def job(word: str, *, slot: int = 0, rank: int = 8, method: str = "orthogonal", created: float = 1.0) -> Job:
    settings: dict[str, int] = {"rank": rank, "slot": slot} if method == "orthogonal" else {"rank": rank}
    concept = JobConcept(name=word.capitalize(), trigger=word)
    return Job(
        id=f"run-{word}", title=word, created=created, concept=concept, method=JobMethod(name=method, settings=settings)
    )


def slot_of(folder: Path) -> object:
    return read_job(folder).method.settings["slot"]


def test_subjects_get_the_first_free_slots_and_keep_them(tmp_path: Path) -> None:
    given = [slot_of(create_run(tmp_path, job(word), IMAGES)) for word in ("tobi", "quibo", "zumo")]
    assert given == [1, 2, 3]
    assert slot_of(create_run(tmp_path, job("quibo"), IMAGES)) == 2


def test_another_rank_never_overlaps(tmp_path: Path) -> None:
    create_run(tmp_path, job("tobi", rank=8), IMAGES)
    create_run(tmp_path, job("quibo", rank=8), IMAGES)
    assert slot_of(create_run(tmp_path, job("zumo", rank=16), IMAGES)) == 2
    assert slot_of(create_run(tmp_path, job("fizzo", rank=4), IMAGES)) == 9


def test_a_taken_slot_is_refused_with_a_free_one_named(tmp_path: Path) -> None:
    create_run(tmp_path, job("tobi", slot=1), IMAGES)
    with pytest.raises(SettingsError) as caught:
        create_run(tmp_path, job("quibo", slot=1), IMAGES)
    assert "Tobi" in caught.value.title
    assert "Slot 2 is free" in caught.value.hint
    assert len(list((tmp_path / "runs").iterdir())) == 1, "no half-written run"


def test_when_all_are_taken_it_says_how_many_there_are(tmp_path: Path) -> None:
    for number in range(2):
        create_run(tmp_path, job(f"word{number}", rank=48), IMAGES)
    with pytest.raises(SettingsError, match="All 2 slots of rank 48"):
        create_run(tmp_path, job("zumo", rank=48), IMAGES)


def test_methods_without_slots_take_none_and_a_damaged_run_is_no_obstacle(tmp_path: Path) -> None:
    first = create_run(tmp_path, job("tobi", method="lora"), IMAGES)
    assert "slot" not in read_job(first).method.settings
    (first / "job.json").write_text("{")
    assert slot_of(create_run(tmp_path, job("quibo"), IMAGES)) == 1


def test_the_newest_slot_of_a_subject_counts(tmp_path: Path) -> None:
    create_run(tmp_path, job("tobi", slot=3, created=1.0), IMAGES)
    create_run(tmp_path, job("tobi", slot=5, created=2.0), IMAGES)
    assert slot_of(create_run(tmp_path, job("tobi", created=3.0), IMAGES)) == 5
    shutil.rmtree(tmp_path / "runs" / "run-tobi-2")
    assert slot_of(create_run(tmp_path, job("tobi", created=4.0), IMAGES)) in {3, 5}
