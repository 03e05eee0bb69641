"""Being recorded, and users as a whole, on the command line."""

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from limner.memory.database import Database
from limner.memory.records import utc_now
from limner.memory.schema import observations


def test_a_pause_refuses_until_it_is_resumed(cli, reading, ada: str) -> None:
    assert cli("pause", "-u", "ada").exit_code == 0
    done = cli("observe", "-u", "ada", "more")
    assert done.exit_code == 2
    assert "paused" in done.stderr
    assert reading("users")[0]["paused_at"] is not None
    assert cli("pause", "-u", "ada", "--source", "mail").exit_code == 0
    done = cli("resume", "-u", "ada")
    assert "mail" in done.stderr
    assert cli("observe", "-u", "ada", "more").exit_code == 0
    assert cli("observe", "-u", "ada", "--source", "mail", "more").exit_code == 2
    assert [(one["source"], one["paused_at"] is not None) for one in reading("sources", "-u", "ada")] == [
        ("chat", False),
        ("mail", True),
        ("user", False),
    ]
    assert "paused" in cli("sources", "-u", "ada").stdout


def test_consent_is_given_shown_and_withdrawn(cli, reading, ada: str) -> None:
    assert reading("consent", "give", "-u", "ada", "chat", "--basis", "form 3")["granted"] is True
    assert cli("consent", "withdraw", "-u", "ada", "chat", "--basis", "letter").exit_code == 0
    assert cli("observe", "-u", "ada", "--source", "chat", "more").exit_code == 2
    assert [(one["granted"], one["basis"]) for one in reading("consent", "show", "-u", "ada")] == [
        (True, "form 3"),
        (False, "letter"),
    ]
    assert "letter" in cli("consent", "show", "-u", "ada").stdout
    assert cli("consent", "give", "-u", "ada", "chat").exit_code == 2


def test_a_period_is_set_shown_and_seen_to(cli, reading, ada: str, tmp_path: Path) -> None:
    assert "for 30 days" in cli("retention", "set", "-u", "ada", "chat", "30").stdout
    assert reading("retention", "show", "-u", "ada") == {"chat": 30}
    assert "for good" in cli("retention", "set", "-u", "ada", "mail", "keep").stdout
    assert cli("retention", "set", "-u", "ada", "chat", "soon").exit_code == 2
    assert reading("retention", "run") == {}
    database = Database(tmp_path / "home" / "limner.db")
    with database.write() as connection:
        connection.execute(update(observations).values(recorded_at=utc_now().replace(year=2020)))
    database.close()
    assert reading("retention", "run")["ada"]["observations"] == 1
    assert "0 observations" in cli("retention", "run").stdout


def test_users_are_listed_with_what_there_is_of_them(cli, reading, ada: str) -> None:
    (one,) = reading("users", "--size")
    assert (one["id"], one["observations"], one["pending"], one["propositions"]) == ("ada", 1, 1, 0)
    assert one["size"] > 50
    assert reading("users")[0]["size"] is None
    assert "ada" in cli("users", "--size").stdout


def test_two_ids_become_one(cli, reading, ada: str) -> None:
    cli("observe", "-u", "ada.l", "I like tea")
    assert cli("merge", "ada.l", "ada").exit_code == 2
    assert reading("merge", "ada.l", "ada", "--yes")["observations"] == 1
    assert [one["id"] for one in reading("users")] == ["ada"]
    lines = [json.loads(line) for line in cli("export", "-u", "ada").stdout.splitlines()]
    assert [one["origin"] for one in lines if one["record"] == "observation"] == [None, "ada.l"]
    done = cli("merge", "nobody", "ada", "--yes")
    assert done.exit_code == 3


@pytest.mark.parametrize(
    "command", [["resume"], ["sources"], ["consent", "show"], ["retention", "show"]], ids=str
)
def test_an_unknown_user_is_told(cli, ada: str, command: list[str]) -> None:
    done = cli(*command, "-u", "adda")
    assert done.exit_code == 3
    assert "did you mean ada?" in done.stderr
