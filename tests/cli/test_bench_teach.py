"""The comparison with the plain loop compares like with like: same pictures, same layers, same number of learned numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from engines.api.places import samples
from engines.bench import teach
from engines.bench._plain_loop import PlainLoop, PlainSettings
from engines.bench.table import Bench


def test_both_loops_learn_the_same_numbers(tiny_sd: Path, tmp_path: Path) -> None:
    bench = Bench(quick=True, folder=tmp_path, say=lambda text: None)
    turns, conditions = teach.compare_loops(bench, tiny_sd, samples() / teach.SUBJECT, "small")
    assert len(turns) == teach.QUICK_PAIRS
    assert all(turn.plain > 0 and turn.ours > 0 for turn in turns)
    adapter = next((tmp_path / "small" / "runs").glob("*/adapter.safetensors"))
    learned = sum(tensor.numel() for tensor in load_file(adapter).values())
    assert conditions["learned numbers"] == str(learned)


def test_the_plain_loop_does_learn(tiny_sd: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.new("RGB", (40, 32), "red").save(file)
    torch.manual_seed(0)
    settings = PlainSettings(rank=4, batch=2, rate=1e-2, gamma=5.0, edge=32, clip=1.0)
    loop = PlainLoop(tiny_sd, [(file, "a red wall")] * 2, settings, torch.device("cpu"))
    before = [parameter.clone() for parameter in loop._trained]
    assert loop.run(2) > 0
    assert any(not torch.equal(old, new) for old, new in zip(before, loop._trained, strict=True))


def test_camera_photos_keep_their_words(tmp_path: Path) -> None:
    folder = teach.camera_photos(samples() / teach.SUBJECT, tmp_path / "camera" / teach.SUBJECT, (400, 300))
    photos = sorted(folder.glob("*.jpg"))
    assert len(photos) == len(list((samples() / teach.SUBJECT).glob("*.png")))
    assert all(photo.with_suffix(".txt").read_text().strip() for photo in photos)
    with Image.open(photos[0]) as opened:
        assert opened.size == (400, 300)


def test_the_gap_is_between_the_intervals() -> None:
    told = {
        "seconds": 70.0,
        "identity": {
            "before": {"mean": 0.5, "low": 0.45, "high": 0.55},
            "after": {"mean": 0.8, "low": 0.6, "high": 0.9},
            "closer": {"won": 11, "of": 12},
        },
    }
    figures = {figure.name: figure for figure in teach.demo_figures(told)}
    assert abs(figures["identity-gap"].value - 0.05) < 1e-9
    assert figures["identity-gap"].holds
    assert figures["demo-seconds"].holds
    assert not {figure.name: figure for figure in teach.demo_figures({"seconds": 151.0, "identity": None})}[
        "identity-gap"
    ].holds
