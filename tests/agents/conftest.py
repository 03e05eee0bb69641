"""A small catalogue with fitted recommenders, and a user who rated some of it."""

import shutil

import pytest

from contracts.recommender_data import catalogue, interactions
from limner.agents import RecommendingAgent
from limner.agents.fusion import Weights
from limner.memory import Event, Memory, NewObservation
from limner.settings import Settings
from limner.testing import HashEncoder
from limner.tools.recommenders import EASE, Popularity

RANKING = Weights(rank=0.1)
"""With the model's ranking, which is off by default."""
FILMS = catalogue()
MODELS = (EASE(regularization=10.0).fit(interactions(), FILMS), Popularity().fit(interactions(), FILMS))


@pytest.fixture(scope="session")
def films():
    return FILMS


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory):
    """A folder with an empty database: copied, since making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Memory(Settings(home=home), HashEncoder()).close()
    return home


@pytest.fixture
def ada(tmp_path, empty_home):
    shutil.copytree(empty_home, tmp_path / "home")
    with Memory(Settings(home=tmp_path / "home"), HashEncoder()) as memory:
        yield memory.user("ada")


@pytest.fixture
def rate():
    def observe(user, *item_ids, value=5.0):
        for item_id in item_ids:
            title = FILMS.get(item_id).title if item_id in FILMS else item_id
            event = Event(
                kind="rating", item_id=item_id, title=title, item_type="film", value=value, scale=(1, 5)
            )
            user.observe_many([NewObservation(f"Rated {title} {value:g}/5", "ratings", event=event)])

    return observe


@pytest.fixture
def agent_of():
    return lambda model, recommenders=MODELS: RecommendingAgent(FILMS, recommenders, model, weights=RANKING)


@pytest.fixture
def base():
    return MODELS[0]
