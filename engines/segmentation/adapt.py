"""Adapting a segmentation model: everything the run asks of this kind of job, from opening the model to the verified adapter file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from engines.api.errors import AdapterError, JobError, TrainingError
from engines.api.segment_job import Scene, SegmentJob
from engines.core.contracts import NOTE, ProgressHook, SampleFile
from engines.core.devices import Device
from engines.launch.forecast import some
from engines.segmentation import overlay
from engines.segmentation.adapter_file import (
    CLASS_TOKENS,
    SegmentAdapter,
    check_base,
    class_tokens,
    read_segment_adapter,
    write_segment_adapter,
)
from engines.segmentation.batches import SceneBatches, Showing
from engines.segmentation.contracts import Segmenter
from engines.segmentation.lesson import Lesson, Questions, classes_followed, single_objects, whole_classes
from engines.segmentation.objective import drawn_together, soft_dice, unmarked_errors
from engines.segmentation.prompting import draw_kind
from engines.segmentation.scenes import SceneShelf
from engines.segmentation.segmenters import open_segmenter
from engines.segmentation.tuners import tuner_of
from engines.segmentation.tuning import Tuning
from engines.segmentation.views import PLAIN, VIEWS
from projects.files import atomic_path

_SMALL_WIDTH = 512
_SMALL_FACTOR = 10.0
"""Models narrower than any published one learn at ten times the rate."""
_MEASURED = 16
_SHOWN = 4


def build(job: SegmentJob, scenes: Sequence[Scene], project_root: Path, run_folder: Path, device: Device) -> Adapt:
    """The task for a job of kind `segment`; cheap, see `engines.core.tasks.TaskBuilder`."""
    return Adapt(job, scenes, project_root, run_folder, device)


class Adapt:
    """One running adaptation; see `engines.core.contracts.Task`."""

    def __init__(
        self, job: SegmentJob, scenes: Sequence[Scene], project_root: Path, run_folder: Path, device: Device
    ) -> None:
        self._job, self._scenes, self._root, self._run, self._device = job, scenes, project_root, run_folder, device
        self._parts: _Parts | None = None

    def prepare(self, progress: ProgressHook) -> None:
        """Open the model, attach the tuner, read the pictures, and compute embeddings where they cannot change."""
        job, recipe, device = self._job, self._job.recipe, self._device.torch_device
        if self._unmarked and (not job.start_from or recipe.data.prompts == "clicks"):
            title = "Pictures without masks can only teach a finished adapter"
            what = "There is no adapter to begin with, or it finds nothing without being asked."
            raise JobError(title, what, "Adapt to some marked pictures first, and begin with that adapter.")
        tuner = tuner_of(job.method.name, job.method.settings)
        progress("loading", "Loading the model", 0, 1)
        model = open_segmenter(job.base, self._device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.loop.seed)
            tuned = tuner.attach(model, rate=recipe.loop.learning_rate or tuner.rate * rate_factor(model))
        assert isinstance(tuned, Tuning)  # noqa: S101 - the one running half there is
        tokens = None
        if recipe.data.prompts != "clicks":
            tokens = class_tokens(model, len(job.classes))
            tuned.learn(CLASS_TOKENS, tokens)
        if job.start_from:
            start = read_segment_adapter(self._root / job.start_from)
            check_base(start, model)
            tuned.load_state(start.tensors)
        if recipe.loop.gradient_checkpointing and tuned.encoder_changes:
            model.save_memory()
        if recipe.loop.compile:
            progress(NOTE, "Segmentation models are not compiled. The run goes on without.", 0, 0)
        shelf = SceneShelf(model, self._root, self._scenes, device)
        for sentence in shelf.skipped:
            progress(NOTE, f"A picture was left out. {sentence}", 0, 0)
        learned, measured = _divided(shelf, progress, unmarked=self._unmarked)
        views = VIEWS[recipe.data.views]
        if not tuned.encoder_changes:
            shelf.fill(learned, views, progress)
            shelf.fill([number for number in measured if number not in learned], [PLAIN], progress)
        lesson = Lesson(model, recipe.data, recipe.objective, tokens)
        batches = SceneBatches(
            {number: len(shelf.objects[number]) for number in learned},
            views,
            size=recipe.loop.batch_size,
            most_objects=recipe.data.objects,
            seed=recipe.loop.seed,
        )
        self._parts = _Parts(model, tuned, shelf, lesson, batches, measured, tuned.state())

    @property
    def trainable(self) -> Tuning:
        """See `Task`."""
        return self._ready.tuned

    @property
    def batches(self) -> SceneBatches:
        """See `Task`."""
        return self._ready.batches

    def loss(self, batch: Sequence[Showing]) -> torch.Tensor:
        """See `Task`."""
        parts, prompts = self._ready, self._job.recipe.data.prompts
        if self._unmarked:
            everywhere = whole_classes(parts.shelf, batch, len(self._job.classes))
            weight = self._job.recipe.objective.unmarked_weight
            return weight * parts.lesson.unmarked(self._embeddings(batch), everywhere)
        objects = single_objects(parts.shelf, batch) if prompts != "automatic" else None
        classes = whole_classes(parts.shelf, batch, len(self._job.classes)) if prompts != "clicks" else None
        followed = None
        if parts.tuned.reach and prompts != "automatic":
            followed = classes_followed(parts.shelf, batch, len(self._job.classes))
        kind = draw_kind()
        errors: list[torch.Tensor] = []
        answers: list[torch.Tensor] = []
        for _ in range(parts.tuned.passes):
            embeddings = self._embeddings(batch)
            if objects is not None:
                errors.append(parts.lesson.clicked(embeddings, objects, kind))
            if classes is not None:
                errors.append(parts.lesson.found(embeddings, classes))
            if followed is not None:
                errors.append(parts.lesson.followed(embeddings, *followed))
            if parts.tuned.passes > 1:
                answers.append(self._answer(embeddings, objects, classes))
        error = torch.stack(errors).mean() if errors else embeddings.sum() * 0.0
        asked = classes or objects
        if len(answers) < 2 or asked is None:
            return error
        return error + drawn_together(answers[0], answers[1], asked.valid).mean()

    def validate(self) -> float:
        """Mean of 1 - Dice over fixed questions to the pictures that are measured; how unsure it is where there is no mask."""
        parts = self._ready
        parts.tuned.learning(False)
        try:
            errors = [error for number in parts.measured for error in self._errors_of(number)]
        finally:
            parts.tuned.learning(True)
        return sum(errors) / len(errors)

    def sample(
        self,
        step: int,
        folder: Path,
        *,
        prompts: Sequence[str] = (),  # noqa: ARG002 - the contract's; pictures are asked, not words
        seed: int | None = None,  # noqa: ARG002 - likewise; nothing is drawn by lot
    ) -> list[SampleFile]:
        """Pictures with what is found in them now; prompts and seeds mean nothing here."""
        parts = self._ready
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        parts.tuned.learning(False)
        try:
            for place, number in enumerate(parts.measured[:_SHOWN]):
                asked, logits = self._said(number, automatic=self._automatic)
                found = parts.shelf.frame(number)
                shown = overlay.draw(parts.shelf.picture(number), found, logits, asked.labels.tolist())
                file = folder / f"{step:06d}-{place:02d}.png"
                with atomic_path(file, durable=False) as temporary:
                    shown.save(temporary, format="PNG")
                made.append(SampleFile(Path(parts.shelf.scenes[number].file).name, 0, file))
        finally:
            parts.tuned.learning(True)
        return made

    def save_adapter(self, path: Path, *, step: int) -> None:
        """See `Task`."""
        job, info = self._job, self._ready.model.info
        adapter = SegmentAdapter(
            tensors=self._ready.tuned.state(),
            tuner=job.method.name,
            settings=tuner_of(job.method.name, job.method.settings).model_dump(),
            classes=job.classes,
            prompts=job.recipe.data.prompts,
            base_hash=info.base_hash,
            base_title=info.title,
            about={"title": job.title, "steps": str(step), "pictures": str(len(self._scenes))},
        )
        write_segment_adapter(adapter, path, overwrite=True)

    def verify_adapter(self, path: Path) -> None:
        """See `Task`."""
        title, parts = "The adapter file is not right", self._ready
        try:
            found = read_segment_adapter(path)
        except AdapterError as error:
            raise TrainingError(title, str(error), "Resume from the last checkpoint.") from error
        expected = parts.tuned.state()
        if found.tensors.keys() != expected.keys() or any(
            not torch.equal(found.tensors[name], expected[name]) for name in expected
        ):
            raise TrainingError(title, "It does not hold what was learned.", "Resume from the last checkpoint.")
        if all(torch.equal(expected[name], parts.fresh[name]) for name in expected):
            raise TrainingError(
                title, "It changes nothing; nothing was learned.", "Raise the learning rate or the steps."
            )

    @property
    def _unmarked(self) -> bool:
        return self._job.recipe.objective.unmarked_weight > 0

    @property
    def _automatic(self) -> bool:
        return self._job.recipe.data.prompts != "clicks"

    @property
    def _ready(self) -> _Parts:
        if self._parts is None:
            title = "The run is not ready"
            raise JobError(title, "It was asked for something before it was prepared.")
        return self._parts

    def _embeddings(self, batch: Sequence[Showing]) -> torch.Tensor:
        parts = self._ready
        if parts.tuned.encoder_changes:
            return parts.shelf.encoded([(one.scene, one.view) for one in batch], parts.tuned.reach)
        return torch.stack([parts.shelf.embedding(one.scene, one.view) for one in batch])

    def _answer(self, embeddings: torch.Tensor, objects: Questions | None, classes: Questions | None) -> torch.Tensor:
        """Logits to the same fixed questions in every pass, so that passes can be compared."""
        if classes is not None:
            return self._ready.lesson.say(embeddings, classes, automatic=True)
        if objects is None:
            return embeddings.new_zeros(0, 1, 1)
        return self._ready.lesson.say(embeddings, objects, automatic=False)

    @torch.no_grad()
    def _said(self, number: int, *, automatic: bool) -> tuple[Questions, torch.Tensor]:
        parts = self._ready
        shown = Showing(number, PLAIN, tuple(range(min(_MEASURED, len(parts.shelf.objects[number])))))
        asked = whole_classes(parts.shelf, [shown], len(self._job.classes)) if automatic else None
        asked = asked or single_objects(parts.shelf, [shown])
        assert asked is not None  # noqa: S101 - only pictures with objects are asked about by clicks
        return asked, parts.lesson.say(self._embeddings([shown]), asked, automatic=automatic)

    def _errors_of(self, number: int) -> list[float]:
        if self._unmarked and not self._ready.shelf.objects[number]:
            asked, logits = self._said(number, automatic=True)
            return unmarked_errors(logits, asked.valid, self._job.recipe.objective).tolist()
        found: list[float] = []
        ways = {"clicks": (False,), "automatic": (True,), "both": (False, True)}[self._job.recipe.data.prompts]
        for automatic in ways:
            if automatic or self._ready.shelf.objects[number]:
                asked, logits = self._said(number, automatic=automatic)
                found += (1.0 - soft_dice(logits, asked.truth, asked.valid)).tolist()
        return found


class _Parts:
    """What a prepared task holds; `fresh` is what the tuner began with."""

    def __init__(
        self,
        model: Segmenter,
        tuned: Tuning,
        shelf: SceneShelf,
        lesson: Lesson,
        batches: SceneBatches,
        measured: list[int],
        fresh: Mapping[str, torch.Tensor],
    ) -> None:
        self.model, self.tuned, self.shelf, self.lesson = model, tuned, shelf, lesson
        self.batches, self.measured, self.fresh = batches, measured, fresh


def rate_factor(model: Segmenter) -> float:
    """How much faster than the published models this one may learn."""
    return _SMALL_FACTOR if model.info.sizes.embed_dim < _SMALL_WIDTH else 1.0


def _divided(shelf: SceneShelf, progress: ProgressHook, *, unmarked: bool) -> tuple[list[int], list[int]]:
    """Numbers of the pictures learned from (with `unmarked` those without masks too) and of those measured on."""
    title = "There is nothing to learn from"
    learned = [number for number, scene in enumerate(shelf.scenes) if scene.split == "train"]
    if not unmarked and not any(shelf.objects[number] for number in learned):
        raise JobError(title, "No picture that is learned from has a mask.", "Mark some objects first.")
    apart = [number for number, scene in enumerate(shelf.scenes) if scene.split == "validation"]
    # What is in a picture is known where something is marked, or nothing is there.
    told = [bool(found) or scene.empty for found, scene in zip(shelf.objects, shelf.scenes, strict=True)]
    if not any(shelf.objects[number] for number in apart):
        progress(NOTE, "No picture is kept apart, so the curve is measured on the ones that are learned from.", 0, 0)
        return learned, [number for number in learned if unmarked or told[number]][:_MEASURED]
    progress(NOTE, f"The curve is measured on {some(len(apart), 'picture')} kept out of the training.", 0, 0)
    taught = {one.label for number in learned for one in shelf.objects[number]}
    if missing := sorted({one.label for number in apart for one in shelf.objects[number]} - taught):
        progress(
            NOTE,
            f"A class is missing from what is learned. {len(missing)} of them only occur in measured pictures.",
            0,
            0,
        )
    return learned, [number for number in apart if told[number]][:_MEASURED]
