"""`segment adapt` and `segment evaluate`: from marked pictures to an adapter and its report, and plain words when something is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engines.api.errors import JobError, SettingsError
from engines.cli import adapting
from engines.launch.folder import run_folders
from engines.launch.segment_plan import plan_adaptation, start_of
from projects import edits_regions, queries
from projects.edits_regions import NewRegion
from projects.importing import import_paths
from projects.project import Project
from projects.regions.mask import Mask
from tests.segmentation.support import write_tiny
from tests.segmentation.test_adapt import disc


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A project with eight pictures of discs, seven of them marked."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    masks = {}
    for number in range(8):
        picture, mask = disc(90 + 4 * number, 80, number)
        Image.fromarray(picture).save(pictures / f"disc{number}.png")
        masks[f"disc{number}.png"] = mask
    root = tmp_path / "project"
    with Project.create(root, "Discs") as project:
        import_paths(project, [pictures], None)
        (label,) = edits_regions.add_label(project, "disc").ids
        images = queries.images_to_segment(project)
        regions = [NewRegion(one.id, label, Mask.of(masks[one.original_name]), "brush") for one in images[:7]]
        edits_regions.add_regions(project, regions)
    return root


def test_marked_pictures_become_an_adapter_and_a_report(
    marked: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["method.parts=light", "loop.batch_size=1", "loop.device=cpu", "samples.every=0"]
    code = adapting.adapt(
        marked,
        tuner="decoder",
        base=f"file:{tiny}",
        prompts="both",
        steps=3,
        start_from=None,
        title="",
        settings=settings,
        as_json=True,
    )
    assert code == 0
    (run,) = (marked / "runs").iterdir()
    job = json.loads((run / "job.json").read_text(encoding="utf-8"))
    assert job["kind"] == "segment"
    assert job["classes"] == ["disc"]
    assert job["method"] == {"name": "decoder", "settings": {"parts": "light"}}
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 7
    assert {line["split"] for line in lines} >= {"train", "validation"}
    capsys.readouterr()
    assert adapting.evaluate(run, split="validation", clicks=False, as_json=False) == 0
    assert "One click in the middle" in capsys.readouterr().out
    report = json.loads((run / adapting.EVALUATION).read_text(encoding="utf-8"))
    assert set(report["ways"]) == {"click", "box", "automatic"}


def test_pictures_without_masks_go_on_from_a_finished_adapter(marked: Path, tiny: Path) -> None:
    settings = ["loop.batch_size=1", "loop.device=cpu", "samples.every=0"]
    kept = {"base": f"file:{tiny}", "steps": 2, "title": "", "as_json": True}
    assert adapting.adapt(marked, tuner="salt", prompts="automatic", start_from=None, settings=settings, **kept) == 0
    (first,) = (marked / "runs").iterdir()
    more = [*settings, "objective.unmarked_weight=1", "objective.most_share=0.4"]
    assert adapting.adapt(marked, tuner="decoder", prompts="both", start_from=first, settings=more, **kept) == 0
    second = next(run for run in run_folders(marked) if run != first)
    job = json.loads((second / "job.json").read_text(encoding="utf-8"))
    assert job["method"]["name"] == "salt"
    assert job["recipe"]["data"]["prompts"] == "automatic"
    assert job["start_from"] == f"runs/{first.name}/adapter.safetensors"
    assert len((second / "samples.jsonl").read_text(encoding="utf-8").splitlines()) == 8
    with Project.open(marked) as project:
        start = start_of(marked, first)
        (label,) = edits_regions.add_label(project, "other").ids
        image = queries.images_to_segment(project)[0]
        mask = Mask.from_text(queries.regions(project, image.id)[0].counts, image.width, image.height)
        edits_regions.add_regions(project, [NewRegion(image.id, label, mask, "brush")])
        with pytest.raises(JobError, match="does not know all labels"):
            plan_adaptation(project, start=start)
    with pytest.raises(JobError, match="outside the project"):
        start_of(marked, tiny)


def test_settings_are_refused_before_anything_is_made(marked: Path, tiny: Path) -> None:
    for tuner, settings in (("lora", ["method.rank=0"]), ("nothing", []), ("lora", ["loop.steps=-1"])):
        with pytest.raises(SettingsError):
            adapting.adapt(
                marked,
                tuner=tuner,
                base=f"file:{tiny}",
                prompts="both",
                steps=None,
                title="",
                settings=settings,
                as_json=True,
            )
    assert not (marked / "runs").exists() or not list((marked / "runs").iterdir())


def test_nothing_marked_is_said(tmp_path: Path) -> None:
    with Project.create(tmp_path / "bare", "Bare") as project, pytest.raises(JobError, match="Nothing is marked"):
        plan_adaptation(project)


def test_pictures_that_hold_nothing_are_learned_from_where_that_teaches(marked: Path) -> None:
    from engines.api.segment_job import SegmentData, SegmentObjective, SegmentRecipe

    with Project.open(marked) as project:
        images = queries.images_to_segment(project)
        edits_regions.set_checked_empty(project, [images[0].id, images[7].id])
        _job, scenes = plan_adaptation(project)
        assert [scene.file for scene in scenes if scene.empty] == [images[7].file], (
            "marks count for more than the check"
        )
        assert len(scenes) == 8
        clicks = SegmentRecipe(data=SegmentData(prompts="clicks"))
        assert len(plan_adaptation(project, recipe=clicks)[1]) == 7
        unmarked = SegmentRecipe(objective=SegmentObjective(unmarked_weight=1.0))
        assert images[7].file not in {scene.file for scene in plan_adaptation(project, recipe=unmarked)[1]}
        edits_regions.remove_labels(project, [queries.labels(project)[0].id])
        with pytest.raises(JobError, match="Nothing is marked"):
            plan_adaptation(project)


def test_proposals_that_nobody_accepted_teach_nothing(marked: Path) -> None:
    with Project.open(marked) as project:
        images = queries.images_to_segment(project)
        regions = [region.id for image in images for region in queries.regions(project, image.id)]
        edits_regions.accept_regions(project, regions[1:], accepted=False)
        job, scenes = plan_adaptation(project, title="One")
        assert job.title == "One"
        assert [len(scene.objects) for scene in scenes] == [1]
        edits_regions.set_split(project, [images[0].id], "test")
        with pytest.raises(JobError, match="kept for measuring"):
            plan_adaptation(project)


def test_a_run_of_another_kind_is_not_evaluated_here(marked: Path) -> None:
    with pytest.raises(JobError):
        adapting.evaluate(marked, split="validation", clicks=False, as_json=False)
