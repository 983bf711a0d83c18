"""Fetching models, against a small server on this machine that stands in for the hub."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.utils._http as hub_http
import pytest
from safetensors.torch import load_file, save_file

from engines.api.errors import DownloadError, JobError
from engines.diffusion import hub
from engines.diffusion.backbones import open_base
from engines.diffusion.hub import RemoteFile, choose, fetch
from engines.diffusion.teach import build
from tests.diffusion.support import CPU, make_job, make_pictures, open_tiny, probe

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """A hub with one model."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.commit = COMMIT
        self.asked: list[tuple[str, str, str]] = []
        self.tokens: list[str] = []
        self.gated = False
        self.break_after: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers what huggingface_hub asks for a model: its list of files, and each file, whole or from a byte on."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Range", "")))
        self.server.tokens.append(self.headers.get("Authorization", ""))
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/owner/tiny"):
            if "/revision/" in path and not path.endswith(("main", self.server.commit)):
                self._refuse(404, "RevisionNotFound")
            elif self.server.gated:
                self._refuse(403, "GatedRepo")
            else:
                self._send(json.dumps(self._listing()).encode(), {"Content-Type": "application/json"}, body=body)
        elif path.startswith((f"/owner/tiny/resolve/{self.server.commit}/", "/owner/tiny/resolve/main/")):
            self._file(self.server.folder / path.split("/", 5)[5], body=body)
        else:
            self._refuse(404, "RepoNotFound")

    def _listing(self) -> dict[str, object]:
        files = sorted(path for path in self.server.folder.rglob("*") if path.is_file())
        siblings = [
            {"rfilename": path.relative_to(self.server.folder).as_posix(), "size": path.stat().st_size}
            for path in files
        ]
        return {"id": "owner/tiny", "sha": self.server.commit, "siblings": siblings, "tags": [], "downloads": 0}

    def _file(self, path: Path, *, body: bool) -> None:
        if not path.is_file():
            self._refuse(404, "EntryNotFound")
            return
        data = path.read_bytes()
        headers = {
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            "X-Repo-Commit": self.server.commit,
            "Accept-Ranges": "bytes",
        }
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(data[start:], headers, body=body, status=206 if start else 200, breaks=not start)

    def _send(
        self, data: bytes, headers: dict[str, str], *, body: bool, status: int = 200, breaks: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        limit = self.server.break_after
        if breaks and limit is not None and len(data) > limit:
            self.server.break_after = None
            self.wfile.write(data[:limit])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(data)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def server(tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = Path(shutil.copytree(tiny_sd, tmp_path / "remote"))
    (folder / "README.md").write_text("not needed")
    (folder / "model.ckpt").write_bytes(b"x" * 1000)
    running = Hub(folder)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", running.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    hub_http.close_session()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()
    hub_http.close_session()


def test_a_model_comes_whole_and_says_its_size_first(server: Hub, tiny_sd: Path, tmp_path: Path) -> None:
    told: list[tuple[str, str, int, int]] = []
    folder = fetch("owner/tiny", progress=lambda *what: told.append(what), cache=tmp_path / "cache")
    base = open_base(f"file:{folder}", CPU)
    assert bool((probe(base) == probe(open_tiny(tiny_sd))).all())
    assert base.info.title == "owner/tiny"
    assert "GB to fetch" in told[0][1]
    assert "GB free" in told[0][1]
    total = told[0][3]
    assert told[-1][2:] == (total, total)
    assert [done for *_, done, _ in told] == sorted(done for *_, done, _ in told)
    fetched = {path.name for path in folder.rglob("*")}
    assert not fetched & {"README.md", "model.ckpt"}


def test_nothing_is_fetched_twice_and_offline_works(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = fetch("owner/tiny", progress=lambda *_: None, cache=cache)
    server.asked.clear()
    assert fetch("owner/tiny", progress=lambda *_: None, cache=cache) == first
    assert not [path for method, path, _ in server.asked if method == "GET" and "resolve" in path]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    server.asked.clear()
    assert fetch("owner/tiny", progress=lambda *_: None, cache=cache) == first
    assert not server.asked
    with pytest.raises(DownloadError, match="never fetched"):
        fetch("owner/other", progress=lambda *_: None, cache=cache)


def test_without_an_answer_the_earlier_copy_is_used(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = fetch("owner/tiny", progress=lambda *_: None, cache=cache)
    monkeypatch.setattr(hub, "_free", lambda _: 10**9)  # room for the reserve only: nothing more is needed
    assert fetch("owner/tiny", progress=lambda *_: None, cache=cache) == first
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told: list[str] = []
    assert fetch("owner/tiny", progress=lambda phase, text, *_: told.append(f"{phase}: {text}"), cache=cache) == first
    assert any(text.startswith("note: ") and "before is used" in text for text in told)
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    server.gated = True
    with pytest.raises(DownloadError, match="accepted first"):  # a refusal is no missing network
        fetch("owner/tiny", progress=lambda *_: None, cache=cache)


@pytest.mark.parametrize("offline", [False, True])
def test_a_run_goes_on_with_the_commit_it_was_begun_with(
    server: Hub, offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    run, images = tmp_path / "runs" / "run", make_pictures(tmp_path, 2)
    run.mkdir(parents=True)
    job = make_job(Path(), loop={"steps": 2}).model_copy(update={"base": "hub:owner/tiny"})
    first = build(job, images, tmp_path, run, CPU)
    first.prepare(lambda *_: None)
    told = json.loads((run / "base.json").read_text())
    assert told["source"] == f"hub:owner/tiny@{COMMIT}"

    server.commit = COMMIT[::-1]  # the model is renewed under its name, and the old commit is gone
    weights = server.folder / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1" if offline else "0")
    again = build(job, images, tmp_path, run, CPU)
    again.prepare(lambda *_: None)
    assert again.validate() == first.validate()
    assert json.loads((run / "base.json").read_text()) == told

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert open_base("hub:owner/tiny", CPU).info.base_hash != told["base_hash"]
    (run / "base.json").write_text(json.dumps({**told, "source": "hub:owner/tiny"}))
    with pytest.raises(JobError, match="has changed"):
        build(job, images, tmp_path, run, CPU).prepare(lambda *_: None)


def test_a_broken_off_download_goes_on_where_it_ended(
    server: Hub, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    cache = tmp_path / "cache"
    server.break_after = 100_000
    try:
        folder = fetch("owner/tiny", progress=lambda *_: None, cache=cache)
    except DownloadError:
        folder = fetch("owner/tiny", progress=lambda *_: None, cache=cache)
    assert [wanted for *_, wanted in server.asked if wanted.startswith("bytes=") and not wanted.startswith("bytes=0-")]
    for part in ("unet", "vae"):
        name = f"{part}/diffusion_pytorch_model.safetensors"
        assert (folder / name).read_bytes() == (tiny_sd / name).read_bytes()


def test_the_keyring_s_token_goes_along(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "token", lambda: "hf_secret")
    fetch("owner/tiny", progress=lambda *_: None, cache=tmp_path)
    assert "Bearer hf_secret" in server.tokens


def test_refusals_are_said_in_words(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> str:
        with pytest.raises(DownloadError) as caught:
            fetch(name, progress=lambda *_: None, cache=tmp_path)
        return str(caught.value)

    assert "no model" in refused("owner/missing")
    assert "no such revision" in refused("owner/tiny@v9")
    assert "model's name" in refused("../../etc/passwd")
    server.gated = True
    assert "accepted first" in refused("owner/tiny")
    server.gated = False
    (server.folder / "model_index.json").unlink()
    assert "model_index.json" in refused("owner/tiny")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "Check the network" in refused("owner/tiny")


def test_a_full_disk_is_said_before_anything_is_fetched(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_free", lambda _: 1000)
    with pytest.raises(DownloadError, match="not enough space"):
        fetch("owner/tiny", progress=lambda *_: None, cache=tmp_path)
    assert not [path for _, path, _ in server.asked if "resolve" in path]


def test_stopping_ends_a_download(server: Hub, tmp_path: Path) -> None:
    class Stopped(Exception):
        """As the worker's hook raises."""

    def stop(*_: object) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        fetch("owner/tiny", progress=stop, cache=tmp_path)


def test_only_what_is_needed_is_chosen() -> None:
    names = {
        "model_index.json": 1, "unet/config.json": 1, "unet/diffusion_pytorch_model.safetensors": 9,
        "unet/diffusion_pytorch_model.fp16.safetensors": 5, "unet/diffusion_pytorch_model.bin": 9,
        "unet/diffusion_pytorch_model.non_ema.safetensors": 9, "vae/diffusion_pytorch_model.bin": 3,
        "text_encoder/model.fp16.safetensors": 2, "safety_checker/model.safetensors": 9, "v1-5-pruned.ckpt": 99,
        "tokenizer/merges.txt": 1, "unet/openvino/model.bin": 7,
        "text_encoder_2/model-00001-of-00002.safetensors": 2, "text_encoder_2/model-00002-of-00002.safetensors": 2,
        "text_encoder_2/model.fp16.safetensors": 2, "tokenizer_2/vocab.json": 1,
        "vae_1_0/diffusion_pytorch_model.safetensors": 3, "sd_xl_base_1.0.safetensors": 99,
    }  # fmt: skip
    chosen = {file.name for file in choose(RemoteFile(name, size) for name, size in names.items())}
    assert chosen == {
        "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.bin",
        "text_encoder/model.fp16.safetensors", "tokenizer/merges.txt",
        "text_encoder_2/model-00001-of-00002.safetensors", "text_encoder_2/model-00002-of-00002.safetensors",
        "tokenizer_2/vocab.json",
    }  # fmt: skip
