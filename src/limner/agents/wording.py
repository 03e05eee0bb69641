"""Reasons in words: from the reasons alone, or in a model's words where these say no more."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from limner.agents.reasons import (
    Fitting,
    Found,
    Granted,
    Grounds,
    Moved,
    Neighbour,
    Neighbours,
    Popular,
    Reason,
    Said,
)
from limner.agents.statements import claimed, without_names
from limner.inference import LanguageModel, load_prompt
from limner.memory.records import AttributeValue
from limner.profiles.propositions.propose import strangers
from limner.tools import Condition, Filter, Item
from limner.tools.filters import plain

__all__ = ["clause", "clauses", "facts", "justify", "own_clauses", "sentence", "sentences_of"]

_QUOTES = 2
"""Things that the user said of which one item's reason tells."""
_TOLD_IN_TALK = 3
"""Clauses that an item has at most where the user is quoted; the rest is there to be asked for."""
_PEOPLE = {
    "actor": "{} is in it",
    "author": "it is by {}",
    "director": "it is by {}",
    "star": "{} is in it",
    "writer": "{} wrote it",
}
"""How it is said that an attribute has a value, where "its writer is" would be stiff."""
_DONE = {
    "accepted": "took up",
    "like": "liked",
    "purchase": "bought",
    "view": "had",
}


def clause(reason: Reason) -> str:
    """Return a reason as a clause about `it`, the item, to the user; it says nothing that the reason does not hold."""
    match reason:
        case Granted():
            return f"as you wished, it is {_granted(reason)}"
        case Said():
            return f"you said “{reason.quote}”{_borne_out(reason)}"
        case Fitting():
            return reason.told
        case Neighbours():
            return f"it goes with {' and '.join(f'{n.title}, which you {_did(n)}' for n in reason.neighbours[:2])}"
        case Found(where=""):
            return f"it is number {reason.rank} of what {reason.recommender} finds for you"
        case Found():
            return (
                f"it is number {reason.rank} of what {reason.recommender} finds for you under {reason.where}"
            )
        case Popular():
            return "it is what people in general choose"
        case Moved():
            by = " and ".join(move.because for move in reason.moves[:2])
            return f"it stands {_nth(reason.rank)} rather than {_nth(reason.base_rank)} by {by}"
        case _:
            raise TypeError(f"nobody said how to tell a {type(reason).__name__}")


def clauses(grounds: Grounds) -> list[str]:
    """Return what is told of an item: what of the wish, the portrait and the history speaks for it; else where it came from.

    That it was moved is told where the user moved it. The conditions of a wish go together.
    """
    granted = [r for r in grounds.reasons if isinstance(r, Granted)]
    told = [f"as you wished, it is {', '.join(_granted(r) for r in granted)}"] if granted else []
    said = {r.quote: r for r in reversed(grounds.reasons) if isinstance(r, Said)}
    told += [clause(r) for r in grounds.reasons if isinstance(r, Said) and r is said[r.quote]][:_QUOTES]
    told += [clause(r) for r in grounds.reasons if isinstance(r, Fitting)][:1]
    told += [clause(r) for r in grounds.reasons if isinstance(r, Neighbours)]
    if said:
        told = told[:_TOLD_IN_TALK]
    if not told:
        told = [clause(r) for kind in (Popular, Found) for r in grounds.reasons if isinstance(r, kind)][:1]
    moved = [] if said else [r for r in grounds.reasons if isinstance(r, Moved)]
    return told + [clause(r) for r in moved if any(move.evidence for move in r.moves[:2])]


def own_clauses(reasons: Sequence[Reason], shared: Collection[str]) -> list[str]:
    """Return what is told of an item besides the words that stand over the whole list.

    Args:
        reasons: The item's.
        shared: Words of the user that every item of the list answers to.
    """
    said = {r.quote: r for r in reversed(reasons) if isinstance(r, Said) and r.quote not in shared}
    answered = [r for r in said.values() if r.condition or r.example or r.words]
    told = [clause(r) for r in reasons if isinstance(r, Said) and r in answered][:_QUOTES]
    told += [clause(r) for r in reasons if isinstance(r, Fitting)][:1]
    return (told + [clause(r) for r in reasons if isinstance(r, Neighbours)])[:_QUOTES]


def facts(item: Item) -> str:
    """Return an item's title with a few of its values."""
    values = next((v for v in item.attributes.values() if isinstance(v, tuple)), ())
    values = values or tuple(v for v in item.attributes.values() if isinstance(v, str))[:1]
    return f"{item.title}, {' and '.join(_cased(v) for v in values[:3])}" if values else item.title


def sentence(grounds: Grounds) -> str:
    """Return what is told of an item as one plain sentence, without a model."""
    text = "; ".join(clauses(grounds)) or "the catalogue has it, and you do not know it yet"
    return f"{text[0].upper()}{text[1:]}."


async def justify(
    grounds: Grounds,
    model: LanguageModel,
    *,
    vocabulary: Collection[str],
    prompts: Path | None = None,
) -> str:
    """Return one sentence that says why; where the model's adds anything to the facts, the plain one takes its place.

    Args:
        grounds: What is recommended, and what speaks for it.
        model: Words it.
        vocabulary: Every categorical value of the catalogue, so that none is claimed that the facts don't hold.
        prompts: Folder of overriding prompt files.

    Raises:
        ModelError: The model failed.
    """
    item, prompt = grounds.item, load_prompt("agents/reason", prompts)
    facts = "; ".join(clauses(grounds)) or "people in general choose it"
    answer = await model.acomplete(
        prompt.messages(item=item.title, facts=facts), stage="justify", max_tokens=90
    )
    worded = answer.strip().split("\n")[0]
    return worded if _faithful(worded, grounds, facts, vocabulary) else sentence(grounds)


def _faithful(worded: str, grounds: Grounds, facts: str, vocabulary: Collection[str]) -> bool:
    """Whether a sentence is whole, speaks to the user, and names no title, number or category beyond the facts."""
    whole = worded.endswith((".", "!")) and 10 < len(worded) < 400
    words = set(re.findall(r"[\w'-]+", worded.lower()))
    titles = [grounds.item.title]
    titles += [n.title for r in grounds.reasons if isinstance(r, Neighbours) for n in r.neighbours]
    new = claimed(without_names(worded, titles), vocabulary) - claimed(
        without_names(facts, titles), vocabulary
    )
    known = f"{grounds.item.title} {facts} You Your It People"
    return (
        whole
        and bool(words & {"you", "your", "people"})
        and not new
        and not strangers(f"x {worded}", known)
        and "{" not in worded
    )


def _borne_out(reason: Said) -> str:
    """Return how the item answers to the words quoted; nothing where they only asked for something."""
    if reason.condition:
        return f", and {_satisfied(reason)}"
    if reason.example:
        return f", and it goes with {reason.example}"
    if reason.words:
        return f", and its title or description has {' and '.join(f'“{word}”' for word in reason.words[:3])}"
    return ""


def _satisfied(reason: Said) -> str:
    """Return in a clause how an item satisfies what was said."""
    told = []
    for condition in Filter.parse(reason.condition).conditions:
        value, name = reason.attributes.get(condition.attribute), condition.attribute
        if isinstance(value, float | int) and condition.op != "not in":
            told.append(f"it is from {value:g}" if 1000 <= value < 3000 else f"its {name} is {value:g}")
        elif name in _PEOPLE and condition.op != "not in":
            told.append(_PEOPLE[name].format(_held(value, condition)))
        else:
            told.append(f"its {name} is {_held(value, condition)}")
    return " and ".join(told)


def _granted(reason: Granted) -> str:
    conditions = Filter.parse(reason.condition).conditions
    return " and ".join(_held(reason.attributes.get(c.attribute), c) for c in conditions)


def _held(value: AttributeValue | None, condition: Condition) -> str:
    """Return how a condition is satisfied, in the item's own values."""
    if condition.op == "not in":
        return f"not {' or '.join(_cased(plain(v)) for v in condition.values)}"
    if isinstance(value, float | int):
        return f"from {value:g}" if 1000 <= value < 3000 else f"{condition.attribute} {value:g}"
    held = value if isinstance(value, tuple) else (str(value),)
    return " and ".join(_cased(v) for v in held if v in condition.values) or f"{condition}"


def _cased(value: str) -> str:
    """Return a value in lower case, unless it is a name, of several words with a capital each."""
    words = value.split()
    return value if len(words) > 1 and all(word[0].isupper() for word in words) else value.lower()


def _did(neighbour: Neighbour) -> str:
    if neighbour.value is None:
        return _DONE.get(neighbour.done, "know")
    highest = f" of {neighbour.scale[1]:g}" if neighbour.scale is not None else ""
    return f"rated {neighbour.value:g}{highest}"


def _nth(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def sentences_of(reasons: Sequence[Reason]) -> list[str]:
    """Return every reason as a sentence of its own."""
    told = [clause(reason) for reason in reasons]
    return [f"{text[0].upper()}{text[1:]}." for text in told]
