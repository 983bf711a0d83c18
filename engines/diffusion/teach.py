"""Teaching a subject: everything the run asks of this kind of job, from opening the base to the verified adapter file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from engines.api.errors import AdapterError, JobError, TrainingError
from engines.api.job import Job, JobImage
from engines.api.prompts import class_caption, sample_prompts
from engines.api.recipe import Recipe
from engines.core.compiling import compile_blocks
from engines.core.contracts import NOTE, ProgressHook, SampleFile
from engines.core.devices import Device, computing
from engines.core.randomness import undisturbed
from engines.diffusion import same_base
from engines.diffusion.backbones import open_base
from engines.diffusion.contracts import Base, DenoisingBatch, LearningRates, Teachable, TextStates
from engines.diffusion.data import PictureBatches
from engines.diffusion.dataset import Dataset
from engines.diffusion.dataset import build as build_dataset
from engines.diffusion.exchange import Adapter, check_fit, read_adapter, write_adapter
from engines.diffusion.exchange.metadata import metadata_of
from engines.diffusion.gauge import Gauge
from engines.diffusion.methods import method_of
from engines.diffusion.objective import Weighting, denoising_loss
from engines.diffusion.prior import class_pictures
from engines.diffusion.sampling import Sampling, draw
from projects.files import atomic_path

_BLOCKS = frozenset({"BasicTransformerBlock", "ResnetBlock2D"})
"""Classes of a denoiser's parts that hold nearly all of its work."""


def build(job: Job, images: Sequence[JobImage], project_root: Path, run_folder: Path, device: Device) -> Teach:
    """The task for a job of kind `teach`; cheap, see `engines.core.tasks.TaskBuilder`."""
    return Teach(job, images, project_root, run_folder, device)


class Teach:
    """One running job of teaching; see `engines.core.contracts.Task`."""

    def __init__(
        self, job: Job, images: Sequence[JobImage], project_root: Path, run_folder: Path, device: Device
    ) -> None:
        self._job, self._images, self._root, self._run, self._device = job, images, project_root, run_folder, device
        self._parts: _Parts | None = None

    def prepare(self, progress: ProgressHook) -> None:
        """Open the base, make class pictures, attach the method, fill the caches, release the encoders."""
        job, recipe, device = self._job, self._job.recipe, self._device
        method = method_of(job.method.name, job.method.settings)
        base = open_base(same_base.address(self._run, job.base), device, progress=progress)
        same_base.keep(self._run, job.base, base)
        for note in base.info.notes:
            progress(NOTE, note, 0, 0)
        class_text = class_caption(job.concept.class_noun)
        files = self._class_files(base, class_text, progress)
        rates = learning_rates(recipe, base)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.loop.seed)
            taught = method.attach(base, rates, job.concept)
        if job.start_from:
            start = read_adapter(self._root / job.start_from)
            check_fit(start, base)
            taught.start_from(start)
        text_trains = any(group.name != "unet" for group in taught.parameter_groups())
        dataset = build_dataset(
            base,
            self._root,
            self._images,
            job.concept,
            recipe,
            device.torch_device,
            class_files=files,
            class_text=class_text,
            text_trains=text_trains,
            progress=progress,
        )
        _tell_about(dataset, progress)
        prompts = recipe.samples.prompts or sample_prompts(job.concept)
        texts = {} if text_trains else {prompt: base.encode_prompts([prompt]) for prompt in ("", *prompts)}
        base.release_encoders(keep_text=text_trains)
        if recipe.loop.gradient_checkpointing:
            _save_memory(base)
        objective = recipe.objective
        gauge = Gauge(
            base,
            dataset,
            unmasked_weight=recipe.data.unmasked_weight,
            gamma=objective.min_snr_gamma,
            device=device.torch_device,
        )
        weighting = Weighting(
            objective.min_snr_gamma, objective.noise_offset, objective.class_weight, objective.hold_weight
        )
        self._parts = _Parts(base, taught, dataset, gauge, weighting, tuple(prompts), texts)
        if recipe.loop.compile:
            trials = [partial(self._try, batch) for batch in dataset.batches.of_every_shape()]
            compile_blocks(base.networks()["unet"], _BLOCKS, trials, device, progress)

    @property
    def trainable(self) -> Teachable:
        """See `Task`."""
        return self._ready.taught

    @property
    def batches(self) -> PictureBatches:
        """See `Task`."""
        return self._ready.dataset.batches

    def loss(self, batch: DenoisingBatch) -> torch.Tensor:
        """See `Task`."""
        parts = self._ready
        text = batch.text
        if text is None:
            assert batch.tokens is not None  # noqa: S101 - a batch carries one of the two
            text = parts.base.encode_tokens(batch.tokens)
        error = denoising_loss(parts.base, batch, text, parts.weighting, partial(self._plain_answer, batch, text))
        penalty = parts.taught.penalty(text)
        return error if penalty is None else error + penalty

    @torch.no_grad()
    def _plain_answer(
        self, batch: DenoisingBatch, text: TextStates, noisy: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """What the base, without what is being taught, says of the held rows."""
        parts, held = self._ready, slice(-batch.held, None)
        with parts.taught.switched_off():
            if batch.tokens is None:
                words = {name: states[held] for name, states in text.items()}
            else:
                words = parts.base.encode_tokens(batch.tokens[held])
            if batch.frame is not None:
                words = {**words, "frame": batch.frame[held]}
            return parts.base.predict(noisy[held], timesteps[held], words)

    def validate(self) -> float:
        """See `Task`."""
        return self._ready.gauge.measure()

    def sample(
        self, step: int, folder: Path, *, prompts: Sequence[str] = (), seed: int | None = None
    ) -> list[SampleFile]:
        """See `Task`."""
        parts, settings = self._ready, self._job.recipe.samples
        wanted = list(prompts or parts.prompts)
        number = settings.seed if seed is None else seed
        how = Sampling(steps=settings.inference_steps, guidance=settings.guidance)
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        pictures = draw(parts.base, wanted, [number] * len(wanted), how, texts=parts.encode)
        for place, (prompt, picture) in enumerate(zip(wanted, pictures, strict=True)):
            own = f"-{hashlib.sha256(prompt.encode()).hexdigest()[:8]}" if prompts else ""
            file = folder / f"{step:06d}-{place:02d}-{number}{own}.png"
            with atomic_path(file, durable=False) as temporary:
                picture.save(temporary, format="PNG")
            made.append(SampleFile(prompt, number, file))
        return made

    def save_adapter(self, path: Path, *, step: int) -> None:
        """See `Task`."""
        parts = self._ready
        info = parts.base.info
        side = self._job.recipe.data.resolution or info.resolution
        adapter = parts.taught.adapter()
        metadata = metadata_of(
            self._job, info, parts.taught.metadata(), step=step, pictures=len(self._images), side=side
        )
        write_adapter(Adapter(adapter.modules, metadata), path, "diffusers", overwrite=True)

    def verify_adapter(self, path: Path) -> None:
        """See `Task`."""
        title = "The adapter file is not right"
        try:
            found = read_adapter(path)
        except AdapterError as error:
            raise TrainingError(title, str(error), "Resume from the last checkpoint.") from error
        expected = self._ready.taught.adapter().modules
        same = found.modules.keys() == expected.keys() and all(
            found.modules[name].down.shape == pair.down.shape and found.modules[name].up.shape == pair.up.shape
            for name, pair in expected.items()
        )
        if not same:
            raise TrainingError(title, "It does not hold what was taught.", "Resume from the last checkpoint.")
        if not any(pair.changes for pair in found.modules.values()):
            raise TrainingError(
                title, "It changes nothing; nothing was learned.", "Raise the learning rate or the steps."
            )

    def _try(self, batch: DenoisingBatch) -> None:
        """Do what a step does, without learning anything."""
        try:
            with undisturbed(), computing(self._device):
                self.loss(batch).backward()  # type: ignore[no-untyped-call]
        finally:
            for group in self.trainable.parameter_groups():
                for parameter in group.parameters:
                    parameter.grad = None

    @property
    def _ready(self) -> _Parts:
        if self._parts is None:
            title = "The run is not ready"
            raise JobError(title, "It was asked for something before it was prepared.")
        return self._parts

    def _class_files(self, base: Base, prompt: str, progress: ProgressHook) -> list[Path]:
        count = self._job.recipe.objective.class_pictures
        if not count or not self._job.recipe.objective.class_weight:
            return []
        return class_pictures(base, prompt, count, self._root / "cache", progress=progress)


class _Parts:
    """What a prepared task holds."""

    def __init__(
        self,
        base: Base,
        taught: Teachable,
        dataset: Dataset,
        gauge: Gauge,
        weighting: Weighting,
        prompts: tuple[str, ...],
        texts: dict[str, TextStates],
    ) -> None:
        self.base, self.taught, self.dataset, self.gauge = base, taught, dataset, gauge
        self.weighting, self.prompts, self._texts = weighting, prompts, texts

    def encode(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts: those prepared in advance, else from the encoder, opened for the moment."""
        if not self._texts:
            return self.base.encode_prompts(prompts)
        if any(prompt not in self._texts for prompt in prompts):
            for prompt in prompts:
                self._texts[prompt] = self.base.encode_prompts([prompt])
            self.base.release_encoders()
        found = [self._texts[prompt] for prompt in prompts]
        return {name: torch.cat([one[name] for one in found]) for name in found[0]}


def learning_rates(recipe: Recipe, base: Base) -> LearningRates:
    """The recipe's rates, with the base's own put in where it leaves the choice; the text encoder's is a tenth then."""
    denoiser = recipe.loop.learning_rate or base.info.learning_rate
    return LearningRates(denoiser, recipe.loop.text_encoder_learning_rate or denoiser / 10)


def _tell_about(dataset: Dataset, progress: ProgressHook) -> None:
    for sentence in dataset.skipped:
        progress(NOTE, f"A picture was left out. {sentence}", 0, 0)
    count = sum(len(bucket.entries) for bucket in dataset.measured)
    if dataset.measured_apart:
        apart = "one photo that is" if count == 1 else f"{count} photos that are"
        progress(NOTE, f"The curve is measured on {apart} kept out of the training.", 0, 0)
    else:
        progress(NOTE, "There are few photos, so the curve is measured on the ones that are learned from.", 0, 0)


def _save_memory(base: Base) -> None:
    """Recompute inside the networks that carry an adapter instead of storing."""
    names = ("enable_gradient_checkpointing", "activation_checkpointing_enable", "gradient_checkpointing_enable")
    for network in base.resident():  # diffusers, newer and older transformers
        switch = next((getattr(network, name) for name in names if hasattr(network, name)), None)
        if switch is not None and any(parameter.requires_grad for parameter in network.parameters()):
            switch()
            if (
                switch.__name__ != names[0]
            ):  # transformers recomputes only in training mode; CLIP has no dropout of its own
                network.train()
