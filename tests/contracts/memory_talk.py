"""A talk between two, told as observations; and the signals of the ranking for all that a user has."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from limner.memory import NewObservation, UserMemory
from limner.memory.asof import as_of
from limner.memory.documents import KINDS
from limner.memory.lexical import tokenize
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights

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
