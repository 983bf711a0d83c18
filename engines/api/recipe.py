"""How a concept is taught, apart from the method's own settings: data, objective, loop and samples.

The preset a beginner picks is a set of values for these; see `PRESETS`. A method's settings live with the method.
"""

from __future__ import annotations

from typing import Literal, Protocol

from engines.api.settings import Settings, setting


class DataSettings(Settings):
    """How pictures reach the model."""

    resolution: int = setting(
        0,
        "Picture size",
        help="Longest useful side in pixels; 0 takes the base model's own size.",
        ge=0,
        le=2048,
        unit="px",
        zero="automatic",
    )
    buckets: bool = setting(
        True,
        "Keep each picture's shape",
        help="Groups pictures by shape instead of cropping all to squares.",
        advanced=True,
    )
    flip: bool = setting(
        False, "Mirror pictures", help="Doubles the variety. Leave off for text, logos and faces with a parting."
    )
    use_masks: bool = setting(
        True, "Learn only what is masked", help="Where a picture has a mask, the rest of it counts little."
    )
    unmasked_weight: float = setting(0.05, "Weight outside the mask", ge=0.0, le=1.0, advanced=True)
    caption_dropout: float = setting(
        0.05,
        "Caption dropout",
        help="Share of steps trained without words; keeps guidance working.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )


class ObjectiveSettings(Settings):
    """What the training error is made of."""

    class_pictures: int = setting(
        0,
        "Pictures of the class to keep",
        help="Pictures of the plain class, made by the base model, keep the rest of the class as it was.",
        ge=0,
        le=1000,
        zero="none",
    )
    class_weight: float = setting(1.0, "Weight of the class pictures", ge=0.0, le=10.0, advanced=True)
    hold_weight: float = setting(
        0.0,
        "Hold everything else",
        help="Each step also asks for other things and other words, and holds the answer to the base model's. 0 leaves it out.",
        ge=0.0,
        le=10.0,
        advanced=True,
        zero="off",
    )
    min_snr_gamma: float = setting(
        5.0,
        "min-SNR gamma",
        help="Evens out easy and hard noise levels; 0 turns it off.",
        ge=0.0,
        le=100.0,
        advanced=True,
        zero="off",
    )
    noise_offset: float = setting(
        0.0, "Noise offset", help="Helps with very dark or very bright pictures.", ge=0.0, le=1.0, advanced=True
    )


class LoopSettings(Settings):
    """How long and how fast to learn."""

    steps: int = setting(300, "Steps", ge=1, le=100_000, unit="steps")
    batch_size: int = setting(1, "Pictures a step", ge=1, le=64, advanced=True)
    accumulate: int = setting(1, "Gradient accumulation", ge=1, le=64, advanced=True)
    learning_rate: float = setting(
        0.0,
        "Learning rate",
        help="0 takes a rate that suits the base model's size.",
        ge=0.0,
        le=1.0,
        advanced=True,
        zero="automatic",
    )
    text_encoder_learning_rate: float = setting(
        0.0,
        "Learning rate of the text encoder",
        help="Only where the text encoder is taught too; 0 takes a tenth of the other rate.",
        ge=0.0,
        le=1.0,
        advanced=True,
        zero="automatic",
    )
    schedule: Literal["constant", "linear", "cosine"] = setting("cosine", "Learning rate schedule", advanced=True)
    warmup: int = setting(10, "Warm-up", ge=0, le=10_000, unit="steps", advanced=True)
    weight_decay: float = setting(0.01, "Weight decay", ge=0.0, le=1.0, advanced=True)
    optimiser: Literal["adamw", "adamw-8bit"] = setting(
        "adamw",
        "Optimiser",
        help="In 8 bits its memory is a quarter, which shows at high ranks, but steps take longer. Needs an NVIDIA card and bitsandbytes.",
        advanced=True,
        choices={"adamw": "AdamW", "adamw-8bit": "AdamW in 8 bits"},
    )
    gradient_clip: float = setting(
        1.0, "Gradient clipping", help="0 turns it off.", ge=0.0, le=100.0, advanced=True, zero="off"
    )
    precision: Literal["auto", "fp32", "fp16", "bf16"] = setting("auto", "Precision", advanced=True)
    gradient_checkpointing: bool = setting(
        False,
        "Save memory, take longer",
        help="Recomputes parts of the network instead of storing them.",
        advanced=True,
    )
    compile: bool = setting(
        False,
        "Compile the model first",
        help="Faster steps on graphics cards after some minutes of compiling for every picture shape: for long runs. Needs a C compiler.",
        advanced=True,
    )
    device: Literal["auto", "cuda", "mps", "cpu"] = setting("auto", "Device", advanced=True)
    seed: int = setting(0, "Seed", ge=0, le=2**31 - 1, advanced=True)
    checkpoint_every: int = setting(100, "Checkpoint every", ge=1, le=100_000, unit="steps", advanced=True)
    keep_checkpoints: int = setting(
        3, "Checkpoints kept", help="The best one is always kept too.", ge=1, le=100, advanced=True
    )
    validate_every: int = setting(25, "Measure every", ge=1, le=100_000, unit="steps", advanced=True)


class SampleSettings(Settings):
    """Pictures made while learning."""

    prompts: tuple[str, ...] = setting((), "Prompts", help="Empty: made from the trigger word and the class.")
    every: int = setting(100, "Make samples every", help="0 makes none.", ge=0, le=100_000, unit="steps", zero="never")
    seed: int = setting(7, "Seed of the samples", ge=0, le=2**31 - 1, advanced=True)
    inference_steps: int = setting(
        0, "Denoising steps", help="0 takes the base model's own number.", ge=0, le=200, advanced=True, zero="automatic"
    )
    guidance: float = setting(
        0.0,
        "Guidance",
        help="How strictly the words are followed; 0 takes the base model's own.",
        ge=0.0,
        le=30.0,
        advanced=True,
        zero="automatic",
    )


class Recipe(Settings):
    """All of the above, as stored in `job.json`."""

    data: DataSettings = DataSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    loop: LoopSettings = LoopSettings()
    samples: SampleSettings = SampleSettings()


class AnyRecipe(Protocol):
    """What the recipes of all kinds of jobs have: how long to learn, and what is shown meanwhile."""

    @property
    def loop(self) -> LoopSettings:
        """How long and how fast to learn."""
        ...

    @property
    def samples(self) -> SampleSettings:
        """Pictures made while learning."""
        ...


class Preset(Settings):
    """A named starting point. `changes` is a nested mapping over the recipe's defaults; `method` over the settings of `method_name`."""

    name: str
    title: str
    sentence: str
    recommended: bool = False
    changes: dict[str, dict[str, int | float | bool | str]]
    method_name: str = "lora"
    method: dict[str, int | float | bool | str] = {}


def apply_preset(preset: Preset, recipe: Recipe | None = None) -> Recipe:
    """Return `recipe` (or the defaults) with the preset's changes, validated."""
    values = (recipe or Recipe()).model_dump()
    for group, changes in preset.changes.items():
        values[group].update(changes)
    return Recipe.model_validate(values)
