"""A seeker that goes by rules: it has an item in mind, says what is true of it, and never names it. No model is asked.

Its turns follow the agenda of a user simulator (Schatzmann et al. 2007, "Agenda-Based User Simulation for Bootstrapping a POMDP Dialogue
System"): a question is answered, what is shown is taken or turned down with a critique, and anything else gets one more preference. Unlike
there, what it says is checked for leaks before it is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

import numpy as np

from limner.agents.conversation.question import Question
from limner.agents.simulators.leaks import leaks
from limner.agents.simulators.phrases import PHRASES
from limner.agents.simulators.preferences import Preference, Truths, values_of
from limner.agents.simulators.seeker import Heard, Said
from limner.errors import InputError
from limner.profiles.propositions.findings import is_year
from limner.tools import Attribute, Catalogue, Filter, Item

__all__ = ["KNOWN", "RuleSeeker"]

KNOWN: Mapping[str, float] = {
    "few": 0.95,
    "year": 0.7,
    "number": 0.6,
    "star": 0.5,
    "director": 0.3,
    "writer": 0.1,
    "many": 0.3,
}
"""How likely somebody knows an attribute of what they have in mind, by its name, or else by what it is: with few values, such as genre; a
year; another number; with many values. A guess, to be replaced where something is known of real people."""

T = TypeVar("T")

_FEW_VALUES = 80
_ALIKE = 0.5
_LIKE, _VOLUNTEER, _ALL, _UNWANTED = 0.25, 0.5, 0.6, 0.2


class RuleSeeker:
    """Somebody who looks for one of a few items, without saying which; the same arguments and replies give the same turns.

    Args:
        catalogue: Which has the items.
        targets: Ids of what they look for. One of them, by seed, is what they have in mind and speak of; they take any.
        opening: First words, such as a real person's; none makes them up. Words that give a target away are not used.
        history: Ids of items that they know, which they say when shown one.
        item_type: What a person calls one of the items.
        seed: Of every draw.
        patience: Replies after which they give up.
        known: How likely they know an attribute, by its name or sort, in place of `KNOWN`.

    Raises:
        InputError: There is no target, the patience is no positive number, or `known` holds something that is no probability.
        NotFound: The catalogue lacks a target.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        targets: Sequence[str],
        *,
        opening: str | None = None,
        history: Iterable[str] = (),
        item_type: str = "item",
        seed: int = 0,
        patience: int = 5,
        known: Mapping[str, float] | None = None,
    ) -> None:
        if not targets:
            raise InputError("A seeker needs at least one item to look for.")
        if patience < 1:
            raise InputError(f"A seeker hears at least one reply; a patience of {patience} is none.")
        self._known_by = {**KNOWN, **(known or {})}
        wrong = {name: p for name, p in self._known_by.items() if not 0 <= p <= 1}
        if wrong:
            raise InputError(f"No probabilities from 0 to 1: {wrong}.")
        self._catalogue = catalogue
        self._targets = tuple(dict.fromkeys(targets))
        self._seed = f"{seed}/{'/'.join(self._targets)}"
        self._rng = self._random("words")
        self._target = catalogue.get(self._targets[int(self._rng.integers(len(self._targets)))])
        self._opening = (opening or "").strip()
        self._history = [item_id for item_id in dict.fromkeys(history) if item_id not in self._targets]
        self._item = "one" if item_type == "item" else item_type
        hidden = frozenset(self._targets) | {twin for i in self._targets for twin in catalogue.twins(i)}
        self._truths = Truths(catalogue, self._target, hidden, self._item)
        self._patience = patience
        self._heard = 0
        self._keys: set[tuple[str, ...]] = set()
        self._texts: set[str] = set()
        self.told: list[Preference] = []
        """What was said of the item in mind so far, in a form that can be checked."""

    @property
    def target(self) -> str:
        """Id of the item that they have in mind."""
        return self._target.id

    async def open(self) -> Said:
        """Return the first turn."""
        if self._opening and not self._leaks(self._opening):
            self._texts.add(self._opening)
            return Said(self._opening)
        alike = self._alike() if self._rng.random() < _LIKE else []
        said = self._first([self._likeness(alike[0])] if alike else [])
        said = said or self._first(self._chosen_first(self._wanted()))
        hello, please = self._one(PHRASES["hello"]), self._one(PHRASES["please"])
        core = said or self._plain("anything")
        whole = f"{hello}{core}{'' if core.endswith('?') else please}"
        return Said(core if self._leaks(whole) else whole)

    async def answer(self, heard: Heard) -> Said:
        """Return what is said to a reply."""
        self._heard += 1
        taken = next((item.id for item in heard.items if item.id in self._targets), None)
        if taken is not None:
            return Said(self._plain("accept"), accepted=taken)
        if self._heard >= self._patience:
            return Said(self._plain("give_up"), gave_up=True)
        if heard.question is not None:
            return Said(self._answered(heard.question))
        if heard.items:
            return Said(self._turned_down(heard.items))
        return Said(self._first(self._more()) or self._plain("nothing_more"))

    # What is said

    def _answered(self, question: Question) -> str:
        attribute = self._catalogue.schema().get(question.attribute)
        if attribute is None or self._target.attributes.get(attribute.name) in (None, ()):
            return self._plain("do_not_mind")
        if not self._knows(attribute):
            return self._plain("no_idea" if self._rng.random() < 0.5 else "do_not_mind")
        pairs = list(zip(question.options, question.conditions, strict=False))
        holding = [(label, where) for label, where in pairs if self._truths.holds(where)]
        telling = [pair for pair in holding if not self._truths.tells_too_much(pair[1])]
        if holding and not telling:
            return self._plain("no_idea")
        if telling:
            return self._said_of(attribute, telling)
        own = [one for one in self._truths.wanted() if one.attribute == attribute.name]
        if not pairs:
            return self._first(self._mixed(own)) or self._plain("do_not_mind")
        none = self._plain("none")
        more = self._first(self._mixed(own)) if self._rng.random() < _VOLUNTEER else None
        both = f"{none.rstrip('.')}. {more}" if more else none
        return none if self._leaks(both) else both

    def _said_of(self, attribute: Attribute, holding: list[tuple[str, str]]) -> str:
        """Return an answer with options that hold: all of them, or the one that comes to mind."""
        some = holding if self._rng.random() < _ALL else [holding[int(self._rng.integers(len(holding)))]]
        labels = [label.lower() if label.istitle() and " " not in label else label for label, _ in some]
        joint = self._one((" and ", " or ", ", "))
        if attribute.kind == "number":
            labels = [f"the {label}" if label.endswith("0s") else label for label in labels]
            joint = " or "
        for n in dict.fromkeys((len(some), 1)):
            for text in self._worded("chosen", {"values": (joint.join(labels[:n]),)}):
                if not self._leaks(text):
                    for _, where in some[:n]:
                        self._tell(Preference(_key(where), attribute.name, where, "chosen"))
                    return text
        return self._plain("no_idea")

    def _turned_down(self, items: Sequence[Item]) -> str:
        seen = [
            Preference(("seen", item.id), None, "", "seen", {"title": (item.title,)})
            for item in items
            if item.id in self._history
        ]
        differing = [one for one in self._truths.against(items) if self._can_say(one)]
        choices = self._mixed(seen) if seen and self._rng.random() < 0.5 else []
        choices = [*choices, *self._by_attribute(differing), *self._mixed(seen)]
        return self._first(choices) or self._first(self._more()) or self._plain("other")

    def _more(self) -> list[Preference]:
        """Return what can still be told: what is wanted first, or now and then what is not."""
        wanted = self._by_attribute(self._wanted())
        unwanted = self._mixed([one for one in self._truths.unwanted() if self._can_say(one)])
        return [*unwanted[:1], *wanted, *unwanted] if self._rng.random() < _UNWANTED else [*wanted, *unwanted]

    def _wanted(self) -> list[Preference]:
        return [one for one in self._truths.wanted() if self._can_say(one)]

    def _chosen_first(self, wanted: list[Preference]) -> list[Preference]:
        """Return wants with a kind in front three times in four, as most people begin with one."""
        mixed = self._by_attribute(wanted)
        if self._rng.random() < 0.75:
            mixed.sort(key=lambda one: one.phrase != "want_kind")
        return mixed

    def _likeness(self, item_id: str) -> Preference:
        title = self._catalogue.get(item_id).title
        return Preference(("like", item_id), None, "", "like", {"title": (title,)})

    def _alike(self) -> list[str]:
        """Return known items that share half of their kinds with the item in mind, most alike first."""
        mine = _kinds(self._target)
        shares = {
            i: _share(mine, _kinds(self._catalogue.get(i))) for i in self._history if i in self._catalogue
        }
        return sorted((i for i in shares if shares[i] >= _ALIKE), key=lambda i: -shares[i])

    # What may be said

    def _knows(self, attribute: Attribute) -> bool:
        sort = "many" if attribute.kind != "number" and len(attribute.values) > _FEW_VALUES else "few"
        if attribute.kind == "number":
            sort = "year" if is_year(attribute.name, attribute.maximum or 0.0) else "number"
        likely = self._known_by.get(attribute.name, self._known_by[sort])
        return bool(self._random(f"knows {attribute.name}").random() < likely)

    def _can_say(self, one: Preference) -> bool:
        return one.attribute is None or self._knows(self._catalogue.schema()[one.attribute])

    def _leaks(self, text: str) -> bool:
        return leaks(text, self._targets, self._catalogue) is not None

    def _first(self, choices: Sequence[Preference]) -> str | None:
        """Return words for the first choice that was not told yet and gives nothing away; none where there is none."""
        for one in choices:
            if one.key in self._keys:
                continue
            for text in self._worded(one.phrase, one.fills):
                if text not in self._texts and not self._leaks(text):
                    self._texts.add(text)
                    self._tell(one)
                    return text
        return None

    def _tell(self, one: Preference) -> None:
        self._keys.add(one.key)
        if one.where:
            self.told.append(one)

    def _plain(self, phrase: str) -> str:
        """Return one way of saying what tells nothing, another than before while there is one."""
        texts = [text for text in self._worded(phrase, {}) if not self._leaks(text)] or ["-"]
        text = next((text for text in texts if text not in self._texts), texts[0])
        self._texts.add(text)
        return text

    def _worded(self, phrase: str, fills: Mapping[str, Sequence[str]]) -> list[str]:
        """Return every template of a phrase that can be filled, in any order."""
        article = "an" if self._item[:1].lower() in "aeiou" else "a"
        item_a = "one" if self._item == "one" else f"{article} {self._item}"
        texts = []
        for template in self._mixed(PHRASES[phrase]):
            blanks = {name: self._one(ways) for name, ways in fills.items() if ways}
            if all(f"{{{name}}}" not in template or name in blanks for name in _BLANKS):
                texts.append(template.format(item=self._item, item_a=item_a, **blanks))
        return texts

    # Draws

    def _random(self, what: str) -> np.random.Generator:
        return np.random.default_rng(int(sha256(f"{self._seed}/{what}".encode()).hexdigest()[:16], 16))

    def _one(self, options: Sequence[T]) -> T:
        return options[int(self._rng.integers(len(options)))]

    def _mixed(self, options: Sequence[T]) -> list[T]:
        return [options[int(place)] for place in self._rng.permutation(len(options))]

    def _by_attribute(self, choices: Sequence[Preference]) -> list[Preference]:
        """Return choices in any order, but so that each attribute comes up as soon as others, however many values it has."""
        rest: dict[str | None, list[Preference]] = {}
        for one in self._mixed(choices):
            rest.setdefault(one.attribute, []).append(one)
        found = []
        while rest:
            for attribute in self._mixed(list(rest)):
                found.append(rest[attribute].pop())
                if not rest[attribute]:
                    del rest[attribute]
        return found


_BLANKS = ("kind", "bare", "value", "values", "title", "years", "name", "made")


def _key(where: str) -> tuple[str, ...]:
    """Return the key of what a condition of one value says, as `Preference.key` has it."""
    condition = Filter.parse(where).conditions[0]
    if condition.op == "between":
        return (condition.attribute, "decade")
    return (condition.attribute, condition.op, *map(str, condition.values))


def _kinds(item: Item) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name in item.attributes for value in values_of(item, name))


def _share(one: frozenset[object], other: frozenset[object]) -> float:
    return len(one & other) / max(1, min(len(one), len(other)))
