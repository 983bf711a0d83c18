"""Hardware in words, the kept catalog, and lines over pipes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from engines.api.catalog import Catalog
from engines.api.recipe import Recipe
from engines.api.requests import Done, Inspect, Working
from engines.launch import catalog, hardware, serving
from engines.launch.local import checkout


def test_there_is_always_a_processor() -> None:
    devices = hardware.probe()
    assert devices[-1].kind == "cpu"
    assert devices[-1].memory_bytes >= devices[-1].memory_free_bytes > 0
    assert "GB free" in hardware.sentence(devices)


def test_graphics_cards_are_read_from_their_tool() -> None:
    text = "NVIDIA GeForce RTX 2080 Ti, 11264, 9000, 7.5\nTesla, rubbish\nNVIDIA H100, 81559, 81000, 9.0\n[N/A]\n"
    found = hardware.parse_nvidia(text)
    assert [device.title for device in found] == ["NVIDIA H100", "NVIDIA GeForce RTX 2080 Ti"]
    assert ["bf16" in device.precisions for device in found] == [True, False]
    assert hardware.describe(found[1]) == "NVIDIA GeForce RTX 2080 Ti, 9 GB free"


def test_the_catalog_is_kept_until_the_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalog.load_cached() is None
    offer = Catalog(
        version="1", methods=(), backbones=(), presets=(), recipe_schema=Recipe.model_json_schema(), devices=()
    )
    assert catalog.store(offer.model_dump_json()) == offer
    assert catalog.load_cached() == offer
    old = catalog.cache_path()
    monkeypatch.setattr(catalog, "_fingerprint", lambda: "another")
    assert catalog.load_cached() is None
    catalog.store(offer.model_dump_json())
    assert not old.exists()
    catalog.cache_path().write_text("{")
    assert catalog.load_cached() is None
    with pytest.raises(ValidationError):
        catalog.store("Traceback (most recent call last)")


def test_answers_come_out_of_lines_however_they_arrive() -> None:
    answers = [Working(id="1", text="Grüße", done=1, total=2), Done(id="1", data={"rank": 4})]
    stream = b"".join(answer.model_dump_json().encode() + b"\n" for answer in answers)
    for size in (1, 7, len(stream)):
        lines = serving.Lines()
        got = [line for at in range(0, len(stream), size) for line in lines.feed(stream[at : at + size])]
        assert [serving.decode(line) for line in got] == answers
    assert serving.decode(b"loading weights...") is None


def test_a_request_is_one_line() -> None:
    line = serving.encode(Inspect(id="1", file="a\nb"))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_launching_never_loads_torch() -> None:
    code = (
        "import sys, engines.launch.queue, engines.launch.hardware, engines.launch.catalog, engines.launch.serving;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=checkout(), check=False).returncode == 0


def test_equal_tensor_files_are_equal_bytes(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import load_file, save_file

    from engines.launch.tensor_file import order_metadata, read_tensor_file

    words = {f"key {number}": 'Häschen "\n\\' for number in range(12)}
    seen = set()
    for number in range(8):
        path = tmp_path / f"{number}.safetensors"
        save_file({"b": np.ones(3), "a": np.arange(5.0)}, path, metadata=words)
        order_metadata(path)
        seen.add(path.read_bytes())
        assert read_tensor_file(path).metadata == words
        assert load_file(path)["a"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(seen) == 1
