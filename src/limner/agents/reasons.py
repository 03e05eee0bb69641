"""Why an item is recommended: facts from the recommender, the portrait and the wish, put into one sentence."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.agents.taste import fits, place_on_scale
from limner.inference import LanguageModel, load_prompt
from limner.memory.records import Event, Proposition
from limner.profiles.propositions.findings import Topic
from limner.profiles.propositions.propose import strangers
from limner.tools import Catalogue, Condition, Filter, Item

__all__ = ["Grounds", "grounds", "justify"]


@dataclass(frozen=True)
class Grounds:
    """What speaks for an item."""

    facts: tuple[str, ...]
    propositions: tuple[Proposition, ...]
    """Portrait lines that the item fits."""
    neighbours: tuple[str, ...]
    """Ids of the history that the base recommender goes by."""

    def sentence(self) -> str:
        """Return the facts as a plain sentence, without a model."""
        text = "; ".join(self.facts) or "it is what people in general choose"
        return f"{text[0].upper()}{text[1:]}."


def grounds(
    item: Item,
    *,
    neighbours: Sequence[str],
    events: Mapping[str, Event],
    propositions: Sequence[Proposition],
    wished: Filter,
    catalogue: Catalogue,
    liked_from: float | None,
) -> Grounds:
    """Collect what speaks for an item.

    Args:
        item: The item.
        neighbours: Ids of the history that added most to its score, largest first.
        events: What the user did, by item id.
        propositions: The portrait.
        wished: Conditions of the wish, which the item satisfies.
        catalogue: For titles.
        liked_from: Place on the scale, 0 to 1, from which a neighbour counts as liked; lower-rated neighbours are not named as a reason.
    """
    facts = []
    if wished:
        facts.append(
            f"as you wished, it is {', '.join(_granted(item, condition) for condition in wished.conditions)}"
        )
    fitting = [
        p
        for p in propositions
        if p.topic and Topic.parse(p.topic).sign == "+" and fits(item, Topic.parse(p.topic))
    ][:2]
    facts += [_told(p.text) for p in fitting[:1]]
    liked = [n for n in neighbours if _was_liked(events.get(n), liked_from)]
    named = [f"{catalogue.get(n).title}{_rated(events.get(n))}" for n in liked[:2]]
    if named:
        facts.append(f"it goes with {' and '.join(named)}")
    return Grounds(tuple(facts), tuple(fitting), tuple(liked[:2]))


def _was_liked(event: Event | None, liked_from: float | None) -> bool:
    place = place_on_scale(event) if event is not None else None
    return place is None or liked_from is None or place >= liked_from


async def justify(
    item: Item,
    why: Grounds,
    model: LanguageModel,
    *,
    vocabulary: Collection[str],
    prompts: Path | None = None,
) -> str:
    """Return one sentence that says why; where the model's adds anything to the facts, the plain one takes its place.

    Args:
        item: What is recommended.
        why: What speaks for it.
        model: Words it.
        vocabulary: Every categorical value of the catalogue, so that none is claimed that the facts don't hold.
        prompts: Folder of overriding prompt files.
    """
    prompt = load_prompt("agents/reason", prompts)
    facts = "; ".join(why.facts) or "people in general choose it"
    answer = await model.acomplete(
        prompt.messages(item=item.title, facts=facts), stage="justify", max_tokens=90
    )
    sentence = answer.strip().split("\n")[0]
    return sentence if _faithful(sentence, item, facts, vocabulary) else why.sentence()


def _faithful(sentence: str, item: Item, facts: str, vocabulary: Collection[str]) -> bool:
    """Whether a sentence is whole, speaks to the user, and names no title, number or category beyond the facts."""
    whole = sentence.endswith((".", "!")) and 10 < len(sentence) < 400
    words = set(re.findall(r"[\w'-]+", sentence.lower()))
    allowed = set(re.findall(r"[\w'-]+", f"{item.title} {facts}".lower()))
    claimed = {value.lower() for value in vocabulary} & {w.removesuffix("s") for w in words - allowed} | (
        {value.lower() for value in vocabulary} & (words - allowed)
    )
    claimed -= {w.removesuffix("s") for w in allowed}
    known = f"{item.title} {facts} You Your It People"
    return (
        whole
        and bool(words & {"you", "your", "people"})
        and not claimed
        and not strangers(f"x {sentence}", known)
        and "{" not in sentence
    )


def _granted(item: Item, condition: Condition) -> str:
    """Return how an item satisfies a condition, in the item's own values."""
    value = item.attributes.get(condition.attribute)
    if condition.op == "not in":
        return f"not {' or '.join(str(v).lower() for v in condition.values)}"
    if isinstance(value, float | int):
        return f"from {value:g}" if 1000 <= value < 3000 else f"{condition.attribute} {value:g}"
    held = value if isinstance(value, tuple) else (str(value),)
    return " and ".join(v.lower() for v in held if v in condition.values) or f"{condition}"


def _rated(event: Event | None) -> str:
    if event is None or event.value is None:
        return ", which you know"
    highest = f" of {event.scale[1]:g}" if event.scale is not None else ""
    return f", which you rated {event.value:g}{highest}"


_VERBS = {
    "loves": "love",
    "likes": "like",
    "enjoys": "enjoy",
    "rates": "rate",
    "picks": "pick",
    "favours": "favour",
    "chooses": "choose",
    "watches": "watch",
    "finds": "find",
    "prefers": "prefer",
}


def _told(text: str) -> str:
    """Turn a portrait line about the user into words to the user, up to its examples."""
    head = text.removeprefix("The user ").split(",")[0].split(" such as ")[0].split(" like ")[0].rstrip(".")
    verb, _, rest = head.partition(" ")
    return f"you {_VERBS.get(verb, verb)} {rest}".strip()
