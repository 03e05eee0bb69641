"""limner's own memory under test: observations in, propositions or a summary and what the search finds out."""

import hashlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, cast, get_args

from limner import __version__
from limner.api import Limner, User
from limner.errors import ConfigurationError, ModelError
from limner.evals.records import Passage, Role, Turn, Utterance
from limner.inference import Encoder, LanguageModel
from limner.memory.documents import Kind
from limner.memory.memory import Memory
from limner.memory.records import NewObservation, Observation, PortraitLine, Proposition
from limner.memory.search import Recall
from limner.profiles.context import pack
from limner.settings import Settings

__all__ = ["LimnerMemory", "Variant", "variant_of"]

Variant = Literal["propositions", "recall", "summary", "both", "ask", "observations"]
"""What is given back: `propositions` the k best of these; `recall` the k best of propositions and of what the user said, nothing
twice; `summary` the summary alone; `both` the summary, then the k best propositions; `ask` what `User.ask` puts before a model
(portrait lines, then what the search finds, in a token budget); `observations` the k best turns by hybrid search, for which no model is
asked."""

_START = datetime(2020, 1, 1, tzinfo=UTC)
"""When a history begins whose file gives no dates: the order is kept, a minute a turn."""
_BUDGET = 1000
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "recall": ("observation", "proposition"),
    "both": ("proposition",),
    "propositions": ("proposition",),
    "observations": ("observation",),
}


def variant_of(name: str) -> Variant:
    """Return the variant that a name such as `limner:summary` asks for.

    Raises:
        ConfigurationError: There is no such variant.
    """
    variant = name.partition(":")[2] or "propositions"
    if variant not in get_args(Variant):
        offered = ", ".join(f"limner:{one}" for one in get_args(Variant))
        raise ConfigurationError(f"There is no memory limner:{variant}; there are: {offered}.")
    return cast(Variant, variant)


class LimnerMemory:
    """A limner store of its own per model, prompts and encoder, kept in the cache: what was reflected on once stays.

    Args:
        settings: Model, encoder and cache; a data set is never consulted.
        variant: What `search` gives back.
        model: Reflects; none lets limner start the settings' own at first use.
        encoder: Instead of the settings' own.
        budget: Most tokens of `ask`.

    Raises:
        ConfigurationError: There is no such variant.
    """

    def __init__(
        self,
        settings: Settings,
        variant: str = "propositions",
        model: LanguageModel | None = None,
        *,
        encoder: Encoder | None = None,
        budget: int = _BUDGET,
    ) -> None:
        self.variant = variant_of(f"limner:{variant}")
        self.version = _fingerprint(settings, model)
        home = settings.cache / "evals" / "limner" / self.version
        self._limner = Limner.open(
            settings=settings.model_copy(update={"home": home, "dataset": None, "reflect_every": "manual"}),
            model=model,
            encoder=encoder,
        )
        self._budget = budget
        self._added: dict[str, int] = {}
        self._ids: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    @property
    def asks_model(self) -> bool:
        """Whether taking in a history asks a language model."""
        return self.variant != "observations"

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Store messages as observations; the same ones again are not stored twice."""
        with self._lock:
            first = self._added.get(user, 0)
            self._added[user] = first + len(messages)
        said = [
            (turn, one)
            for number, turn in enumerate(messages, first)
            if turn.role != "system"
            for one in _observations(number, turn, timestamp)
        ]
        stored = self._limner.user(user).observe_many(one for _, one in said)
        known = {o.id: turn.id for o, (turn, _) in zip(stored, said, strict=True) if turn.id is not None}
        with self._lock:
            self._ids.setdefault(user, {}).update(known)

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Reflect on what is new, and return what bears on the query.

        Raises:
            ModelError: Reflecting left observations behind that the model failed on.
        """
        if not query.strip() or user not in self._added:
            return []
        door = self._limner.user(user)
        if self.asks_model:
            self._reflect(door)
        if self.variant == "ask":
            return self._packed(door, query)
        lines = self._summary(door) if self.variant in ("summary", "both") else []
        if self.variant == "summary" or k < 1:
            return lines[: max(0, k)]
        return [*lines, *self._found(door, query, k - len(lines))]

    def close(self) -> None:
        """Close the store; what is in it stays."""
        self._limner.close()

    @property
    def store(self) -> Memory:
        """The memory under test itself, for whoever looks into how it ranks."""
        return self._limner.memory

    def turns_of(self, user: str, observations: Sequence[str]) -> list[str | None]:
        """Return the id of the turn that each observation, by its id, was made from."""
        ids = self._ids.get(user, {})
        return [ids.get(one) for one in observations]

    def _reflect(self, door: User) -> None:
        status = door.memory.status()
        if status.parked:
            door.retry_parked()
        elif not status.pending:
            return
        done = door.reflect()
        left = door.memory.status()
        if left.pending or left.parked:
            raise ModelError(
                f"Reflecting left {left.pending} observations waiting and {len(left.parked)} parked: {done}."
            )

    def _found(self, door: User, query: str, k: int) -> list[Passage]:
        if k < 1:
            return []
        if self.variant == "observations":
            return self._turns_found(door, query, k)
        # Twice as many, since what the user said is left out where a proposition that says so is found too.
        found = door.memory.search(
            query, 2 * k if self.variant == "recall" else k, kinds=_KINDS[self.variant]
        )
        if self.variant == "recall":
            said = {
                e.observation_id
                for r in found
                if isinstance(r.record, Proposition)
                for e in r.record.evidence
            }
            found = [r for r in found if isinstance(r.record, Proposition) or _is_news(r.record, said)]
        return [self._recalled(door.user_id, recall) for recall in found[:k]]

    def _turns_found(self, door: User, query: str, k: int) -> list[Passage]:
        """Return the k best turns, each by the best of its utterances."""
        wanted = k
        while True:
            found = door.memory.search(query, wanted, kinds=("observation",))
            passages = [self._recalled(door.user_id, recall) for recall in found]
            best: dict[object, Passage] = {}
            for place, passage in enumerate(passages):
                best.setdefault(passage.ids or place, passage)
            if len(best) >= k or len(found) < wanted:
                return list(best.values())[:k]
            wanted *= 2

    def _packed(self, door: User, query: str) -> list[Passage]:
        context = pack(
            door.memory,
            query,
            portrait=door.portrait(),
            budget=self._budget,
            count_tokens=self._limner.model.count_tokens,
        )
        lines = [self._line(door.user_id, line) for line in context.portrait]
        return [*lines, *(self._recalled(door.user_id, recall) for recall in context.recalled)]

    def _summary(self, door: User) -> list[Passage]:
        portrait = door.portrait("summary")
        if not portrait.lines:
            return []
        ids = dict.fromkeys(i for line in portrait.lines for i in self._line(door.user_id, line).ids)
        return [Passage(" ".join(line.text for line in portrait.lines), tuple(ids))]

    def _line(self, user: str, line: PortraitLine) -> Passage:
        return Passage(line.text, self._turns(user, [e.observation_id for e in line.evidence]))

    def _recalled(self, user: str, recall: Recall) -> Passage:
        record = recall.record
        if isinstance(record, Proposition):
            return Passage(
                record.text, self._turns(user, [e.observation_id for e in record.evidence]), recall.score
            )
        role: Role = "assistant" if record.author == "assistant" else "user"
        return Passage(record.text, self._turns(user, [record.id]), recall.score, role, record.occurred_at)

    def _turns(self, user: str, observations: Sequence[str]) -> tuple[str, ...]:
        ids = self._ids.get(user, {})
        return tuple(dict.fromkeys(ids[o] for o in observations if o in ids))


def _observations(number: int, turn: Turn, timestamp: datetime | None) -> Iterator[NewObservation]:
    """Yield a turn as observations: one for each utterance, or one."""
    utterances = turn.utterances or (
        Utterance(turn.text, "assistant" if turn.role == "assistant" else "user"),
    )
    for place, said in enumerate(utterances):
        if said.text.strip():
            yield NewObservation(
                text=said.text,
                source="history",
                author=said.author,
                occurred_at=_moment(number, turn.at or timestamp),
                key=f"turn {number}" if not place else f"turn {number}, {place}",
                session=turn.session,
            )


def _is_news(record: Observation, said: Collection[str]) -> bool:
    """Whether an observation is the user's own and tells what no proposition beside it tells."""
    return record.author != "assistant" and record.id not in said


def _moment(number: int, at: datetime | None) -> datetime:
    """Date a turn: by its session, a second apart, so that the order within it is kept."""
    return at + timedelta(seconds=number) if at else _START + timedelta(minutes=number)


def _fingerprint(settings: Settings, model: LanguageModel | None) -> str:
    """Hash what a portrait depends on, so that a store is never shared by two ways of drawing it."""
    folder = files("limner.profiles")
    parts = [__version__, model.name if model else settings.model, settings.base_url or "", settings.encoder]
    parts += [
        model.plan if model else settings.call_plan,
        str(settings.batch_tokens),
        str(settings.temperature),
    ]
    parts += [one.read_text("utf-8") for one in _prompts(folder)]
    if settings.prompts is not None:
        parts += [one.read_text("utf-8") for one in sorted(settings.prompts.rglob("*.md"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _prompts(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _prompts(entry)
        elif entry.name.endswith(".md"):
            yield entry
