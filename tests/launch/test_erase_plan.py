"""From words to an erasure: what cannot work is refused before anything is made, in words a person can act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.api.catalog import DeviceEntry
from engines.api.erase_job import MOST_TARGETS, EraseJob
from engines.api.errors import AdapterError, JobError, SettingsError
from engines.launch.erase_forecast import pictures, step_flops
from engines.launch.erase_plan import eraser_inside, erasures, plan_erasure
from engines.launch.eraser_marks import KEY, Mark, pack, unpack
from engines.launch.folder import create_run, load_any_job, read_job
from engines.launch.outlooks import outlook_of, remedy_of, work_of


@pytest.mark.parametrize(
    ("targets", "surrogates", "title"),
    [
        ([], [], "nothing to erase"),
        (["snowman", "  "], [], "nothing to erase"),
        (["\u200b"], [], "nothing to erase"),
        (["a"] * (MOST_TARGETS + 150), [], "Too much"),
        (["snowman"], ["SnowMan "], "stand in for itself"),
        (["snowman", "bear", "duck"], ["ball", "cube"], "do not match"),
        (["x" * 300], [], "too long"),
    ],
)
def test_words_that_cannot_be_erased_are_refused(targets: list[str], surrogates: list[str], title: str) -> None:
    with pytest.raises(SettingsError, match=title) as caught:
        erasures(targets, surrogates)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("targets", "surrogates", "keep", "title"),
    [
        (["snowman"], [], ["duck", "Snowman"], "to go and to stay"),
        (["snowman", "snowman "], [], [], "named twice"),
        (["snowman", "bear"], ["bear", "duck"], [], "to be erased too"),
    ],
)
def test_wishes_that_contradict_each_other_are_refused(
    targets: list[str], surrogates: list[str], keep: list[str], title: str
) -> None:
    with pytest.raises(SettingsError, match=title) as caught:
        plan_erasure(erasures(targets, surrogates), keep=keep)
    assert caught.value.hint


def test_one_surrogate_stands_for_all_and_synonyms_find_their_target() -> None:
    found = erasures(["snow  man", "bear"], ["duck"], {"bear": ["teddy"]})
    assert [(one.target, one.surrogate, one.synonyms) for one in found] == [
        ("snow man", "duck", ()),
        ("bear", "duck", ("teddy",)),
    ]


def test_a_planned_run_reads_back_as_what_it_is(tmp_path: Path) -> None:
    job = plan_erasure(erasures(["snowman", "bear"]), keep=["duck", "duck", " "])
    folder = create_run(tmp_path, job, [])
    found, images = load_any_job(folder)
    assert isinstance(found, EraseJob)
    assert found.model_copy(update={"id": job.id}) == job
    assert found.keep == ("duck",)
    assert found.title == "Without snowman, bear"
    assert images == []
    with pytest.raises(JobError, match="another kind"):
        read_job(folder)


def test_only_erasers_of_the_project_can_act_before(tmp_path: Path) -> None:
    inside = tmp_path / "project" / "runs" / "one"
    inside.mkdir(parents=True)
    (inside / "adapter.safetensors").write_bytes(b"x")
    assert eraser_inside(tmp_path / "project", inside) == "runs/one/adapter.safetensors"
    (tmp_path / "other.safetensors").write_bytes(b"x")
    with pytest.raises(JobError, match="outside"):
        eraser_inside(tmp_path / "project", tmp_path / "other.safetensors")
    with pytest.raises(JobError, match="not here"):
        eraser_inside(tmp_path / "project", tmp_path / "nothing")


def test_the_forecast_counts_steps_and_measuring() -> None:
    device = DeviceEntry(kind="cpu", title="A", memory_bytes=2**34, memory_free_bytes=2**33, precisions=("fp32",))
    membrane, solved = (plan_erasure(erasures(["snowman"]), method=method) for method in ("spm", "uce"))
    slow, quick = outlook_of(membrane, device), outlook_of(solved, device)
    assert slow.forecast.seconds > quick.forecast.seconds > 0
    assert slow.fits
    assert str(2 * pictures(membrane)) in slow.forecast.text
    assert step_flops(membrane) > step_flops(plan_erasure(erasures(["snowman"]), method="esd"))
    work, flops = work_of(membrane)
    assert work.startswith("erase spm")
    assert flops == step_flops(membrane)
    tight = device.model_copy(update={"memory_free_bytes": 2**20})
    assert outlook_of(membrane, tight).remedy == remedy_of(membrane) != ""


def test_marks_go_round_and_damaged_ones_are_refused() -> None:
    marks = (Mark("snowman", "bear", 1, 0.9), Mark("red", rows=2))
    assert unpack(pack(marks)) == marks
    assert unpack({}) == ()
    floor_of_one = '[{"target": "a", "surrogate": "", "rows": 1, "floor": 1.0}]'
    for text in ("[", "[1]", '[{"target": ""}]', floor_of_one, "x" * 2**21, "[" * 100_000):
        with pytest.raises(AdapterError, match="damaged"):
            unpack({KEY: text})
