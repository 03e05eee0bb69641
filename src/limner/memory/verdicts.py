"""What the user says about the propositions on them: each verdict is an observation of the highest standing.

- `confirm`: it is so. The next version rests on the user's word too, and stands above every inference.
- `pin`, `unpin`: keep it in mind, whatever is asked; a pinned statement is confirmed as well.
- `correct`: it is otherwise, in the user's own words. The next version says these words and rests on them alone.
- `deny`: it is not so. Nobody holds it any more, and no inference brings it back (see `denials`).

What was derived from a statement that is corrected or denied is looked at anew: it is given up, and what it rested on
goes back to the queue, so that the next reflection derives again what still holds.
"""

from collections.abc import Collection, Iterable
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from limner.errors import InputError
from limner.memory.database import Database
from limner.memory.documents import add_document
from limner.memory.intake import clean_text, observation_of
from limner.memory.lineage import Lineage
from limner.memory.propositions import line_of_revisions, one_proposition
from limner.memory.records import (
    Evidence,
    NewObservation,
    Observation,
    Proposition,
    Standing,
    new_id,
    utc_now,
)
from limner.memory.rederiving import put_back
from limner.memory.revision import add_version, retire_version
from limner.memory.rows import lock_user, observation_row
from limner.memory.schema import observations, propositions, verdicts

__all__ = ("SOURCE", "Verdict", "judge")

Verdict = Literal["confirm", "correct", "deny", "pin", "unpin"]

SOURCE = "verdict"
"""Source of the observations in which the user judges a proposition."""

_CONFIDENCE = 9.5
"""Of what the user confirmed: ten times the posterior under the prior of such statements, after one observation."""

_SAID = {
    "confirm": 'True of me: "{}"',
    "deny": 'Not true of me: "{}"',
    "pin": 'To be kept in mind: "{}"',
    "unpin": 'No longer to be kept in mind: "{}"',
}
_RETIRED = {
    "confirm": "confirmed by the user",
    "correct": "corrected by the user",
    "deny": "denied by the user",
    "pin": "pinned by the user",
    "unpin": "unpinned by the user",
}
_DERIVED = "derived from what the user {}; looked at anew"


def judge(
    database: Database, user_id: str, id: str, verdict: Verdict, words: str | None, max_chars: int
) -> Proposition:
    """Store a verdict and what follows from it, in one transaction.

    Args:
        database: Where.
        user_id: Whose.
        id: The proposition that is judged.
        verdict: What the user says about it.
        words: In a correction: how it is, in the user's words.
        max_chars: Longest text of an observation.

    Returns:
        The version that is held now; of a denial, the one that is not held any more.

    Raises:
        NotFound: The user has no such proposition.
        InputError: A version is confirmed or pinned that has been retired already, or a correction has no words.
    """
    own = None if words is None else clean_text(words, max_chars=max_chars, what="A correction").strip()
    with database.write() as connection:
        lock_user(connection, user_id)
        judged = one_proposition(connection, user_id, id)
        return _Judgement(connection, user_id, judged, verdict).passed(own, max_chars)


class _Judgement:
    """One verdict, in one transaction."""

    def __init__(self, connection: Connection, user_id: str, judged: Proposition, verdict: Verdict) -> None:
        self._connection = connection
        self._user_id = user_id
        self._judged = judged
        self._verdict = verdict
        self._lineage = Lineage(connection, user_id)
        self._now = utc_now()

    def passed(self, words: str | None, max_chars: int) -> Proposition:
        """Store it, and return what is held of the line now, or the version that is denied."""
        judged = self._judged
        if self._verdict in ("confirm", "pin", "unpin") and judged.retired_at is not None:
            raise InputError(f"Proposition {judged.id} has been retired already; judge its successor.")
        said = self._observe(words or _SAID[self._verdict].format(judged.text), max_chars)
        if self._verdict in ("correct", "deny"):
            held = self._overturn()
            new = None if words is None else self._corrected(said, held)
        else:
            held = [judged.id]
            new = self._confirmed(said)
        for old in held:
            retire_version(self._connection, self._user_id, old, self._reason(old), self._now)
        if new is not None:
            before = {
                old: one_proposition(self._connection, self._user_id, old).text for old in new.supersedes
            }
            add_version(self._connection, new, before)
        return one_proposition(self._connection, self._user_id, judged.id if new is None else new.id)

    def _reason(self, id: str) -> str:
        if id == self._judged.id:
            return _RETIRED[self._verdict]
        return _DERIVED.format("denied" if self._verdict == "deny" else "corrected")

    def _observe(self, text: str, max_chars: int) -> Observation:
        new = NewObservation(text, SOURCE)
        said = observation_of(self._user_id, new, max_chars=max(max_chars, len(text)))
        # It is applied here and now: there is nothing left in it for a model to find out.
        row = {**observation_row(said), "state": "done", "attempts": 0}
        self._connection.execute(insert(observations).values(row))
        add_document(self._connection, said)
        judged = {"user_id": self._user_id, "observation_id": said.id, "proposition_id": self._judged.id}
        self._connection.execute(insert(verdicts).values({**judged, "kind": self._verdict}))
        return said

    def _confirmed(self, said: Observation) -> Proposition:
        old = self._judged
        pinned = {"pin": self._now, "unpin": None}.get(self._verdict, old.pinned_at)
        return old.model_copy(
            update={
                "id": new_id(),
                "standing": Standing.CONFIRMED,
                "confidence": max(old.confidence, _CONFIDENCE),
                "evidence": (*old.evidence, _whole(said)),
                "recorded_at": self._now,
                "supersedes": (old.id,),
                "pinned_at": pinned,
            }
        )

    def _corrected(self, said: Observation, held: Collection[str]) -> Proposition:
        old = self._judged
        pins = [one_proposition(self._connection, self._user_id, one).pinned_at for one in held]
        return Proposition(
            user_id=self._user_id,
            text=said.text,
            confidence=_CONFIDENCE,
            durability=old.durability,
            standing=Standing.CONFIRMED,
            topic=old.topic if old.id in held else None,
            evidence=(_whole(said),),
            valid_from=old.valid_from,
            valid_until=old.valid_until,
            recorded_at=self._now,
            pinned_at=max((pin for pin in pins if pin is not None), default=None),
            supersedes=tuple(dict.fromkeys((*held, old.id))),
            group=old.group,
        )

    def _overturn(self) -> list[str]:
        """Deny the judged version and give up what was derived from it; return what was held of it until now."""
        c = propositions.c
        self._connection.execute(
            update(propositions)
            .where(c.user_id == self._user_id, c.id == self._judged.id)
            .values(denied_at=self._now)
        )
        held = self._lineage.held({*self._lineage.with_revisions([self._judged.id]), *self._in_its_line()})
        derived = {*held, *self._reasoned_from(), *(self._ended_by() if self._verdict == "deny" else ())} - {
            self._judged.id
        }
        for id in sorted(derived - set(held)):
            retire_version(self._connection, self._user_id, id, self._reason(id), self._now)
        again = self._cited_by(derived) - self._cited_by([self._judged.id])
        if self._verdict == "deny":
            again |= self._cited_by(self._taken_over())
        put_back(self._connection, self._user_id, again)
        return held

    def _reasoned_from(self) -> set[str]:
        """Return the inferences held whose reasoning names the judged statement."""
        c = propositions.c
        statement = select(c.id, c.reasoning).where(
            c.user_id == self._user_id, c.retired_at.is_(None), c.standing < int(Standing.CONFIRMED)
        )
        named = (self._judged.id, self._judged.text.strip().rstrip(".").casefold())
        return {
            row.id
            for row in self._connection.execute(statement)
            if any(name and name in row.reasoning.casefold() for name in named)
        }

    def _in_its_line(self) -> set[str]:
        """Return the versions that a correction takes the place of, besides what revised the corrected one."""
        if self._verdict != "correct":
            return set()
        line = line_of_revisions(self._connection, self._user_id, self._judged.group)
        return {version.id for version in line if _at_one_time(version, self._judged)}

    def _ended_by(self) -> set[str]:
        """Return the versions held whose end rests on what the judged one rests on: without it nothing ended them."""
        cited = {e.observation_id for e in self._judged.evidence if e.polarity == "supports"}
        line = line_of_revisions(self._connection, self._user_id, self._judged.group)
        return {
            version.id
            for version in line
            if version.retired_at is None
            and version.valid_until is not None
            and version.valid_until == self._judged.valid_from
            and any(e.polarity == "contradicts" and e.observation_id in cited for e in version.evidence)
        }

    def _taken_over(self) -> set[str]:
        """Return the versions whose place the judged one took with other words: they may be true after all."""
        before = (one_proposition(self._connection, self._user_id, id) for id in self._judged.supersedes)
        return {old.id for old in before if old.text != self._judged.text and old.denied_at is None}

    def _cited_by(self, versions: Iterable[str]) -> set[str]:
        cited = self._lineage.rested_on(set(versions))
        return {observation for observed in cited.values() for observation in observed}


def _at_one_time(one: Proposition, other: Proposition) -> bool:
    """Whether two versions are so at one time; what was over when the other began is another statement of its line."""
    return (one.valid_until is None or other.valid_from is None or other.valid_from < one.valid_until) and (
        other.valid_until is None or one.valid_from is None or one.valid_from < other.valid_until
    )


def _whole(said: Observation) -> Evidence:
    return Evidence(observation_id=said.id, start=0, end=len(said.text), quote=said.text)
