import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.catalogue import Catalogue, Item
from limner.tools.recommenders import SASRec
from limner.tools.recommenders.sasrec_attribute import SASRecAttribute, value_shares

SMALL = {"width": 16, "length": 5, "blocks": 1, "epochs": 6, "learning_rate": 2e-2, "dropout": 0.1}
HISTORIES = [["a1", "a2"], ["b1", "c1", "a3"]]


@pytest.fixture(scope="module")
def model():
    return SASRecAttribute(**SMALL).fit(interactions(users=600), CATALOGUE)


class TestSASRecAttribute(RecommenderContract):
    def make(self):
        return SASRecAttribute(**SMALL, attribute_epochs=1)

    def test_a_stranger_gets_what_fits_the_history(self, model):
        more = self.make().fit(interactions(users=600), CATALOGUE)
        super().test_a_stranger_gets_what_fits_the_history(more)


def test_the_model_below_stays_as_it_was(model):
    below = SASRec(**SMALL).fit(interactions(users=600), CATALOGUE)
    for name, weight in below._arrays().items():
        np.testing.assert_array_equal(model._arrays()[name], weight)
    assert (model.score_many(HISTORIES) != below.score_many(HISTORIES)).any()


def test_it_begins_at_the_model_below():
    """With values that are nothing, what is on top adds nothing."""
    import torch

    model = SASRecAttribute(**SMALL, attribute_epochs=1).fit(interactions(), CATALOGUE)
    below = SASRec(**SMALL).fit(interactions(), CATALOGUE)
    for name in ("values", "last.scale", "last.shift"):
        model._weights[f"attribute.{name}"] = torch.zeros_like(model._weights[f"attribute.{name}"])
    np.testing.assert_array_equal(model.score_many(HISTORIES), below.score_many(HISTORIES))


def test_items_with_the_same_values_are_moved_alike(model):
    """Somebody took neither b1's nor b3's twin c4 alone; both dramas get the same vector of values."""
    values = model._weights["attribute.values"]
    places = {item: CATALOGUE.position(item) for item in ("b1", "b3", "b2", "b4", "c3", "c4")}
    for one, other in (("b1", "b3"), ("b2", "b4"), ("c3", "c4")):
        assert (values[places[one]] == values[places[other]]).all()
    assert (values[places["b1"]] != values[places["c3"]]).any()


def test_each_value_counts_its_share():
    shares = value_shares(CATALOGUE, "genre")
    genres = sorted({genre for item in CATALOGUE for genre in item.attributes["genre"]})
    assert shares.shape == (12, len(genres))
    row = shares[CATALOGUE.position("b2")]
    assert {genres[column]: row[column] for column in np.flatnonzero(row)} == {"Comedy": 0.5, "Romance": 0.5}


def test_numbers_count_by_decade_and_missing_ones_not_at_all():
    shares = value_shares(CATALOGUE, "year")
    assert shares.shape == (12, 3)  # the seventies, eighties and nineties
    same = [CATALOGUE.position(item) for item in ("a3", "b2", "c3")]
    assert (shares[same] == shares[same[0]]).all()
    assert not shares[CATALOGUE.position("c4")].any()


def test_it_is_conditioned_on_numbers_as_well(model):
    by_year = SASRecAttribute(**SMALL, attribute="year").fit(interactions(users=600), CATALOGUE)
    assert (by_year.score_many(HISTORIES) != model.score_many(HISTORIES)).any()
    assert not by_year._weights["attribute.values"][CATALOGUE.position("c4")].any()


@pytest.mark.parametrize("attribute", ["director", "title"])
def test_an_attribute_that_cannot_be_used_is_refused_before_anything_is_trained(attribute, monkeypatch):
    monkeypatch.setattr(SASRec, "_fit", lambda *_: pytest.fail("trained in vain"))
    with pytest.raises(InputError, match="genre, year"):
        SASRecAttribute(attribute=attribute).fit(interactions(), CATALOGUE)


def test_a_catalogue_without_attributes_is_refused():
    bare = Catalogue(Item(id=item.id) for item in CATALOGUE)
    with pytest.raises(InputError, match="no attributes"):
        SASRecAttribute().fit(interactions(), bare)


def test_a_number_of_epochs_out_of_range_is_refused():
    with pytest.raises(InputError, match="attribute_epochs"):
        SASRecAttribute(attribute_epochs=0)
