"""`limner reflect --all-users`."""

import json
import signal
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes import NEWBORN, SENTENCE, answers, use_fakes
from limner.api.speed import Speed
from limner.apps.cli import app
from limner.errors import ModelUnavailable
from limner.testing import scripted_model


def observe(cli, *users: str) -> None:
    for user in users:
        assert cli("observe", "-u", user, NEWBORN).exit_code == 0


def test_everybody_is_reflected_on(cli, reading) -> None:
    observe(cli, "ada", "bob", "cleo")
    done = cli("reflect", "--all-users", "--concurrency", "2")
    assert done.exit_code == 0, done.output
    assert "3 observations of 3 users in 3 batches" in done.stdout
    assert "3 propositions added" in done.stdout
    for user in ("ada", "cleo"):
        assert SENTENCE in reading("portrait", "-u", user)["text"]
    again = reading("reflect", "--all-users")
    assert (again["users"], again["observations"], again["pending"], again["failed"]) == (0, 0, 0, {})


def test_one_user_and_everybody_exclude_each_other(cli) -> None:
    done = cli("reflect", "--all-users", "--user", "ada")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_the_user_of_the_environment_is_passed_over(cli, monkeypatch) -> None:
    observe(cli, "ada", "bob")
    monkeypatch.setenv("LIMNER_USER", "ada")
    assert "of 2 users" in cli("reflect", "--all-users").stdout


def test_neither_is_refused_with_what_to_write(cli) -> None:
    done = cli("reflect")
    assert done.exit_code == 2
    assert "--user" in done.stderr
    assert "--all-users" in done.stderr
    assert cli("reflect", "-u", "ada", "--concurrency", "3").exit_code == 2
    assert cli("reflect", "--all-users", "--concurrency", "0").exit_code == 2


def test_a_user_who_fails_is_named_and_the_others_are_done(monkeypatch, tmp_path: Path) -> None:
    def answer(messages):
        if any("poison" in message.text for message in messages):
            return "I would rather talk about the weather."
        return answers()(messages)

    use_fakes(monkeypatch, tmp_path, scripted_model(answer))
    run = lambda *arguments: CliRunner().invoke(app, list(arguments))  # noqa: E731
    observe(run, "ada", "bob")
    run("observe", "-u", "eve", "I like poison.")
    monkeypatch.setenv("LIMNER_MAX_ATTEMPTS", "1")
    done = run("reflect", "--all-users")
    assert done.exit_code == 6
    assert "2 observations of 2 users" in done.stdout
    assert "eve: " in done.stdout
    assert "Batches of 1 users could not be finished" in done.stderr
    retried = run("reflect", "--all-users", "--retry-parked", "--json")
    assert retried.exit_code == 6
    assert list(json.loads(retried.stdout)["failed"]) == ["eve"]


def test_an_endpoint_that_is_gone_is_an_error_and_all_waits(monkeypatch, tmp_path: Path) -> None:
    down = scripted_model(lambda messages: ModelUnavailable("The endpoint does not answer."))
    use_fakes(monkeypatch, tmp_path, down)
    run = lambda *arguments: CliRunner().invoke(app, list(arguments))  # noqa: E731
    observe(run, "ada", "bob")
    done = run("reflect", "--all-users")
    assert done.exit_code == 6
    assert "does not answer. (reflected on before that: 0 observations)" in done.stderr
    status = json.loads(run("status", "--json").stdout)
    assert [status[user]["pending"] for user in ("ada", "bob")] == [1, 1]


def test_ctrl_c_says_what_waits(monkeypatch, tmp_path: Path) -> None:
    def press_ctrl_c(messages):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)
        return answers()(messages)

    use_fakes(monkeypatch, tmp_path, scripted_model(press_ctrl_c))
    run = lambda *arguments: CliRunner().invoke(app, list(arguments))  # noqa: E731
    observe(run, "ada", "bob")
    done = run("reflect", "--all-users")
    assert done.exit_code == 130
    assert "2 observations still wait. The same command goes on from there." in done.stderr


@pytest.mark.parametrize(("done", "rate"), [([0, 30, 60], 3.0), ([5, 5, 5], None), ([7], None), ([], None)])
def test_the_rate_is_that_of_late(done: list[int], rate: float | None) -> None:
    at = [100.0]
    speed = Speed(window_s=60, clock=lambda: at[0])
    for number, count in enumerate(done):
        at[0] = 100.0 + 10 * number
        speed.note(count)
    assert speed.rate == rate
    assert speed.left_s(30) == (None if rate is None else 10.0)


def test_what_was_long_ago_does_not_count() -> None:
    at = [0.0]
    speed = Speed(window_s=60, clock=lambda: at[0])
    for second in range(1000):
        at[0] = float(second)
        speed.note(second * (10 if second < 500 else 1) + (0 if second < 500 else 4500))
    assert speed.rate == pytest.approx(1.0, rel=0.05)
