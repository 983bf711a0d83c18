"""Failures that a person can do something about.

Every expected failure is a `UserError`: a short title, what happened, and a hint that names the remedy. Anything else that is raised is
a bug and takes the other road (crash report). The tree:

    UserError
    ├── ProjectError        a project cannot be opened, written or migrated
    │   └── ReadOnlyError   a project that may be looked at but not changed
    ├── ImportFailure       a picture, mask or caption cannot be taken in
    └── (engines.api.errors adds the failures of models and training)
"""

from __future__ import annotations


class UserError(Exception):
    """An expected failure in plain words.

    Args:
        title: a few words, without a full stop ("The picture is damaged").
        what: what happened, one or two sentences.
        hint: what to do about it; empty when there is nothing to do.
    """

    def __init__(self, title: str, what: str = "", hint: str = "") -> None:
        super().__init__(title, what, hint)
        self.title = title
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        """Return the whole message in one line."""
        return " ".join(part for part in (f"{self.title}.", self.what, self.hint) if part)


class ProjectError(UserError):
    """A project cannot be opened, written or migrated."""


class ReadOnlyError(ProjectError):
    """The project may be looked at but not changed."""


class ImportFailure(UserError):  # noqa: N818 - "ImportError" is taken by the language
    """A picture, mask or caption file cannot be taken in."""
