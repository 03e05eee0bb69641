"""Hybrid search: every part, and its explanation."""

from datetime import timedelta

import pytest

from contracts.memory_reflections import proposed, reflect
from limner.errors import InputError, InvalidObservation
from limner.memory import NewObservation, scoring, utc_now
from limner.settings import RecallWeights

pytestmark = pytest.mark.every_database

WORDS = RecallWeights(lexical=1, dense=0)


def only(**weights: float) -> RecallWeights:
    return RecallWeights(**{"lexical": 0, "dense": 0, **weights})


def texts(found) -> list[str]:
    return [recall.record.text for recall in found]


@pytest.fixture
def films(ada):
    now = utc_now()
    for days, text in enumerate(("horror film", "slow drama film", "comedy", "horror in space")):
        ada.observe(text, occurred_at=now - timedelta(days=30 * days))
    return ada


def test_an_empty_store_finds_nothing_and_encodes_nothing(memory) -> None:
    assert memory.user("ada").search("anything") == []
    assert memory.user("ada").similar(["anything"]) == [[]]
    assert memory.encoder.encoded == []


@pytest.mark.parametrize("query", ["", "  ", "\0", "\ud800"])
def test_a_query_has_words(ada, query) -> None:
    with pytest.raises(InvalidObservation):
        ada.search(query)


def test_k_is_at_least_one(ada) -> None:
    with pytest.raises(InputError):
        ada.search("x", k=0)


def test_every_score_is_the_sum_of_its_parts(films) -> None:
    weights = RecallWeights(lexical=0.4, dense=0.3, context=0.1, recency=0.1, confidence=0.1)
    for w in (weights, weights.model_copy(update={"diversity": 0.3})):
        found = films.search("horror film", weights=w)
        assert len(found) == 4
        assert all(sum(r.why.values()) == pytest.approx(r.score) for r in found)
        assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
        assert ("diversity" in found[0].why) == (w.diversity > 0)


def test_a_part_of_weight_zero_is_neither_named_nor_paid_for(memory, films) -> None:
    found = films.search("horror", weights=WORDS)
    assert {name for r in found for name in r.why} == {"lexical"}
    assert memory.encoder.encoded == []


def test_rows_are_encoded_once(memory, films) -> None:
    films.search("horror")
    films.search("comedy")
    assert len(memory.encoder.encoded) == 4 + 2


def test_a_query_of_unknown_words_still_ranks_by_meaning(films) -> None:
    assert len(films.search("zebra", k=3)) == 3


def test_recency_halves_with_the_half_life(films) -> None:
    found = films.search("horror", weights=only(recency=1))
    assert texts(found) == ["horror film", "slow drama film", "comedy", "horror in space"]
    assert [r.score for r in found] == pytest.approx([1, 0.5, 0.25, 0.125], rel=1e-3)


def test_lasting_propositions_fade_slowest(ada) -> None:
    past = utc_now() - timedelta(days=30)
    said = ada.observe("everything")
    held = [proposed(ada, f"Durability {d}", said, durability=d, valid_from=past) for d in (1, 5, 9)]
    reflect(ada, *held)
    found = ada.search("x", weights=only(recency=1), kinds=["proposition"])
    assert texts(found) == ["Durability 9", "Durability 5", "Durability 1"]
    assert [r.score for r in found] == pytest.approx([0.5**0.25, 0.5, 0.5**4], rel=1e-3)


def test_confidence_counts_for_propositions(ada) -> None:
    said = ada.observe("everything")
    reflect(ada, *(proposed(ada, f"Confidence {c}", said, confidence=c) for c in (2, 8)))
    found = ada.search("x", weights=only(confidence=1))
    assert [(r.record.text, r.score) for r in found] == [
        ("everything", 1.0),
        ("Confidence 8", pytest.approx(0.8)),
        ("Confidence 2", pytest.approx(0.2)),
    ]


def test_a_neighbour_of_the_same_source_lends_its_score(ada) -> None:
    for text, source in (
        ("what about horror", "chat"),
        ("rated 3", "ratings"),
        ("never at night", "chat"),
        ("and tea", "chat"),
    ):
        ada.observe(text, source=source)
    found = ada.search("horror", weights=only(lexical=1, context=0.5))
    assert [(r.record.text, r.why["context"]) for r in found] == [
        ("what about horror", 0.0),
        ("never at night", 0.5),
    ]


def test_diversity_passes_over_the_twin(ada) -> None:
    for text in ("horror film", "horror film!", "horror comedy", "rain"):
        ada.observe(text)
    plain = ada.search("horror film", k=2, weights=RecallWeights())
    spread = ada.search("horror film", k=2, weights=RecallWeights(diversity=0.6))
    assert set(texts(plain)) == {"horror film", "horror film!"}
    assert "horror film" not in texts(spread)


def test_kinds_limit_what_is_found(ada) -> None:
    reflect(ada, proposed(ada, "Likes horror.", ada.observe("I like horror")))
    assert texts(ada.search("horror", kinds=["observation"])) == ["I like horror"]
    assert texts(ada.search("horror", kinds=["proposition"])) == ["Likes horror."]


def test_similar_puts_the_same_words_first(ada) -> None:
    said = ada.observe("everything")
    reflect(
        ada,
        proposed(ada, "The user likes horror films.", said),
        proposed(ada, "The user likes comedies.", said),
        proposed(ada, "Rain.", said),
    )
    same, other = ada.similar(["the user likes COMEDIES", "snow"], k=2)
    assert (same[0].proposition.text, same[0].exact) == ("The user likes comedies.", True)
    assert (same[1].proposition.text, same[1].exact) == ("The user likes horror films.", False)
    assert 0 < same[1].cosine < same[0].cosine == pytest.approx(1)
    assert len(other) == 2
    assert not other[0].exact


def test_similar_knows_only_what_is_held(ada) -> None:
    (old,) = reflect(ada, proposed(ada, "Likes horror.", ada.observe("I like horror")))
    ada.observe("not any more")
    reflect(ada, retire={old.id: "not any more"})
    assert ada.similar(["Likes horror."]) == [[]]


def test_retired_versions_do_not_crowd_out_what_is_held(open_memory, monkeypatch) -> None:
    monkeypatch.setattr(scoring, "POOL", 4)
    memory = open_memory(exact_limit=3)
    ada = memory.user("ada")
    said = ada.observe("I love horror films")
    held = [proposed(ada, f"Lives in house {n}.", said) for n in range(6)]
    gone = [proposed(ada, f"Loves horror films, {n}.", said) for n in range(30)]
    reflect(ada, *held, *gone)
    ada.observe("Not any more")
    reflect(ada, retire={p.id: "not any more" for p in gone})
    ada.search("horror films")
    memory.drain_index()
    found = ada.search("horror films", k=6, kinds=("proposition",), weights=only(dense=1))
    assert {recall.record.id for recall in found} == {p.id for p in held}


def test_the_index_is_brought_up_to_date_only_for_who_needs_it(open_memory) -> None:
    memory = open_memory(exact_limit=3)
    ada, bob = memory.user("ada"), memory.user("bob")
    bob.observe("film")
    ada.observe_many(NewObservation(f"film {n}") for n in range(5))
    for user in (ada, bob):
        user.search("film")
    assert bob.drain_index() == 0
    assert memory.status().outbox == 0
    assert ada.drain_index() == 5
    assert memory.status().outbox == 0
