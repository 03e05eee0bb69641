"""Taking data along on the command line: export, import."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def exported(cli, ada: str, tmp_path: Path) -> Path:
    cli("reflect", "-u", "ada")
    cli("observe", "-u", "bob", "I like tea")
    file = tmp_path / "all.jsonl"
    assert cli("export", "--all", "-o", str(file)).exit_code == 0
    return file


def test_an_export_of_everybody_is_read_back(cli, exported: Path, tmp_path: Path) -> None:
    there = ("--home", str(tmp_path / "there"))
    done = cli("import", str(exported), *there, "--json")
    assert done.exit_code == 0, done.output
    assert [(one["user_id"], one["known"]) for one in json.loads(done.stdout)] == [("ada", 0), ("bob", 0)]
    first = cli("export", "--all").stdout.splitlines()
    assert cli("export", "--all", *there).stdout.splitlines()[1:] == first[1:]
    again = cli("import", str(exported), *there)
    assert again.exit_code == 2
    assert "--merge" in again.stderr
    assert cli("import", str(exported), "--merge", *there).exit_code == 0


def test_a_bad_line_is_named(cli, exported: Path, tmp_path: Path) -> None:
    lines = exported.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace("observation", "power", 1)
    exported.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = cli("import", str(exported), "--home", str(tmp_path / "there"))
    assert done.exit_code == 2
    assert f"{exported}, line 3" in done.stderr
    assert "Traceback" not in done.output


def test_whose_export_it_is_has_to_be_said(cli, ada: str) -> None:
    done = cli("export")
    assert done.exit_code == 2
    assert "--all" in done.stderr


def test_vectors_come_along_when_asked(cli, reading, ada: str) -> None:
    reading("search", "-u", "ada", "newborn")
    kinds = [
        json.loads(line)["record"] for line in cli("export", "-u", "ada", "--vectors").stdout.splitlines()
    ]
    assert kinds[-2:] == ["vector", "end"]
