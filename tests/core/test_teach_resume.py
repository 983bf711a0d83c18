"""The real task under the frame: teaching, left and resumed, gives the same adapter file as undisturbed teaching."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.api import commands as cmd
from engines.api.errors import JobError
from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.api.recipe import DataSettings, LoopSettings, ObjectiveSettings, Recipe, SampleSettings
from engines.core import tasks
from engines.core.contracts import Task
from engines.core.devices import Device
from engines.core.run import FINE, STOPPED, run_folder
from engines.launch.folder import create_run
from engines.launch.follow import read_state
from engines.launch.inbox import send

STEPS = 12


def a_run(root: Path, base: Path, settings: dict[str, bool | int]) -> Path:
    draw = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for number, (height, width) in enumerate(((40, 40), (48, 32), (36, 52))):
        pixels = draw.integers(0, 255, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        Image.fromarray(pixels[..., 0]).save(root / "images" / f"{number}-mask.png")
    images = [
        JobImage(
            file=f"images/{number}.png",
            caption="a photo of [trigger]",
            mask=f"images/{number}-mask.png" if number else None,
            repeats=number + 1,
        )
        for number in range(3)
    ]
    recipe = Recipe(
        data=DataSettings(flip=True, caption_dropout=0.3),
        objective=ObjectiveSettings(class_pictures=2, noise_offset=0.05, hold_weight=0.5),
        loop=LoopSettings(
            steps=STEPS,
            batch_size=2,
            accumulate=2,
            device="cpu",
            checkpoint_every=4,
            validate_every=3,
            warmup=2,
            seed=5,
        ),
        samples=SampleSettings(every=5, prompts=("tobi on the moon",), inference_steps=2),
    )
    concept = JobConcept(name="Tobi", trigger="tobi", class_noun="bear")
    method = JobMethod(name="lora", settings=dict(settings))
    job = Job(id="r", title="Tobi", created=5.0, concept=concept, base=f"file:{base}", method=method, recipe=recipe)
    return create_run(root, job, images)


def leaving_at(step: int) -> tasks.TaskBuilder:
    """The real builder, with a wish to leave in the middle of a step."""
    build = tasks.builder("teach")

    def built(job: Job, images: Sequence[JobImage], root: Path, folder: Path, device: Device) -> Task:
        task = build(job, images, root, folder, device)
        loss, calls = task.loss, iter(range(1000))

        def watched(batch: object) -> object:
            if next(calls) == 2 * step - 1:
                send(folder, cmd.Stop(keep=False))
            return loss(batch)

        task.loss = watched  # type: ignore[method-assign, assignment]
        return task

    return built


@pytest.mark.parametrize("settings", [{"rank": 4}, {"rank": 2, "text_encoder": True, "dropout": 0.1}])
def test_teaching_left_and_resumed_gives_the_same_file(
    tmp_path: Path, tiny_sd: Path, settings: dict[str, bool | int]
) -> None:
    calm = a_run(tmp_path / "calm", tiny_sd, settings)
    assert run_folder(calm) == FINE
    left = a_run(tmp_path / "left", tiny_sd, settings)
    assert run_folder(left, task_builder=leaving_at(3)) == STOPPED
    assert read_state(left).checkpoints == ()
    assert run_folder(left, resume=True, task_builder=leaving_at(6)) == STOPPED
    assert [kept.step for kept in read_state(left).checkpoints] == [4]
    assert run_folder(left, resume=True, task_builder=leaving_at(5)) == STOPPED
    assert [kept.step for kept in read_state(left).checkpoints] == [4, 8]
    assert run_folder(left, resume=True) == FINE
    assert (left / "adapter.safetensors").read_bytes() == (calm / "adapter.safetensors").read_bytes()
    assert read_state(left).validation == read_state(calm).validation
    for name in ("state.safetensors", "adapter.safetensors"):
        last = Path("checkpoints") / f"step-{STEPS:06d}" / name
        assert (left / last).read_bytes() == (calm / last).read_bytes()
    made = [sample.file for sample in read_state(calm).samples]
    assert made
    assert made == [sample.file for sample in read_state(left).samples]
    assert all((left / file).read_bytes() == (calm / file).read_bytes() for file in made)


def test_an_unknown_kind_of_job_is_refused_in_words() -> None:
    with pytest.raises(JobError, match="kind of run is unknown"):
        tasks.builder("paint")
