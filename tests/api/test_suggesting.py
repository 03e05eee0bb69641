"""Suggestions and entities through the door of a user, and on the command line."""

import json

import pytest
from typer.testing import CliRunner

from answering import CHOICE, Answers
from limner import Limner
from limner.apps.cli.app import app
from limner.errors import ConfigurationError, InputError
from limner.memory import Memory
from limner.settings import Settings
from limner.testing import HashEncoder

SAID = "I study for an exam."
KNOWN = "The user studies for an exam."
STEP = "You could go through last year's questions tonight."


@pytest.fixture
def home(tmp_path):
    file = tmp_path / "names.json"
    file.write_text(json.dumps({"animal": ["zebra"]}), "utf-8")
    answers = Answers(
        said={SAID: KNOWN},
        replies={
            "step": lambda last: "You" if CHOICE in last else STEP,
            "helps": "yes",
            "weighs": "weighty",
        },
    )
    settings = Settings(home=tmp_path / "home", dataset=None, vocabulary=file)
    with Limner.open(settings=settings, model=answers.model(plan="small"), encoder=HashEncoder()) as limner:
        yield limner


def test_a_user_is_offered_something_and_decides(home) -> None:
    ada = home.user("ada")
    assert "nothing is concluded" in ada.suggest().declined
    ada.observe(SAID)
    ada.reflect()
    (one,) = ada.suggest().offered
    assert one.text == STEP
    assert [ada.memory.proposition(id).text for id in one.propositions] == [KNOWN]
    assert ada.suggest().again_at is not None
    assert ada.shown(one.id).state == "shown"
    taken = ada.dismiss(one.id)
    assert ada.suggestions() == [taken]
    with pytest.raises(InputError):
        ada.accept(one.id)
    assert not ada.reflect().batches  # what a model wrote is no evidence
    ada.forget(ada.observations()[0].id)
    assert ada.suggestions() == []
    assert ada.observations() == []


def test_queries_and_portraits_by_kind(home) -> None:
    ada = home.user("ada")
    assert ada.suggest_queries("films about zeb").suggestions[0].evidence == ()
    assert ada.portrait("entities").lines == ()
    assert home.users() == []
    ada.observe("zebras in the zoo", source="search")
    assert [line.text.split(":")[0] for line in ada.portrait("entities").lines] == ["zebra (animal)"]
    (one,) = ada.suggest_queries("films about zeb").suggestions
    assert (one.text, one.evidence[0].quote) == ("films about zebra", "zebras")
    with pytest.raises(ConfigurationError, match="entities"):
        ada.portrait("entitis")


def test_the_command_line_lists_and_decides(home, monkeypatch) -> None:
    ada = home.user("ada")
    ada.observe(SAID)
    ada.reflect()
    (one,) = ada.suggest().offered
    folder = str(home.settings.home)
    home.close()
    monkeypatch.setattr("limner.inference.encoder.encoder", lambda settings: HashEncoder())

    def run(*arguments: str):
        return CliRunner().invoke(app, [*arguments, "-u", "ada", "--home", folder])

    assert f"offered    {one.id}\n    {STEP}" in run("suggestions").stdout
    assert run("accept", one.id).stdout == f"accepted: {STEP}\n"
    assert json.loads(run("suggestions", "--json").stdout)[0]["state"] == "accepted"
    assert run("dismiss", one.id).exit_code == 2
    assert run("accept", "unknown").exit_code == 3
    with Memory(Settings(home=folder), HashEncoder()) as memory:
        assert memory.user("ada").suggestions()[0].state == "accepted"
