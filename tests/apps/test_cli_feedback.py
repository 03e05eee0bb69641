"""`limner feedback`, and what the next list makes of it."""

import pytest


@pytest.fixture
def rated(cli):
    for film in ("The Long Orbit (1979)", "Second Orbit (1986)"):
        assert cli("observe", "-u", "ada", f"Rated {film} 5/5").exit_code == 0


def listed(reading) -> list[str]:
    return [pick["item"]["id"] for pick in reading("recommend", "-u", "ada", "-k", "100")["items"]]


def test_feedback_changes_the_next_list_and_forgetting_it_restores_that(cli, reading, rated) -> None:
    before = listed(reading)
    turned_down, words = reading(*(
        "feedback",
        "-u",
        "ada",
        "Red Dust (1990)",
        "rejected",
        "--reason",
        "too violent",
    ))
    assert turned_down["event"]["kind"] == "rejected"
    assert words["text"] == "I turned down Red Dust (1990): too violent"
    assert "a3" in before
    assert "a3" not in listed(reading)
    assert cli("forget", "-u", "ada", "--yes", turned_down["id"]).exit_code == 0
    assert listed(reading) == before
    printed = cli("feedback", "-u", "ada", "b1", "rated", "--rating", "4")
    assert "Rated Tea at Four (1985) 4/5" in printed.stdout
    assert "b1" not in listed(reading)


def test_reasons_are_printed_and_showing_is_noted(cli, reading, rated) -> None:
    found = reading("recommend", "-u", "ada", "-k", "2", "--shown")
    kinds = {reason["kind"] for pick in found["items"] for reason in pick["reasons"]}
    assert {"history", "tool"} <= kinds
    assert reading("status")["ada"]["observations"] == 2 + 2
    printed = cli("recommend", "-u", "ada", "-k", "2", "--explain")
    assert printed.exit_code == 0, printed.output
    assert "history: It goes with" in printed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["Red Dusk", "seen"], 3, "Red Dust (1990)"),
        (["a3", "adored"], 2, "adored"),
        (["a3", "rated"], 2, "rating"),
        (["a3", "rated", "--rating", "11"], 2, "between 1 and 5"),
    ],
)
def test_what_cannot_be_feedback_is_refused_in_one_line(cli, reading, rated, arguments, code, says) -> None:
    done = cli("feedback", "-u", "ada", *arguments)
    assert done.exit_code == code
    assert says in done.stderr
    assert "Traceback" not in done.output
    assert reading("status")["ada"]["observations"] == 2


def test_nobody_known_gives_no_feedback(cli) -> None:
    assert cli("feedback", "-u", "eve", "a1", "seen").exit_code == 3
