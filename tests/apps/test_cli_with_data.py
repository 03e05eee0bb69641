"""Commands about users, on a real store, with fakes for the models only."""

import json
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes import NEWBORN, SENTENCE, answers, use_fakes
from limner.apps.cli import app
from limner.errors import ModelUnavailable, StoreFull
from limner.memory import UserMemory
from limner.testing import HashEncoder, scripted_model

# observe


def test_an_observation_is_stored_and_its_id_printed(reading, ada: str) -> None:
    assert [one["id"] for one in reading("users")] == ["ada"]
    assert reading("status")["ada"]["pending"] == 1
    (stored,) = reading("search", "-u", "ada", "newborn")
    assert stored["record"]["id"] == ada
    assert stored["record"]["source"] == "chat"


def test_observe_tells_when_and_by_whom(reading) -> None:
    stored = reading(
        *("observe", "-u", "ada", "Bought milk", "--occurred-at", "2026-05-01T18:00+02:00"),
        *("--author", "application", "--key", "k1"),
    )
    assert stored["occurred_at"].startswith("2026-05-01T")
    assert (stored["author"], stored["key"]) == ("application", "k1")


def test_a_rating_in_words_becomes_an_event(reading) -> None:
    assert reading("observe", "-u", "ada", "Rated Alien (1979) 5/5")["event"]["value"] == 5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["   "], "not empty"),
        (["a\0b"], "NUL"),
        (["fine", "--occurred-at", "yesterday"], "yesterday"),
        (["fine", "--occurred-at", (datetime.now(UTC) + timedelta(days=2)).isoformat()], "future"),
        ([], "TEXT"),
        (["-", "--key", "k"], "--key"),
        (["fine", "--author", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_observed_is_refused_in_one_line(
    cli, reading, arguments: list[str], says: str
) -> None:
    done = cli("observe", "--user", "ada", *arguments, input="one\n")
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.output
    assert reading("users") == []


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 300])
def test_what_is_no_user_id_is_refused(cli, user: str) -> None:
    assert cli("observe", "--user", user, "fine").exit_code == 2


def test_without_a_user_nothing_is_stored(cli) -> None:
    done = cli("observe", "fine")
    assert done.exit_code == 2
    assert "--user" in done.stderr


def test_the_user_may_come_from_the_environment(cli, reading, monkeypatch) -> None:
    monkeypatch.setenv("LIMNER_USER", "eve")
    assert cli("observe", "fine").exit_code == 0
    assert [one["id"] for one in reading("users")] == ["eve"]


def test_standard_input_is_read_line_by_line(cli, reading) -> None:
    done = cli("observe", "-u", "ada", "-", input=b"one\n\ncaf\xe9\nthree\n")
    assert done.exit_code == 2
    assert "line 3: It is not UTF-8: byte 4" in done.stderr
    assert "stored: 2; not usable: 1" in done.stderr
    assert reading("status")["ada"]["observations"] == 2


def test_a_file_keeps_what_is_good_and_names_what_is_not(cli, reading, tmp_path: Path) -> None:
    future = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    lines = [
        {"text": "one", "occurred_at": "2026-05-01T18:00:00Z"},
        {"text": "   "},
        {"tex": "three"},
        {"text": "four", "occurred_at": future},
        {"text": "five"},
    ]
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    done = cli("observe", "-u", "ada", "--file", str(file), "--json")
    assert done.exit_code == 2
    report = json.loads(done.stdout)
    assert report["stored"] == 2
    assert {problem["line"] for problem in report["problems"]} == {2, 3, 4}
    assert [line for line in done.stderr.splitlines() if "line 4" in line and "future" in line]
    assert reading("status")["ada"]["observations"] == 2


def test_a_file_read_again_after_mending_is_stored_once(cli, reading, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"text": "one"}\nbroken\n{"text": "one"}\n')
    assert cli("observe", "-u", "ada", "-f", str(file)).exit_code == 2
    file.write_text('{"text": "one"}\n{"text": "two"}\n{"text": "one"}\n')
    assert cli("observe", "-u", "ada", "-f", str(file)).exit_code == 0
    assert reading("status")["ada"]["observations"] == 3


def test_a_file_that_is_not_there_is_named(cli, tmp_path: Path) -> None:
    done = cli("observe", "-u", "ada", "-f", str(tmp_path / "no.jsonl"))
    assert done.exit_code == 2
    assert "no.jsonl" in "".join(done.stderr.replace("│", "").split())  # the box may break the name


def test_a_full_disk_says_how_far_it_got(cli, monkeypatch) -> None:
    real = UserMemory.observe_many
    calls = []

    def observe_many(self, new):
        calls.append(new)
        if len(calls) == 3:
            raise StoreFull("No space left on the device.")
        return real(self, new)

    monkeypatch.setattr(UserMemory, "observe_many", observe_many)
    done = cli("observe", "-u", "ada", "-", input="one\ntwo\nthree\nfour\n")
    assert done.exit_code == 7
    assert "No space left" in done.stderr
    assert "stored before that: 2" in done.stderr


def test_an_interruption_says_how_far_it_got(cli, monkeypatch) -> None:
    real = UserMemory.observe_many
    calls = []

    def observe_many(self, new):
        calls.append(new)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, new)

    monkeypatch.setattr(UserMemory, "observe_many", observe_many)
    done = cli("observe", "-u", "ada", "-", input="one\ntwo\n")
    assert done.exit_code == 130
    assert "Stored and kept: at least 1" in done.stderr


# what is known


def test_reflect_then_portrait_with_its_evidence(cli, reading, ada: str) -> None:
    reflected = reading("reflect", "-u", "ada")
    assert [proposition["text"] for proposition in reflected["added"]] == [SENTENCE]
    portrait = reading("portrait", "-u", "ada")
    (line,) = portrait["lines"]
    assert line["evidence"][0]["observation_id"] == ada
    assert line["evidence"][0]["quote"] in NEWBORN
    assert portrait["text"] == SENTENCE
    printed = cli("portrait", "-u", "ada").stdout
    assert SENTENCE in printed
    assert f"“{line['evidence'][0]['quote']}”  {ada}" in printed


def test_a_portrait_of_the_past_knows_less(reading, ada: str) -> None:
    reading("reflect", "-u", "ada")
    assert reading("portrait", "-u", "ada", "--at", "2020-01-01")["lines"] == []


def test_reflect_prints_what_it_did(cli, ada: str) -> None:
    done = cli("reflect", "-u", "ada")
    assert done.exit_code == 0
    assert "1 observations in 1 batches: 1 propositions added" in done.stdout
    assert SENTENCE in done.stdout


def test_history_shows_every_version(cli, reading, ada: str) -> None:
    (added,) = reading("reflect", "-u", "ada")["added"]
    (version,) = reading("history", "-u", "ada", added["group"])
    assert version["id"] == added["id"]
    assert "held now" in cli("history", "-u", "ada", added["group"]).stdout


def test_search_says_what_a_score_is_made_of(cli, reading, ada: str) -> None:
    (found,) = reading("search", "-u", "ada", "newborn", "-k", "1")
    assert found["score"] == pytest.approx(sum(found["why"].values()))
    assert "lexical" in cli("search", "-u", "ada", "newborn").stdout


def test_an_empty_portrait_says_what_to_do(cli, ada: str) -> None:
    done = cli("portrait", "-u", "ada")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "limner reflect" in done.stderr


def test_export_holds_everything_as_json_lines(cli, ada: str, tmp_path: Path) -> None:
    cli("reflect", "-u", "ada")
    records = [json.loads(line) for line in cli("export", "-u", "ada").stdout.splitlines()]
    kinds = [record["record"] for record in records]
    assert kinds == ["limner", "user", "observation", "batch", "proposition", "end"]
    target = tmp_path / "ada.jsonl"
    assert cli("export", "-u", "ada", "-o", str(target)).exit_code == 0
    assert len(target.read_text(encoding="utf-8").splitlines()) == len(kinds)
    assert not list(tmp_path.glob("*.part"))


def test_forget_erases_with_what_rested_on_it(cli, reading, ada: str) -> None:
    reading("reflect", "-u", "ada")
    receipt = reading("forget", "-u", "ada", ada, "--yes")
    assert (receipt["observations"], receipt["propositions"]) == (1, 1)
    assert NEWBORN not in cli("export", "-u", "ada").stdout


def test_forget_asks_first_and_refuses_where_nobody_can_answer(cli, reading, ada: str) -> None:
    done = cli("forget", "-u", "ada", ada, input="y\n")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert reading("status")["ada"]["observations"] == 1


@pytest.mark.parametrize(
    "command",
    [
        ["reflect"],
        ["portrait"],
        ["ask", "What?"],
        ["recommend", "something"],
        ["search", "x"],
        ["history", "x"],
        ["forget", "x", "--yes"],
        ["status"],
        ["export"],
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_user_is_told_with_the_nearest_and_costs_nothing(
    cli, ada: str, command: list[str], tmp_path
) -> None:
    done = cli(command[0], "--user", "adda", *command[1:])
    assert done.exit_code == 3
    assert done.stderr.strip() == "limner: Nothing is stored about a user 'adda'; did you mean ada?"
    assert not (tmp_path / "cache").exists(), "something was fetched"


@pytest.mark.parametrize("command", [["history", "no-such-id"], ["forget", "no-such-id", "--yes"]], ids=str)
def test_an_unknown_id_is_told(cli, ada: str, command: list[str]) -> None:
    done = cli(*command, "--user", "ada")
    assert done.exit_code == 3
    assert "no-such-id" in done.stderr


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", ""])
def test_what_is_no_moment_is_refused(cli, ada: str, moment: str) -> None:
    assert cli("portrait", "-u", "ada", "--at", moment).exit_code == 2


# ask and recommend


def test_ask_answers_and_says_because_of_what(cli, reading, ada: str) -> None:
    reading("reflect", "-u", "ada")
    done = cli("ask", "-u", "ada", "What should we watch tonight?")
    assert done.exit_code == 0, done.output
    assert f"because: {SENTENCE}" in done.stdout
    assert reading("ask", "-u", "ada", "What?")["portrait"][0]["text"] == SENTENCE


def test_an_empty_question_is_refused(cli, ada: str) -> None:
    assert cli("ask", "-u", "ada", " ").exit_code == 2


def test_recommend_stays_in_the_catalogue_and_leaves_out_what_was_seen(cli, reading) -> None:
    for film in ("The Long Orbit (1979)", "Second Orbit (1986)"):
        cli("observe", "-u", "ada", f"Rated {film} 5/5")
    found = reading("recommend", "-u", "ada", "-k", "3")
    ids = [pick["item"]["id"] for pick in found["items"]]
    assert len(set(ids)) == 3
    assert not {"a1", "a2"} & set(ids)
    printed = cli("recommend", "-u", "ada", "-k", "3")
    assert printed.exit_code == 0, printed.output
    assert all(pick["item"]["title"] in printed.stdout for pick in found["items"])


def test_recommending_from_what_is_not_there_says_so(cli, ada: str) -> None:
    done = cli("recommend", "-u", "ada", "--dataset", "no-such-data")
    assert done.exit_code == 3
    assert "no-such-data" in done.stderr


# a model that fails


def failing(monkeypatch: pytest.MonkeyPatch, folder: Path, error: BaseException):
    use_fakes(monkeypatch, folder, scripted_model(lambda messages: error))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_a_model_that_is_down_loses_nothing(monkeypatch, tmp_path: Path) -> None:
    run = failing(monkeypatch, tmp_path, ModelUnavailable("The endpoint does not answer."))
    run("observe", "-u", "ada", NEWBORN)
    done = run("reflect", "-u", "ada")
    assert done.exit_code == 6
    assert "does not answer" in done.stderr
    assert json.loads(run("status", "--json").stdout)["ada"]["pending"] == 1


def test_an_interrupted_reflection_says_what_waits(monkeypatch, tmp_path: Path) -> None:
    def press_ctrl_c(messages):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)  # the model is at work when the interruption comes
        return answers()(messages)

    use_fakes(monkeypatch, tmp_path, scripted_model(press_ctrl_c))
    run = CliRunner().invoke
    run(app, ["observe", "-u", "ada", NEWBORN])
    done = run(app, ["reflect", "-u", "ada"])
    assert done.exit_code == 130
    assert "1 observations still wait" in done.stderr
    status = json.loads(run(app, ["status", "--json"]).stdout)["ada"]
    assert (status["pending"], status["parked"], status["next_attempt_at"]) == (1, [], None)


def test_prose_instead_of_an_answer_is_a_failure_that_shows(monkeypatch, tmp_path: Path) -> None:
    use_fakes(
        monkeypatch, tmp_path, scripted_model(lambda messages: "I would rather talk about the weather.")
    )
    run = CliRunner().invoke
    run(app, ["observe", "-u", "ada", NEWBORN])
    done = run(app, ["reflect", "-u", "ada"])
    assert done.exit_code == 6
    status = json.loads(run(app, ["status", "--json"]).stdout)["ada"]
    assert status["pending"] == 1
    assert status["next_attempt_at"] is not None


# the index


def test_the_index_is_drained_and_rebuilt(reading, ada: str) -> None:
    assert reading("index", "drain") == {"entries": 0}, "a user with this little has no index and needs none"
    assert reading("index", "rebuild") == {"vectors": 0}
    assert reading("search", "-u", "ada", "newborn")


def test_another_encoder_has_everything_encoded_anew(cli, reading, ada: str, monkeypatch) -> None:
    assert reading("search", "-u", "ada", "newborn")
    monkeypatch.setattr("limner.inference.encoder.encoder", lambda settings: HashEncoder(dimension=32))
    told = cli("status").stdout
    assert "encoding: ada: 0 of 1 texts" in " ".join(told.split())
    assert reading("status")["ada"]["encoding"] == {"documents": 1, "encoded": 0, "outdated": 1}
    assert reading("index", "encode") == {"encoded": 1}
    assert reading("status")["ada"]["encoding"] is None
    assert "0 texts encoded" in cli("index", "encode").stdout


def test_another_home_is_another_store(cli, reading, ada: str, tmp_path: Path) -> None:
    assert json.loads(cli("users", "--home", str(tmp_path / "other"), "--json").stdout) == []


def test_a_home_that_cannot_be_used_is_named(cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("observe", "-u", "ada", "fine", "--home", str(tmp_path / "file" / "home"))
    assert done.exit_code == 7
    assert "Traceback" not in done.output
    assert "file" in done.stderr


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(cli, ada: str, tmp_path: Path) -> None:
    done = cli("export", "-u", "ada", "-o", str(tmp_path / "no-such-folder" / "ada.jsonl"))
    assert done.exit_code == 7
    assert "no-such-folder" in done.stderr
    assert "Traceback" not in done.output
