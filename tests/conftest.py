"""What every test runs under: no screen, no network, its own home, few threads (Qt's warnings fail through pyproject)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.tiny import make_tiny_sd, make_tiny_sdxl

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
os.environ["PYTEST_QT_API"] = "pyside6"

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none."""
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    import torch

    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return
    skip = pytest.mark.skip(reason="no CUDA or MPS device here")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing a test does may touch the settings, models or caches of the person who runs it."""
    monkeypatch.setenv("LORIKEET_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _threads() -> None:
    """Keep torch off the other cores, once it is loaded."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > 2:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_sd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Stable Diffusion folder (epsilon); read-only by agreement."""
    return make_tiny_sd(tmp_path_factory.mktemp("tiny-sd"))


@pytest.fixture(scope="session")
def tiny_sd_v(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with v-prediction."""
    return make_tiny_sd(tmp_path_factory.mktemp("tiny-sd-v"), prediction_type="v_prediction")


@pytest.fixture(scope="session")
def tiny_sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random folder in the shape of Stable Diffusion XL; read-only by agreement."""
    return make_tiny_sdxl(tmp_path_factory.mktemp("tiny-sdxl"))


@pytest.fixture
def heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small runs are done before a worker would look for commands again: here it looks before every step."""
    monkeypatch.setattr("engines.core.controls._LOOK_S", 0.0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos and slices beside the checkout; tests that want them skip without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real pictures are not here")
    return folder
