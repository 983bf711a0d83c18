"""Wishes on the command line become a job, or a sentence that says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engines.api.errors import SettingsError
from engines.api.job import Job, JobConcept, JobMethod
from engines.api.recipe import Preset, apply_preset
from engines.cli.jobs import Wishes, base_address, build_recipe, find_preset, parse_settings, plan
from engines.launch.local import checkout

PRESETS = (
    Preset(name="quick", title="Quick", sentence="s", changes={"loop": {"steps": 120}}),
    Preset(name="best", title="Best", sentence="s", changes={"loop": {"steps": 900}}),
)


def test_settings_are_read_with_their_types() -> None:
    read = parse_settings(
        ["loop.steps=200", "data.flip=true", "method.rank=8", 'samples.prompts=["a dog"]', "loop.device=cpu"]
    )
    assert read == {
        "loop": {"steps": 200, "device": "cpu"},
        "data": {"flip": True},
        "method": {"rank": 8},
        "samples": {"prompts": ["a dog"]},
    }


@pytest.mark.parametrize("pair", ["steps=3", "loop.steps", "loop.=3", "nope.steps=3", "=3", ""])
def test_what_is_no_setting_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError):
        parse_settings([pair])


def test_changes_go_over_the_preset_and_are_validated() -> None:
    assert build_recipe(apply_preset(PRESETS[0]), {"data": {"flip": True}}).loop.steps == 120
    assert build_recipe(apply_preset(PRESETS[0]), {"loop": {"steps": 7}}).loop.steps == 7
    with pytest.raises(SettingsError, match=r"loop\.steps"):
        build_recipe(apply_preset(PRESETS[0]), {"loop": {"steps": -1}})


def test_a_misspelt_setting_names_the_right_ones() -> None:
    with pytest.raises(SettingsError) as told:
        build_recipe(apply_preset(PRESETS[0]), {"loop": {"stepz": 7}})
    assert "steps" in told.value.hint


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (Wishes(method="magic"), "lora"),
        (Wishes(changes={"method": {"ranc": 8}}), "rank"),
        (Wishes(changes={"method": {"rank": 0}}), "method.rank"),
        (Wishes(changes={"method": {"rank": "many"}}), "method.rank"),
        (Wishes(changes={"method": {"rank": {"a": 1}}}), "method.rank"),
        (Wishes(changes={"loop": {"stepz": 8}}), "steps"),
        (Wishes(changes={"data": {"resolution": -1}}), "data.resolution"),
        (Wishes(preset="fancy"), "quick"),
        (Wishes(base="./not/here.safetensors"), "owner/name"),
    ],
)
def test_wishes_that_cannot_be_carried_out_are_refused_with_what_is_known(wishes: Wishes, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        plan(wishes)
    assert told in str(caught.value)


def test_a_plan_holds_the_presets_method_settings_with_the_wishes_over_them() -> None:
    planned = plan(Wishes(preset="best", changes={"method": {"rank": 5}}))
    assert planned.method.settings["rank"] == 5
    assert planned.method.settings["feed_forward"] is True
    assert planned.method.settings["dropout"] == 0.0, "a job is frozen whole, whatever later versions make of it"


def test_wishes_are_checked_without_torch() -> None:
    code = "import sys; from engines.cli.jobs import Wishes, plan; plan(Wishes()); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=checkout(), check=False).returncode == 0


def test_presets_by_any_case() -> None:
    assert find_preset(PRESETS, "BEST").name == "best"
    with pytest.raises(SettingsError, match="fancy"):
        find_preset(PRESETS, "fancy")


def test_bases(tmp_path: Path) -> None:
    assert base_address("starter") == "starter"
    assert base_address("owner/name") == "hub:owner/name"
    assert base_address("hub:owner/name@main") == "hub:owner/name@main"
    assert base_address(str(tmp_path)) == f"file:{tmp_path.resolve()}"
    with pytest.raises(SettingsError):
        base_address("./not/here.safetensors")


def test_a_run_is_repeated_with_one_thing_changed() -> None:
    first = plan(Wishes(preset="mergeable", base="hub:a/b", changes={"loop": {"steps": 77}, "method": {"rank": 4}}))
    settled = JobMethod(name=first.method.name, settings={**first.method.settings, "slot": 3})
    job = Job(
        id="x", title="X", created=1.0, concept=JobConcept(name="X", trigger="x", class_noun=""), base=first.base,
        method=settled, recipe=first.recipe,
    )  # fmt: skip
    again = plan(Wishes(like=job))
    assert (again.base, again.recipe) == (first.base, first.recipe)
    assert again.method == first.method  # the slot is given out anew
    changed = plan(Wishes(like=job, changes={"method": {"rank": 16}}))
    assert changed.recipe == first.recipe
    assert changed.method.settings == {**first.method.settings, "rank": 16}
    other = plan(Wishes(like=job, method="lora", base="starter"))
    assert (other.base, other.method.name, other.method.settings["rank"]) == ("starter", "lora", 4)
    assert other.recipe == first.recipe
    with pytest.raises(SettingsError, match="does not go with"):
        plan(Wishes(like=job, preset="quick"))
