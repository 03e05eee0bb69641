"""What a search with the fitted fusion finds, how its parts make the score, and any query there may be."""

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.memory_talk import CONVERSATION, FITTED, MINUTE, START, Said, signals_of
from limner.errors import ModelError
from limner.memory import UserMemory, scoring
from limner.memory.asof import as_of
from limner.memory.documents import KINDS
from limner.memory.fusion import WEIGHTS, fused
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.telling import telling_direction
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights
from limner.testing import HashEncoder


def texts(found) -> list[str]:
    return [recall.record.text for recall in found]


@pytest.fixture
def talk(ada) -> UserMemory:
    ada.observe_many(one.new for one in CONVERSATION)
    return ada


def test_the_fusion_is_what_is_searched_with_and_its_parts_make_the_score(talk) -> None:
    found = talk.search("What instrument does Ada play?", k=20)
    assert len(found) == len(CONVERSATION)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    for recall in found:
        assert sum(recall.why.values()) == pytest.approx(recall.score)
        assert set(recall.why) == set(SIGNALS.values())


def test_a_score_is_the_weighted_sum_of_the_signals(talk) -> None:
    query = "What instrument does Ada play?"
    signals = signals_of(talk, query)
    whole = sum(weight for weight in WEIGHTS.values() if weight > 0)
    for recall in talk.search(query, k=20):
        expected = sum(WEIGHTS[name] * value for name, value in signals[recall.record.text].items()) / whole
        assert recall.score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("part", sorted(set(SIGNALS.values())))
def test_a_part_that_is_left_out_is_gone_and_the_others_stay(talk, part) -> None:
    query = "What instrument does Ada play?"
    whole = {r.record.id: r.why for r in talk.search(query, k=20, weights=FITTED)}
    for recall in talk.search(query, k=20, weights=FITTED.model_copy(update={"without": frozenset({part})})):
        expected = {name: value for name, value in whole[recall.record.id].items() if name != part}
        assert recall.why == pytest.approx(expected)
        assert recall.score == pytest.approx(sum(expected.values()))


def test_the_fusion_goes_with_other_parts(talk) -> None:
    query = "What instrument does Ada play?"
    others = RecallWeights(lexical=0.5, dense=0.5, recency=0.25, diversity=0.1)
    weights = others.model_copy(update={"fitted": 2})
    plain = {r.record.id: r.why for r in talk.search(query, k=20, weights=FITTED)}
    without = {r.record.id: r.why for r in talk.search(query, k=20, weights=others)}
    found = talk.search(query, k=20, weights=weights)
    assert len(found) == len(CONVERSATION)
    for recall in found:
        assert sum(recall.why.values()) == pytest.approx(recall.score)
        for name in ("lexical", "dense", "recency", "speaker"):
            fitted, other = (of[recall.record.id].get(name, 0) for of in (plain, without))
            assert recall.why[name] == pytest.approx(0.9 * 2 * fitted + other, abs=1e-4), name


def test_all_parts_left_out_is_no_ranking_and_no_error(talk) -> None:
    nothing = FITTED.model_copy(update={"without": frozenset(SIGNALS.values())})
    assert [r.score for r in talk.search("oboe", k=20, weights=nothing)] == [0] * len(CONVERSATION)


def test_every_signal_has_a_weight_and_those_above_zero_make_one() -> None:
    assert WEIGHTS.keys() == SIGNALS.keys()
    parts = fused({name: np.array([float(WEIGHTS[name] > 0)]) for name in SIGNALS})
    assert sum(float(part[0]) for part in parts.values()) == pytest.approx(1)
    assert fused({name: np.ones(1) for name in SIGNALS}, without=["lexical"]).keys() == {
        *SIGNALS.values()
    } - {"lexical"}


def test_a_reply_is_found_by_what_was_asked_before_it(talk) -> None:
    found = talk.search("Which instrument is played?", k=3)
    assert "Ada: The oboe, since yesterday." in texts(found)[:2]


def test_the_one_who_is_asked_about_speaks(ada) -> None:
    said = [Said(f"{name}: I like green tea.", 40 * i) for i, name in enumerate(("Cy", "Ada", "Bob", "Di"))]
    ada.observe_many(one.new for one in said)
    for name in ("Ada", "Bob", "Cy", "Di"):
        assert texts(ada.search(f"What does {name} like?", k=1)) == [f"{name}: I like green tea."]
    first, second = texts(ada.search("What did Ada tell Bob?", k=2))
    assert (first, second) == ("Ada: I like green tea.", "Bob: I like green tea.")


def test_what_was_said_by_the_user_is_found_when_they_ask_about_themselves(ada) -> None:
    ada.observe_many([
        Said("likes green tea", author="user").new,
        Said("likes green tea too", 40, author="assistant").new,
        Said("Bob: likes green tea", 80).new,
    ])
    assert texts(ada.search("What tea do I like?", k=1)) == ["likes green tea"]


def test_the_month_and_the_day_that_are_named_are_found(ada) -> None:
    for month in range(1, 13):
        for day in (3, 14):
            moment = datetime(2023, month, day, 12, tzinfo=UTC)
            ada.observe(f"walked {month} {day}", source=f"{month} {day}", occurred_at=moment)
    assert set(texts(ada.search("Who walked in May?", k=2))) == {"walked 5 3", "walked 5 14"}
    assert texts(ada.search("Who walked on 14 March 2023?", k=1)) == ["walked 3 14"]
    assert texts(ada.search("Who walked on 2023-11-03?", k=1)) == ["walked 11 3"]


def test_equal_scores_are_in_the_same_order_every_time_the_latest_first(open_memory) -> None:
    memory = open_memory(HashEncoder(dimension=384))
    for n in (2, 3, 7, 13, 50):
        user = memory.user(f"of {n}")
        same = user.observe_many(Said("nothing much", 40 * i).new for i in range(n))
        expected = [one.id for one in reversed(same)]
        for query in ("nothing", "zebra", "nothing zebra?"):
            found = user.search(query, k=n)
            assert [r.record.id for r in found] == expected
            assert len({r.score for r in found}) == 1


@pytest.mark.parametrize(
    "query",
    ["?", "…", "🙂", "zebra", "zebra quagga", "what is it", "oboe", "OBOE!", "May", "Ada", "Ada Bob", "5", "二時間",
     "Где собака?", "أين الكلب؟", "\u200b?", "a" * 5000, "'", '"', "%_\\", "2023-99-99", "May 99"],
)  # fmt: skip
def test_any_query_ranks_everything(talk, query) -> None:
    found = talk.search(query, k=20)
    assert len(found) == len(CONVERSATION)
    for recall in found:
        assert math.isfinite(recall.score)
        assert sum(recall.why.values()) == pytest.approx(recall.score)
    assert texts(found) == texts(talk.search(query, k=20))
    assert texts(found)[:3] == texts(talk.search(query, k=3))


@pytest.mark.parametrize("query", ["tea", "zebra", "?", "What did Ada do in May?"])
@pytest.mark.parametrize("text", ["Ada: tea", "tea", "?", "🙂"])
def test_a_store_of_one(ada, query, text) -> None:
    ada.observe(text)
    (found,) = ada.search(query)
    assert math.isfinite(found.score)
    assert sum(found.why.values()) == pytest.approx(found.score)


def test_a_very_long_query_and_very_long_texts(ada) -> None:
    words = [f"word{n}" for n in range(400)]
    ada.observe_many(Said(" ".join(words[n : n + 30]), n).new for n in range(0, 370, 10))
    ada.observe("? ?( « " * 5_000 + "end")
    query = " ".join(words * 30)[:100_000]
    start = time.process_time()
    found = ada.search(query, k=100)
    assert time.process_time() - start < 5
    assert len(found) == 38
    assert all(math.isfinite(r.score) for r in found)


class Failing(HashEncoder):
    """Cannot encode what has a certain word in it."""

    broken = True

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        if self.broken and any("oboe" in text for text in texts):
            raise ModelError("The encoder cannot be loaded.")
        return super().encode_documents(texts)


def test_an_encoder_that_fails_is_an_error_until_it_works_and_words_need_none(open_memory) -> None:
    encoder = Failing(dimension=64)
    ada = open_memory(encoder).user("ada")
    ada.observe_many(one.new for one in CONVERSATION)
    with pytest.raises(ModelError):
        ada.search("oboe")
    words = ada.search("oboe", weights=RecallWeights(lexical=1, dense=0))
    assert texts(words) == ["Ada: The oboe, since yesterday."]
    encoder.broken = False
    assert texts(ada.search("oboe", k=1)) == ["Ada: The oboe, since yesterday."]


def test_what_has_no_vector_yet_is_ranked_with_the_least_and_found_by_its_words(memory) -> None:
    ada = memory.user("ada")
    ada.observe_many(one.new for one in CONVERSATION)
    ada.search("encode these")
    ada.observe("Ada: A bassoon, too.", occurred_at=START + 8 * MINUTE)
    query = "bassoon instrument"
    vector = unit_rows(memory.encoder.encode_query([query]))[0]
    with memory.snapshots.opened("ada") as (connection, snapshot):
        near = snapshot.nearness(connection, memory.encoder, 1 << 20)
        assert not near.complete
        ranking = Ranking(connection, snapshot, memory.index, KINDS, as_of(None, None), FITTED, near)
        best = ranking.best(query, vector, 20)
        signals = ranking.signals(query, vector, np.arange(len(snapshot)))
    new = len(CONVERSATION)
    assert new in [one.position for one in best[:3]]
    assert max(best, key=lambda one: one.why["lexical"]).position == new
    assert signals["meaning"][new] == 0
    assert signals["closeness"][new] == signals["closeness"].min()
    assert all(math.isfinite(sum(one.why.values())) for one in best)


class Named(HashEncoder):
    """Goes by the name of an encoder for which a direction was fitted."""

    name = "all-MiniLM-L6-v2"


def test_what_tells_facts_ranks_higher_where_that_was_fitted(open_memory) -> None:
    assert telling_direction("hash") is None
    assert telling_direction("../all-MiniLM-L6-v2") is None
    direction = telling_direction("all-MiniLM-L6-v2")
    assert direction is not None
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-6)
    encoder = Named(dimension=len(direction))
    ada = open_memory(encoder).user("ada")
    ada.observe_many(one.new for one in CONVERSATION)
    found = signals_of(ada, "oboe")
    for text, signals in found.items():
        assert signals["telling"] == pytest.approx(float(encoder.encode_documents([text])[0] @ direction))
    assert len({signals["telling"] for signals in found.values()}) == len(CONVERSATION)


def test_of_many_only_the_best_are_ranked_and_what_lies_beside_them(talk, monkeypatch) -> None:
    query = "Which instrument is played?"
    whole = texts(talk.search(query, k=20))
    monkeypatch.setattr(scoring, "_MANY", 3)
    monkeypatch.setattr(scoring, "POOL", 1)
    found = talk.search(query, k=20)
    assert 0 < len(found) < len(CONVERSATION)
    assert texts(found)[:2] == whole[:2]
    assert "Ada: The oboe, since yesterday." in texts(found)
    for recall in found:
        assert sum(recall.why.values()) == pytest.approx(recall.score)


def test_an_index_in_between_changes_nothing_that_is_found_first(open_memory) -> None:
    first = None
    for limit in (100_000, 0):
        ada = open_memory(exact_limit=limit, chroma_url="ephemeral").user("ada")
        if limit:
            ada.observe_many(one.new for one in CONVERSATION)
        found = ada.search("Which instrument is played?", k=3)
        first = first or texts(found)
        assert texts(found) == first
