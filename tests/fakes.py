"""limner with a scripted model, a deterministic encoder and a small data set, for tests that go through the whole of it."""

from pathlib import Path

import pytest

from answering import Answers
from contracts.recommender_data import catalogue, interactions
from limner.api import Limner
from limner.inference import LanguageModel
from limner.testing import HashEncoder
from limner.tools import Dataset

NEWBORN = "We have a newborn, so nothing over two hours on weeknights."
SENTENCE = "The user has a newborn and watches nothing over two hours on weeknights."


def answers() -> Answers:
    """A model that makes a note of the newborn, answers every question with it, and decides nothing."""
    free = dict.fromkeys(("ask", "wish", "decide", "reason", "word"), SENTENCE)
    return Answers(said={NEWBORN: SENTENCE}, replies=dict(free))


def films() -> Dataset:
    return Dataset("films", catalogue(), interactions())


def use_fakes(monkeypatch: pytest.MonkeyPatch, folder: Path, model: LanguageModel | None = None) -> None:
    """Let everything that opens limner find data under `folder`, and fakes where it finds no model of its own."""
    real_open = Limner.open.__func__

    def open_with_fakes(cls, path=None, *, settings=None, model=model, encoder=None, dataset=None):
        return real_open(
            cls,
            path,
            settings=settings,
            model=model or answers().model(),
            encoder=encoder or HashEncoder(),
            dataset=dataset,
        )

    monkeypatch.setattr(Limner, "open", classmethod(open_with_fakes))
    monkeypatch.setattr("limner.inference.encoder.encoder", lambda settings: HashEncoder())
    monkeypatch.setattr("limner.tools.movielens.load_ml_100k", lambda settings=None: films())
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("LIMNER_HOME", str(folder / "home"))
    monkeypatch.setenv("LIMNER_CACHE", str(folder / "cache"))
    # Neither is a packaged one, so that nothing is fetched.
    monkeypatch.setenv("LIMNER_ENCODER", str(folder))
    monkeypatch.setenv("LIMNER_MODEL", str(folder / "no.gguf"))
    monkeypatch.chdir(folder)
