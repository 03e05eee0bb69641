"""limner on a temporary folder, with a scripted model and a small data set."""

import shutil

import pytest

from answering import Answers
from contracts.recommender_data import catalogue, interactions
from limner.api import Limner
from limner.memory import Memory
from limner.settings import Settings
from limner.testing import HashEncoder
from limner.tools import Dataset

FILMS = Dataset("films", catalogue(), interactions(), item_type="film")


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory):
    """A folder with an empty database: copied, since making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Memory(Settings(home=home), HashEncoder()).close()
    return home


@pytest.fixture
def open_limner(tmp_path, empty_home):
    """Open limner with these answers; every handle is closed at the end."""
    shutil.copytree(empty_home, tmp_path / "home")
    opened = []

    def open_one(answers=None, *, dataset=FILMS, plan="small", **settings):
        if dataset is None:
            settings["dataset"] = None
        limner = Limner.open(
            tmp_path / "home",
            settings=Settings(**settings),
            model=(answers or Answers()).model(plan=plan),
            encoder=HashEncoder(),
            dataset=dataset,
        )
        opened.append(limner)
        return limner

    yield open_one
    for limner in opened:
        limner.close()
