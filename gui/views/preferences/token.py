"""The token for the model hub, kept in the system's own keyring and nowhere else.

All of it may be slow or ask the person something, so it is called on a background thread.
"""

from __future__ import annotations

from projects.errors import UserError

SERVICE = "lorikeet"
ACCOUNT = "huggingface"


class KeyringMissingError(UserError):
    """This computer has no keyring that could keep a secret."""


def load() -> str:
    """The stored token; empty when there is none.

    Raises:
        KeyringMissingError: there is no place to keep it.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, ACCOUNT) or ""
    except KeyringError as error:
        raise _missing() from error


def store(token: str) -> None:
    """Keep a token; an empty one forgets what was kept.

    Raises:
        KeyringMissingError: there is no place to keep it.
    """
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        if token:
            keyring.set_password(SERVICE, ACCOUNT, token)
            return
        try:
            keyring.delete_password(SERVICE, ACCOUNT)
        except PasswordDeleteError:
            return
    except KeyringError as error:
        raise _missing() from error


def _missing() -> KeyringMissingError:
    return KeyringMissingError(
        "The token cannot be kept on this computer",
        "There is no keyring that Lorikeet may use.",
        "Set the environment variable HF_TOKEN before starting Lorikeet instead; it is never written to a file.",
    )
