"""What an adapter file says about itself is read without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from engines.diffusion.exchange import Adapter, write_adapter
from engines.diffusion.exchange.metadata import metadata_of
from engines.launch.adapter_info import describe
from tests.diffusion.support import make_job, open_tiny, random_adapter

CODE = """
import json, sys
from pathlib import Path
from engines.launch.adapter_info import describe
info = describe(Path(sys.argv[1]))
assert "torch" not in sys.modules and "numpy" not in sys.modules, "heavy libraries were loaded"
print(json.dumps(info.as_data()))
"""


def written(tiny_sd: Path, place: Path, form: str) -> Path:
    base = open_tiny(tiny_sd)
    job = make_job(tiny_sd, method={"rank": 4, "alpha": 3.0})
    metadata = metadata_of(job, base.info, {"ss_network_dim": "4"}, step=12, pictures=5, side=32)
    write_adapter(Adapter(random_adapter(base, rank=4, alpha=3.0).modules, metadata), place, form)
    return place


def test_torch_stays_out(tiny_sd: Path, tmp_path: Path) -> None:
    file = written(tiny_sd, tmp_path / "a.safetensors", "kohya")
    done = subprocess.run([sys.executable, "-c", CODE, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trigger"] == "sks"


def test_everything_is_found_in_every_format(tiny_sd: Path, tmp_path: Path) -> None:
    places = {"diffusers": "a.safetensors", "kohya": "b.safetensors", "peft": "folder"}
    infos = {form: describe(written(tiny_sd, tmp_path / name, form)) for form, name in places.items()}
    base = open_tiny(tiny_sd).info
    for form, info in infos.items():
        assert info.format == form
        assert (info.rank, info.alpha) == (4, 3.0)
        assert info.trigger == "sks"
        assert info.class_noun == "dog"
        assert info.title == "My dog"
        assert info.base_hash == base.base_hash
        assert info.method == "lora"
        assert info.recipe["loop"]["steps"] == 4
        assert info.steps == 12
        assert info.created == 1_700_000_000
        assert info.resolution == 32
        assert info.text_modules == 8
        assert not info.dora
    assert len({info.modules for info in infos.values()}) == 1


def test_prompts_and_captions_stay_at_home(tiny_sd: Path, tmp_path: Path) -> None:
    raw = written(tiny_sd, tmp_path / "a.safetensors", "diffusers").read_bytes()
    assert b"a sks dog" not in raw
    assert str(tmp_path).encode() not in raw
    assert str(tiny_sd.parent).encode() not in raw


def test_odd_metadata_is_no_reason_to_fail(tiny_sd: Path, tmp_path: Path) -> None:
    odd = {
        "lorikeet.recipe": "[" * 5000, "ss_steps": "many", "lorikeet.created": "1e999", "modelspec.resolution": "x",
        "lorikeet.alpha": "nan", "lora_adapter_metadata": "{]",
    }  # fmt: skip
    base = open_tiny(tiny_sd)
    write_adapter(Adapter(random_adapter(base).modules, odd), tmp_path / "a.safetensors", "kohya")
    info = describe(tmp_path / "a.safetensors")
    assert (info.steps, info.created, info.resolution, dict(info.recipe)) == (0, 0.0, 0, {})
