"""What is said to a turn, in words made of what is known; no model writes here, so nothing is claimed that nothing holds."""

import re
from collections.abc import Collection, Sequence

from limner.agents.conversation.acts import About, Small
from limner.agents.conversation.dialogue import Dialogue, Told, Turn, Why
from limner.agents.conversation.preferences import Preferences
from limner.agents.conversation.question import Question
from limner.agents.conversation.suggesting import Suggestion
from limner.agents.reasons import Said
from limner.agents.recommendations import Recommendation, Recommendations
from limner.agents.wording import facts, own_clauses, sentences_of
from limner.memory.records import AttributeValue, PortraitLine
from limner.tools import Catalogue, Item
from limner.tools.filters import plain

__all__ = [
    "about_items",
    "about_user",
    "asked",
    "explained",
    "nothing_left",
    "recommended",
    "small_talk",
    "taken",
]

_GREETING = "Hello!"
_COMPARED = re.compile(r"\b(?:too|than|less|not|no|none)\b", re.IGNORECASE)
_UNREAD = 6
"""Words in one piece that are quoted as not understood; more, or scattered ones, would be read out without any sense."""
_LISTED = 12
"""Lines of the portrait that are listed at once."""


def asked(question: Question, suggestion: Suggestion, turn: Turn, found: Preferences) -> Told:
    """Return a question, with what there is to say first: what was just said shows that it was heard."""
    new = [held.quote for held in found.held if held.turn.number == turn.number]
    new += [quote for one, quote in found.liked.values() if one.number == turn.number]
    heard = f"{_listed([f'“{quote}”' for quote in dict.fromkeys(new)])}: noted." if new else ""
    return Told(
        act="ask",
        text=_joined([*_before(turn, suggestion, found), heard, question.text]),
        question=question,
        evidence=_evidence_of(suggestion, turn),
    )


def recommended(made: Recommendations, suggestion: Suggestion, turn: Turn, found: Preferences) -> Told:
    """Return recommendations: what all of them answer to first, then each with what speaks for it besides."""
    shared = _shared(made.items)
    named = [quote for quote, condition in shared.items() if _is_wish(quote, condition)]
    words = f"For {_listed([f'“{quote}”' for quote in named])} " if named else ""
    intro = f"{words}I would suggest:"
    lines = [f"{number}. {_line(one, shared)}" for number, one in enumerate(made.items, start=1)]
    why = _whys(made.items)
    return Told(
        act="recommend",
        text="\n".join([_joined([*_before(turn, suggestion, found), intro]), *lines]),
        shown=tuple(one.item.id for one in made.items),
        why=why,
        evidence=tuple(
            dict.fromkeys([*(e for one in why for e in one.evidence), *_evidence_of(suggestion, turn)])
        ),
    )


def _shared(items: Sequence[Recommendation]) -> dict[str, str]:
    """Return the user's words that every one of some items answers to, with the condition that they mean."""
    quotes = [
        {
            reason.quote: reason.condition
            for reason in one.reasons
            if isinstance(reason, Said) and reason.condition
        }
        for one in items
    ]
    return {quote: meant for quote, meant in quotes[0].items() if all(quote in other for other in quotes[1:])}


def _is_wish(quote: str, condition: str) -> bool:
    """Whether words can stand behind "for": what is not wanted cannot, nor can a comparison."""
    return " not in " not in condition and not _COMPARED.search(quote)


def _line(one: Recommendation, shared: Collection[str]) -> str:
    own = "; ".join(own_clauses(one.reasons, shared))
    return f"{facts(one.item)}. {own[0].upper()}{own[1:]}." if own else f"{facts(one.item)}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def nothing_left(turn: Turn, suggestion: Suggestion, found: Preferences, item_type: str) -> Told:
    """Return that there is nothing new to recommend."""
    text = f"I have no other {item_type} for you that I have not shown. Say “start over” to begin with new wishes."
    return Told(act="answer", text=_joined([*_before(turn, suggestion, found), text]))


def _whys(items: Sequence[Recommendation]) -> tuple[Why, ...]:
    """Return every reason of some recommendations, to be told when they are asked for."""
    return tuple(
        Why(
            item_id=one.item.id,
            reason=one.reason,
            sentences=tuple(sentences_of(one.reasons)),
            evidence=tuple(
                dict.fromkeys([
                    *(e for r in one.reasons for e in r.evidence),
                    *(p.id for p in one.propositions),
                ])
            ),
        )
        for one in items
    )


def explained(item_ids: Sequence[str], dialogue: Dialogue, catalogue: Catalogue) -> Told:
    """Return why items were recommended in this session."""
    known = {one.item_id: one for turn in dialogue.turns if turn.told is not None for one in turn.told.why}
    if not item_ids:
        return Told(act="explain", text="I have not recommended anything yet in this conversation.")
    parts: list[str] = []
    evidence: list[str] = []
    for item_id in item_ids:
        if item_id not in catalogue:
            continue  # it has been taken out since
        title = catalogue.get(item_id).title
        if item_id in known:
            evidence += known[item_id].evidence
            parts.append("\n".join([f"{title}:", *(f"- {s}" for s in known[item_id].sentences)]))
        elif item_id in dialogue.shown:
            parts.append(f"{title}: what I went by has been forgotten since.")
        else:
            parts.append(f"I did not recommend {title} in this conversation.")
    text = "\n".join(parts) or "What I recommended is not in the catalogue any more."
    return Told(act="explain", text=text, evidence=tuple(dict.fromkeys(evidence)))


def about_items(act: About, catalogue: Catalogue) -> Told:
    """Return what the catalogue knows of items."""
    told = [_known_of(catalogue.get(i), act.attribute) for i in act.item_ids if i in catalogue]
    return Told(act="answer", text="\n".join(told) or "Which one do you mean?")


def about_user(portrait: Sequence[PortraitLine], found: Preferences, dialogue: Dialogue) -> Told:
    """Return what is known about the user: the portrait by number, and what they want in this session."""
    listed = list(portrait[:_LISTED])
    lines = [f"{n}. {line.text}" for n, line in enumerate(listed, start=1)]
    parts = ["I know nothing lasting about you yet."] if not lines else ["What I know about you:", *lines]
    if len(portrait) > len(listed):
        parts.append(f"… and {len(portrait) - len(listed)} more lines; `limner portrait` prints them all.")
    quotes = _counted(found)
    if quotes:
        parts.append(f"In this conversation I go by {', '.join(f'“{q}”' for q in quotes)}.")
    if lines:
        parts.append("Say “forget number 1” and a line is gone.")
    # A line that is forgotten by its number must not stay in what was said of it.
    evidence = [
        id for line in listed for id in (*line.propositions, *(e.observation_id for e in line.evidence))
    ]
    evidence += [turn.observation for turn in dialogue.turns]
    return Told(
        act="control",
        text="\n".join(parts),
        listed=tuple(line.propositions[0] for line in listed),
        evidence=tuple(dict.fromkeys(evidence)),
    )


def taken(item_ids: Collection[str], catalogue: Catalogue) -> Told:
    """Return that the user's choice is noted."""
    titles = " and ".join(catalogue.get(item_id).title for item_id in item_ids if item_id in catalogue)
    return Told(
        act="answer", text=f"Good choice: {titles}. I have noted it." if titles else "Good. I have noted it."
    )


def small_talk(act: Small) -> Told:
    """Return an answer to thanks."""
    return Told(act="answer", text="You are welcome." if act.sort == "thanks" else "Good.")


def _before(turn: Turn, suggestion: Suggestion, found: Preferences) -> list[str]:
    """Return what is said before a question or recommendations."""
    parts = []
    if any(isinstance(act, Small) and act.sort == "greeting" for act in turn.acts):
        parts.append(_GREETING)
    if suggestion.left_out:
        words = " and ".join(f"“{held.quote}”" for held in suggestion.left_out)
        parts.append(f"Nothing new is left with everything you said, so I left out {words}.")
    if not turn.acts and turn.unread in turn.text and 0 < len(turn.unread.split()) <= _UNREAD:
        parts.append(f"I did not understand “{turn.unread}”.")
    elif not turn.acts:
        parts.append("I am not sure what you mean.")
    new = [quote for one, quote in found.words if one.number == turn.number]
    if new:
        words = " or ".join(f"“{quote}”" for quote in new)
        parts.append(f"Nothing here can check {words}; I only look for the words in the descriptions.")
    return parts


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


def _evidence_of(suggestion: Suggestion, turn: Turn) -> tuple[str, ...]:
    # What is said first quotes this turn or, for what was left out, any before it.
    return tuple(dict.fromkeys([turn.observation, *(held.turn.observation for held in suggestion.left_out)]))


def _counted(found: Preferences) -> list[str]:
    quotes = [held.quote for held in found.held] + [leaning.quote for leaning in found.leanings]
    quotes += [quote for _, quote in (*found.liked.values(), *found.disliked.values(), *found.words)]
    return list(dict.fromkeys(quotes))


def _known_of(item: Item, attribute: str | None) -> str:
    if attribute is not None and attribute in item.attributes:
        return f"{item.title}: {attribute} {_told_value(item.attributes[attribute])}."
    if attribute is not None and attribute != "description":
        return f"The catalogue does not say the {attribute} of {item.title}."
    facts = "; ".join(f"{name} {_told_value(value)}" for name, value in item.attributes.items())
    description = f" {item.description}" if item.description else ""
    return f"{item.title}: {facts or 'the catalogue knows no more than the title'}.{description}"


def _told_value(value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return plain(value)
