"""Every signal of the fitted ranking against a plain computation, and what must not leak into it."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.memory_reflections import proposed, reflect
from contracts.memory_talk import CONVERSATION, MINUTE, START, Said, signals_of
from limner.memory import UserMemory
from limner.memory.questions import named_in, read_question
from limner.memory.sayings import Trait, read_saying


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
