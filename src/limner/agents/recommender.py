"""The recommending agent: a language model decides what trained recommenders look for (ToolRec, Zhao et al. 2024).

The model acts for the user: it sees portrait, wish and the list so far, explores one attribute condition at a time through
the recommenders, ranks and finishes. Beyond the paper: conditions carry values and are checked against the catalogue, what was
seen is masked, the base recommender's list is the floor, and every change to it has a reason that is told.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anyio import to_thread

from limner.agents.budget import Budget, Spending
from limner.agents.deciding import Scene, decide
from limner.agents.decisions import Finish, Rank, Search
from limner.agents.explaining import Chosen, Explainer
from limner.agents.fusion import Vote, Weights, fuse
from limner.agents.history import History, feedback_votes, history_of
from limner.agents.profile import Lead, Profile, ProfileKind, profile
from limner.agents.recommendations import AgentStep, Recommendation, Recommendations
from limner.agents.sayings import Saying
from limner.agents.wish import Wish, understand
from limner.errors import InputError, ModelError
from limner.inference import LanguageModel, Ledger, load_prompt
from limner.inference.choose import choose
from limner.memory.records import Event, Proposition, utc_now
from limner.memory.user import UserMemory
from limner.tools import CandidateBus, Catalogue, Filter, Recommender
from limner.tools.lines import described

__all__ = ["AgentStep", "Recommendation", "Recommendations", "RecommendingAgent", "Talk"]

_RETRIEVED = 30
"""Items that one conditioned search brings in."""
_SEARCHES = 2
"""Conditioned searches after which the agent may rank or finish only: a small model would search on for ever."""
_RANKED = 12
"""Items that the model is asked about when it ranks."""
_OPINION = 100
"""Items that another recommender's own list brings in."""
_EVERYTHING = "everything"
_NO_MODEL = "the model failed: there is none"
_SHOWN = 4
"""Titles of the list so far that the model sees when it decides."""


def _no_votes(base: Sequence[str]) -> Sequence[Vote]:
    return ()


@dataclass(frozen=True)
class Talk:
    """What a conversation adds to a request."""

    votes: Callable[[Sequence[str]], Sequence[Vote]] = _no_votes
    """From the base recommender's list to the votes on it of what was said, such as a critique."""
    sayings: Sequence[Saying] = ()
    """What the user said, for the reasons to quote."""


@dataclass(frozen=True)
class _Asked:
    """One request, as it was made."""

    request: str | Wish
    k: int
    budget: Budget
    exclude: Collection[str]
    worded: bool
    talk: Talk


@dataclass
class _Search:
    """State of one request."""

    wish: Wish
    bus: CandidateBus
    base: tuple[str, ...]
    votes: list[Vote] = field(default_factory=list)
    profile: Profile = field(default_factory=lambda: Profile("", ()))
    open: dict[str, Lead] = field(default_factory=dict)
    """Conditions that may still be searched, by their text form."""
    searches: int = 0
    made: list[str] = field(default_factory=list)
    steps: list[AgentStep] = field(default_factory=list)
    ranked: bool = False

    @property
    def order(self) -> list[str]:
        return fuse(self.base, self.votes)


class RecommendingAgent:
    """Recommends from one catalogue with trained recommenders.

    Args:
        catalogue: Nothing outside of it can be recommended.
        recommenders: Fitted on it; the first is the base, whose list is the floor.
        model: Reads wishes, decides, and words the reasons; without one, wishes are given as they were understood elsewhere, nothing is
            searched besides, and reasons are plain.
        prompts: Folder of overriding prompt files.
        item_type: What a person calls one of the catalogue's items, such as `film`: a wish for anything else is not
            for this agent.
        shown: What the model is shown of the user.
        weights: What the parts of the loop count; none are the defaults.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recommenders: Sequence[Recommender],
        model: LanguageModel | None,
        prompts: Path | None = None,
        *,
        item_type: str = "item",
        shown: ProfileKind = "portrait",
        weights: Weights | None = None,
    ) -> None:
        if not recommenders:
            raise InputError("The recommending agent needs at least one fitted recommender.")
        self.item_type = item_type
        self._catalogue = catalogue
        self._recommenders = {recommender.name: recommender for recommender in recommenders}
        self._base = recommenders[0]
        self._shown = shown
        self._weights = weights or Weights()
        self._model = model
        self._ledger = model.ledger if model is not None else Ledger()
        self._prompts = prompts
        self._explainer = Explainer(catalogue, recommenders[0], model, prompts)

    async def recommend(
        self,
        user: UserMemory,
        request: str | Wish = "",
        k: int = 5,
        *,
        budget: Budget | None = None,
        exclude: Collection[str] = (),
        worded: bool = True,
        talk: Talk | None = None,
        progress: Callable[[AgentStep], None] = lambda step: None,
    ) -> Recommendations:
        """Return the `k` best items for a user and a wish, each with its reason.

        If the model fails or the budget ends, the best list so far is returned, and `stopped` says so.

        Args:
            user: For whom.
            request: The wish in words, which may be empty; or one that was understood before.
            k: How many; fewer where the catalogue has not so many that fit.
            budget: Limits of the loop.
            exclude: Ids that must not be recommended, besides everything in the user's history and what the wish names as an example.
            worded: Whether the model words the reasons; otherwise they are plain facts, which costs nothing.
            talk: The conversation that the items are recommended in.
            progress: Called at each step.

        Raises:
            InputError: `k` is less than 1.
        """
        if k < 1:
            raise InputError(f"k is at least 1; not {k}.")
        asked = _Asked(request, k, budget or Budget(), exclude, worded, talk or Talk())
        with self._ledger.stage(user=user.user_id):
            return await self._recommend(user, asked, progress)

    async def _recommend(
        self,
        user: UserMemory,
        asked: _Asked,
        progress: Callable[[AgentStep], None],
    ) -> Recommendations:
        spending = Spending(asked.budget, self._ledger, user.user_id)
        history = await to_thread.run_sync(history_of, user, self._catalogue, self.item_type)
        portrait = await to_thread.run_sync(user.propositions)
        wish, failure = await self._understood(asked.request)
        state = await to_thread.run_sync(self._started, wish, history, asked.exclude)
        _note(state, progress, AgentStep("understand", str(wish.where) or "no condition"))
        await to_thread.run_sync(self._consult, state, progress)
        state.votes += await to_thread.run_sync(asked.talk.votes, state.base)
        if failure is None and not state.base:
            failure = f"nothing new satisfies {wish.where}" if wish.where else "nothing new is left"
        elif failure is None:
            await to_thread.run_sync(self._look, state, portrait, history.events)
            try:
                if self._model is not None:
                    failure = await self._loop(state, spending, self._model, progress)
            except ModelError as error:
                failure = f"the model failed: {error}"
        silent = not asked.worded or (failure is not None and failure.startswith("the model"))
        chosen = Chosen(
            self._distinct(state.order, asked.k),
            state.base,
            state.bus,
            history,
            portrait,
            wish.where,
            state.votes,
            asked.talk.sayings,
        )
        items, cut = await self._explainer.explained(chosen, asked.k, None if silent else spending)
        return Recommendations(
            items=items,
            wish=wish,
            steps=tuple(state.steps),
            stopped=failure or cut or "finished",
            ranking=tuple(state.order),
            base_ranking=state.base,
            unknown=state.bus.unknown,
        )

    def _distinct(self, order: Sequence[str], k: int) -> list[str]:
        """Return a list whose first `k` are no two of them one thing under several ids; the rest follows as it was."""
        kept: dict[str, None] = {}
        again = []
        looked_at = 0
        while looked_at < len(order) and len(kept) < k:
            item_id = order[looked_at]
            if any(twin in kept for twin in self._catalogue.twins(item_id)):
                again.append(item_id)
            else:
                kept[item_id] = None
            looked_at += 1
        return [*kept, *again, *order[looked_at:]]

    async def _understood(self, request: str | Wish) -> tuple[Wish, str | None]:
        """Return the wish, and why it could not be read, if so."""
        if isinstance(request, Wish):
            return request, None
        if self._model is None:
            return Wish(request, Filter(), (request,) if request.strip() else ()), _NO_MODEL
        try:
            return await understand(request, self._catalogue, self._model, self._prompts), None
        except ModelError as error:
            return Wish(request, Filter(), (request,)), f"the model failed: {error}"

    def _started(self, wish: Wish, history: History, exclude: Collection[str]) -> _Search:
        # Who asks for something like an item knows it.
        barred = {*exclude, *history.rejected, *wish.like}
        bus = CandidateBus(self._catalogue, list(history.taken), barred)
        everything = self._base.recommend(bus.history, len(self._catalogue), wish.where, exclude=bus.barred)
        bus.take(self._base.name, everything[:_RETRIEVED], wish.where or None, _RETRIEVED)
        state = _Search(wish, bus, tuple(scored.item_id for scored in everything))
        state.made.append(f"{self._base.name}: {_EVERYTHING}")
        state.votes += feedback_votes(
            history, self._base, set(state.base), now=utc_now(), where=wish.where or None
        )
        return state

    def _look(self, state: _Search, portrait: Sequence[Proposition], events: Mapping[str, Event]) -> None:
        """Find what the user's profile suggests to look for."""
        state.profile = profile(self._shown, portrait, events, state.order, self._catalogue)
        asked = {str(condition) for condition in state.wish.where.conditions}
        state.open = {str(lead.where): lead for lead in state.profile.leads if str(lead.where) not in asked}

    async def _loop(
        self,
        state: _Search,
        spending: Spending,
        model: LanguageModel,
        progress: Callable[[AgentStep], None],
    ) -> str | None:
        """Let the model decide until it finishes; return which budget ended it, if one did."""
        while True:
            exhausted = spending.exhausted
            if exhausted is not None:
                return f"the budget of {exhausted} ended"
            if state.searches >= _SEARCHES:
                state.open.clear()
            scene = Scene(
                portrait=state.profile.text,
                wish=state.wish.text,
                best=[self._catalogue.get(item_id).title for item_id in state.order[:_SHOWN]],
                made=state.made,
                leads=state.open,
                recommenders=list(self._recommenders),
                may_rank=not state.ranked and self._weights.rank > 0,
                searches=_SEARCHES - state.searches,
            )
            if not scene.leads and not scene.may_rank:
                return None
            spending.rounds += 1
            for decision in await decide(scene, model, self._prompts):
                if spending.spent is not None:
                    break
                if isinstance(decision, Finish):
                    step = AgentStep("finish", f"{len(state.bus)} candidates", decision.reason)
                    _note(state, progress, step)
                    return None
                if isinstance(decision, Rank):
                    if await self._rank(state, spending, model):
                        detail = f"the best {_RANKED} by the portrait"
                        _note(state, progress, AgentStep("rank", detail, decision.reason))
                else:
                    await to_thread.run_sync(self._search, state, decision)
                    detail = f"{decision.recommender}: {decision.where}"
                    _note(state, progress, AgentStep("search", detail, decision.reason))

    def _consult(self, state: _Search, progress: Callable[[AgentStep], None]) -> None:
        """Count the other recommenders' own lists, and what goes with the wish's examples: no model has to decide on that."""
        others = [recommender for recommender in self._recommenders.values() if recommender is not self._base]
        where = state.wish.where or None
        for recommender in others:
            found = recommender.recommend(state.bus.history, _OPINION, where, exclude=state.bus.barred)
            call = state.bus.take(recommender.name, found, where, _OPINION)
            listed, weight = [scored.item_id for scored in found], self._weights.opinion / len(others)
            state.votes.append(Vote(listed, weight, f"the list of {recommender.name}", call.number))
            state.made.append(f"{recommender.name}: {_EVERYTHING}")
            step = AgentStep(
                "consult", f"{recommender.name}: {_EVERYTHING}", "a second opinion on the whole list"
            )
            _note(state, progress, step)
        knower = others[0] if others else self._base
        like = [
            item_id for item_id in state.wish.like if item_id in self._catalogue
        ]  # some may have gone since
        for item_id in like:
            title = self._catalogue.get(item_id).title
            alike = knower.recommend([item_id], _OPINION, where, exclude=state.bus.barred)
            listed, weight = [scored.item_id for scored in alike], self._weights.like / len(like)
            call = state.bus.add(listed, f"{knower.name} finds it with {title}", beside=item_id)
            state.votes.append(Vote(listed, weight, f"what goes with {title}", call.number))
            _note(state, progress, AgentStep("consult", f"{knower.name}: with {title}", "the wish names it"))

    def _search(self, state: _Search, decision: Search) -> None:
        """Let a recommender look under one condition, and count what it finds as a vote."""
        recommender = self._recommenders[decision.recommender]
        lead = state.open.pop(decision.where)
        where = state.wish.where & Filter.parse(decision.where)
        found = recommender.recommend(state.bus.history, _RETRIEVED, where, exclude=state.bus.barred)
        call = state.bus.take(recommender.name, found, where, _RETRIEVED)
        listed, weight = [scored.item_id for scored in found], self._weights.search * lead.weight
        because = f"what {recommender.name} finds under {lead.where}"
        state.votes.append(Vote(listed, weight, because, call.number))
        state.made.append(f"{decision.recommender}: {decision.where}")
        state.searches += 1

    async def _rank(self, state: _Search, spending: Spending, model: LanguageModel) -> bool:
        """Order the best candidates by how likely the model finds it that the person enjoys them, if the budget lasts."""
        prompt = load_prompt("agents/fit", self._prompts)
        scores: dict[str, float] = {}
        for item_id in state.order[:_RANKED]:
            if spending.spent is not None:
                return False  # an order of some would put those that nobody asked about behind them
            item = self._catalogue.get(item_id)
            messages = prompt.messages(
                portrait=state.profile.text, wish=state.wish.text, item=described(item)
            )
            choice = await choose(model, messages, ["yes", "no"], stage="rank", method="loglik")
            scores[item_id] = choice.log_odds
        by_fit = sorted(scores, key=lambda item_id: -scores[item_id])
        call = state.bus.reorder([i for i in by_fit if i in state.bus], "the model ranked by the portrait")
        state.votes.append(
            Vote(by_fit, self._weights.rank, "how well the model finds that it fits you", call.number)
        )
        state.made.append("rank")
        state.ranked = True
        return True


def _note(state: _Search, progress: Callable[[AgentStep], None], step: AgentStep) -> None:
    state.steps.append(step)
    progress(step)
