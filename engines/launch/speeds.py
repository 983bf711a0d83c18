"""How fast this computer was in earlier runs: a small file in the cache that makes the next forecast a measured one."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.api.places import cache_home
from projects.files import atomic_write_text

_KEPT = 100
_LIMIT_BYTES = 2**20


class Speed(BaseModel):
    """One measured run. Times in seconds (of one step, one validation, one round of samples; `around_s` before and after the steps)."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    device: str
    precision: str
    base: str
    work: str
    step_flops: float = Field(gt=0, allow_inf_nan=False)
    step_s: float = Field(gt=0, allow_inf_nan=False)
    validation_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    samples_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    around_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    memory_bytes: int = Field(0, ge=0)


class _Speeds(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    speeds: tuple[Speed, ...] = ()


def recall() -> tuple[Speed, ...]:
    """What was measured here, the newest last; a missing or damaged file counts as nothing."""
    try:
        if _path().stat().st_size > _LIMIT_BYTES:
            return ()
        return _Speeds.model_validate_json(_path().read_bytes()).speeds
    except (OSError, ValidationError):
        return ()


def remember(speed: Speed) -> None:
    """Add a measurement; an older one of the same work gives way. Raises OSError when the cache cannot be written."""
    kept = [
        other
        for other in recall()
        if (other.device, other.precision, other.base, other.work)
        != (speed.device, speed.precision, speed.base, speed.work)
    ]
    _path().parent.mkdir(parents=True, exist_ok=True)
    text = _Speeds(speeds=(*kept, speed)[-_KEPT:]).model_dump_json(indent=1)
    atomic_write_text(_path(), text, durable=False)


def _path() -> Path:
    return cache_home() / "speeds.json"
