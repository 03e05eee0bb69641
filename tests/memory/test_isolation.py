"""Whatever another user stores, one's own answers, scores, counts and costs stay the same, and nothing of it is seen."""

import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event

from contracts.memory_reflections import proposed
from isolation.neighbours import TEXTS, Crowd, in_memory
from limner.errors import InputError
from limner.memory import Memory, NewObservation
from limner.settings import RecallWeights, Settings
from limner.testing import HashEncoder

WEIGHTS = RecallWeights(lexical=0.6, dense=0.3, context=0.1)


@contextmanager
def fresh_memory(make_store: Callable[[Path], None]) -> Iterator[Memory]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        make_store(home := Path(folder, "home"))
        with Memory(Settings(home=home), HashEncoder(dimension=32)) as memory:
            yield memory


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    mine=st.lists(TEXTS, min_size=1, max_size=6),
    theirs=st.lists(TEXTS, max_size=6),
    query=TEXTS,
    weights=st.sampled_from([None, WEIGHTS]),
)
def test_another_users_rows_change_no_score(make_store, mine, theirs, query, weights) -> None:
    def scores(others: list[str], late: bool) -> list[tuple[str, float]]:
        with fresh_memory(make_store) as memory:
            if not late:
                memory.user("bob").observe_many(NewObservation(text) for text in others)
            memory.user("ada").observe_many(NewObservation(text) for text in mine)
            if late:
                memory.user("bob").observe_many(NewObservation(text) for text in others)
            found = memory.user("ada").search(query, k=100, weights=weights)
            return [(recall.record.text, recall.score) for recall in found]

    alone = scores([], late=False)
    assert scores(theirs, late=False) == alone
    assert scores(theirs, late=True) == alone


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["default", "own"])
@pytest.mark.parametrize("afresh", [False, True])
def test_another_users_rows_cost_nothing(open_memory, afresh, weights) -> None:
    """The steps of SQLite's machine are counted: they depend on the rows that a statement visits."""
    memory = open_memory()
    ada, bob = memory.user("ada"), memory.user("bob")
    ada.observe_many(NewObservation(f"film number {n}") for n in range(20))
    batch = ada.claim(10_000, len)
    ada.apply(batch, add=[proposed(ada, f"Likes film {o.id}.", o) for o in batch.observations[:5]])
    bob.observe("a film")

    def steps() -> int:
        if afresh:  # nothing is kept from the searches before
            ada.forget(ada.observe("one more film, which goes again").id)
            memory.drain_index()
        else:
            ada.search("film number 7", k=5, weights=weights)
        with counted_steps(memory) as counted:
            ada.search("film number 7", k=5, weights=weights)
            ada.similar(["Likes film."])
            ada.status()
            ada.portrait("k")
            ada.propositions()
            list(ada.export())
        return counted[0]

    before = steps()
    others = 200
    bob.observe_many(NewObservation(f"film number {n}") for n in range(others))
    while batch := bob.claim(10_000, len):
        bob.apply(batch, add=[proposed(bob, f"Likes film {o.id}.", o) for o in batch.observations])
    bob.search("film", k=5)
    assert before > 1000
    assert abs(steps() - before) < others / 2


@contextmanager
def counted_steps(memory: Memory) -> Iterator[list[int]]:
    counted = [0]

    def count() -> None:
        counted[0] += 1

    def watch(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_progress_handler(count, 1)

    def release(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_progress_handler(None, 1)

    engine = memory.database._engine
    event.listen(engine, "checkout", watch)
    event.listen(engine, "checkin", release)
    try:
        yield counted
    finally:
        event.remove(engine, "checkout", watch)
        event.remove(engine, "checkin", release)


@pytest.mark.parametrize(
    "name", ["", " ", "\n", "ada\n", "a\tb", "\u200e", "ad\x00a", "\ud800", "a" * 257, "a" * 10_000]
)
def test_what_is_no_user_id_is_refused_in_few_words(memory, name) -> None:
    with pytest.raises(InputError) as refused:
        memory.user(name)
    assert len(str(refused.value)) < 200


def test_nothing_is_kept_of_an_erasure_that_found_nothing(memory, ada) -> None:
    assert ada.forget_observations(["no such thing"]).observations == 0
    assert memory.users() == []
    kept = ada.observe("I live in Porto")
    assert ada.forget_observations([]).observations == 0
    assert (ada.observations(), ada.receipts()) == ([kept], [])


def run(crowd: type[Crowd], operations: int, first_seed: int, *, steps: int = 100) -> None:
    """Let a crowd make so many steps, a hundred at a time on an empty store."""
    round_ = 0
    while (made := sum(crowd.steps.values())) < operations:
        left = -(-(operations - made) // steps)
        run_state_machine_as_test(
            seed(first_seed * 1000 + round_)(crowd),
            settings=settings(
                max_examples=min(20, left),
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        round_ += 1


def crowd_in(places: dict[str, object], **fields: object) -> type[Crowd]:
    """Return a crowd with counters of its own, at some places."""
    return type(
        "Crowd",
        (Crowd,),
        {"places": places, "steps": Crowd.steps.copy(), "calls": Crowd.calls.copy(), **fields},
    )


def report(title: str, crowd: type[Crowd], first_seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    def table(counts) -> str:
        return ", ".join(f"{name} {n}" for name, n in counts.most_common())

    with capsys.disabled():
        sys.stdout.write(
            f"\n{title}, ISOLATION_SEED={first_seed}: {sum(crowd.steps.values())} operations ({table(crowd.steps)}), "
            f"in which the doors were asked {sum(crowd.calls.values())} times ({table(crowd.calls)})\n"
        )


def test_users_do_anything_and_see_nothing_of_each_other() -> None:
    crowd = crowd_in({})
    run(crowd, 150, 7, steps=50)
    assert len(crowd.steps) > 15


@pytest.mark.isolation
@pytest.mark.timeout(7200)
def test_ten_thousand_operations(capsys) -> None:
    first_seed = int(os.environ.get("ISOLATION_SEED", "1"))
    crowd = crowd_in({})
    run(crowd, 10_000, first_seed)
    report("SQLite with Chroma's folders", crowd, first_seed, capsys)


@pytest.mark.isolation
@pytest.mark.timeout(7200)
def test_a_thousand_operations_on_postgresql(postgresql_url, chroma_url, capsys) -> None:
    first_seed = int(os.environ.get("ISOLATION_SEED", "1"))
    crowd = crowd_in({"database_url": postgresql_url, "chroma_url": chroma_url})
    run(crowd, 1_000, first_seed)
    report("PostgreSQL with a Chroma server", crowd, first_seed, capsys)
