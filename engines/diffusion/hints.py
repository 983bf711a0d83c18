"""What a base model's folder may say about itself beyond its configurations: an optional `lorikeet.json` beside `model_index.json`.

Every field is optional; 0 means that nothing is said. Any folder may carry one.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.api.errors import ModelError
from engines.diffusion.weights import read_config

FILE = "lorikeet.json"


class Hints(BaseModel):
    """Values that suit the model: picture side in pixels, denoising steps, guidance, its rescaling, a rate for adapters."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: str = Field(default="", max_length=200)
    resolution: int = Field(default=0, ge=0, le=4096)
    inference_steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0.0, le=30.0)
    guidance_rescale: float = Field(default=0.0, ge=0.0, le=1.0)
    learning_rate: float = Field(default=0.0, ge=0.0, le=1.0)


def read_hints(folder: Path) -> Hints:
    """The folder's hints, or none; raises ModelError when the file is not right."""
    path = folder / FILE
    if not path.is_file():
        return Hints()
    try:
        return Hints.model_validate(read_config(path))
    except ValidationError as error:
        title = "The base model is not complete"
        raise ModelError(title, f"{FILE} has a value that is not right.", "Fetch the base model again.") from error
