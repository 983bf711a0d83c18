"""What a run will take in time and memory, told before it starts: from earlier runs here where there are any, else from counting.

Counted are: the steps with all their pictures (those of the class too), the adapter by its rank and by what it is placed on, a text encoder
that learns too, making the pictures of the class, measurements, and sample pictures. Of a method's settings only the names that methods share
are known here: `rank`, `feed_forward`, `text_encoder`. The window, the command line and the worker ask the same functions. All sizes are
bytes, all times seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engines.api.catalog import DeviceEntry
from engines.api.events import Forecast
from engines.api.job import JobMethod
from engines.api.recipe import AnyRecipe, Recipe
from engines.launch.figures import TEXT_TOKENS, BackboneFigures, figures_of
from engines.launch.hardware import cores
from engines.launch.speeds import Speed, recall

Source = Literal["measured", "scaled", "counted"]
"""The very same work was timed here; other work on this device was; or only the model was counted."""

# Share of the operations of a pass that a training step of an adapter costs: forward, and backward through frozen weights.
_STEP_PASSES = 2.2
_RECOMPUTED_PASSES = 1.0
# The pairs themselves: forward, and backward to both halves and to what came in.
_ADAPTER_PASSES = 3.0
_VALIDATION_PASSES = 8.0
_SAMPLE_STEPS = 25
_USUAL_PROMPTS = 4
_USUAL_RANK = 16
_SAVED_PER_OUTPUT = 4.0
_RECOMPUTED_SHARE = 0.3
_ADAPTER_BYTES_PER_WEIGHT = {"adamw": 16, "adamw-8bit": 10}
_LIBRARIES_BYTES = {"cpu": 700 * 2**20, "mps": 900 * 2**20, "cuda": 700 * 2**20}
# Operations a second that small batches reach, rounded from public timings; only used until something was measured here.
_CPU_FLOPS_PER_CORE = 2.5e10
_FLOPS = {"mps": 2.0e12, "cuda": 1.2e13}
_LAYER_S = 3.0e-5
_AROUND_S = {"cpu": 8.0, "mps": 15.0, "cuda": 15.0}


@dataclass(frozen=True)
class Outlook:
    """A forecast and where it comes from. `remedy` is a sentence when it does not fit the device; empty when it does."""

    forecast: Forecast
    source: Source
    available_bytes: int
    remedy: str = ""

    @property
    def fits(self) -> bool:
        """Whether the device has the memory, as far as can be told."""
        return not self.remedy


def outlook(base: str, recipe: Recipe, method: JobMethod, device: DeviceEntry) -> Outlook:
    """Forecast a run on a device, before anything is loaded. Pictures of the class count as not made yet."""
    figures = figures_of(base)
    precision = "fp32" if device.kind != "cuda" or recipe.loop.precision == "fp32" else "half"
    name = device_name(device.kind, device.title)
    known = [speed for speed in recall() if speed.device == name and speed.precision == precision]
    same = [speed for speed in known if speed.base == base and speed.work == work_key(recipe, method)]
    flops = step_flops(figures, recipe, method)
    if same:
        seconds, source = _from_speed(same[-1], figures, recipe, 1.0), "measured"
    elif known:
        nearest = min(known, key=lambda speed: abs(speed.step_flops - flops))
        seconds, source = _from_speed(nearest, figures, recipe, flops / nearest.step_flops), "scaled"
    else:
        seconds, source = _counted_seconds(figures, recipe, flops, device.kind), "counted"
    memory = same[-1].memory_bytes if same and same[-1].memory_bytes else _memory(figures, recipe, method, device.kind)
    remedy = remedy_for(recipe) if memory > device.memory_free_bytes > 0 else ""
    text = in_words(recipe, method) + " Compiling comes on top." * (recipe.loop.compile and not same)
    forecast = Forecast(seconds=seconds, memory_bytes=memory, text=text)
    return Outlook(forecast, _source(source), device.memory_free_bytes, remedy)


def remedy_for(recipe: Recipe) -> str:
    """What to change so that a run needs less memory, the gentlest change first."""
    loop, side = recipe.loop, recipe.data.resolution
    if loop.batch_size > 1:
        half = loop.batch_size // 2
        return f"Take {half} picture{'s' if half > 1 else ''} a step instead of {loop.batch_size}."
    if not loop.gradient_checkpointing:
        return "Switch on “Save memory, take longer”."
    if side == 0 or side > 256:
        smaller = 384 if side == 0 or side > 448 else 256
        return f"Choose smaller pictures ({smaller} px)."
    return "Close other programs that use memory, or choose a smaller base model."


def in_words(recipe: Recipe, method: JobMethod) -> str:
    """What a forecast counts, in one sentence."""
    loop, load = recipe.loop, _Load.of(recipe, method)
    together = loop.batch_size * loop.accumulate
    pictures = f"{some(together, 'picture')}" + (f" and {together} of the class" if load.class_pictures else "")
    places = ["attention", *["feed-forward layers"] * load.feed_forward, *["text encoder"] * load.text]
    parts = [
        f"{some(loop.steps, 'step')} of {pictures}, at rank {load.rank} on {' and '.join(places)}",
        *([f"{some(load.class_pictures, 'picture')} of the class to be made"] if load.class_pictures else []),
        some(validations(recipe), "measurement"),
        *([some(samplings(recipe), "round") + " of sample pictures"] if recipe.samples.every else []),
    ]
    return f"Counted: {'; '.join(parts)}."


def work_key(recipe: Recipe, method: JobMethod) -> str:
    """What makes two runs on one base take the same time a step."""
    loop, load = recipe.loop, _Load.of(recipe, method)
    placed = f"{method.name} r{load.rank} f{int(load.feed_forward)} t{int(load.text)}"
    decomposed = int(bool(method.settings.get("weight_decomposed")))
    sizes = f"{recipe.data.resolution}px b{loop.batch_size} a{loop.accumulate} c{int(loop.gradient_checkpointing)}"
    kept = f"k{int(load.class_pictures > 0)} h{int(load.held > 0)}"
    how = " compiled" * loop.compile + f" {loop.optimiser}" * (loop.optimiser != "adamw")
    return f"{sizes} {kept} {placed} d{decomposed}{how}"


def device_name(kind: str, title: str) -> str:
    """The name a device's measurements are kept under; a processor is named by the cores that may be used."""
    return f"cpu {cores()}" if kind == "cpu" else f"{kind} {title}"


def step_flops(figures: BackboneFigures, recipe: Recipe, method: JobMethod) -> float:
    """Floating point operations of one optimiser step."""
    loop, load, side = recipe.loop, _Load.of(recipe, method), _side(figures, recipe)
    passes = _STEP_PASSES + (_RECOMPUTED_PASSES if loop.gradient_checkpointing else 0.0)
    networks = figures.forward_flops(side) + (figures.text_flops() if load.text else 0.0)
    pairs = load.rank * figures.adapter_flops(side, feed_forward=load.feed_forward, text=load.text)
    learned = load.rows * (passes * networks + _ADAPTER_PASSES * pairs)
    return loop.accumulate * (learned + load.held * networks)


def validations(recipe: AnyRecipe) -> int:
    """How often a run is measured: at the start, every so many steps, and at the end."""
    return 1 + _times(recipe.loop.steps, recipe.loop.validate_every)


def samplings(recipe: AnyRecipe) -> int:
    """How often a run makes sample pictures."""
    return 1 + _times(recipe.loop.steps, recipe.samples.every) if recipe.samples.every else 0


def _times(total: int, every: int) -> int:
    return -(-total // every)


@dataclass(frozen=True)
class _Load:
    """What a step works on: `rows` pictures at once, `held` of them also without the adapter, and an adapter of some rank on the attention and perhaps more."""

    rows: int
    class_pictures: int
    held: int
    rank: int
    feed_forward: bool
    text: bool

    @classmethod
    def of(cls, recipe: Recipe, method: JobMethod) -> _Load:
        kept = recipe.objective.class_pictures if recipe.objective.class_weight else 0
        held = recipe.objective.hold_weight > 0
        rank = method.settings.get("rank")
        return cls(
            rows=recipe.loop.batch_size * (1 + bool(kept) + held),
            class_pictures=kept,
            held=recipe.loop.batch_size if held else 0,
            rank=rank if isinstance(rank, int) else _USUAL_RANK,
            feed_forward=bool(method.settings.get("feed_forward")),
            text=bool(method.settings.get("text_encoder") or method.settings.get("train_word")),
        )


def some(count: int, what: str) -> str:
    """A number of things in words: “1 step”, “2 steps”."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _class_passes(recipe: Recipe) -> int:
    """Passes over one picture that making the pictures of the class takes."""
    return recipe.objective.class_pictures * 2 * _SAMPLE_STEPS if recipe.objective.class_weight else 0


def _from_speed(speed: Speed, figures: BackboneFigures, recipe: Recipe, ratio: float) -> float:
    steps = recipe.loop.steps * speed.step_s * ratio
    asides = validations(recipe) * speed.validation_s + samplings(recipe) * speed.samples_s
    pass_s = figures.forward_flops(_side(figures, recipe)) * speed.step_s / speed.step_flops
    return speed.around_s + steps + asides + _class_passes(recipe) * pass_s


def counted_rate(kind: str) -> float:
    """Operations a second that a kind of device is counted on for, as long as nothing was measured here."""
    return _CPU_FLOPS_PER_CORE * cores() if kind == "cpu" else _FLOPS.get(kind, _FLOPS["cuda"])


def libraries_bytes(kind: str) -> int:
    """Memory that the libraries take on a kind of device."""
    return _LIBRARIES_BYTES.get(kind, _LIBRARIES_BYTES["cuda"])


def _counted_seconds(figures: BackboneFigures, recipe: Recipe, flops: float, kind: str) -> float:
    rate = counted_rate(kind)
    side = _side(figures, recipe)
    one_pass = figures.forward_flops(side) / rate + figures.layers * _LAYER_S
    step = flops / rate + 3 * figures.layers * _LAYER_S * recipe.loop.accumulate
    pictures = len(recipe.samples.prompts) or _USUAL_PROMPTS
    sampling = 2 * (recipe.samples.inference_steps or _SAMPLE_STEPS) * one_pass * pictures
    asides = validations(recipe) * _VALIDATION_PASSES * one_pass + samplings(recipe) * sampling
    return _AROUND_S.get(kind, 15.0) + recipe.loop.steps * step + asides + _class_passes(recipe) * one_pass


def _memory(figures: BackboneFigures, recipe: Recipe, method: JobMethod, kind: str) -> int:
    width = 2 if kind == "cuda" and recipe.loop.precision != "fp32" else 4
    loop, load = recipe.loop, _Load.of(recipe, method)
    kept = _SAVED_PER_OUTPUT * (_RECOMPUTED_SHARE if loop.gradient_checkpointing else 1.0)
    words = TEXT_TOKENS * figures.text.outputs if load.text else 0
    activations = load.rows * (figures.activations(_side(figures, recipe)) + words) * kept * width
    adapter_weights = load.rank * figures.adapter_weights(feed_forward=load.feed_forward, text=load.text)
    weights = (figures.parameters + figures.other_parameters) * width
    return int(
        libraries_bytes(kind) + weights + activations + adapter_weights * _ADAPTER_BYTES_PER_WEIGHT[loop.optimiser]
    )


def _side(figures: BackboneFigures, recipe: Recipe) -> int:
    return recipe.data.resolution or figures.resolution


def _source(text: str) -> Source:
    return "measured" if text == "measured" else "scaled" if text == "scaled" else "counted"


def best_device(devices: Sequence[DeviceEntry], recipe: AnyRecipe) -> DeviceEntry | None:
    """The device a recipe will run on; None when the one it names is not here."""
    wanted = recipe.loop.device
    if wanted == "auto":
        return devices[0] if devices else None
    return next((device for device in devices if device.kind == wanted), None)
