"""Properties: whatever another user stores, one's own answers, scores and counts stay the same."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.memory_reflections import proposed, revision_of
from limner.errors import NotFound
from limner.memory import Memory, NewObservation, Portrait, PortraitLine
from limner.settings import RecallWeights, Settings
from limner.testing import HashEncoder

WORDS = ["horror", "comedy", "film", "Porto", "night", "dog", "tea", "%", "_", "' OR 1=1 --", "二時間"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
NAMES = ["ada", "Ada", "adа", "ada ", "../ada", "ada' --", "ad%"]  # the third has a Cyrillic а


@contextmanager
def fresh_memory(**options: object) -> Iterator[Memory]:
    with tempfile.TemporaryDirectory() as home:
        memory = Memory(Settings(home=home, **options), HashEncoder(dimension=32))
        try:
            yield memory
        finally:
            memory.close()


@settings(max_examples=20, deadline=None)
@given(mine=st.lists(TEXTS, min_size=1, max_size=6), theirs=st.lists(TEXTS, max_size=6), query=TEXTS)
def test_another_users_rows_change_no_score(mine, theirs, query) -> None:
    def scores(others: list[str], late: bool) -> list[tuple[str, float]]:
        with fresh_memory() as memory:
            if not late:
                memory.user("bob").observe_many(NewObservation(text) for text in others)
            memory.user("ada").observe_many(NewObservation(text) for text in mine)
            if late:
                memory.user("bob").observe_many(NewObservation(text) for text in others)
            weights = RecallWeights(lexical=0.6, dense=0.3, context=0.1)
            found = memory.user("ada").search(query, k=100, weights=weights)
            return [(recall.record.text, recall.score) for recall in found]

    alone = scores([], late=False)
    assert scores(theirs, late=False) == alone
    assert scores(theirs, late=True) == alone


class TwoUsers(RuleBasedStateMachine):
    """Users whose ids look alike do anything in any order; each one's text carries a mark of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        options = {"home": self._folder.name, "exact_limit": 3, "chroma_url": "ephemeral"}
        self.memory = Memory(Settings(**options), HashEncoder(dimension=32))
        self.users = {name: self.memory.user(name) for name in NAMES}
        self.marks = {name: f"mark{number}x" for number, name in enumerate(NAMES)}
        self.owner: dict[str, str] = {}
        self.observed: dict[str, int] = dict.fromkeys(NAMES, 0)

    def teardown(self) -> None:
        self.memory.close()
        self._folder.cleanup()

    def check(self, name: str, answer: object) -> None:
        for other, mark in self.marks.items():
            if other != name:
                assert mark not in repr(answer)

    @rule(name=st.sampled_from(NAMES), text=TEXTS)
    def observe(self, name: str, text: str) -> None:
        kept = self.users[name].observe(f"{text} {self.marks[name]}")
        self.owner[kept.id] = name
        self.observed[name] += 1

    @rule(name=st.sampled_from(NAMES), revise=st.booleans())
    def reflect(self, name: str, revise: bool) -> None:
        user = self.users[name]
        if (batch := user.claim(200, len)) is None:
            return
        self.check(name, batch)
        held = user.propositions()
        text = f"Says {len(self.owner)} {self.marks[name]}."
        new = (
            revision_of(user, held[0], text, batch.observations[0])
            if held and revise
            else proposed(user, text, *batch.observations)
        )
        user.apply(batch, add=[new])
        self.owner[new.id] = name

    @rule(name=st.sampled_from(NAMES))
    def draw(self, name: str) -> None:
        user = self.users[name]
        lines = tuple(PortraitLine(text=p.text, propositions=(p.id,)) for p in user.propositions())
        user.save_portrait(Portrait(user_id=name, kind="k", lines=lines))

    @rule(name=st.sampled_from(NAMES), query=TEXTS, other=st.sampled_from(NAMES))
    def look(self, name: str, query: str, other: str) -> None:
        user = self.users[name]
        self.check(name, user.search(query, k=50))
        self.check(name, user.search(self.marks[other], k=50))
        self.check(name, user.similar([query, self.marks[other]], k=50))
        self.check(name, [user.portrait("k"), user.parked(), user.observations()])
        self.check(name, json.dumps(list(user.export())))

    @precondition(lambda self: self.owner)
    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def forget(self, data: st.DataObject, name: str) -> None:
        id = data.draw(st.sampled_from(sorted(self.owner)))
        if self.owner[id] != name:
            with pytest.raises(NotFound) as caught:
                self.users[name].forget(id)
            self.check(name, caught.value)
            return
        try:
            self.observed[name] -= self.users[name].forget(id).observations
        except NotFound:  # went with an earlier erasure
            assert id not in {p.id for p in self.users[name].propositions()}

    @rule()
    def drain(self) -> None:
        self.memory.drain_index()

    @invariant()
    def everybody_has_exactly_their_own(self) -> None:
        for name, user in self.users.items():
            assert user.status().observations == self.observed[name]


TestTwoUsers = TwoUsers.TestCase
TestTwoUsers.settings = settings(max_examples=6, stateful_step_count=25, deadline=None)
