"""Properties of the search in memory: what follows the database equals what is read anew, and it ranks as plainly written."""

import math
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import text

from contracts.memory_reflections import proposed, revision_of
from limner.errors import InputError
from limner.memory import Memory, NewObservation, Standing
from limner.memory.lexical import tokenize
from limner.memory.snapshot import Snapshot, read_state
from limner.settings import RecallWeights, Settings
from limner.testing import HashEncoder

WORDS = ["horror", "comedy", "film", "Porto", "night", "dog", "tea", "naïve", "二時間"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
SOURCES = st.sampled_from(["chat", "ratings", "mail"])
START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 300).map(lambda days: START + timedelta(days=days))
ENDS = st.sampled_from([None, None, START, datetime(2100, 1, 1, tzinfo=UTC)])
EVERYTHING = RecallWeights(lexical=0.4, dense=0.3, context=0.1, recency=0.1, confidence=0.1, diversity=0.2)


def open_memory(folder: str | Path, **options: object) -> Memory:
    return Memory(Settings(home=folder, chroma_url="ephemeral", **options), HashEncoder(dimension=16))


def same(one: Snapshot, other: Snapshot, memory: Memory, connection) -> None:
    """Check that two snapshots answer alike; codes of names may differ."""
    assert one.state == other.state
    for field in fields(one.columns):
        mine, theirs = getattr(one.columns, field.name), getattr(other.columns, field.name)
        if field.name in ("sources", "sessions", "authors"):
            mine, theirs = ([getattr(s.names, field.name)[c] if c >= 0 else None for c in codes]
                            for s, codes in ((one, mine), (other, theirs)))  # fmt: skip
            assert mine == theirs
        else:
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs), field.name
    words = sorted({stem for word in WORDS for stem in tokenize(word)})
    mine, theirs = one.postings(connection, words), other.postings(connection, words)
    for word in words:
        assert np.array_equal(mine[word].positions, theirs[word].positions)
        assert np.array_equal(mine[word].frequencies, theirs[word].frequencies)
    everything = range(len(one))
    assert one.terms_of(connection, everything) == other.terms_of(connection, everything)
    for mine, theirs in zip(one.neighbours, other.neighbours, strict=True):
        assert np.array_equal(mine, theirs)
    near, anew = (s.nearness(connection, memory.encoder, 1 << 20) for s in (one, other))
    assert near.complete == anew.complete
    assert np.array_equal(near.present, anew.present)
    there = np.flatnonzero(near.present)
    assert np.array_equal(near.vectors(connection, there), anew.vectors(connection, there))


class TwoProcesses(RuleBasedStateMachine):
    """Two handles on one store write what they like; both follow, and neither is ever different from the database."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.memories = [open_memory(self._folder.name, exact_limit=3) for _ in range(2)]
        self.users = [memory.user("ada") for memory in self.memories]

    def teardown(self) -> None:
        for memory in self.memories:
            memory.close()
        self._folder.cleanup()

    @rule(who=st.integers(0, 1), texts=st.lists(TEXTS, min_size=1, max_size=4), source=SOURCES, when=MOMENTS)
    def observe(self, who: int, texts: list[str], source: str, when: datetime) -> None:
        new = [NewObservation(words, source, occurred_at=when, session=source) for words in texts]
        self.users[who].observe_many(new)

    @rule(who=st.integers(0, 1), words=TEXTS, revise=st.booleans(), same_words=st.booleans(), ends=ENDS)
    def reflect(self, who: int, words: str, revise: bool, same_words: bool, ends: datetime | None) -> None:
        user = self.users[who]
        if (batch := user.claim(60, len)) is None:
            return
        held = [p for p in user.propositions() if p.standing == Standing.INFERRED]
        if held and revise:
            new = revision_of(user, held[0], held[0].text if same_words else words, *batch.observations[:1])
        else:
            new = proposed(user, words, *batch.observations, valid_until=ends)
        retire = {held[-1].id: "no longer so"} if len(held) > 2 else {}
        try:
            user.apply(batch, add=[new], retire=retire)
        except InputError:  # it would override what the user said, or say again what they denied
            user.release(batch)

    @precondition(lambda self: self.users[0].propositions())
    @rule(
        who=st.integers(0, 1),
        verdict=st.sampled_from(["confirm", "pin", "unpin", "deny", "correct"]),
        data=st.data(),
        words=TEXTS,
    )
    def judge(self, who: int, verdict: str, data: st.DataObject, words: str) -> None:
        id = data.draw(st.sampled_from([p.id for p in self.users[who].propositions()]))
        user = self.users[who]
        _ = user.correct(id, words) if verdict == "correct" else getattr(user, verdict)(id)

    @precondition(lambda self: self.users[0].observations())
    @rule(who=st.integers(0, 1), data=st.data(), many=st.booleans())
    def forget(self, who: int, data: st.DataObject, many: bool) -> None:
        user = self.users[who]
        ids = [o.id for o in user.observations()] + [p.id for p in user.propositions()]
        if many:
            user.forget_observations(data.draw(st.sets(st.sampled_from(ids), max_size=3)))
        else:
            user.forget(data.draw(st.sampled_from(ids)))

    @precondition(lambda self: self.users[0].observations())
    @rule(who=st.integers(0, 1), data=st.data())
    def forget_source(self, who: int, data: st.DataObject) -> None:
        sources = {o.source for o in self.users[who].observations()}
        self.users[who].forget_source(data.draw(st.sampled_from(sorted(sources))))

    @precondition(lambda self: self.users[0].observations())
    @rule(who=st.integers(0, 1))
    def forget_everything(self, who: int) -> None:
        self.users[who].forget_everything()

    @precondition(lambda self: self.users[0].observations())
    @rule(who=st.integers(0, 1), days=st.integers(1, 40))
    def retain(self, who: int, days: int) -> None:
        memory = self.memories[who]
        with memory.database.write() as connection:  # the oldest has lain there for a while
            connection.execute(
                text(
                    "UPDATE observations SET recorded_at = :then WHERE id = (SELECT min(id) FROM observations)"
                ),
                {"then": str(datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days))},
            )
        self.users[who].retain("chat", 20)
        memory.retention.run()

    @rule(who=st.integers(0, 1))
    def drain(self, who: int) -> None:
        self.memories[who].drain_index()

    @rule(who=st.integers(0, 1), query=TEXTS, dense=st.booleans())
    def look(self, who: int, query: str, dense: bool) -> None:
        weights = EVERYTHING if dense else RecallWeights(lexical=1, dense=0)
        self.users[who].search(query, k=5, weights=weights)

    @invariant()
    def what_is_kept_is_what_there_is(self) -> None:
        for memory in self.memories:
            with memory.snapshots.opened("ada") as (connection, kept):
                state = read_state(connection, "ada")
                assert (kept is None) == (state is None)
                if kept is not None:
                    same(kept, Snapshot.read(connection, "ada", state), memory, connection)


TestTwoProcesses = TwoProcesses.TestCase
TestTwoProcesses.settings = settings(
    max_examples=10, stateful_step_count=25, deadline=None, phases=[Phase.generate]
)


def test_a_write_is_followed_and_an_erasure_is_read_anew(tmp_path, monkeypatch) -> None:
    read = []

    def counted(*arguments: object) -> Snapshot:
        read.append(arguments)
        return plain(*arguments)

    plain = Snapshot.read
    monkeypatch.setattr(Snapshot, "read", counted)
    memory, elsewhere = (open_memory(tmp_path) for _ in range(2))
    ada = memory.user("ada")
    first = ada.observe("tea at night")
    ada.search("tea")
    for user in (ada, elsewhere.user("ada")):
        new = user.observe("more tea")
        batch = user.claim(1000, len)
        user.apply(batch, add=[proposed(user, "Likes tea.", new)])
        user.confirm(user.propositions()[-1].id)
        assert len(ada.search("tea", k=50)) == len(ada.observations()) + len(ada.propositions())
    assert len(read) == 1
    elsewhere.user("ada").forget(first.id)
    ada.search("tea")
    assert len(read) == 2
    memory.close()
    elsewhere.close()


def test_nothing_erased_stays_in_memory(tmp_path) -> None:
    memory, elsewhere = (open_memory(tmp_path) for _ in range(2))
    for one in (memory, elsewhere):
        user = one.user("ada")
        secret = user.observe("the zanzibar plan", source="plans-of-zanzibar")
        user.observe("tea")
        user.search("zanzibar tea")
        elsewhere.user("ada").search("zanzibar tea")
        user.forget(secret.id)
        assert memory.snapshots.last("ada") is None or "zanzibar" not in repr(memory.snapshots.last("ada"))
        memory.user("ada").search("tea")
        elsewhere.user("ada").search("tea")
        for kept in (memory.snapshots.last("ada"), elsewhere.snapshots.last("ada")):
            assert kept is not None
            assert secret.id not in kept.columns.owners
            assert kept.names.sources == ("user",)
            assert "zanzibar" not in kept._postings
    memory.user("ada").search("tea")
    elsewhere.user("ada").forget_everything()
    assert memory.user("ada").search("tea") == []
    assert memory.snapshots.last("ada") is None
    memory.close()
    elsewhere.close()


def min_max(scores: dict[int, float]) -> dict[int, float]:
    low, high = min(scores.values()), max(scores.values())
    if low == high:
        return {n: float(s > 0) for n, s in scores.items()}
    return {n: (s - low) / (high - low) for n, s in scores.items()}


def moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def plain_words(texts: dict[int, str], query: str) -> dict[int, float]:
    """BM25 by its definition."""
    terms = {n: Counter(tokenize(words)) for n, words in texts.items()}
    mean = sum(t.total() for t in terms.values()) / len(terms)
    scores = dict.fromkeys(terms, 0.0)
    for term, repeats in Counter(tokenize(query)).items():
        having = [n for n in terms if term in terms[n]]
        idf = math.log(1 + (len(terms) - len(having) + 0.5) / (len(having) + 0.5))
        for n in having:
            f, length = terms[n][term], terms[n].total()
            scores[n] += repeats * idf * f * 2.2 / (f + 1.2 * (1 - 0.75 + 0.75 * length / mean))
    return scores


def plain_neighbours(said: Sequence[Mapping[str, Any]]) -> dict[int, list[int]]:
    """The observations of one source just before and after each."""
    around: dict[int, list[int]] = {}
    for source in {row["source"] for row in said}:
        line = sorted((row["moment"], row["id"]) for row in said if row["source"] == source)
        for i, (_, n) in enumerate(line):
            around[n] = [line[j][1] for j in (i - 1, i + 1) if 0 <= j < len(line)]
    return around


SAID = (
    "SELECT d.id, o.id AS owner, o.text, o.occurred_at AS moment, o.source FROM documents d"
    " JOIN observations o ON o.id = d.observation_id WHERE d.user_id = 'ada'"
)
HELD = (
    "SELECT d.id, p.id AS owner, p.text, coalesce(p.observed_at, p.valid_from, p.recorded_at) AS moment,"
    " p.valid_from, p.valid_until, p.durability, p.confidence FROM documents d"
    " JOIN propositions p ON p.id = d.proposition_id WHERE d.user_id = 'ada' AND p.retired_at IS NULL"
)


def plainly_ranked(
    memory: Memory, query: str, w: RecallWeights, at: datetime | None, now: datetime
) -> list[tuple[str, float]]:
    """Rank a user's rows with nothing but dictionaries and the definitions: owner and score, best first."""
    with memory.database.read() as connection:
        said, held = (connection.execute(text(s)).mappings().all() for s in (SAID, HELD))
        stored = connection.execute(text("SELECT document_id, vector FROM vectors WHERE user_id = 'ada'"))
        vectors = {number: np.frombuffer(blob, dtype="<f4") for number, blob in stored}
    then = at or now
    rows = {row["id"]: row for row in said if at is None or moment(row["moment"]) <= at}
    for row in held:
        begins, ends = moment(row["valid_from"]), moment(row["valid_until"])
        if (ends is None or ends > then) and (at is None or begins is None or begins <= at):
            rows[row["id"]] = row
    if not rows:
        return []
    vector = memory.encoder.encode_query([query])[0]
    lexical = min_max(plain_words({n: row["text"] for n, row in rows.items()}, query))
    dense = min_max({n: float(vectors[n] @ vector) for n in rows})
    own = {n: w.lexical * lexical[n] + w.dense * dense[n] for n in rows}
    around = plain_neighbours(said)
    total = {}
    for n, row in rows.items():
        beside = max((own.get(m, 0.0) for m in around.get(n, ())), default=0.0) / (w.lexical + w.dense)
        half = w.half_life_days * 2 ** ((row.get("durability", 5) - 5) / 2)
        age = max(0.0, (then - moment(row["moment"])).total_seconds() / 86_400)
        recency = 0.5 ** (age / half)
        confidence = row.get("confidence", 10) / 10
        total[n] = own[n] + w.context * beside + w.recency * recency + w.confidence * confidence
    return [(rows[n]["owner"], total[n]) for n in sorted(rows, key=lambda n: (-total[n], -n))]


STATEMENTS = st.lists(
    st.tuples(TEXTS, st.integers(1, 10), st.integers(1, 10), st.none() | MOMENTS, st.none() | MOMENTS),
    max_size=5,
)
PARTS = st.sampled_from([0.0, 0.1, 0.5, 1.0])
WEIGHTS = st.builds(
    RecallWeights, lexical=st.sampled_from([0.1, 0.5, 1.0]), dense=st.sampled_from([0.2, 0.6, 1.0]),
    context=PARTS, recency=PARTS, confidence=PARTS,
)  # fmt: skip


@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(
    said=st.lists(st.tuples(TEXTS, SOURCES, MOMENTS), min_size=1, max_size=15),
    held=STATEMENTS,
    query=TEXTS,
    weights=WEIGHTS,
    at=st.none() | MOMENTS,
)
def test_it_ranks_as_a_plain_reference_does(said, held, query, weights, at) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory = open_memory(folder)
        ada = memory.user("ada")
        new = [NewObservation(words, source, occurred_at=when) for words, source, when in said]
        first, *_ = ada.observe_many(new)
        batch = ada.claim(10_000, len)
        ada.apply(batch, add=[
            proposed(ada, words, first, confidence=confidence, durability=durability, valid_from=begins,
                     valid_until=None if begins and ends and ends <= begins else ends)
            for words, confidence, durability, begins, ends in held
        ])  # fmt: skip
        now = datetime.now(UTC)
        found = ada.search(query, k=100, weights=weights, at=at)
        expected = plainly_ranked(memory, query, weights, at, now)
        assert len(found) == len(expected)
        scores = dict(expected)
        for recall, (_, score) in zip(found, expected, strict=True):
            assert recall.score == pytest.approx(score, abs=1e-5)
            assert recall.score == pytest.approx(scores[recall.record.id], abs=1e-5)
        memory.close()


def test_what_was_not_searched_for_longest_goes_first(tmp_path) -> None:
    memory = open_memory(tmp_path)
    cache = memory.snapshots
    for name in ("ada", "bob", "cy"):
        memory.user(name).observe_many(NewObservation(f"tea {n} of {name}") for n in range(50))
        memory.user(name).search("tea")
    of_one = cache.nbytes // 3
    cache.limit = round(2.5 * of_one)
    memory.user("ada").search("a word that was not asked for before")
    assert [cache.last(name) is not None for name in ("ada", "bob", "cy")] == [True, False, True]
    assert cache.nbytes <= cache.limit
    memory.user("bob").forget_everything()
    cache.drop("cy")
    ada = cache.last("ada")
    assert ada is not None
    assert cache.nbytes == ada.nbytes
    cache.clear()
    assert cache.nbytes == 0
    memory.close()
