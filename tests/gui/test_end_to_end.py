"""The window's two workers with their real processes: a tiny model is taught, followed to its end, then asked for a picture."""

from __future__ import annotations

import pytest

from engines.api.job import JobMethod
from engines.api.recipe import Recipe
from engines.api.requests import Answer, Generate
from gui.app import make_services
from gui.workers.interactive import Interactive
from gui.workers.runs import RunDraft
from tests.gui.stage import make_project


@pytest.fixture
def services(qapp):
    made = make_services(qapp, theme="light")
    yield made
    made.stop()
    made.session.close()


def test_a_real_training_is_started_followed_and_its_adapter_used(services, tiny_sd, tmp_path, qtbot):
    services.session.adopt(make_project(tmp_path / "p"))
    recipe = Recipe.model_validate(
        {
            "data": {"resolution": 32},
            "loop": {"steps": 4, "checkpoint_every": 2, "validate_every": 2, "device": "cpu", "warmup": 0},
            "samples": {"every": 2, "inference_steps": 1, "prompts": ["a tealbear bear"]},
        }
    )
    draft = RunDraft(services.session.concept_id, "Teal bear", JobMethod(), recipe, base=f"file:{tiny_sd}")
    began: list[str] = []
    services.runs.start(draft, done=began.append, failed=pytest.fail)
    qtbot.waitUntil(lambda: bool(began) and services.runs.view(began[0]) is not None, timeout=30_000)
    run = began[0]
    qtbot.waitUntil(lambda: services.runs.view(run).state.phase in {"finished", "failed"}, timeout=240_000)
    view = services.runs.view(run)
    assert view.state.failure is None
    assert view.state.phase == "finished"
    assert view.adapter.is_file()
    assert [step for step, _loss in view.state.validation][-1] == 4
    assert {sample.step for sample in view.state.samples} == {0, 2, 4}

    heard: list[Answer] = []
    worker: Interactive = services.interactive
    request = Generate(
        id="one",
        base=f"file:{tiny_sd}",
        adapters=({"file": str(view.adapter)},),
        prompts=("a tealbear bear",),
        seeds=(7,),
        steps=1,
        folder=str(tmp_path / "made"),
    )
    worker.request(request, heard.append)
    qtbot.waitUntil(lambda: bool(heard) and heard[-1].type in {"done", "refused", "dropped"}, timeout=240_000)
    assert heard[-1].type == "done"
    assert any(answer.type == "picture" for answer in heard)
    assert len(list((tmp_path / "made").glob("*.png"))) == 1
