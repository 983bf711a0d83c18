"""Adapting, through the frame as every job runs: learns, measures, keeps, resumes to the same bits, and says what it left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines.api import commands as cmd
from engines.api import events as ev
from engines.api.errors import AdapterError
from engines.api.job import JobMethod
from engines.api.recipe import LoopSettings, SampleSettings
from engines.api.segment_job import Scene, SceneObject, SegmentData, SegmentJob, SegmentObjective, SegmentRecipe
from engines.core.run import EXPECTED, FINE, STOPPED, run_folder
from engines.launch.folder import create_run
from engines.launch.follow import read_state
from engines.launch.inbox import send
from engines.segmentation.adapter_file import CLASS_TOKENS, attach_for_use, read_segment_adapter, write_segment_adapter
from engines.segmentation.objective import unmarked_errors
from engines.segmentation.tuners import registry
from projects.regions.mask import Mask
from tests.segmentation.support import answer, open_tiny, write_tiny

pytestmark = pytest.mark.usefixtures("heard_at_once")

STEPS = 6


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


def disc(width: int, height: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc on noise, and its mask."""
    draws = np.random.default_rng(seed)
    picture = draws.integers(0, 120, (height, width, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:height, :width]
    centre = draws.uniform(0.3, 0.7, 2) * (height, width)
    mask = np.hypot(rows - centre[0], columns - centre[1]) < min(height, width) * draws.uniform(0.15, 0.3)
    picture[mask] = picture[mask] // 4 + 180
    return picture, mask


def scenes(root: Path, count: int = 6) -> list[Scene]:
    (root / "images").mkdir(parents=True)
    found = []
    for number in range(count):
        width, height = [(96, 80), (64, 100), (130, 130)][number % 3]
        picture, mask = disc(width, height, number)
        Image.fromarray(picture).save(root / f"images/{number}.png")
        objects = (SceneObject(label=number % 2, counts=Mask.of(mask).text),)
        split = "validation" if number >= count - 2 else "train"
        found.append(Scene(file=f"images/{number}.png", width=width, height=height, split=split, objects=objects))
    return found


def a_job(base: Path, tuner: str = "decoder", **settings: object) -> SegmentJob:
    recipe = SegmentRecipe(
        data=SegmentData(views="turned", prompts="both"),
        loop=LoopSettings(
            steps=STEPS, batch_size=2, checkpoint_every=2, validate_every=3, warmup=1, device="cpu", precision="fp32"
        ),
        samples=SampleSettings(every=3),
    )
    changed = {name: settings.pop(name) for name in list(settings) if name in {"data", "start_from"}}
    return SegmentJob(
        id="r",
        title="Discs",
        created=5.0,
        base=f"file:{base}",
        method=JobMethod(name=tuner, settings=settings),
        classes=("disc", "other"),
        recipe=recipe.model_copy(update={key: value for key, value in changed.items() if key == "data"}),
        start_from=changed.get("start_from", ""),
    )


def measured(folder: Path) -> list[float]:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event.loss for line in lines if isinstance(event := ev.from_line(line), ev.Validation)]


def told(folder: Path) -> list[ev.Note]:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for line in lines if isinstance(event := ev.from_line(line), ev.Note)]


@pytest.mark.parametrize("tuner", [name for name, _ in registry().items()])
def test_every_tuner_runs_from_start_to_end(tuner: str, tiny: Path, tmp_path: Path) -> None:
    folder = create_run(tmp_path, a_job(tiny, tuner), scenes(tmp_path))
    assert run_folder(folder) == FINE
    state = read_state(folder)
    assert state.result is not None
    losses = measured(folder)
    assert len(losses) == 3
    assert losses[-1] != losses[0]
    found = read_segment_adapter(folder / state.result.adapter)
    assert found.classes == ("disc", "other")
    assert found.tuner == tuner
    model = open_tiny(tiny)
    before = answer(model)
    tuning, tokens = attach_for_use(found, model)
    assert tokens is not None
    assert tokens.shape == (2, 32)
    assert not torch.equal(answer(model), before)
    tuning.detach()
    assert torch.equal(answer(model), before)
    with Image.open(next((folder / "samples").glob("*.png"))) as picture:
        assert picture.size in {(96, 80), (64, 100), (130, 130)}


def test_a_wish_to_compile_is_answered(tiny: Path, tmp_path: Path) -> None:
    job = a_job(tiny)
    loop = job.recipe.loop.model_copy(update={"compile": True, "steps": 1})
    job = job.model_copy(update={"recipe": job.recipe.model_copy(update={"loop": loop})})
    folder = create_run(tmp_path, job, scenes(tmp_path))
    assert run_folder(folder) == FINE
    assert any(note.title == "Segmentation models are not compiled" for note in told(folder))


@pytest.mark.parametrize(
    ("tuner", "settings"), [("decoder", {}), ("adaptformer", {"experts": 2, "dropout": 0.2}), ("salt", {})]
)
def test_left_and_resumed_gives_the_same_file(
    tuner: str, settings: dict[str, object], tiny: Path, tmp_path: Path
) -> None:
    undisturbed = create_run(tmp_path / "one", a_job(tiny, tuner, **settings), scenes(tmp_path / "one"))
    assert run_folder(undisturbed) == FINE
    left = create_run(tmp_path / "two", a_job(tiny, tuner, **settings), scenes(tmp_path / "two"))

    class Interrupted(Exception):
        pass

    from engines.segmentation.adapt import Adapt, build

    def stopping(job: object, images: object, root: Path, run: Path, device: object) -> Adapt:
        task = build(job, images, root, run, device)  # type: ignore[arg-type]
        plain: Callable[[object], torch.Tensor] = task.loss
        steps = iter(range(100))

        def loss(batch: object) -> torch.Tensor:
            if next(steps) == 3:
                send(run, cmd.Stop(keep=False))
            return plain(batch)

        task.loss = loss  # type: ignore[method-assign]
        return task

    assert run_folder(left, task_builder=stopping) == STOPPED
    assert run_folder(left, resume=True) == FINE
    one, two = ((folder / "adapter.safetensors").read_bytes() for folder in (undisturbed, left))
    assert one == two


def test_it_learns_to_find_what_it_was_shown(tiny: Path, tmp_path: Path) -> None:
    data = SegmentData(prompts="automatic", views="as they are")
    job = a_job(tiny, "decoder", data=data)
    loop = job.recipe.loop.model_copy(
        update={"steps": 60, "learning_rate": 5e-3, "validate_every": 60, "checkpoint_every": 100}
    )
    samples = SampleSettings(every=0)
    job = job.model_copy(
        update={"classes": ("disc",), "recipe": job.recipe.model_copy(update={"loop": loop, "samples": samples})}
    )
    pictures = [
        one.model_copy(update={"split": "train", "objects": (one.objects[0].model_copy(update={"label": 0}),)})
        for one in scenes(tmp_path, 3)
    ]
    folder = create_run(tmp_path, job, pictures)
    assert run_folder(folder) == FINE
    first, last = measured(folder)
    assert last < first - 0.2


def test_pictures_without_masks_make_a_finished_adapter_surer(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    first = create_run(tmp_path, a_job(tiny, "lora"), pictures)
    assert run_folder(first) == FINE
    bare = [one.model_copy(update={"objects": (), "split": "train"}) for one in pictures]
    start = f"runs/{first.name}/adapter.safetensors"
    objective = SegmentObjective(unmarked_weight=1.0, least_share=0.05, most_share=0.3)

    def again(**recipe: object) -> Path:
        job = a_job(tiny, "lora", start_from=start, data=SegmentData(prompts="both"))
        loop = job.recipe.loop.model_copy(update={"steps": 20, "learning_rate": 1e-3, "validate_every": 20})
        changed = job.recipe.model_copy(update={"objective": objective, "loop": loop, **recipe})
        return create_run(tmp_path, job.model_copy(update={"recipe": changed}), bare)

    folder = again()
    assert run_folder(folder) == FINE
    before, after = measured(folder)
    assert after < before
    refused = again(data=SegmentData(prompts="clicks"))
    assert run_folder(refused) == EXPECTED


def test_the_size_of_a_class_is_held_to_what_is_known_of_it() -> None:
    valid = torch.ones(1, 8, 8)
    everything, nothing = torch.full((1, 8, 8), 9.0), torch.full((1, 8, 8), -9.0)
    free, bound = (
        SegmentObjective(unmarked_weight=1.0),
        SegmentObjective(unmarked_weight=1.0, least_share=0.2, most_share=0.4),
    )
    for sure in (everything, nothing):
        assert float(unmarked_errors(sure, valid, free)) < 0.01
        assert float(unmarked_errors(sure, valid, bound)) > 0.3
    third = torch.where(torch.arange(64).view(1, 8, 8) < 20, 9.0, -9.0)
    assert float(unmarked_errors(third, valid, bound)) < 0.01


def test_pictures_that_cannot_be_used_are_named_and_the_rest_is_learned(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    (tmp_path / pictures[0].file).unlink()
    damaged = pictures[1].model_copy(update={"objects": (SceneObject(label=0, counts="~~"),)})
    empty = pictures[2].model_copy(
        update={"objects": (SceneObject(label=0, counts=Mask.of(np.zeros((130, 130), bool)).text),)}
    )
    folder = create_run(tmp_path, a_job(tiny), [pictures[0], damaged, empty, *pictures[3:]])
    assert run_folder(folder) == FINE
    texts = [f"{note.title} {note.text}" for note in told(folder)]
    assert any("A picture is missing" in text for text in texts)
    assert any("A mask is damaged" in text for text in texts)


def test_nothing_marked_is_refused_before_anything_is_learned(tiny: Path, tmp_path: Path) -> None:
    bare = [one.model_copy(update={"objects": ()}) for one in scenes(tmp_path)]
    folder = create_run(tmp_path, a_job(tiny), bare)
    assert run_folder(folder) == EXPECTED
    assert not (folder / "adapter.safetensors").exists()


def test_an_adapter_of_another_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = create_run(tmp_path, a_job(tiny, "lora"), scenes(tmp_path))
    assert run_folder(folder) == FINE
    found = read_segment_adapter(folder / "adapter.safetensors")
    other = open_tiny(write_tiny(tmp_path, seed=1))
    before = answer(other)
    with pytest.raises(AdapterError, match="another model"):
        attach_for_use(found, other)
    assert torch.equal(answer(other), before)
    with pytest.raises(AdapterError, match="not overwritten"):
        write_segment_adapter(found, folder / "adapter.safetensors")


def test_damaged_adapter_files_are_refused_in_words(tiny: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    folder = create_run(tmp_path, a_job(tiny, "lora"), scenes(tmp_path))
    assert run_folder(folder) == FINE
    found = read_segment_adapter(folder / "adapter.safetensors")
    for name, changed, words in [
        ("nan", replace(found, tensors={**found.tensors, CLASS_TOKENS: torch.full((2, 32), torch.nan)}), "not finite"),
        ("no-classes", replace(found, classes=()), "not complete"),
    ]:
        file = tmp_path / f"{name}.safetensors"
        write_segment_adapter(changed, file)
        with pytest.raises(AdapterError, match=words):
            read_segment_adapter(file)
    short = tmp_path / "short.safetensors"
    write_segment_adapter(replace(found, tensors={CLASS_TOKENS: torch.zeros(2, 32)}), short)
    with pytest.raises(AdapterError, match="missing or too many"):
        attach_for_use(read_segment_adapter(short), open_tiny(tiny))
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((folder / "adapter.safetensors").read_bytes()[:2000])
    with pytest.raises(AdapterError):
        read_segment_adapter(cut)
