"""The command line, run in this process on a folder of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fakes import NEWBORN, use_fakes
from limner.apps.cli import app

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_store: Callable[[Path], None]) -> Cli:
    """Runs `limner ARGUMENTS` with fakes for the models and everything stored under a temporary folder."""
    use_fakes(monkeypatch, tmp_path)
    make_store(tmp_path / "home")
    return lambda *arguments, **options: CliRunner().invoke(app, list(arguments), **options)


@pytest.fixture
def reading(cli: Cli) -> Callable[..., Any]:
    """Runs `limner ARGUMENTS --json` and returns what it prints."""

    def run(*arguments: str) -> Any:
        done = cli(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def ada(cli: Cli) -> str:
    """The id of ada's first observation."""
    done = cli("observe", "--user", "ada", "--source", "chat", NEWBORN)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()
