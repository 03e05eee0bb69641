"""What a turn answers to the question that was asked before it."""

import re

from limner.agents.conversation.acts import Indifferent, Wanted
from limner.agents.conversation.hearing import Hearing, Rule, apply, rule
from limner.agents.conversation.mentions import NamedItems
from limner.agents.conversation.question import Question
from limner.agents.conversation.tokens import Line, Unit
from limner.tools import Condition, Filter

__all__ = ["answered"]


def answered(hearing: Hearing, line: Line) -> None:
    """Read what answers the question that is pending, if one is."""
    if hearing.scene.question is not None:
        apply(_ANSWERS, hearing, line)


def _no_matter(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    question = hearing.scene.question
    hearing.add(Indifferent, found, attribute=question.attribute if question else None)


def _none(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> None:
    question = hearing.scene.question
    excluded = _none_of(question) if question else None
    if excluded is None:
        _no_matter(hearing, line, match, found)
    else:
        hearing.add(Wanted, found, where=excluded)


def _none_of(question: Question) -> str | None:
    values: list[str | float] = []
    for text in question.conditions:
        conditions = Filter.parse(text).conditions
        if len(conditions) != 1 or conditions[0].op != "in":
            return None
        values += conditions[0].values
    if not values:
        return None
    return str(
        Filter(conditions=(Condition(attribute=question.attribute, op="not in", values=tuple(values)),))
    )


def _numbered(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    question = hearing.scene.question
    places = [p for u in found if isinstance(u.meaning, NamedItems) for p in u.meaning.places]
    places += [int(word) - 1 for word in re.findall(r"(?<!\S)\d(?!\S)", match.group())]
    chosen = [question.conditions[p] for p in places if question and 0 <= p < len(question.conditions)]
    if not chosen:
        return False
    for where in chosen:
        hearing.add(Wanted, found, where=where)
    return None


_ANSWERS: list[Rule] = [
    rule(
        r"(?:(?:no|nope|,|i want|i like|i prefer) )*(?:none|neither)(?: of (?:these|those|them|the above))?",
        _none,
    ),
    rule(
        r"^(?:(?:no|nope|nah|not really|no preference)(?: ,)?(?: (?:thanks|thank you|not really|preference))*)(?= [.!?]| ,$|$)",
        _no_matter,
    ),
    rule(
        r"^(?:(?:the|number|option|maybe|,|i d say|i say|id say|lets say|i guess|i think|either|i like|i prefer|i want|id prefer|please) )*(?:S|\d)(?:(?: ,| and| or)* (?:S|\d))*(?: (?:one|ones|please|option|then))*(?= [.!?,]|$)",
        _numbered,
    ),
]
