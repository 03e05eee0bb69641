import pytest

from limner import Limner, Settings
from limner.errors import DownloadError, LimnerWarning
from limner.testing import HashEncoder, scripted_model


@pytest.fixture
def limner(tmp_path, monkeypatch):
    def offline(name, settings):
        raise DownloadError("no network")

    monkeypatch.setattr("limner.api.limner.load_dataset", offline)
    model = scripted_model(lambda messages: "The user rates films.", plan="small")
    with Limner.open(tmp_path, settings=Settings(), model=model, encoder=HashEncoder()) as opened:
        yield opened


def test_a_rating_is_reflected_on_without_the_data_set_and_a_warning_says_so(limner):
    ada = limner.user("ada")
    ada.observe("Rated Alien (1979) 5/5")
    with pytest.warns(LimnerWarning, match="without the data set: no network"):
        reflection = ada.reflect()
    assert (reflection.observations, reflection.pending) == (1, 0)


def test_a_question_is_answered_without_recommendations_and_a_warning_says_so(limner):
    with pytest.warns(LimnerWarning, match="without recommendations"):
        answer = limner.user("ada").ask("Who am I?")
    assert answer.recommendations is None


def test_recommending_needs_the_data_set(limner):
    with pytest.raises(DownloadError):
        limner.user("ada").recommend()
