"""Fetches base models from a Hugging Face hub through huggingface_hub: sizes said first, resumable, and offline when asked.

Only configurations, tokenizers and weights of a text-to-image pipeline are fetched; safetensors where there are any. `HF_ENDPOINT` names another
hub, `HF_HUB_OFFLINE` forbids the network. A token comes from the system's keyring (service `lorikeet`, name `huggingface`), else from
huggingface_hub's own place.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import DownloadError
from engines.core.contracts import NOTE, ProgressHook

SERVICE, ACCOUNT = "lorikeet", "huggingface"
_NAME = re.compile(r"^[\w.-]{1,96}(/[\w.-]{1,96})?$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PARTS = ("unet/", "vae/", "text_encoder/", "text_encoder_2/", "tokenizer/", "tokenizer_2/", "scheduler/")
_TOP = ("model_index.json", "lorikeet.json")
_SPARE_BYTES = 500 * 2**20


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch; size in bytes."""

    name: str
    size: int


Selection = Callable[[Iterable[RemoteFile]], list[RemoteFile]]


def fetch(name: str, *, progress: ProgressHook, cache: Path | None = None) -> Path:
    """Fetch a diffusers folder and return where it lies.

    What was fetched before is not fetched again, and a broken-off download goes on where it ended.

    Args:
        name: `owner/name`, optionally `@revision`.
        progress: hears (`download`, text, bytes done, bytes in all).
        cache: folder to keep it in; huggingface_hub's own by default.

    Raises:
        DownloadError: no such model, no permission, no network, no space; says which.
    """
    repository, _, revision = name.partition("@")
    _check_name(repository)
    return _fetch_or_known(repository, revision or None, progress, cache, choose, "model_index.json")


def at_commit(base: str, folder: Path) -> str:
    """A base that was fetched from a hub to `folder`, named by its very commit; any other base as it is."""
    kind, _, name = base.partition(":")
    fetched = kind == "hub" and _COMMIT.fullmatch(folder.name)
    return f"hub:{name.partition('@')[0]}@{folder.name}" if fetched else base


def fetch_encoder(name: str, *, progress: ProgressHook = lambda *_: None, cache: Path | None = None) -> Path:
    """Fetch a CLIP or DINOv2 folder and return where it lies; see `fetch`."""
    repository, _, revision = name.partition("@")
    _check_name(repository)
    return _fetch_or_known(repository, revision or None, progress, cache, choose_encoder, "config.json")


def choose_encoder(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Those a judging model needs: configurations and tokenizer at the top, and its safetensors."""
    top = [file for file in files if "/" not in file.name]
    small = [file for file in top if file.name.endswith((".json", ".txt")) and file.size < 50_000_000]
    return small + [file for file in top if file.name.endswith(".safetensors")]


def choose(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Those a Stable Diffusion needs: for each part its safetensors without a variant, else the fp16 ones, else the pickled ones."""
    wanted = [file for file in files if file.name in _TOP or file.name.startswith(_PARTS)]
    small = [f for f in wanted if f.name.endswith((".json", ".txt", ".model")) and f.size < 50_000_000]
    weights: list[RemoteFile] = []
    for part in _PARTS:
        inside = [file for file in wanted if file.name.startswith(part) and file.name.count("/") == 1]
        for ending in (".safetensors", ".bin"):
            all_of_it = [file for file in inside if file.name.endswith(ending) and "ema" not in file.name]
            plain = [file for file in all_of_it if file.name.rpartition("/")[2].count(".") == 1]
            if chosen := plain or [file for file in all_of_it if ".fp16" in file.name]:
                weights += chosen
                break
    return small + weights


def token() -> str | None:
    """The person's token from the keyring; None leaves the choice to huggingface_hub."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, ACCOUNT) or None
    except KeyringError:  # a machine without a keyring service is no reason to fail
        return None


def _fetch_or_known(
    repository: str, revision: str | None, progress: ProgressHook, cache: Path | None, select: Selection, index: str
) -> Path:
    """Fetch; where the hub cannot be reached at all, what was fetched before has to do.

    A commit never changes, so where one is named and here, nobody is asked: the hub may have gone on, or lost it.
    """
    if revision is not None and _COMMIT.fullmatch(revision):
        with suppress(OSError):
            return _known(repository, revision, cache, index)
    try:
        with _plain_failures(repository):
            if _offline():
                return _known(repository, revision, cache, index)
            return _fetch(repository, revision, progress, cache, select, index)
    except DownloadError as error:
        if not _is_unreachable(error.__cause__):
            raise
        try:
            folder = _known(repository, revision, cache, index)
        except OSError:
            raise error from error.__cause__
        progress(NOTE, "The hub cannot be reached. The copy that was fetched before is used.", 0, 0)
        return folder


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether there was no answer at all, other than a refusal."""
    from huggingface_hub import errors as hub

    transport: type[Exception] = hub.HfHubHTTPError.__bases__[0]
    return isinstance(error, transport) and not isinstance(error, hub.HfHubHTTPError)


def _check_name(repository: str) -> None:
    if not _NAME.match(repository):
        title = "This is not a model's name"
        raise DownloadError(title, f"“{repository}”.", "Write it as owner/name.")


def _fetch(
    repository: str, revision: str | None, progress: ProgressHook, cache: Path | None, select: Selection, index: str
) -> Path:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.constants import HF_HUB_CACHE

    endpoint = os.environ.get("HF_ENDPOINT") or None
    key = token()
    info = HfApi(endpoint=endpoint, token=key).model_info(repository, revision=revision, files_metadata=True)
    files = select(RemoteFile(item.rfilename, item.size or 0) for item in info.siblings or ())
    if index not in {file.name for file in files}:
        title = "This model cannot be used here"
        raise DownloadError(title, f"“{repository}” has no {index}.", "Choose a model in the diffusers layout.")
    place = Path(cache or HF_HUB_CACHE)
    total = sum(file.size for file in files if not _is_here(repository, file.name, info.sha, place))
    _check_space(place, total)
    if total:
        progress("download", f"{repository}: {total / 1e9:.2f} GB to fetch, {_free(place) / 1e9:.1f} GB free", 0, total)
    # The index comes last and by the name it was asked for, so that its being there means that everything is, also offline.
    done, path = 0, ""
    for file in sorted(files, key=lambda file: file.name == index):
        here = _is_here(repository, file.name, info.sha, place)
        path = hf_hub_download(
            repository,
            file.name,
            revision=revision if file.name == index else info.sha,
            cache_dir=place,
            token=key,
            endpoint=endpoint,
            tqdm_class=_watch(progress, file.name, done, total),
        )
        done += 0 if here else file.size
        progress("download", f"Fetching {file.name}", done, total)
    return Path(path).parent


def _is_here(repository: str, name: str, revision: str | None, cache: Path) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, name, cache_dir=cache, revision=revision), str)


def _known(repository: str, revision: str | None, cache: Path | None, index: str) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(repository, index, revision=revision, cache_dir=cache, local_files_only=True)).parent


def _watch(progress: ProgressHook, name: str, before: int, total: int) -> type[Any]:
    """A silent tqdm class that passes its counts on to `progress`, at most five times a second."""
    from tqdm import tqdm

    class Watcher(tqdm):  # type: ignore[misc]
        """One file's progress."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - tqdm's own arguments
            kwargs.pop("name", None)  # huggingface_hub 1.x names its bars
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})
            self._told = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            """Count, and tell now and then; the hook may raise to stop the download."""
            changed: bool | None = super().update(n)
            if time.monotonic() - self._told > 0.2:
                self._told = time.monotonic()
                progress("download", f"Fetching {name}", before + int(self.n), total)
            return changed

    return Watcher


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"}


def _free(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _check_space(place: Path, needed: int) -> None:
    free = _free(place)
    if needed + _SPARE_BYTES > free:
        title = "There is not enough space on the disk"
        what = f"The model takes {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free at {place}."
        raise DownloadError(title, what, "Make room, or set HF_HOME to a place on another disk.")


@contextmanager
def _plain_failures(name: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into sentences."""
    from huggingface_hub import errors as hub

    transport: type[Exception] = hub.HfHubHTTPError.__bases__[0]  # of whichever HTTP library the client uses
    try:
        yield
    except DownloadError:
        raise
    except (OSError, ValueError, transport) as error:
        what, hint = _words(name, error)
        title = "The model could not be fetched"
        raise DownloadError(title, what, hint) from error


def _words(name: str, error: BaseException) -> tuple[str, str]:
    """What happened, and what to do."""
    from huggingface_hub import errors as hub

    match error:
        case hub.GatedRepoError():
            hint = "Accept its terms on its page and store your access token in Preferences."
            return f"“{name}” is shared under terms that must be accepted first.", hint
        case hub.RevisionNotFoundError():
            return f"“{name}” has no such revision.", "Leave out the revision."
        case hub.RepositoryNotFoundError():
            hint = "Check the spelling; a private model needs your access token in Preferences."
            return f"There is no model “{name}”, or you may not see it.", hint
        case hub.LocalEntryNotFoundError() | hub.OfflineModeIsEnabled():
            return (
                f"“{name}” was never fetched and there is no network.",
                "Go online once, or choose a model from this computer.",
            )
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"“{name}”: {lines[0][:200]}", "Check the network and the disk and try again; it goes on where it ended."
