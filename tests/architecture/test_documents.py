"""The documents keep up: links lead somewhere, every verb and option is described, and set-up is what the README says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "resources").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    broken = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    assert not broken, broken


def test_every_verb_and_option_is_described() -> None:
    import typer.main

    from engines.cli.app import make_app

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = dict(typer.main.get_command(make_app()).commands)
    for group in [name for name, command in commands.items() if hasattr(command, "commands")]:
        commands |= {f"{group} {name}": command for name, command in commands.pop(group).commands.items()}
    for name, command in commands.items():
        section = re.search(rf"^### `{name}\b.*?(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
        assert section is not None, f"{name} is not described"
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help" and not (option == "--json" and name != "bench"):
                    assert f"{option}`" in section[0] or f"{option} " in section[0], f"{name} {option} is not described"


def test_every_bench_is_described() -> None:
    from engines.bench.runner import discover

    text = (ROOT / "docs" / "benches.md").read_text(encoding="utf-8")
    assert [name for name in discover() if f"`{name}`" not in text] == []


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    command = "python3 packaging/bootstrap.py test"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert script.rstrip().endswith(f"exec {command}")
    assert not re.search(r"\b(pip|apt-get|pytest)\b", script)
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0


def test_no_registry_is_named() -> None:
    hosts = re.compile(r"https?://[\w.-]*(py" + r"pi|pythonhosted|debian|npmjs)", re.IGNORECASE)
    assert [page.name for page in PAGES if hosts.search(page.read_text(encoding="utf-8"))] == []
