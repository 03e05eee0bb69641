"""Every signal of the fitted ranking against a plain computation; what must not leak into it; and what it finds."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.memory_reflections import proposed, reflect
from limner.errors import ModelError
from limner.memory import NewObservation, UserMemory
from limner.memory.asof import as_of
from limner.memory.documents import KINDS
from limner.memory.fusion import WEIGHTS, fused
from limner.memory.lexical import tokenize
from limner.memory.questions import named_in, read_question
from limner.memory.sayings import Trait, read_saying
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.telling import telling_direction
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights
from limner.testing import HashEncoder

FITTED = RecallWeights(fitted=1, lexical=0, dense=0)
START = datetime(2023, 5, 8, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Said:
    """An observation, or a proposition where it has no moment, as it was stored."""

    text: str
    minute: int | None = 0
    source: str = "chat"
    session: str | None = None
    author: str = "user"

    @property
    def terms(self) -> Counter[str]:
        return Counter(tokenize(self.text))

    @property
    def new(self) -> NewObservation:
        assert self.minute is not None
        moment = START + self.minute * MINUTE
        return NewObservation(
            self.text, self.source, author=self.author, occurred_at=moment, session=self.session
        )


@contextmanager
def ranked(
    user: UserMemory, at: datetime | None = None, weights: RecallWeights = FITTED
) -> Iterator[Ranking]:
    """Open a ranking of all that a user has."""
    memory = user._memory
    user.search("whatever has no vector yet gets one")
    with memory.snapshots.opened(user.user_id) as (connection, snapshot):
        near = snapshot.nearness(connection, memory.encoder, memory.snapshots.most_vectors)
        yield Ranking(connection, snapshot, memory.index, KINDS, as_of(at, None), weights, near)


def signals_of(user: UserMemory, query: str, at: datetime | None = None) -> dict[str, dict[str, float]]:
    """Return each signal of each record that may be seen, by its text."""
    vector = unit_rows(user._memory.encoder.encode_query([query]))[0]
    with ranked(user, at) as ranking:
        seen = np.flatnonzero(ranking._visible)
        found = ranking.signals(query, vector, seen)
        owners = [str(ranking._snapshot.columns.owners[position]) for position in seen]
    texts = {record.id: record.text for record in (*user.observations(), *user.propositions())}
    assert set(found) == set(SIGNALS)
    return {texts[owner]: {name: float(found[name][i]) for name in SIGNALS} for i, owner in enumerate(owners)}


def plain_sittings(said: Sequence[Said]) -> list[list[int]]:
    """What was said in one conversation, in order, by its place in `said`."""
    lines: dict[object, list[tuple[int, int]]] = {}
    alone = [[i] for i, one in enumerate(said) if one.minute is None]
    for i, one in enumerate(said):
        if one.minute is not None:
            lines.setdefault((one.source, one.session), []).append((one.minute, i))
    sittings: list[list[int]] = []
    for (_, session), line in lines.items():
        last = None
        for minute, i in sorted(line):
            if last is None or (session is None and minute - last > 30):
                sittings.append([])
            sittings[-1].append(i)
            last = minute
    return sittings + alone


def plain_bm25(units: Sequence[Counter[str]], terms: Mapping[str, int]) -> list[float]:
    """BM25 of every unit, by its definition."""
    mean = sum(unit.total() for unit in units) / len(units)
    scores = []
    for unit in units:
        score = 0.0
        for term, repeats in terms.items():
            score += (
                repeats
                * plain_idf(units, term)
                * (unit[term] * 2.2 / (unit[term] + 1.2 * (0.25 + 0.75 * unit.total() / mean)))
            )
        scores.append(score)
    return scores


def plain_idf(units: Sequence[Counter[str]], term: str) -> float:
    having = sum(unit[term] > 0 for unit in units)
    return math.log(1 + (len(units) - having + 0.5) / (having + 0.5))


def scaled(values: Sequence[float]) -> list[float]:
    values = [round(value, 9) for value in values]
    low, high = min(values), max(values)
    return [(v - low) / (high - low) if high > low else float(v > 0) for v in values]


def plain_signals(said: Sequence[Said], query: str, cosine: Callable[[str], float]) -> list[dict[str, float]]:
    """Every signal of every record, from lists and dictionaries alone."""
    sittings = plain_sittings(said)
    place = {i: (sitting, sitting.index(i)) for sitting in sittings for i in sitting}

    def window(i: int, radius: int) -> list[int]:
        sitting, at = place[i]
        return sitting[max(0, at - radius) : at + radius + 1]

    def beside(i: int, step: int) -> int | None:
        sitting, at = place[i]
        return sitting[at + step] if 0 <= at + step < len(sitting) else None

    def together(indices: Sequence[int]) -> Counter[str]:
        return sum((said[i].terms for i in indices), Counter())

    everything = range(len(said))
    shown = [read_saying(one.text) for one in said]
    question = read_question(query)
    named = named_in(query, sorted({one.speaker for one in shown if one.speaker is not None}))
    terms = question.without(named)
    documents = [one.terms for one in said]
    words = scaled(plain_bm25(documents, terms))
    window_words = scaled(plain_bm25([together(window(i, 2)) for i in everything], terms))
    by_sitting = plain_bm25([together(sitting) for sitting in sittings], terms)
    sitting_words = scaled([by_sitting[sittings.index(place[i][0])] for i in everything])
    weight = {term: repeats * plain_idf(documents, term) for term, repeats in terms.items()}
    cosines = [cosine(one.text) for one in said]
    means = {r: scaled([np.mean([cosines[j] for j in window(i, r)]) for i in everything]) for r in (1, 2, 4)}
    meaning = scaled(cosines)
    found = []
    for i in everything:
        before, after = beside(i, -1), beside(i, 1)
        near = together(window(i, 1))
        asked = len(named) + question.about_me
        spoken = shown[i].speaker in named or (
            question.about_me and shown[i].speaker is None and is_mine(said[i])
        )
        moment = None if said[i].minute is None else START + said[i].minute * MINUTE
        in_year = moment is not None and (not question.years or moment.year in question.years)
        in_month = in_year and (not question.months or moment.month in question.months)
        timed = bool(question.months or question.years)
        found.append({
            "words": words[i],
            "words of the window": window_words[i],
            "words of the sitting": sitting_words[i],
            "words covered": sum(weight[t] for t in terms if near[t]) / (sum(weight.values()) or 1),
            "words just after": 0.0 if after is None else words[after],
            "meaning": meaning[i],
            "closeness": cosines[i],
            "meaning of three": means[1][i],
            "meaning of five": means[2][i],
            "meaning of nine": means[4][i],
            "telling": 0.0,
            "answers": 0.0 if before is None or Trait.ASKS not in shown[before].traits else words[before],
            "asks": float(Trait.ASKS in shown[i].traits),
            "length": math.log((1 + said[i].terms.total()) / 21),
            "tells": float(Trait.TELLS in shown[i].traits),
            "speaker": 1 / asked if spoken else 0.0,
            "first named": float(len(named) > 1 and shown[i].speaker == named[0]),
            "month": float(timed and in_month),
            "day": float(timed and in_year and (moment.month, moment.day) in question.days),
            **{
                name: float(trait in question.wants and trait in shown[i].traits)
                for name, trait in (
                    ("dates", Trait.DATES),
                    ("counts", Trait.COUNTS),
                    ("names", Trait.NAMES),
                    ("quotes", Trait.QUOTES),
                )
            },
        })
    return found


def is_mine(said: Said) -> bool:
    return said.minute is not None and said.author == "user"


WORDS = ["tea", "oboe", "Porto", "dog", "dogs", "I", "three", "yesterday", "二時間", "мир"]
TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "Ada: ", "Ada Byron: ", "Bob: "]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join),
    st.sampled_from(["", "", ".", "?"]),
)
SAID = st.builds(
    Said,
    text=TEXTS,
    minute=st.sampled_from([None, None, *range(6), *range(6), 29, 30, 31, 61, 62, 2 * 24 * 60, 40 * 24 * 60]),
    source=st.sampled_from([*["chat"] * 5, "mail"]),
    session=st.sampled_from([*[None] * 5, "one", "two"]),
    author=st.sampled_from(["user", "user", "assistant"]),
)
QUERIES = st.builds(
    "{} {}{}".format,
    st.sampled_from([
        "What did",
        "When did",
        "Who has",
        "How many",
        "Did I tell",
        "In May 2023,",
        "On 8 May,",
    ]),
    st.lists(st.sampled_from([*WORDS, "Ada", "Bob", "Ada Byron", "zebra", "my"]), min_size=1, max_size=5).map(
        " ".join
    ),
    st.sampled_from(["", "?"]),
)


def stored(user: UserMemory, said: Sequence[Said]) -> list[Said]:
    """Store these, and return them in order of storing; no two have the same text."""
    held = [one for one in said if one.minute is None]
    heard = [one for one in said if one.minute is not None]
    if held:  # they rest on something
        heard.insert(0, Said("a word to begin with"))
    first, *_ = user.observe_many(one.new for one in heard)
    if held:
        reflect(user, *(proposed(user, one.text, first) for one in held))
    return heard + held


users = (f"user {number}" for number in range(10_000))


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=st.lists(SAID, min_size=1, max_size=14, unique_by=lambda one: one.text), query=QUERIES)
def test_every_signal_is_what_a_plain_computation_says(memory, said, query) -> None:
    user = memory.user(next(users))
    said = stored(user, said)
    vector = memory.encoder.encode_query([query])[0].astype(np.float64)
    expected = plain_signals(
        said,
        query,
        lambda text: float(memory.encoder.encode_documents([text])[0].astype(np.float64) @ vector),
    )
    found = signals_of(user, query)
    assert len(found) == len(said)
    for one, plain in zip(said, expected, strict=True):
        assert found[one.text] == pytest.approx(plain, abs=1e-5), one.text


CONVERSATION = [
    Said("Ada: Good morning, Bob.", 0),
    Said("Bob: Which instrument do you play?", 1),
    Said("Ada: The oboe, since yesterday.", 2),
    Said("Bob: How lovely.", 3),
    Said("Ada: The weather is nice.", 4),
    Said("Bob: The garden needs rain.", 5),
    Said("Ada: Did you see the dog?", 6),
    Said("Bob: It sleeps.", 7),
]


def assert_same(one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]) -> None:
    assert one.keys() == other.keys()
    for text, signals in one.items():
        assert signals == pytest.approx(other[text], abs=1e-9), text


QUESTIONS = (
    "What instrument does Ada play?",
    "What did Eve tell Ada about the dog in May 2023?",
    "When did I see the garden?",
)


@pytest.mark.parametrize("query", QUESTIONS)
def test_what_is_said_later_changes_nothing_of_before(memory, query) -> None:
    user, earlier = memory.user("ada"), memory.user("before")
    user.observe_many(one.new for one in CONVERSATION)
    earlier.observe_many(one.new for one in CONVERSATION[:4])
    user.observe_many(
        Said(text, minute, session=session, author=author).new
        for text, minute, session, author in (
            ("Eve: the dog plays an instrument in the garden", 4, None, "assistant"),
            ("I saw the dog, and my garden", 20, None, "user"),
            ("Ada Byron: me too", 5, "one", "application"),
        )
    )
    signals_of(user, query)  # whatever is kept of this search must not show in the next
    assert_same(signals_of(user, query, START + 3 * MINUTE), signals_of(earlier, query))


def test_an_author_who_comes_later_is_not_the_author_of_propositions(memory) -> None:
    user = memory.user("ada")
    (first,) = user.observe_many([Said("The dog is old.", author="application").new])
    reflect(user, proposed(user, "Has an old dog.", first))
    for _ in range(2):
        found = signals_of(user, "What is my dog?")
        assert found["Has an old dog."]["speaker"] == found["The dog is old."]["speaker"] == 0
        user.observe("The cat is young.", key="once")
    assert signals_of(user, "What is my dog?")["The cat is young."]["speaker"] == 1


@pytest.mark.parametrize("query", QUESTIONS)
def test_other_users_change_nothing(memory, query) -> None:
    ada = memory.user("ada")
    ada.observe_many(one.new for one in CONVERSATION)
    alone = signals_of(ada, query)
    eve = memory.user("eve")
    eve.observe_many(Said(f"Eve: the dog of Ada plays an instrument {n}", n).new for n in range(20))
    signals_of(eve, query)
    assert_same(signals_of(ada, query), alone)
    ada.observe("unrelated words", source="elsewhere")
    signals_of(eve, query)
    assert signals_of(ada, query).keys() == {*alone, "unrelated words"}


@pytest.mark.parametrize("query", QUESTIONS)
def test_what_was_erased_is_as_if_it_had_never_been(memory, query) -> None:
    user, never = memory.user("ada"), memory.user("never")
    kept = [one for i, one in enumerate(CONVERSATION) if i not in (1, 4)]
    for place, one in enumerate(user.observe_many(one.new for one in CONVERSATION)):
        if place in (1, 4):
            signals_of(user, query)
            user.forget(one.id)
    never.observe_many(one.new for one in kept)
    assert_same(signals_of(user, query), signals_of(never, query))


def test_one_who_is_added_is_known_to_the_next_search(memory) -> None:
    user, at_once = memory.user("ada"), memory.user("at once")
    for one in CONVERSATION:
        user.observe_many([one.new])
        signals_of(user, QUESTIONS[0])
    at_once.observe_many(one.new for one in CONVERSATION)
    assert_same(signals_of(user, QUESTIONS[0]), signals_of(at_once, QUESTIONS[0]))


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
    ada.observe_many(Said(" ".join(words[n : n + 30]), n).new for n in range(0, 370, 5))
    ada.observe("? ?( « " * 15_000 + "end")
    query = " ".join(words * 30)[:100_000]
    start = time.process_time()
    found = ada.search(query, k=100)
    assert time.process_time() - start < 5
    assert len(found) == 75
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
