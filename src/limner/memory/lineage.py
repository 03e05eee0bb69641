"""How propositions hang together: what they cite, what revised them, what they took the place of."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from limner.memory.rows import chunked
from limner.memory.schema import evidence, propositions, supersessions, verdicts

__all__ = ("Lineage",)


class Lineage:
    """The propositions of one user, on one connection."""

    def __init__(self, connection: Connection, user_id: str) -> None:
        self._connection = connection
        self._user_id = user_id

    def citing(self, observations: Collection[str]) -> set[str]:
        """Return the versions that cite one of these observations."""
        found: set[str] = set()
        for chunk in chunked(sorted(observations)):
            statement = select(evidence.c.proposition_id).where(
                evidence.c.user_id == self._user_id, evidence.c.observation_id.in_(chunk)
            )
            found.update(self._connection.execute(statement).scalars())
        return found

    def rested_on(self, versions: Collection[str]) -> dict[str, set[str]]:
        """Return for each version the observations that it cites."""
        cited: dict[str, set[str]] = {version: set() for version in versions}
        for chunk in chunked(sorted(versions)):
            statement = select(evidence.c.proposition_id, evidence.c.observation_id).where(
                evidence.c.user_id == self._user_id, evidence.c.proposition_id.in_(chunk)
            )
            for version, observation in self._connection.execute(statement):
                cited[version].add(observation)
        return cited

    def with_revisions(self, ids: Iterable[str], going: Collection[str] = ()) -> set[str]:
        """Return these versions, and all that revised one of them, directly or not.

        A version that rests on the user's own corrections alone took nothing from what it corrects: it is not among
        them, unless one of the corrections is in `going`.
        """
        found: set[str] = set()
        new = set(ids)
        while new:
            found |= new
            revisions: set[str] = set()
            for chunk in chunked(sorted(new)):
                statement = select(supersessions.c.proposition_id).where(
                    supersessions.c.user_id == self._user_id, supersessions.c.superseded_id.in_(chunk)
                )
                revisions.update(self._connection.execute(statement).scalars())
            new = revisions - found
            new -= self._in_words_of_their_own(new, going)
        return found

    def held(self, versions: Collection[str]) -> list[str]:
        """Return those of the versions that are current."""
        held: list[str] = []
        for chunk in chunked(sorted(versions)):
            statement = select(propositions.c.id).where(
                propositions.c.user_id == self._user_id,
                propositions.c.id.in_(chunk),
                propositions.c.retired_at.is_(None),
            )
            held += self._connection.execute(statement).scalars()
        return held

    def without_successor(self, versions: Collection[str]) -> set[str]:
        """Return those of the versions that no other has superseded."""
        left = set(versions)
        for chunk in chunked(sorted(versions)):
            statement = select(supersessions.c.superseded_id).where(
                supersessions.c.user_id == self._user_id, supersessions.c.superseded_id.in_(chunk)
            )
            left -= set(self._connection.execute(statement).scalars())
        return left

    def superseded_only_by(self, versions: Collection[str]) -> set[str]:
        """Return the versions, outside of these, that nothing but these has superseded."""
        by: dict[str, set[str]] = {}
        for chunk in chunked(sorted(versions)):
            revised = select(supersessions.c.superseded_id).where(
                supersessions.c.user_id == self._user_id, supersessions.c.proposition_id.in_(chunk)
            )
            every = select(supersessions.c.superseded_id, supersessions.c.proposition_id).where(
                supersessions.c.user_id == self._user_id, supersessions.c.superseded_id.in_(revised)
            )
            for old, new in self._connection.execute(every):
                by.setdefault(old, set()).add(new)
        free = {old for old, new in by.items() if old not in versions and new <= set(versions)}
        return self.one_of_each_topic(free, versions)

    def one_of_each_topic(self, versions: Collection[str], going: Collection[str]) -> set[str]:
        """Return the versions without a topic, and of each topic that nothing else holds the newest one."""
        topic, newest_first = propositions.c.topic, propositions.c.recorded_at.desc()
        of_topic: dict[str, str] = {}
        chosen: set[str] = set()
        for chunk in chunked(sorted(versions)):
            statement = select(propositions.c.id, topic).where(
                propositions.c.user_id == self._user_id, propositions.c.id.in_(chunk)
            )
            for id, named in self._connection.execute(statement.order_by(newest_first)):
                if named is None:
                    chosen.add(id)
                else:
                    of_topic.setdefault(named, id)
        held = select(topic, propositions.c.id).where(
            propositions.c.user_id == self._user_id, topic.is_not(None), propositions.c.retired_at.is_(None)
        )
        for named, id in self._connection.execute(held):
            if id not in going:
                of_topic.pop(named, None)
        return chosen | set(of_topic.values())

    def _in_words_of_their_own(self, versions: Collection[str], going: Collection[str]) -> set[str]:
        found: set[str] = set()
        corrections = select(verdicts.c.observation_id).where(
            verdicts.c.user_id == self._user_id, verdicts.c.kind == "correct"
        )
        own = set(self._connection.execute(corrections).scalars()) if versions else set()
        for version, cited in self.rested_on(versions).items():
            if cited and cited <= own and cited.isdisjoint(going):
                found.add(version)
        return found
