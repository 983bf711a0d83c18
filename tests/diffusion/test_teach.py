"""Teaching end to end on a tiny base: what the run asks for, in the order it asks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engines.api.errors import AdapterError, JobError, SettingsError, TrainingError
from engines.core import randomness
from engines.core.contracts import NOTE
from engines.diffusion.exchange import Adapter, read_adapter, write_adapter
from engines.diffusion.teach import Teach, build
from engines.launch.adapter_info import describe
from tests.diffusion.support import CPU, make_job, make_pictures, open_tiny, random_adapter


def prepared(base: Path, root: Path, *, count: int = 3, notes: list[str] | None = None, **job: object) -> Teach:
    images = make_pictures(root, count)
    run = root / "runs" / "run"
    run.mkdir(parents=True, exist_ok=True)
    randomness.seed_all(0)
    task = build(make_job(base, **job), images, root, run, CPU)
    told = [] if notes is None else notes
    task.prepare(lambda phase, text, *_: told.append(text) if phase == NOTE else None)
    return task


def steps(task: Teach, count: int) -> None:
    groups = [{"params": g.parameters, "lr": g.learning_rate} for g in task.trainable.parameter_groups()]
    optimizer = torch.optim.AdamW(groups)
    for _ in range(count):
        task.loss(task.batches.next()).backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"objective": {"class_pictures": 2, "noise_offset": 0.1}},
        {"objective": {"hold_weight": 1.0}},
        {"objective": {"hold_weight": 1.0}, "method": {"rank": 2, "text_encoder": True}},
        {"method": {"rank": 2, "text_encoder": True, "dropout": 0.1, "feed_forward": True}},
        {"method": {"weight_decomposed": True}, "loop": {"gradient_checkpointing": True}},
    ],
    ids=["plain", "class pictures", "held", "held with the text encoder", "text encoder", "decomposed"],
)
def test_a_run_learns_samples_saves_and_verifies(job: dict[str, object], tiny_sd_v: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sd_v, tmp_path, **job)
    before = task.validate()
    steps(task, 6)
    assert task.validate() != before
    made = task.sample(6, tmp_path / "samples")
    assert [one.prompt for one in made] == ["a sks dog"]
    with Image.open(made[0].file) as picture:
        assert picture.size == (32, 32)
    file = tmp_path / "adapter.safetensors"
    task.save_adapter(file, step=6)
    task.verify_adapter(file)
    info = describe(file)
    assert (info.trigger, info.steps, info.method) == ("sks", 6, "lora")


def test_it_really_learns(tiny_sd_v: Path, tmp_path: Path) -> None:
    """Even a base of random weights gets better at three pictures when its adapter is trained on them."""
    method = {"rank": 16, "feed_forward": True}
    task = prepared(tiny_sd_v, tmp_path, method=method, loop={"learning_rate": 2e-2})
    before = task.validate()
    steps(task, 40)
    assert task.validate() < 0.97 * before


def test_equal_runs_give_equal_files(tiny_sd: Path, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        task = prepared(tiny_sd, tmp_path / "project", method={"rank": 4, "dropout": 0.2})
        randomness.seed_all(3)
        steps(task, 3)
        files.append(tmp_path / f"{number}.safetensors")
        task.save_adapter(files[-1], step=3)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_measuring_and_sampling_disturb_nothing(tiny_sd: Path, tmp_path: Path) -> None:
    """Random states and dropout go on as if nothing had happened; samples do not depend on them either."""
    task = prepared(tiny_sd, tmp_path, method={"rank": 4, "dropout": 0.5})
    steps(task, 2)
    before = randomness.capture()
    dropouts = [m for n in task._ready.base.networks().values() for m in n.modules() if isinstance(m, torch.nn.Dropout)]
    modes = [module.training for module in dropouts]
    first = (task.validate(), task.sample(2, tmp_path / "a")[0].file.read_bytes())
    after = randomness.capture()
    assert after.plain == before.plain
    assert all(torch.equal(stream, after.tensors[name]) for name, stream in before.tensors.items())
    assert modes == [module.training for module in dropouts]
    assert any(modes)
    torch.randn(10)
    second = (task.validate(), task.sample(2, tmp_path / "b")[0].file.read_bytes())
    assert first == second


def test_masks_change_what_is_learned(tiny_sd: Path, tmp_path: Path) -> None:
    images = make_pictures(tmp_path, 1)
    (tmp_path / "masks").mkdir()
    Image.new("L", (40, 40), 0).save(tmp_path / "masks" / "m.png")
    half = Image.new("L", (40, 40), 0)
    half.paste(255, (0, 0, 20, 40))
    half.save(tmp_path / "masks" / "m.png")
    masked = [images[0].model_copy(update={"mask": "masks/m.png"})]
    tasks = []
    for given, use in ((images, True), (masked, True), (masked, False)):
        task = build(make_job(tiny_sd, data={"use_masks": use}), given, tmp_path, tmp_path, CPU)
        task.prepare(lambda *_: None)
        tasks.append(task)
    plain, with_mask, ignored = (task.batches.next() for task in tasks)
    assert plain.weight is None
    assert ignored.weight is None
    assert with_mask.weight is not None
    assert float(with_mask.weight[0, 0, 0, 0]) > 10 * float(with_mask.weight[0, 0, 0, 7])
    assert float(with_mask.weight.mean()) == pytest.approx(1.0)


def test_class_pictures_are_made_once_by_the_plain_base(tiny_sd: Path, tmp_path: Path) -> None:
    prepared(tiny_sd, tmp_path, objective={"class_pictures": 2})
    files = sorted((tmp_path / "cache" / "class").rglob("*.png"))
    stamps = [file.stat().st_mtime_ns for file in files]
    assert len(files) == 2
    task = prepared(tiny_sd, tmp_path, objective={"class_pictures": 3})
    again = sorted((tmp_path / "cache" / "class").rglob("*.png"))
    assert len(again) == 3
    assert [file.stat().st_mtime_ns for file in files] == stamps
    batch = task.batches.next()
    assert (batch.subjects, batch.mean.shape[0]) == (2, 4)


def test_a_run_can_start_from_an_adapter(tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    earlier = random_adapter(base, rank=2, alpha=3.0, text=False)
    write_adapter(earlier, tmp_path / "adapters" / "old.safetensors", "kohya")
    start = "adapters/old.safetensors"
    task = prepared(tiny_sd, tmp_path, method={"rank": 4, "alpha": 8.0}, start_from=start)
    for name, pair in task.trainable.adapter().modules.items():
        torch.testing.assert_close(pair.delta(), earlier.modules[name].delta(), rtol=1e-5, atol=1e-6)
    steps(task, 2)
    with pytest.raises(AdapterError, match="rank is 2"):
        prepared(tiny_sd, tmp_path, method={"rank": 1}, start_from=start)
    write_adapter(random_adapter(base), tmp_path / "adapters" / "text.safetensors")
    with pytest.raises(AdapterError, match="leave alone"):
        prepared(tiny_sd, tmp_path, start_from="adapters/text.safetensors")


def test_an_adapter_that_is_not_right_is_never_a_result(tiny_sd: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sd, tmp_path)
    file = tmp_path / "a.safetensors"
    task.save_adapter(file, step=0)
    with pytest.raises(TrainingError, match="changes nothing"):
        task.verify_adapter(file)
    steps(task, 2)
    task.save_adapter(file, step=2)
    task.verify_adapter(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(TrainingError, match="not right"):
        task.verify_adapter(file)
    found = dict(task.trainable.adapter().modules)
    found.pop(next(iter(found)))
    write_adapter(Adapter(found), file, overwrite=True)
    with pytest.raises(TrainingError, match="does not hold"):
        task.verify_adapter(file)


def test_what_was_done_with_the_photos_is_told(tiny_sd: Path, tmp_path: Path) -> None:
    few: list[str] = []
    prepared(tiny_sd, tmp_path / "few", count=3, notes=few)
    assert any("measured on the ones" in note for note in few)
    many: list[str] = []
    prepared(tiny_sd, tmp_path / "many", count=8, notes=many)
    assert any("kept out of the training" in note for note in many)


def test_encoders_stay_released_while_it_learns(tiny_sd: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sd, tmp_path, loop={"gradient_checkpointing": True})
    task.validate()
    steps(task, 1)
    task.sample(1, tmp_path / "s")
    task.save_adapter(tmp_path / "a.safetensors", step=1)
    base = task._ready.base
    assert base.resident() == [base.unet, base.vae]
    assert not list(base.vae.encoder.parameters())


def test_own_prompts_work_after_the_encoders_are_gone(tiny_sd: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sd, tmp_path)
    made = task.sample(1, tmp_path / "s", prompts=["something new"], seed=5)
    assert (made[0].prompt, made[0].seed) == ("something new", 5)
    other = task.sample(1, tmp_path / "s", prompts=["something else"], seed=5)
    assert made[0].file.is_file()
    assert other[0].file != made[0].file
    assert task.sample(1, tmp_path / "s", prompts=["something new"], seed=5)[0].file == made[0].file


def test_a_run_does_not_go_on_with_another_base(tiny_sd: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_sd, tmp_path / "base"))
    prepared(base, tmp_path)
    prepared(base, tmp_path)
    weights = base / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    tensors["conv_in.bias"] += 1
    save_file(tensors, weights)
    with pytest.raises(JobError, match="changed"):
        prepared(base, tmp_path)


def test_settings_that_are_not_right_are_named(tiny_sd: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rank"):
        prepared(tiny_sd, tmp_path, method={"rank": 0})
    with pytest.raises(SettingsError, match="rnak"):
        prepared(tiny_sd, tmp_path, method={"rnak": 4})


def test_the_file_is_the_one_diffusers_reads(tiny_sd: Path, tmp_path: Path) -> None:
    task = prepared(tiny_sd, tmp_path, method={"rank": 4, "alpha": 2.0})
    steps(task, 2)
    task.save_adapter(tmp_path / "a.safetensors", step=2)
    found = read_adapter(tmp_path / "a.safetensors")
    assert {pair.alpha for pair in found.modules.values()} == {2.0}
    assert found.metadata["ss_network_alpha"] == "2"
    assert found.metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
