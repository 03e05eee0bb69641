"""The user's last word on the command line: correct, confirm, pin, deny, forget, and receipts."""

import pytest


@pytest.fixture
def held(reading, ada: str) -> str:
    reading("reflect", "-u", "ada")
    (line,) = reading("portrait", "-u", "ada")["lines"]
    return line["propositions"][0]


def texts(reading) -> list[str]:
    return [line["text"] for line in reading("portrait", "-u", "ada")["lines"]]


def test_a_correction_takes_the_place_of_a_statement(reading, held) -> None:
    new = reading("correct", "-u", "ada", held, "We have twins.")
    assert (new["text"], new["standing"]) == ("We have twins.", 2)
    assert texts(reading) == ["We have twins."]


def test_confirm_pin_and_unpin_show_in_the_next_version(cli, reading, held) -> None:
    confirmed = reading("confirm", "-u", "ada", held)
    pinned = reading("pin", "-u", "ada", confirmed["id"])
    assert (confirmed["pinned_at"], pinned["pinned_at"] is None) == (None, False)
    done = cli("unpin", "-u", "ada", pinned["id"])
    assert pinned["text"] in done.stdout
    assert cli("confirm", "-u", "ada", held).exit_code == 2


def test_what_is_denied_is_not_held_any_more(cli, reading, held) -> None:
    done = cli("deny", "-u", "ada", held)
    assert done.stdout.startswith("not held any more:")
    assert texts(reading) == []
    assert cli("deny", "-u", "ada", "no such id").exit_code == 3


def test_a_source_and_a_user_can_be_forgotten(cli, reading, ada: str) -> None:
    cli("observe", "-u", "ada", "--source", "post", "A letter came")
    receipt = reading("forget", "-u", "ada", "--source", "post", "--yes")
    assert (receipt["kind"], receipt["observations"]) == ("source", 1)
    assert reading("receipts", "-u", "ada") == [receipt]
    assert reading("receipts", "-u", "ada", receipt["id"]) == receipt
    assert "kind: source" in cli("receipts", "-u", "ada").stdout
    gone = reading("forget", "-u", "ada", "--everything", "--yes")
    assert (gone["kind"], gone["observations"]) == ("everything", 1)
    assert reading("users") == []


@pytest.mark.parametrize("what", [[], ["id", "--everything"], ["id", "--source", "post"]])
def test_one_thing_is_forgotten_at_a_time(cli, ada: str, what) -> None:
    done = cli("forget", "-u", "ada", *what, "--yes")
    assert (done.exit_code, "one thing" in done.stderr) == (2, True)


def test_scrub_says_what_is_left(cli, reading, ada: str) -> None:
    assert reading("scrub") == {"remnants": []}
    assert cli("scrub").stdout.strip() == "Nothing is left."
