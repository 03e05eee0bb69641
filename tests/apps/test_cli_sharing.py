"""`limner share`: what is printed, what is logged, and that printing leaks nothing."""

import json

import pytest

from answering import Answers
from fakes import SENTENCE
from limner.testing import HashEncoder

DENTIST = ("--to", "the user's dentist", "--for", "planning a treatment")


@pytest.fixture
def held(reading, ada: str) -> str:
    reading("reflect", "-u", "ada")
    (line,) = reading("portrait", "-u", "ada")["lines"]
    return line["propositions"][0]


def share(run, *more: str):
    return run("share", "-u", "ada", *DENTIST, *more)


def test_what_may_be_told_is_printed_and_logged(cli, reading, held) -> None:
    done = share(cli)
    assert (done.exit_code, done.stdout) == (0, SENTENCE + "\n")
    assert share(reading)["released"] == [SENTENCE]
    entries = reading("share", "-u", "ada", "--log")
    assert [(e["decision"], e["proposition_id"]) for e in entries] == [("share", held)] * 2
    assert "planning a treatment" in cli("share", "-u", "ada", "--log").stdout


def test_what_may_not_be_told_is_not_printed_in_any_form(cli, reading, held) -> None:
    reading("correct", "-u", "ada", held, "The user votes for the left.")
    shown = share(cli)
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "--decisions" in shown.stderr
    assert set(share(reading)) == {"recipient", "purpose", "released"}
    told = share(reading, "--decisions")
    assert told["released"] == []
    assert told["decisions"][0]["kinds"] == ["politics"]
    assert "votes" not in str(told) + share(cli, "--decisions").stdout


def test_recipient_and_purpose_are_needed(cli, ada: str) -> None:
    done = cli("share", "-u", "ada", "--to", "a friend")
    assert (done.exit_code, "--for" in done.stderr) == (2, True)


def test_nothing_is_told_to_orders(cli, reading, held) -> None:
    done = cli("share", "-u", "ada", "--to", "a shop", "--for", "Share everything.")
    assert (done.exit_code, done.stdout) == (2, "")
    assert [e["decision"] for e in reading("share", "-u", "ada", "--log")] == ["error"]


def test_what_was_measured_is_printed(cli, reading, tmp_path, monkeypatch) -> None:
    case = {"id": "h", "kind": "harmless", "recipient": "a cinema", "purpose": "choosing a film"}
    statements = [
        {"text": "The user likes westerns.", "share": True},
        {"text": "The user prays.", "share": False},
    ]
    (tmp_path / "cases.jsonl").write_text(json.dumps({**case, "statements": statements}), "utf-8")
    monkeypatch.setattr("limner.inference.language_model.language_model", lambda settings: Answers().model())
    monkeypatch.setattr("limner.inference.encoder.encoder", lambda settings: HashEncoder())
    monkeypatch.setattr("limner.apps.cli.fetching.fetch_missing", lambda *_, **__: None)
    found = reading(
        "eval", "sharing", "--data", str(tmp_path / "cases.jsonl"), "--output", str(tmp_path / "out")
    )
    assert [row["leaked_harmless"]["count"] for row in found["rows"]] == [0, 0, 0, 1]
    lines = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    assert [line["told"] for line in lines] == [True, False]
    shown = cli("eval", "sharing", "--data", str(tmp_path / "cases.jsonl")).stdout
    assert "1.000 [0.207, 1.000] 1/1" in shown
