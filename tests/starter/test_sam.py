"""The starter's Segment Anything: its lessons are true, its prompts hit, its training resumes exactly and gets better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.starter import sam
from engines.starter.dataset import SCENES, Shard, Split, joined, load_parts, load_split, render_split
from engines.starter.sam_lessons import CELL, boxes, clicks, lesson
from engines.starter.sam_quality import cut_out, held_out, score, sheet
from engines.starter.subjects import is_held_out
from engines.starter.training import Schedule, load_checkpoint

CPU = torch.device("cpu")
MICRO = sam.SamRecipe(
    sizes=replace(
        sam.SamRecipe().sizes,
        image_side=64,
        embed_dim=32,
        depth=2,
        heads=2,
        global_blocks=(1,),
        window=2,
        out_chans=32,
        decoder_mlp_dim=32,
        iou_head_dim=32,
    ),
    batch=2,
    prompts=3,
    schedule=Schedule(steps=4, rate=1e-3, warmup=1, average=0.9, save_every=1),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Shard, np.ndarray]:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("world")
    splits = [replace(split, count=4) for split in SCENES]
    for split in splits:
        render_split(split, folder, size=48, workers=1)
    return joined([load_split(split, folder) for split in splits]), np.concatenate(
        [load_parts(split, folder) for split in splits]
    )


def test_lessons_ask_for_what_the_window_shows(world) -> None:  # type: ignore[no-untyped-def]
    for seed in range(12):
        one = lesson(*world, np.random.default_rng(seed), side=256, prompts=5)
        assert one.picture.shape == (3, 256, 256)
        assert one.masks.shape == (5, 64, 64)
        assert one.surfaces.shape == (3, 64, 64)
        assert bool(((one.masks >= 0) & (one.masks <= 1)).all())
        assert bool((one.masks.amax(dim=(1, 2)) > 0.2).all())
        for mask in one.masks:  # an object, its part, an object with its shadow, or everything that is no object
            on_objects = float((mask * one.surfaces[0]).sum() / mask.sum())
            shaded = float((mask * (one.surfaces[0] + one.surfaces[2]).clamp(max=1)).sum() / mask.sum())
            assert max(on_objects, shaded) > 0.7 or on_objects < 0.3
        again = lesson(*world, np.random.default_rng(seed), side=256, prompts=5)
        assert torch.equal(one.picture, again.picture)
        assert torch.equal(one.masks, again.masks)


def test_clicks_fall_into_their_region_and_boxes_hold_it() -> None:
    draw = torch.Generator().manual_seed(0)
    masks = torch.zeros(40, 16, 16)
    masks[:, 3:9, 5:14] = 1
    where = clicks(masks, draw)
    cells = ((where + 0.5) / CELL).long()
    assert bool((masks[torch.arange(40), cells[:, 1], cells[:, 0]] == 1).all())
    assert len({tuple(cell.tolist()) for cell in cells}) > 15
    box = boxes(masks, draw)
    assert torch.allclose(box.mean(dim=0), torch.tensor([5.0, 3.0, 14.0, 9.0]) * CELL - 0.5, atol=2.0)
    assert float(box.std(dim=0).min()) > 0.5
    assert bool(torch.isfinite(clicks(torch.zeros(2, 16, 16), draw)).all())


def test_training_resumes_exactly(world, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def fit(name: str, stop: int | None) -> None:
        sam.fit(MICRO, sam.build(MICRO), *world, checkpoint=tmp_path / name, device=CPU, stop_after=stop)

    fit("straight.pt", None)
    fit("broken.pt", 2)
    fit("broken.pt", None)
    straight, broken = load_checkpoint(tmp_path / "straight.pt"), load_checkpoint(tmp_path / "broken.pt")
    assert straight[2] == broken[2] == MICRO.schedule.steps
    assert all(torch.equal(straight[0][name], broken[0][name]) for name in straight[0])
    assert all(torch.equal(one, other) for one, other in zip(straight[1], broken[1], strict=True))


def test_a_lesson_is_learnt(world) -> None:  # type: ignore[no-untyped-def]
    learner = sam.build(MICRO).train()
    one = lesson(*world, np.random.default_rng(1), side=64, prompts=4)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    losses = []
    for step in range(40):
        embedding = learner.sam.image_encoder(one.picture[None])
        draw = torch.Generator().manual_seed(step)
        loss = sam._ask(learner.sam, embedding, one.masks, draw, box_share=0.5, half=False)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_the_file_is_an_ordinary_checkpoint(tmp_path: Path) -> None:
    learner = sam.build(MICRO)
    path = tmp_path / "sam.safetensors"
    sam.save_sam(learner, path)
    loaded, written = sam.load_sam(path, CPU).state_dict(), learner.sam.state_dict()
    assert set(loaded) == set(written)
    assert all(torch.allclose(loaded[name], written[name], atol=1e-3, rtol=1e-3) for name in loaded)
    made = cut_out(path, held_out(Split("few", 5, 0), 2), CPU)
    assert {one.click.shape for one in made} == {made[0].picture.shape[:2]}
    reached = score(made)
    assert 0 <= reached.click <= reached.best <= 1
    sheet([made], tmp_path / "sheet.png", across=2)
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_no_subject_is_among_its_scenes() -> None:
    items = [item for split in SCENES for index in range(0, split.count, 53) for item in split.spec(index).objects]
    assert len(items) > 100
    assert not any(is_held_out(item) for item in items)
