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


def test_a_file_for_a_paused_user_stops_at_once_with_one_message(cli, ada: str, tmp_path: Path) -> None:
    cli("pause", "-u", "ada")
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": f"line {n}"}) + "\n" for n in range(500)), encoding="utf-8")
    done = cli("observe", "-u", "ada", "--file", str(file))
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "paused since" in done.stderr
    assert "stored before that: 0" in done.stderr


def test_of_a_paused_source_one_line_is_told_and_the_others_are_stored(
    cli, reading, ada: str, tmp_path: Path
) -> None:
    cli("pause", "-u", "ada", "--source", "mail")
    file = tmp_path / "rows.jsonl"
    rows = [{"text": f"line {n}", "source": "mail" if n % 2 else "web"} for n in range(500)]
    file.write_text("".join(json.dumps(row) + "\n" for row in [{"text": ""}, *rows]), encoding="utf-8")
    done = cli("observe", "-u", "ada", "--file", str(file))
    assert done.exit_code == 2
    assert "stored: 250" in done.stdout
    assert len(done.stderr.splitlines()) == 3
    assert "'mail' is paused" in done.stderr
    assert "So it is with 249 lines after it" in done.stderr
    assert "not usable: 251" in done.stderr


def test_who_is_forgotten_is_not_recorded_again(cli, reading, ada: str) -> None:
    cli("pause", "-u", "ada")
    done = cli("forget", "-u", "ada", "--everything", "--yes")
    assert "--leave-nothing" in done.stderr
    assert cli("observe", "-u", "ada", "more").exit_code == 2
    done = cli("forget", "-u", "ada", "--everything", "--leave-nothing", "--yes")
    assert done.stderr == ""
    assert reading("users") == []
    assert cli("observe", "-u", "ada", "more").exit_code == 0


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
