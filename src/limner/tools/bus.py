"""The candidate bus: the set of items that one request is about, between the tools that widen, narrow and order it.

The idea is InteRecAgent's (Huang et al. 2023, arXiv 2308.16505, §3.2): tools hand candidates to each other over a bus, so that
item ids stay out of the prompt. Here the bus is also the guard: nothing outside the catalogue and nothing that the user
has seen ever gets on it, and it keeps for each candidate how it came there.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from limner.errors import InputError, NotFound
from limner.tools.catalogue import Catalogue, Item
from limner.tools.filters import Condition, Filter
from limner.tools.recommenders.protocol import Recommender, Scored

__all__ = ["Call", "Candidate", "CandidateBus"]


@dataclass(frozen=True)
class Call:
    """One thing that was done to the candidates."""

    number: int
    """From 1, in the order of the calls."""
    tool: str
    """`retrieve`, `narrow`, `rank`, `reorder`, `drop` or `add`."""
    arguments: Mapping[str, str]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    size: int = 0
    """Number of candidates afterwards."""

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.tool}({arguments})"


@dataclass
class Candidate:
    """An item under consideration."""

    item: Item
    number: int
    """From 1, in the order of admission; stays the item's own for the whole request, so a model can name it by that."""
    scores: dict[str, float] = field(default_factory=dict)
    """Score by the name of the recommender that gave it."""
    calls: list[Call] = field(default_factory=list)
    """The calls that added, found again, kept, moved or removed it."""


class CandidateBus:
    """The candidates of one request, in order, best first.

    Args:
        catalogue: Outside of it there are no candidates.
        history: Item ids that the user has taken, oldest first; what the recommenders are asked with, and masked, together with
            other entries of the same title.
        exclude: More ids that must not be candidates.

    Safe to be used from several threads: each change is whole before the next begins.
    """

    def __init__(
        self, catalogue: Catalogue, history: Sequence[str] = (), exclude: Iterable[str] = ()
    ) -> None:
        self.catalogue = catalogue
        self.history = tuple(item_id for item_id in history if item_id in catalogue)
        self.unknown = tuple(item_id for item_id in history if item_id not in catalogue)
        barred = [item_id for item_id in (*history, *exclude) if item_id in catalogue]
        self.barred = frozenset(barred) | {twin for item_id in barred for twin in catalogue.twins(item_id)}
        self._candidates: dict[str, Candidate] = {}
        self._removed: dict[str, Candidate] = {}
        self._by_number: dict[int, Candidate] = {}
        self._lock = threading.RLock()
        self._calls: list[Call] = []

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._candidates

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the candidates, best first."""
        return tuple(self._candidates)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Everything that was done, in order."""
        return tuple(self._calls)

    @property
    def removed(self) -> tuple[Candidate, ...]:
        """What was a candidate and is none any more; the last of its calls says why."""
        return tuple(self._removed.values())

    def candidate(self, item_id: str) -> Candidate:
        """Return one candidate.

        Raises:
            NotFound: It is none.
        """
        if item_id not in self._candidates:
            raise NotFound(f"{item_id!r} is not among the candidates.")
        return self._candidates[item_id]

    def numbered(self, number: int) -> Candidate:
        """Return the candidate of this number.

        Raises:
            NotFound: None has it, or it was removed.
        """
        found = self._by_number.get(number)
        if found is None or found.item.id not in self._candidates:
            raise NotFound(f"There is no candidate number {number}.")
        return found

    def top(self, k: int) -> list[Candidate]:
        """Return the best `k` candidates, fewer where there are not so many."""
        return list(self._candidates.values())[: max(k, 0)]

    def matching(self, where: Filter | str | None) -> list[str]:
        """Return the candidates that satisfy a filter, best first.

        Raises:
            InvalidFilter: The filter does not fit the catalogue.
        """
        allowed = self.catalogue.mask(where)
        return [item_id for item_id in self._candidates if allowed[self.catalogue.position(item_id)]]

    def retrieve(self, recommender: Recommender, where: Filter | str | None = None, k: int = 50) -> Call:
        """Add the `k` best that a recommender finds, behind the candidates that there are.

        Raises:
            InvalidFilter: The filter does not fit the catalogue.
        """
        found = recommender.recommend(self.history, k, where, exclude=self.barred)
        return self.take(recommender.name, found, where, k)

    def take(
        self, name: str, found: Sequence[Scored], where: Filter | str | None = None, k: int = 50
    ) -> Call:
        """Add what a recommender was found to list, for who needs the list besides; see `retrieve`.

        Args:
            name: The recommender's.
            found: Its list, best first.
            where: The condition under which it looked.
            k: How many it was asked for.
        """
        scores = {scored.item_id: scored.score for scored in found}
        return self._extend(
            "retrieve", {"recommender": name, "where": str(where or ""), "k": str(k)}, scores, name
        )

    def add(self, item_ids: Iterable[str], because: str, *, beside: str | None = None) -> Call:
        """Add items by id, behind the candidates that there are; those seen or outside the catalogue are left out.

        Args:
            item_ids: Which.
            because: Why, in words.
            beside: Id of the item that they go with, if there is one.
        """
        arguments = {"because": because} if beside is None else {"because": because, "with": beside}
        return self._extend("add", arguments, dict.fromkeys(item_ids), None)

    def narrow(self, where: Filter | str) -> Call:
        """Keep the candidates that satisfy a filter.

        Raises:
            InvalidFilter: The filter does not fit the catalogue; nothing was changed.
        """
        with self._lock:
            return self._keep("narrow", {"where": str(where)}, self.matching(where))

    def drop(self, item_ids: Iterable[str], because: str) -> Call:
        """Remove candidates; ids that are none are ignored."""
        gone = set(item_ids)
        with self._lock:
            return self._keep("drop", {"because": because}, [i for i in self._candidates if i not in gone])

    def rank(self, recommender: Recommender) -> Call:
        """Order the candidates by a recommender's scores; equal ones keep their order."""
        with self._lock:
            ids = list(self._candidates)
            for item_id, score in zip(ids, recommender.score(self.history, ids).tolist(), strict=True):
                self._candidates[item_id].scores[recommender.name] = score
            ordered = sorted(ids, key=lambda item_id: -self._candidates[item_id].scores[recommender.name])
            return self._order("rank", {"by": recommender.name}, ordered)

    def sort(self, attribute: str, *, descending: bool = True) -> Call:
        """Order the candidates by a numeric attribute; those without a value come last, equal ones keep their order.

        Raises:
            InvalidFilter: The catalogue has no such attribute, or it is not a number.
        """
        probe = Filter(conditions=(Condition(attribute=attribute, op=">=", values=(0.0,)),))
        name = self.catalogue.validated(probe).conditions[0].attribute
        with self._lock:
            ordered = sorted(self._candidates, key=lambda item_id: self._sort_key(item_id, name, descending))
            return self._order("rank", {"by": name, "descending": str(descending).lower()}, ordered)

    def _sort_key(self, item_id: str, attribute: str, descending: bool) -> tuple[bool, float]:
        value = self._candidates[item_id].item.attributes.get(attribute)
        if not isinstance(value, float):
            return True, 0.0
        return False, -value if descending else value

    def reorder(self, item_ids: Sequence[str], because: str) -> Call:
        """Put these candidates in front, in this order; the others follow as they were.

        Raises:
            NotFound: One of them is no candidate; nothing was changed.
            InputError: One of them is named twice.
        """
        first = set(item_ids)
        if len(first) < len(item_ids):
            raise InputError("A candidate can stand in one place only.")
        with self._lock:
            for item_id in item_ids:
                self.candidate(item_id)
            rest = [item_id for item_id in self._candidates if item_id not in first]
            return self._order("reorder", {"because": because}, [*item_ids, *rest])

    def _extend(
        self, tool: str, arguments: Mapping[str, str], scores: Mapping[str, float | None], name: str | None
    ) -> Call:
        with self._lock:
            admitted = [
                item_id for item_id in scores if item_id in self.catalogue and item_id not in self.barred
            ]
            added = tuple(item_id for item_id in admitted if item_id not in self._candidates)
            call = self._record(tool, arguments, added=added, size=len(self) + len(added))
            for item_id in admitted:
                candidate = self._admit(item_id)
                candidate.calls.append(call)
                score = scores[item_id]
                if name is not None and score is not None:
                    candidate.scores[name] = score
            return call

    def _admit(self, item_id: str) -> Candidate:
        candidate = self._candidates.get(item_id) or self._removed.pop(item_id, None)
        if candidate is None:
            candidate = Candidate(self.catalogue.get(item_id), number=len(self._by_number) + 1)
            self._by_number[candidate.number] = candidate
        self._candidates[item_id] = candidate
        return candidate

    def _keep(self, tool: str, arguments: Mapping[str, str], kept: Sequence[str]) -> Call:
        keep = set(kept)
        removed = tuple(item_id for item_id in self._candidates if item_id not in keep)
        call = self._record(tool, arguments, removed=removed, size=len(keep))
        for candidate in self._candidates.values():
            candidate.calls.append(call)
        for item_id in removed:
            self._removed[item_id] = self._candidates.pop(item_id)
        return call

    def _order(self, tool: str, arguments: Mapping[str, str], ordered: Sequence[str]) -> Call:
        call = self._record(tool, arguments, size=len(self))
        self._candidates = {item_id: self._candidates[item_id] for item_id in ordered}
        for candidate in self._candidates.values():
            candidate.calls.append(call)
        return call

    def _record(
        self,
        tool: str,
        arguments: Mapping[str, str],
        *,
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
        size: int,
    ) -> Call:
        call = Call(len(self._calls) + 1, tool, dict(arguments), added, removed, size)
        self._calls.append(call)
        return call
