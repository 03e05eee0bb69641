"""The portrait of kind `entities`: what a user had to do with, how often and when last, a line each."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from anyio import to_thread

from limner.memory.records import Event, Evidence, Observation, Portrait, PortraitLine, utc_now
from limner.memory.user import UserMemory
from limner.profiles.entities.vocabulary import Entity, Vocabulary

if TYPE_CHECKING:
    from limner.profiles.registry import Means

__all__ = ["EntityPortraitist", "Seen", "seen_in"]

_LINES = 100
_EVIDENCE = 10
"""Spans of a line, the newest ones; the portrait goes with any other observation that it counts as well."""
_HALF_LIFE = timedelta(days=90)
_LINE = re.compile(
    r"(?P<name>.+) \((?P<kind>[^()]*)\): (?P<count>\d+) times?, last on (?P<last>\d{4}-\d\d-\d\d)"
)


@dataclass(frozen=True)
class Seen:
    """An entity of a user's, as a line of the portrait says it."""

    entity: Entity
    count: int
    """Observations in which it is."""
    last: date
    evidence: tuple[Evidence, ...]


class EntityPortraitist:
    """Counts the entities in everything that was observed; asks no model.

    Ratings in the lower half of their scale and dislikes do not count, nor what limner said. Entities are those of the vocabulary, and the
    titles and attributes of structured observations. The surest lines stand first: each observation counts one half after 90 days.

    Args:
        vocabulary: What is looked for.
    """

    kind = "entities"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @classmethod
    def of(cls, means: "Means") -> Self:
        """Return one that looks for what the catalogue and the settings' vocabulary name; the entry point names this."""
        return cls(Vocabulary.of(means.dataset, means.settings.vocabulary))

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Return the portrait, and store it where it is another one than the last and says anything.

        Args:
            user: Whose.
            task: Recorded with it; it is the same for every task.

        Raises:
            StaleClaim: Something was forgotten while it was drawn.
        """
        return await to_thread.run_sync(self._draw, user, task)

    def _draw(self, user: UserMemory, task: str | None) -> Portrait:
        begun = utc_now()
        told = [one for one in user.observations() if one.author != "assistant"]
        last = user.portrait(self.kind, task=task)
        version = self._vocabulary.version
        if last is not None and last.prompt_hash == version and _stands(last, told):
            return last
        found: defaultdict[Entity, list[tuple[Observation, Evidence]]] = defaultdict(list)
        for one in told:
            for entity, span in self._entities_of(one).items():
                found[entity].append((one, span))
        newest = max((one.occurred_at for one in told), default=begun)
        ordered = sorted(found, key=lambda entity: (-_weight(found[entity], newest), entity))[:_LINES]
        lines = tuple(_line(entity, found[entity]) for entity in ordered)
        drawn = Portrait(
            user_id=user.user_id,
            kind=self.kind,
            task=task,
            lines=lines,
            drawn_at=begun,
            prompt_hash=version,
        )
        if lines:
            user.save_portrait(drawn, {one.id for entity in ordered for one, _ in found[entity]})
        return drawn

    def _entities_of(self, one: Observation) -> dict[Entity, Evidence]:
        """Return what an observation is about, each with the first place where it says so."""
        found: dict[Entity, Evidence] = {}
        if one.event is not None:
            if not _liked(one.event):
                return found
            for entity in _of_event(one.event):
                found[entity] = _evidence(one, *_place(one.text, entity.name))
        for mention in self._vocabulary.link(one.text):
            found.setdefault(mention.entity, _evidence(one, mention.start, mention.end))
        return found


def seen_in(portrait: Portrait) -> list[Seen]:
    """Return what a portrait of this kind says, in its order; lines of another form are passed over."""
    found = []
    for line in portrait.lines:
        if (said := _LINE.fullmatch(line.text)) is not None:
            entity = Entity(said["name"], said["kind"])
            found.append(Seen(entity, int(said["count"]), date.fromisoformat(said["last"]), line.evidence))
    return found


def _stands(last: Portrait, told: Sequence[Observation]) -> bool:
    return all(one.recorded_at < last.drawn_at for one in told)


def _liked(event: Event) -> bool:
    if event.kind in {"dislike", "shown", "rejected"}:
        return False
    if event.value is None or event.scale is None:
        return True
    return event.value >= sum(event.scale) / 2


def _of_event(event: Event) -> Iterator[Entity]:
    yield Entity(event.title, event.item_type)
    for attribute, value in event.attributes.items():
        if isinstance(value, str | tuple):
            yield from (Entity(one, attribute) for one in ((value,) if isinstance(value, str) else value))


def _place(text: str, name: str) -> tuple[int, int]:
    """Return where a name stands in a text; all of it where it is not said in words."""
    start = text.casefold().find(name.casefold())
    # Folding may change lengths; what does not fit then is no quote.
    if start < 0 or text[start : start + len(name)].casefold() != name.casefold():
        return 0, len(text)
    return start, start + len(name)


def _evidence(one: Observation, start: int, end: int) -> Evidence:
    return Evidence(observation_id=one.id, start=start, end=end, quote=one.text[start:end])


def _weight(found: Sequence[tuple[Observation, Evidence]], newest: datetime) -> float:
    return sum(math.pow(0.5, (newest - one.occurred_at) / _HALF_LIFE) for one, _ in found)


def _line(entity: Entity, found: Sequence[tuple[Observation, Evidence]]) -> PortraitLine:
    count = len(found)
    last = max(one.occurred_at for one, _ in found)
    times = "time" if count == 1 else "times"
    text = f"{entity.name} ({entity.kind}): {count} {times}, last on {last:%Y-%m-%d}"
    return PortraitLine(text=text, evidence=tuple(span for _, span in found[-_EVIDENCE:]))
