"""Expected failures of models and training; they extend the tree drawn in `projects.errors`.

UserError
├── ModelError          a base model is missing, damaged or of the wrong kind
│   └── DownloadError   a model could not be fetched
├── AdapterError        an adapter file is damaged or does not fit the base
├── SettingsError       a setting is out of range or does not fit the others
├── JobError            a job folder is unusable, busy or already finished
├── MemoryShortage      the job does not fit the device
└── TrainingError       the numbers went wrong (NaN, zero loss, empty adapter)
"""

from __future__ import annotations

from projects.errors import UserError

__all__ = [
    "AdapterError",
    "DownloadError",
    "JobError",
    "MemoryShortage",
    "ModelError",
    "SettingsError",
    "TrainingError",
    "UserError",
]


class ModelError(UserError):
    """A base model is missing, damaged or of the wrong kind."""


class DownloadError(ModelError):
    """A model could not be fetched."""


class AdapterError(UserError):
    """An adapter file is damaged or does not fit the base model."""


class SettingsError(UserError):
    """A setting is out of range or does not fit the others."""


class JobError(UserError):
    """A job folder is unusable, busy or already finished."""


class MemoryShortage(UserError):  # noqa: N818 - "MemoryError" is taken by the language
    """The job does not fit the device."""


class TrainingError(UserError):
    """The numbers went wrong: NaN, zero loss, an empty adapter."""
