"""One idea, one file: finds every file of a package, lets it register itself, and remembers the ones that cannot be used."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from engines.api.errors import SettingsError
from engines.api.settings import refusal

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind (methods, backbones, ...).

    Attributes:
        broken: files that could not be imported or registered, with the reason in a sentence.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._items: dict[str, T] = {}
        self._homes: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate (or call with) the thing to register.

        Raises:
            ValueError: another file has this name already.
        """

        def remember(item: T) -> T:
            home = getattr(item, "__module__", "?")
            if name in self._items and self._homes[name] != home:
                msg = f"{self._kind} “{name}” is registered by {self._homes[name]} and by {home}"
                raise ValueError(msg)
            self._items[name], self._homes[name] = item, home
            return item

        return remember

    def discover(self, package: str) -> None:
        """Import every file of a package (names with a leading underscore are left out); a broken one never hides the others."""
        paths = importlib.import_module(package).__path__
        for found in sorted(pkgutil.iter_modules(paths), key=lambda module: module.name):
            if found.name.startswith("_"):
                continue
            name = f"{package}.{found.name}"
            try:
                importlib.import_module(name)
            except (ImportError, ValueError, TypeError, AttributeError, NameError, SyntaxError, OSError) as error:
                self.broken[name] = f"{type(error).__name__}: {error}"

    def get(self, name: str) -> T:
        """The thing of this name.

        Raises:
            SettingsError: there is none, or its file is broken.
        """
        if name in self._items:
            return self._items[name]
        reasons = [f"{home}: {reason}" for home, reason in self.broken.items() if home.rsplit(".", 1)[-1] == name]
        known = ", ".join(sorted(self._items)) or "none"
        raise SettingsError(
            f"There is no {self._kind} called “{name}”", " ".join(reasons) or f"Known: {known}.", "Update Lorikeet."
        )

    def items(self) -> Iterator[tuple[str, T]]:
        """All names and things, by name."""
        return iter(sorted(self._items.items(), key=lambda pair: pair[0]))

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __len__(self) -> int:
        return len(self._items)


def configured(kinds: Registry[type[T]], name: str, settings: Mapping[str, Any], *, group: str) -> T:
    """The thing of this name with these settings.

    Args:
        kinds: classes whose fields are their settings.
        name: the class's registered name.
        settings: values by field.
        group: what the settings are called in front of their names, as in `method.rank`.

    Raises:
        SettingsError: there is none, or a setting is not right.
    """
    kind: Any = kinds.get(name)
    try:
        made: T = kind(**settings)
    except ValidationError as error:
        raise refusal(error, kind, group=group) from None
    return made
