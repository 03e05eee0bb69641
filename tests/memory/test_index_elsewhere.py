"""A process whose store has its vector index on another host."""

import pytest

from limner.memory import NewObservation

pytestmark = pytest.mark.every_database

MANY = [NewObservation(f"number {number}") for number in range(5)]


def test_the_index_is_left_to_who_has_it(open_memory, tmp_path) -> None:
    away = open_memory(exact_limit=3, chroma_url="elsewhere")
    ada = away.user("ada")
    ada.observe_many(MANY)
    ada.observe("the cat Minka")
    away.encode()
    assert away.drain_index() == away.rebuild_index() == 0
    assert ada.search("Minka")[0].record.text == "the cat Minka"
    assert not (tmp_path / "home" / "index").exists()

    here = open_memory(exact_limit=3)
    assert here.drain_index() == 6  # nothing of what was left to it is lost
    assert here.user("ada").search("Minka")[0].record.text == "the cat Minka"


def test_what_is_forgotten_away_is_erased_where_the_index_is(open_memory, tmp_path) -> None:
    here = open_memory(exact_limit=3)
    here.user("ada").observe_many(MANY)
    here.encode()
    assert here.drain_index() == 0  # it is done already
    away = open_memory(exact_limit=3, chroma_url="elsewhere")
    first = next(o for o in away.user("ada").observations() if o.text == "number 0")
    away.user("ada").forget(first.id)
    assert "number 0" not in [recall.record.text for recall in here.user("ada").search("number", 10)]
    assert here.drain_index() == 4  # written anew, without it
