"""What is compared: the base recommender, what a language model does to its list, and the agent's loop."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from anyio import to_thread

from limner.agents import Budget, RecommendingAgent
from limner.agents.fusion import Weights
from limner.agents.history import history_of
from limner.agents.profile import ProfileKind, profile
from limner.agents.wish import Wish, understand
from limner.errors import InputError, LimnerError, ModelUnavailable
from limner.evals.toolrec.cases import Case
from limner.evals.toolrec.portraits import Portraits
from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.inference.ledger import measured
from limner.memory.records import Record
from limner.tools import Catalogue, Filter, Recommender
from limner.tools.lines import described

__all__ = ["ROWS", "K", "Outcome", "Reading", "Rows", "chosen_rows", "needs_reading"]

K = 10
"""Length of the lists."""
_RERANKED = 12
_WHOLE = Budget(rounds=7, tokens=20_000, seconds=3600.0)
"""Rounds as in ToolRec; time is no limit where many users wait for one model."""
_NO_LOOP = Budget(rounds=0, tokens=20_000, seconds=3600.0)

Set = Literal["next", "requests"]
ROWS: Mapping[str, str] = {
    "next/base": "the base recommender",
    "next/parts": "the loop without a model: the base and the other recommenders' votes",
    "next/rerank": f"the base's first {_RERANKED}, ordered by the model by the portrait",
    "next/loop": "the loop, without anything known of the user in words",
    "next/loop-history": "the loop with the last titles and ratings",
    "next/loop-portrait": "the loop with the portrait",
    "requests/base": "the base recommender, which does not read the request",
    "requests/read": "the base under the conditions that the model read",
    "requests/true": "the base under the true conditions: what perfect reading would give",
    "requests/parts": "the loop without a model's decisions, under the conditions that were read",
    "requests/rerank": f"the base under the conditions read, its first {_RERANKED} ordered by the model by the portrait",
    "requests/loop": "the loop, without anything known of the user in words",
    "requests/loop-history": "the loop with the last titles and ratings",
    "requests/loop-portrait": "the loop with the portrait",
}
"""Rows and what they are, in the order of the table."""
_PROFILES: Mapping[str, ProfileKind] = {
    "loop": "nothing",
    "loop-history": "history",
    "loop-portrait": "portrait",
    "parts": "nothing",
}


def chosen_rows(names: Sequence[str] | None) -> list[str]:
    """Return the rows named, in the order of the table; none are all.

    A name is a row, a set (`next`, `requests`), or the part after the stroke (`base`), which stands for that of both sets.

    Raises:
        InputError: There is no such row.
    """
    if names is None:
        return list(ROWS)
    for name in names:
        if not any(_named(row, name) for row in ROWS):
            raise InputError(f"There is no row {name!r}; the rows are {', '.join(ROWS)}.")
    return [row for row in ROWS if any(_named(row, name) for name in names)]


def needs_reading(row: str) -> bool:
    """Whether a row goes by what the model read in the request."""
    return row.startswith("requests/") and not row.endswith(("/base", "/true"))


def _named(row: str, name: str) -> bool:
    return row == name or name in row.split("/")


class Cost(Record):
    """What the model calls of one row took for one user."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Until the list was there; many users wait for one model at once."""

    @property
    def computed_tokens(self) -> int:
        """Prompt tokens that came from no cache, and output."""
        return self.prompt_tokens - self.cached_tokens + self.output_tokens


class Outcome(Record):
    """What one row gave for one user."""

    user: str
    row: str
    rank: int | None
    """Of the target in the list, from 1; none where it is not there, or the row failed."""
    listed: tuple[str, ...]
    invalid: int
    """Listed ids that the catalogue does not have, that the user had before, or that are listed twice."""
    failed: str | None = None
    cost: Cost = Cost()
    steps: tuple[str, ...] = ()


class Reading(Record):
    """How a request was read."""

    user: str
    text: str
    true: str
    read: str
    like: tuple[str, ...] = ()
    like_true: str | None = None
    unchecked: tuple[str, ...] = ()
    failed: str | None = None
    cost: Cost = Cost()

    @property
    def wish(self) -> Wish:
        """What the agent takes."""
        return Wish(self.text, Filter.parse(self.read), self.unchecked, self.like)


@dataclass
class _Listed:
    ids: Sequence[str]
    failed: str | None = None
    steps: tuple[str, ...] = ()


class Rows:
    """Asks for lists.

    Args:
        catalogue: Of the recommenders.
        recommenders: Fitted on the training part; the first is the base.
        model: The language model.
        portraits: The users.
        weights: Of the loop; none are the agent's own.
        item_type: What a person calls an item.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recommenders: Sequence[Recommender],
        model: LanguageModel,
        portraits: Portraits,
        *,
        weights: Weights | None = None,
        item_type: str = "item",
    ) -> None:
        self._catalogue = catalogue
        self._base = recommenders[0]
        self._model = model
        self._portraits = portraits
        self._agents = {
            kind: RecommendingAgent(
                catalogue, recommenders, model, item_type=item_type, shown=kind, weights=weights
            )
            for kind in get_args(ProfileKind)
        }

    async def read(self, case: Case) -> Reading:
        """Let the model read a request; what it costs is counted in every row that goes by it.

        Raises:
            ModelUnavailable: The endpoint is down.
        """
        assert case.request is not None
        started = time.perf_counter()
        failed: str | None = None
        with measured() as meter:
            try:
                wish = await understand(case.request.text, self._catalogue, self._model)
            except ModelUnavailable:
                raise
            except LimnerError as error:
                wish, failed = Wish(case.request.text, Filter()), str(error)
        total = meter.total()
        return Reading(
            user=case.user,
            text=case.request.text,
            true=str(case.request.where),
            read=str(wish.where),
            like=wish.like,
            like_true=case.request.like,
            unchecked=wish.unchecked,
            failed=failed,
            cost=Cost(
                calls=total.calls,
                prompt_tokens=total.prompt_tokens,
                cached_tokens=total.cached_tokens,
                output_tokens=total.output_tokens,
                seconds=time.perf_counter() - started,
            ),
        )

    async def ask(self, row: str, case: Case, reading: Reading | None) -> Outcome:
        """Return what a row gives for a user.

        Raises:
            ModelUnavailable: The endpoint is down: that is no failure of the row, and the run is to go on later.
        """
        kind, _, way = row.partition("/")
        wish = reading.wish if reading is not None and kind == "requests" else Wish("", Filter())
        started = time.perf_counter()
        with measured() as meter:
            try:
                found = await self._way(way)(way, case, wish)
            except ModelUnavailable:
                raise
            except LimnerError as error:
                found = _Listed((), failed=str(error))
        total = meter.total()
        reads = reading.cost if reading is not None and needs_reading(row) else Cost()
        ids = list(found.ids)[:K]
        failed = found.failed or (reading.failed if reading is not None and reads.calls else None)
        known = set(case.history)
        invalid = len(ids) - len({i for i in ids if i in self._catalogue and i not in known})
        hit = failed is None and case.target in ids
        return Outcome(
            user=case.user,
            row=row,
            rank=ids.index(case.target) + 1 if hit else None,
            listed=tuple(ids),
            invalid=invalid,
            failed=failed,
            cost=Cost(
                calls=total.calls + reads.calls,
                prompt_tokens=total.prompt_tokens + reads.prompt_tokens,
                cached_tokens=total.cached_tokens + reads.cached_tokens,
                output_tokens=total.output_tokens + reads.output_tokens,
                seconds=round(time.perf_counter() - started + reads.seconds, 3),
            ),
            steps=found.steps,
        )

    def _way(self, way: str) -> Callable[[str, Case, Wish], Awaitable[_Listed]]:
        if way in {"base", "read", "true"}:
            return self._plain
        return self._reranked if way == "rerank" else self._looped

    async def _plain(self, way: str, case: Case, wish: Wish) -> _Listed:
        where: Filter | None = wish.where if way == "read" else None
        if way == "true":
            assert case.request is not None
            where = case.request.where
        return _Listed(await to_thread.run_sync(self._listed, case, where, K))

    def _listed(self, case: Case, where: Filter | None, k: int) -> list[str]:
        return [scored.item_id for scored in self._base.recommend(case.history, k, where or None)]

    async def _reranked(self, way: str, case: Case, wish: Wish) -> _Listed:
        ids = await to_thread.run_sync(self._listed, case, wish.where, _RERANKED)
        user = self._portraits.of(case)
        held = await to_thread.run_sync(user.propositions)
        shown = profile("portrait", held, {}, ids, self._catalogue)
        prompt = load_prompt("agents/fit")
        scores = {}
        for item_id in ids:
            item = described(self._catalogue.get(item_id))
            messages = prompt.messages(portrait=shown.text, wish=wish.text, item=item)
            choice = await choose(self._model, messages, ["yes", "no"], stage="rank", method="loglik")
            scores[item_id] = choice.log_odds
        return _Listed(sorted(ids, key=lambda item_id: -scores[item_id]))

    async def _looped(self, way: str, case: Case, wish: Wish) -> _Listed:
        agent = self._agents[_PROFILES[way]]
        budget = _NO_LOOP if way == "parts" else _WHOLE
        found = await agent.recommend(self._portraits.of(case), wish, K, budget=budget, worded=False)
        failed = found.stopped if found.stopped.startswith("the model") else None
        steps = tuple(f"{step.action}: {step.detail}" for step in found.steps)
        return _Listed([r.item.id for r in found.items], failed, steps)

    def order_known(self, case: Case) -> bool:
        """Whether limner knows the user's history in the order that the recommenders are asked with."""
        history = history_of(self._portraits.of(case), self._catalogue)
        return tuple(history.taken) == case.history
