"""The only door to one user."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from anyio import to_thread

from limner.agents.budget import Budget
from limner.agents.companion import Answer
from limner.agents.recommender import AgentStep, Recommendations
from limner.api.conversing import UserConversing
from limner.api.sharing import UserSharing
from limner.api.suggesting import UserSuggesting
from limner.errors import ConfigurationError, InputError, StaleClaim
from limner.memory.pictures import picture
from limner.memory.records import Event, Media, NewObservation, Observation, Portrait, Proposition, utc_now
from limner.memory.search import Recall
from limner.memory.status import MemoryStatus
from limner.profiles.propositions.portraitist import lines_of
from limner.profiles.propositions.reflect import Reflection, ReflectionStep, reflect
from limner.tools.resolve import with_event

__all__ = ["User"]


def _silent(step: object) -> None:
    """Take no notice of a step."""


class User(UserSuggesting, UserSharing, UserConversing):
    """One user; made by `Limner.user`, safe to share between threads.

    Methods that ask a model have an async twin with an `a` in front, and the sync one runs it.
    """

    # What comes in

    def observe(
        self,
        text: str | bytes,
        *,
        source: str = "user",
        occurred_at: datetime | None = None,
        key: str | None = None,
        event: Event | None = None,
        media: Media | Path | None = None,
        session: str | None = None,
    ) -> Observation:
        """Store something the user said or did; it is on the disk when this returns, and no model is asked.

        A rating that is written out (`Rated Alien (1979) 5/5`) becomes an event of its own accord.

        Args:
            text: Words; bytes are read as UTF-8.
            source: Where it comes from, such as `chat` or `ratings`.
            occurred_at: When it happened, with a time zone; none means now.
            key: Idempotency key: the same key twice is one observation.
            event: The same in a form that code can compute with.
            media: A picture that came with it: where it is (`Media`), or a file, which is then kept with the observation. It is looked
                at when it is reflected on, by a model that sees.
            session: The conversation that it is part of, by any name.

        Raises:
            InputError: The file is no picture.
            InvalidObservation: It is empty, too long, not text, or from the future; nothing was stored.
            RecordingRefused: Recording is paused, or consent to the source was withdrawn; nothing was stored.
            StoreFull: No space left; nothing was stored.
        """
        shown = picture(media) if isinstance(media, Path) else media
        new = NewObservation(text, source, "user", occurred_at, key, event, shown, session)
        return self.observe_many([new])[0]

    def observe_many(self, new: Iterable[NewObservation]) -> list[Observation]:
        """Store observations in one transaction: all of them, or none.

        Raises:
            InvalidObservation: One cannot be stored; the message says which, counted from 0.
            RecordingRefused: Recording is paused, or consent to one of the sources was withdrawn.
            StoreFull: No space left; nothing was stored.
        """
        stored = self.memory.observe_many([with_event(one) for one in new])
        self._limner.reflector.observed(self.user_id)
        return stored

    def reflect(
        self, *, explain: bool = False, progress: Callable[[ReflectionStep], None] = _silent
    ) -> Reflection:
        """Draw conclusions from everything that waits, batch by batch (GUM).

        May be interrupted: finished batches are kept, and the one in hand goes back to waiting.

        Args:
            explain: Whether `explanations` shall say of each batch what was proposed, related, revised and refused, why, and what
                it cost.
            progress: Called at each step, from another thread.

        Raises:
            ModelUnavailable: The endpoint is down; what was not finished waits.
            StoreError: The store failed; likewise.
        """
        return self._limner.portal.run(partial(self.areflect, explain=explain, progress=progress))

    async def areflect(
        self, *, explain: bool = False, progress: Callable[[ReflectionStep], None] = _silent
    ) -> Reflection:
        """Async twin of `reflect`."""
        model = await to_thread.run_sync(lambda: self._limner.model)
        events = await to_thread.run_sync(self._has_events)
        items = await to_thread.run_sync(self._limner.known_items) if events else None
        done = await reflect(
            self.memory,
            model,
            self._limner.encoder,
            self._limner.settings,
            items=items,
            explain=explain,
            progress=progress,
        )
        await to_thread.run_sync(self._drain_index)
        return done

    # What is known

    def portrait(
        self,
        kind: str = "propositions",
        *,
        task: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Portrait:
        """Return the profile in words, each line with its confidence and evidence.

        Args:
            kind: `propositions` (everything held, no model is asked), `summary` (a few sentences, redrawn only when what
                it rests on has changed), or another that is installed: `recurrent`, `entities`, … (`docs/portraits.md`).
            task: What a summary is for, in words.
            at: What was so at this moment in the user's world, as it is known now; none means what is not over.
            known_at: What limner held to be so at this moment in its own time.

        Raises:
            ModelError: A summary had to be drawn and the model failed.
            StaleClaim: What it rests on was forgotten, again and again, while it was drawn.
            InputError: No summary had been drawn by then, or a summary is asked for at a moment in the user's world.
        """
        return self._limner.portal.run(partial(self.aportrait, kind, task=task, at=at, known_at=known_at))

    async def aportrait(
        self,
        kind: str = "propositions",
        *,
        task: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Portrait:
        """Async twin of `portrait`."""
        if at is not None or known_at is not None:
            return await to_thread.run_sync(self._past, kind, task, at, known_at)
        portraitist = await to_thread.run_sync(self._limner.portraitist, kind)
        drawn = await portraitist.draw(self.memory, task)
        if kind == "propositions":
            return drawn
        try:
            await to_thread.run_sync(self._keep, drawn)
        except StaleClaim:  # something it says was forgotten while the model wrote
            drawn = await portraitist.draw(self.memory, task)
            await to_thread.run_sync(self._keep, drawn)
        return drawn

    def search(
        self, query: str, k: int = 10, *, at: datetime | None = None, known_at: datetime | None = None
    ) -> list[Recall]:
        """Return the `k` observations and propositions that answer to a query best, each with the reasons.

        Args:
            query: Any words.
            k: How many at most.
            at: Among what was so at this moment in the user's world, and had been said by then; none means what is not over.
            known_at: Among what was known at this moment in limner's time; none means now.

        Raises:
            InputError: The query is empty, `k` is less than 1, or a moment has no time zone.
        """
        return self.memory.search(query, k, at=at, known_at=known_at)

    def propositions(
        self, *, at: datetime | None = None, known_at: datetime | None = None
    ) -> list[Proposition]:
        """Return what is held and not over.

        Args:
            at: What was so at this moment in the user's world instead.
            known_at: As it was known at this moment in limner's time; none means now.
        """
        return self.memory.propositions(at=at, known_at=known_at)

    def history(self, group: str) -> list[Proposition]:
        """Return every version of one line of thought, oldest first."""
        return self.memory.history(group)

    def status(self) -> MemoryStatus:
        """Return how much is stored, and what still waits or was parked."""
        return self.memory.status()

    # What it is used for

    def ask(self, question: str, *, budget: int = 900) -> Answer:
        """Answer a question from the portrait and from what the search finds for it.

        Args:
            question: In words.
            budget: Most tokens of what is known that the model is shown.

        Raises:
            InputError: The question is empty.
            ContextOverflow: It does not fit into the model's context.
            ModelError: The model failed.
        """
        return self._limner.portal.run(partial(self.aask, question, budget=budget))

    async def aask(self, question: str, *, budget: int = 900) -> Answer:
        """Async twin of `ask`."""
        companion = await to_thread.run_sync(self._limner.companion)
        return await companion.ask(self.memory, question, budget=budget)

    def recommend(
        self,
        request: str = "",
        k: int = 5,
        *,
        budget: Budget | None = None,
        exclude: Collection[str] = (),
        progress: Callable[[AgentStep], None] = _silent,
    ) -> Recommendations:
        """Return the `k` best items of the catalogue, each with its reason (ToolRec); nothing seen, nothing invented.

        Args:
            request: The wish in words; may be empty.
            k: How many.
            exclude: Ids of items that must not be recommended, besides what the user has observed.
            budget: Limits of the loop; when one ends, the best list so far is returned and marked.
            progress: Called at each step, from another thread.

        Raises:
            ConfigurationError: There is nothing to recommend from.
            InputError: `k` is less than 1.
        """
        return self._limner.portal.run(
            partial(self.arecommend, request, k, budget=budget, exclude=exclude, progress=progress)
        )

    async def arecommend(
        self,
        request: str = "",
        k: int = 5,
        *,
        budget: Budget | None = None,
        exclude: Collection[str] = (),
        progress: Callable[[AgentStep], None] = _silent,
    ) -> Recommendations:
        """Async twin of `recommend`."""
        agent = await to_thread.run_sync(lambda: self._limner.agent)
        if agent is None:
            raise ConfigurationError(
                "There is nothing to recommend from: set LIMNER_DATASET, or open with dataset=…."
            )
        return await agent.recommend(
            self.memory, request, k, budget=budget, exclude=exclude, progress=progress
        )

    def retry_parked(self) -> int:
        """Let observations that failed too often be tried again; return how many."""
        return self.memory.retry_parked()

    def _has_events(self) -> bool:
        return any(o.event is not None for o in self.memory.observations(pending=True))

    def _past(self, kind: str, task: str | None, at: datetime | None, known_at: datetime | None) -> Portrait:
        if kind == "propositions":
            lines = lines_of(self.memory.propositions(at=at, known_at=known_at))
            return Portrait(
                user_id=self.user_id, kind=kind, task=task, lines=lines, drawn_at=known_at or utc_now()
            )
        if at is not None:
            raise InputError(
                f"A {kind} is drawn of what is so now; ask for one that was drawn by a moment with known_at, or for the "
                f"kind `propositions`."
            )
        drawn = self.memory.portrait(kind, task=task, known_at=known_at)
        if drawn is None:
            raise InputError(
                f"No {kind} had been drawn by {known_at:%Y-%m-%d %H:%M}; the kind `propositions` has no gaps."
            )
        return drawn

    def _keep(self, drawn: Portrait) -> None:
        last = self.memory.portrait(drawn.kind, task=drawn.task)
        if last is None and not drawn.lines:
            return  # of nobody nothing is kept
        if last is None or last.id != drawn.id:
            self.memory.save_portrait(drawn)
