"""Erasing, through the frame as every job runs: learns or solves, measures, resumes to the same bits, and never claims more than it saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engines.api import commands as cmd
from engines.api import events as ev
from engines.api.erase_job import CheckSettings, EraseJob, EraseRecipe
from engines.api.erase_report import REPORT, EraseReport, Found
from engines.api.recipe import LoopSettings, SampleSettings
from engines.api.uses import AdapterUse
from engines.core.run import EXPECTED, FINE, STOPPED, run_folder
from engines.diffusion.erasing.circumvent import circumvent, misspellings, paraphrases
from engines.diffusion.erasing.measuring import Asked, Question, found_of, options_for, shown
from engines.diffusion.erasing.task import Erase, build
from engines.diffusion.exchange import describe
from engines.diffusion.generate import Generator
from engines.launch.erase_plan import erasures, plan_erasure
from engines.launch.folder import create_run
from engines.launch.follow import read_state
from engines.launch.inbox import send
from tests.diffusion.support import CPU, quiet

pytestmark = pytest.mark.usefixtures("heard_at_once")

STEPS = 4


def a_job(
    base: Path,
    method: str = "spm",
    *,
    after: tuple[str, ...] = (),
    check: dict[str, object] | None = None,
    **settings: object,
) -> EraseJob:
    recipe = EraseRecipe(
        loop=LoopSettings(
            steps=STEPS,
            checkpoint_every=2,
            validate_every=2,
            warmup=1,
            device="cpu",
            precision="fp32",
            learning_rate=1e-2,
        ),
        samples=SampleSettings(every=0, inference_steps=2),
        check=CheckSettings(**{"prompts": 1, "pictures": 1, "words": 0, "steps": 2, **(check or {})}),
    )
    return plan_erasure(
        erasures(["dog", "red hat"], ["cat", ""]),
        keep=["bird"],
        base=f"file:{base}",
        method=method,
        settings=settings,
        recipe=recipe,
        after=after,
    )


def told(folder: Path) -> list[ev.Event]:
    return [ev.from_line(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def notes(folder: Path) -> list[str]:
    return [f"{one.title}. {one.text}" for one in told(folder) if isinstance(one, ev.Note)]


@pytest.mark.parametrize(("method", "settings"), [("spm", {"sparse": 0.1}), ("uce", {}), ("esd", {})])
def test_every_way_runs_to_its_end_and_says_what_it_found(
    method: str, settings: dict[str, object], tiny_sd: Path, tmp_path: Path
) -> None:
    folder = create_run(tmp_path, a_job(tiny_sd, method, **settings), [])
    assert run_folder(folder) == FINE
    result = read_state(folder).result
    assert result is not None
    assert result.step == (0 if method == "uce" else STEPS)
    info = describe(folder / result.adapter)
    assert info.erases == ("dog", "red hat")
    assert info.gated is bool(info.elsewhere) is (method == "spm")
    assert info.method == method
    assert info.base_hash
    places = [place for place in (folder / "compare").iterdir() if (place / REPORT).is_file()]
    report = EraseReport.model_validate_json((places[0] / REPORT).read_bytes())
    assert [one.target for one in report.found] == ["dog", "red hat"]
    assert [row.word for row in report.rows] == ["dog", "red hat", "bird"]
    for row in report.rows:
        for one in row.pictures:
            assert (places[0] / one.base).is_file()
            assert (places[0] / one.erased).is_file()
            assert one.drift is not None
    said = notes(folder)
    assert all(any(one.words in note for note in said) for one in report.found)
    assert not any("is erased" in note for note in said)
    losses = [one.loss for one in told(folder) if isinstance(one, ev.Validation)]
    assert bool(losses) is (method != "uce")


def test_left_and_resumed_gives_the_same_file(tiny_sd: Path, tmp_path: Path) -> None:
    undisturbed = create_run(tmp_path / "one", a_job(tiny_sd), [])
    assert run_folder(undisturbed) == FINE
    left = create_run(tmp_path / "two", a_job(tiny_sd).model_copy(update={"created": 5.0}), [])
    text = (undisturbed / "job.json").read_text(encoding="utf-8")
    (left / "job.json").write_text(text, encoding="utf-8")  # the moment of planning stands in the file too

    def stopping(job: EraseJob, images: list[object], root: Path, run: Path, device: object) -> Erase:
        task = build(job, images, root, run, device)  # type: ignore[arg-type]
        plain, steps = task.loss, iter(range(100))

        def loss(batch: object) -> torch.Tensor:
            if next(steps) == 2:
                send(run, cmd.Stop(keep=False))
            return plain(batch)  # type: ignore[arg-type]

        task.loss = loss  # type: ignore[method-assign]
        return task

    assert run_folder(left, task_builder=stopping) == STOPPED  # type: ignore[arg-type]
    assert run_folder(left, resume=True) == FINE
    one, two = ((folder / "adapter.safetensors").read_bytes() for folder in (undisturbed, left))
    assert one == two


def test_what_keeps_it_from_measuring_costs_the_figures_alone(tiny_sd: Path, tmp_path: Path) -> None:
    folder = create_run(tmp_path, a_job(tiny_sd, "uce", check={"encoder": f"file:{tmp_path / 'nothing'}"}), [])
    assert run_folder(folder) == FINE
    assert (folder / "adapter.safetensors").is_file()
    assert any("Nobody judged" in note for note in notes(folder))
    report = next((folder / "compare").glob(f"*/{REPORT}"))
    assert "judging model is missing" in json.loads(report.read_text(encoding="utf-8"))["note"]


def test_stopped_while_it_measures_it_keeps_the_eraser_and_says_so(tiny_sd: Path, tmp_path: Path) -> None:
    folder = create_run(tmp_path, a_job(tiny_sd, "uce"), [])

    def stopping(job: EraseJob, images: list[object], root: Path, run: Path, device: object) -> Erase:
        task = build(job, images, root, run, device)  # type: ignore[arg-type]
        plain = task.conclude

        def conclude(*arguments: object, **more: object) -> list[str]:
            send(run, cmd.Stop(keep=True))
            return plain(*arguments, **more)  # type: ignore[arg-type]

        task.conclude = conclude  # type: ignore[method-assign]
        return task

    assert run_folder(folder, task_builder=stopping) == FINE  # type: ignore[arg-type]
    assert (folder / "adapter.safetensors").is_file()
    assert any(note.startswith("What came of it was not measured") for note in notes(folder))
    assert not list((folder / "compare").glob(f"*/{REPORT}"))


@pytest.mark.slow
def test_one_request_after_another_starts_from_the_model_as_it_is(tiny_sd: Path, tmp_path: Path) -> None:
    first = create_run(tmp_path, a_job(tiny_sd, "uce"), [])
    assert run_folder(first) == FINE
    file = f"runs/{first.name}/adapter.safetensors"
    alone, later = (create_run(tmp_path, a_job(tiny_sd, "esd", after=after), []) for after in ((), (file,)))
    assert run_folder(alone) == run_folder(later) == FINE
    one, other = ((folder / "adapter.safetensors").read_bytes() for folder in (alone, later))
    assert one != other
    report = next((later / "compare").glob(f"*/{REPORT}"))
    assert len(json.loads(report.read_text(encoding="utf-8"))["conditions"]["erasers"]) == 2


def test_an_eraser_for_another_family_is_refused_in_words(tiny_sd: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    first = create_run(tmp_path, a_job(tiny_sd, "uce"), [])
    assert run_folder(first) == FINE
    file = f"runs/{first.name}/adapter.safetensors"
    other = create_run(tmp_path, a_job(tiny_sdxl, "uce", after=(file,)), [])
    assert run_folder(other) == EXPECTED
    failure = read_state(other).failure
    assert failure is not None
    assert "Stable Diffusion XL" in failure.what
    assert not (other / "adapter.safetensors").exists()


def test_words_that_mean_the_same_are_not_offered_against_each_other() -> None:
    question = Question("starter", (), erasures(["dog"], ["cat"], {"dog": ["hound"]}), ("bird",))
    asked = [
        Asked("dog", "target", "dog"),
        Asked("hound", "synonym", "dog"),
        Asked("bird", "neighbour"),
        Asked("mug", "unrelated"),
    ]
    assert options_for(asked[0], asked, question) == ["bird", "mug", "cat"]
    assert options_for(asked[1], asked, question) == ["bird", "mug", "cat"]
    assert options_for(asked[2], asked, question) == ["dog", "hound", "mug", "cat"]
    check = CheckSettings(prompts=2, pictures=3, seed=7)
    pairs = shown("Van Gogh", check)
    assert len(pairs) == len(set(pairs)) == 6
    assert pairs[0] == ("a photo of Van Gogh", 7)


@pytest.mark.parametrize(
    ("before", "after", "standing"), [(8, 0, "gone"), (8, 3, "weakened"), (8, 6, "there"), (1, 0, "unknown")]
)
def test_what_became_of_a_target_follows_from_what_was_seen(before: int, after: int, standing: str) -> None:
    from engines.api.erase_report import ErasePicture, EraseRow

    pictures = tuple(
        ErasePicture(prompt="p", seed=i, base="b", erased="e", seen=(i < before, i < after), drift=0.1)
        for i in range(8)
    )
    row = EraseRow(word="dog", group="target", of="dog", pictures=pictures, seen=(before / 8, after / 8))
    found = found_of(erasures(["dog"])[0], [row])
    assert isinstance(found, Found)
    assert found.standing == standing
    assert f"{before}" in found.words


def test_every_way_to_bring_it_back_is_tried_and_the_base_is_left_as_it_was(tiny_sd: Path, tmp_path: Path) -> None:
    from engines.diffusion.encoders import open_encoder

    folder = create_run(tmp_path, a_job(tiny_sd, "uce"), [])
    assert run_folder(folder) == FINE
    generator = Generator(CPU)
    generator.open(f"file:{tiny_sd}")
    before = next(generator.pictures(["a dog"], [1], steps=2)).tobytes()
    use = AdapterUse(file=str(folder / "adapter.safetensors"))
    (erasure, _) = erasures(["dog", "red hat"])
    question = Question(f"file:{tiny_sd}", (use,), (erasure,), check=CheckSettings(pictures=1, steps=2))
    asked = [Asked("dog", "target", "dog"), Asked("hound", "synonym", "dog"), Asked("bird", "neighbour")]
    found = circumvent(
        generator, question, erasure, asked, open_encoder(CPU), tmp_path / "pictures", progress=quiet, steps=2
    )
    ways = [one.way for one in found.attempts]
    assert ways.count("paraphrase") == len(paraphrases(erasure, asked)) == 6
    assert ways.count("misspelling") == len(misspellings("dog")) > 2
    assert ways[-1] == "made-up word"
    assert all(0 <= one.seen <= one.of == 2 for one in found.attempts)
    assert found.words.endswith(f"of {len(ways)} attempts.")
    assert next(generator.pictures(["a dog"], [1], steps=2)).tobytes() == before


def test_misspellings_are_other_words_that_read_alike() -> None:
    found = misspellings("snowman")
    assert len(found) == len(set(found)) == 5
    assert "snowman" not in found
    assert "sno wman" in found
    assert misspellings("a") == ["aa", "4"]
