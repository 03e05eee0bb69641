"""Why an item is recommended, as claims that can be checked: what each rests on, and that it does.

A reason names the values of the item, the observations, the portrait line and the tool call that it rests on. `verified` compares it with the
catalogue, the user's history, the portrait and the calls, and refuses one that does not hold; the agent gives no others. Text is
made from reasons (`limner.agents.wording`), never the other way round.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from limner.agents.history import History
from limner.agents.statements import addressed, claimed, computed
from limner.agents.taste import fits
from limner.errors import InputError
from limner.memory.lexical import tokenize
from limner.memory.records import AttributeValue, EventKind, Proposition, Record
from limner.profiles.propositions.findings import Topic
from limner.tools import Call, Catalogue, Filter, Item
from limner.tools.texts import item_text

__all__ = [
    "Fitting",
    "Found",
    "Granted",
    "Grounds",
    "Known",
    "Move",
    "Moved",
    "Neighbour",
    "Neighbours",
    "Popular",
    "Reason",
    "Said",
    "held_by",
    "values_of",
    "verified",
]


class Reason(Record):
    """One claim that speaks for an item, or says why it stands where it stands."""

    kind: str
    item_id: str
    attributes: Mapping[str, AttributeValue] = Field(default_factory=dict)
    """Values of the item that it rests on; of an attribute with several values, those that matter here."""
    evidence: tuple[str, ...] = ()
    """Ids of the user's observations that it rests on."""
    call: int | None = None
    """Number of the tool call that it rests on."""


class Granted(Reason):
    """The item satisfies a condition of the wish."""

    kind: Literal["wish"] = "wish"
    condition: str
    """As a filter is written."""


class Fitting(Reason):
    """The item has what a line of the portrait says that the user likes."""

    kind: Literal["portrait"] = "portrait"
    proposition: str
    """Its id."""
    statement: str
    """What it says."""
    topic: str
    """What it was computed about, such as `rating/+/genre/Comedy`."""
    told: str
    """The line to the user, up to its examples; where that names values that the item does not have, or leaves out the one it is about, what it was
    computed to be."""


class Said(Reason):
    """The item has, or goes with, what the user said in this conversation; or it is there because they asked for something at all."""

    kind: Literal["session"] = "session"
    quote: str
    """The user's words, as they stand in the observation that `evidence` names."""
    condition: str = ""
    """What the words mean in terms of the catalogue, as a filter is written; the item satisfies it."""
    example: str = ""
    """Title of an item that they name; the item is on the list of call `call`, of what goes with it."""
    words: tuple[str, ...] = ()
    """Words of the quote that the item's own text has, in whatever form."""


class Neighbour(Record):
    """An item of the user's history that added to the score of another."""

    item_id: str
    title: str
    amount: float = Field(gt=0)
    """What it added, in units of the recommender's scores."""
    done: EventKind
    """What the user did with it."""
    value: float | None = None
    """Their rating."""
    scale: tuple[float, float] | None = None
    observation: str
    """Id of the observation that says so."""


class Neighbours(Reason):
    """The item goes with what the user had and did not dislike, in the base recommender's eyes."""

    kind: Literal["history"] = "history"
    recommender: str
    neighbours: tuple[Neighbour, ...] = Field(min_length=1)
    """Largest amount first, but for those that another item's reason named already."""


class Found(Reason):
    """A recommender put the item on its list."""

    kind: Literal["tool"] = "tool"
    recommender: str
    where: str = ""
    """The condition under which it looked; empty for none."""
    rank: int = Field(ge=1)
    """The item's place on that list."""


class Popular(Reason):
    """Many people take the item."""

    kind: Literal["popularity"] = "popularity"
    rank: int = Field(ge=1)
    """Its place among everything in the catalogue."""


class Move(Record):
    """One list, or one thing that the user did, that moved an item."""

    because: str
    gain: float
    """What it adds to the item's score, at which the first place of the base list counts 1/20."""
    evidence: tuple[str, ...] = ()
    call: int | None = None


class Moved(Reason):
    """The item stands elsewhere than on the base recommender's list."""

    kind: Literal["moved"] = "moved"
    base_rank: int = Field(ge=1)
    rank: int = Field(ge=1)
    moves: tuple[Move, ...] = Field(min_length=1)
    """What moved it that way, most first."""


@dataclass(frozen=True)
class Known:
    """What reasons are compared with."""

    catalogue: Catalogue
    history: History
    portrait: Mapping[str, Proposition]
    """By id."""
    calls: Sequence[Call] = ()
    order: Sequence[str] = ()
    """Ids of the list that is recommended from, best first."""
    base: Sequence[str] = ()
    """The base recommender's own order."""
    popular: Sequence[str] = ()
    """Ids of the catalogue, most taken first."""
    vocabulary: Collection[str] = ()
    """Every categorical value of the catalogue."""
    found: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """What each call found, best first, by its number."""
    said: Mapping[str, str] = field(default_factory=dict)
    """What the user said in this conversation, by the id of the observation."""


@dataclass(frozen=True)
class Grounds:
    """The reasons for an item, in the order in which they are told."""

    item: Item
    reasons: tuple[Reason, ...]
    propositions: tuple[Proposition, ...] = ()
    """Portrait lines that the item fits."""


def held_by(item: Item, attributes: Mapping[str, AttributeValue]) -> bool:
    """Whether an item has these values; of an attribute with several, at least these."""
    for name, value in attributes.items():
        held = item.attributes.get(name)
        if isinstance(value, tuple) and isinstance(held, tuple):
            if not set(value) <= set(held):
                return False
        elif value != held:
            return False
    return True


def values_of(item: Item) -> set[str]:
    """Return an item's categorical values, whatever attribute they are of."""
    values = set()
    for value in item.attributes.values():
        if isinstance(value, str):
            values.add(value)
        elif isinstance(value, tuple):
            values |= set(value)
    return values


def verified(reason: Reason, known: Known) -> Reason:
    """Return a reason that holds.

    Raises:
        InputError: It does not; the message says what of it.
        NotFound: It is about an item that the catalogue does not have.
    """
    item = known.catalogue.get(reason.item_id)
    wrong = _unheld(reason, item) or _WRONG[type(reason)](reason, item, known)
    if wrong:
        raise InputError(f"This is no reason for {item.title}: {wrong}.")
    return reason


def _unheld(reason: Reason, item: Item) -> str:
    return "" if held_by(item, reason.attributes) else f"it does not have {dict(reason.attributes)}"


def _wrong_wish(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Granted)
    holds = _satisfies(item, reason.condition, known)
    return "" if holds else f"it does not satisfy {reason.condition}"


def _wrong_quote(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Said)
    if (
        not reason.quote
        or len(reason.evidence) != 1
        or reason.quote not in known.said.get(reason.evidence[0], "")
    ):
        return f"the user did not say {reason.quote!r}"
    if reason.condition and not _satisfies(item, reason.condition, known):
        return f"it does not satisfy {reason.condition}"
    if reason.example and item.id not in known.found.get(reason.call or 0, ()):
        return f"it is not on the list of what goes with {reason.example}"
    held = set(tokenize(item_text(item))) if reason.words else set()
    lacking = {word for word in reason.words if held.isdisjoint(tokenize(word))}
    return f"its text does not have {' or '.join(sorted(lacking))}" if lacking else ""


def _satisfies(item: Item, condition: str, known: Known) -> bool:
    return bool(known.catalogue.mask(Filter.parse(condition))[known.catalogue.position(item.id)])


def _wrong_line(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Fitting)
    held = known.portrait.get(reason.proposition)
    if held is None or (held.text, held.topic) != (reason.statement, reason.topic):
        return f"the portrait does not say {reason.statement!r}"
    topic = Topic.parse(reason.topic)
    if topic.sign != "+" or not fits(item, topic):
        return f"it does not fit {reason.topic}"
    if not reason.evidence or not set(reason.evidence) <= {e.observation_id for e in held.evidence}:
        return "its evidence is not that of the portrait line"
    if reason.told not in (addressed(held.text), computed(topic)):
        return f"the portrait line does not say {reason.told!r}"
    lacking = claimed(reason.told, known.vocabulary) - values_of(item)
    if lacking:
        return f"it is not {' or '.join(sorted(lacking))}"
    return "" if reason.attributes else "it names no value that fits"


def _wrong_neighbours(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Neighbours)
    for named in reason.neighbours:
        done = known.history.taken.get(named.item_id)
        if done is None or done.observation_id != named.observation:
            return f"the user's history does not have {named.title}"
        said = (done.event.kind, done.event.value, done.event.scale)
        if said != (named.done, named.value, named.scale):
            return f"the user did something else with {named.title}"
        if known.catalogue.get(named.item_id).title != named.title:
            return f"{named.item_id} is not called {named.title}"
    named_by = {named.observation for named in reason.neighbours}
    return "" if set(reason.evidence) == named_by else "its evidence is not that of its neighbours"


def _wrong_find(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Found)
    call = next((one for one in known.calls if one.number == reason.call), None)
    if call is None:
        return f"there is no call {reason.call}"
    said = (call.arguments.get("recommender"), call.arguments.get("where"))
    if call.tool != "retrieve" or said != (reason.recommender, reason.where):
        return f"call {call.number} was another"
    return _wrong_place(reason.rank, item, known.found.get(call.number, ()), f"what call {call.number} found")


def _wrong_popularity(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Popular)
    return _wrong_place(reason.rank, item, known.popular, "what people take most")


def _wrong_move(reason: Reason, item: Item, known: Known) -> str:
    assert isinstance(reason, Moved)
    wrong = _wrong_place(reason.base_rank, item, known.base, "the base list")
    wrong = wrong or _wrong_place(reason.rank, item, known.order, "the list")
    up = reason.rank < reason.base_rank
    if not wrong and (reason.rank == reason.base_rank or any((move.gain > 0) != up for move in reason.moves)):
        wrong = "nothing moved it that way"
    return wrong


def _wrong_place(rank: int, item: Item, listed: Sequence[str], name: str) -> str:
    right = rank <= len(listed) and listed[rank - 1] == item.id
    return "" if right else f"it is not number {rank} of {name}"


_WRONG = {
    Granted: _wrong_wish,
    Said: _wrong_quote,
    Fitting: _wrong_line,
    Neighbours: _wrong_neighbours,
    Found: _wrong_find,
    Popular: _wrong_popularity,
    Moved: _wrong_move,
}
