"""Why an item is recommended: facts from the recommender, the portrait and the wish, put into one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.agents.taste import fits
from limner.inference import LanguageModel, load_prompt
from limner.memory.records import Event, Proposition
from limner.profiles.propositions.findings import Topic
from limner.profiles.propositions.propose import strangers
from limner.tools import Catalogue, Filter, Item

__all__ = ["Grounds", "grounds", "justify"]


@dataclass(frozen=True)
class Grounds:
    """What speaks for an item."""

    facts: tuple[str, ...]
    propositions: tuple[Proposition, ...]
    """Portrait lines that the item fits."""
    neighbours: tuple[str, ...]
    """Titles of the history that the base recommender goes by."""

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
        liked_from: Rating from which a neighbour counts as liked; lower-rated neighbours are not named as a reason.
    """
    facts = []
    if wished:
        facts.append(f"you wished for {wished}")
    fitting = [
        p
        for p in propositions
        if p.topic and Topic.parse(p.topic).sign == "+" and fits(item, Topic.parse(p.topic))
    ][:2]
    facts += [_told(p.text) for p in fitting[:1]]
    liked = [
        n
        for n in neighbours
        if (v := events[n].value if n in events else None) is None or liked_from is None or v >= liked_from
    ]
    named = [f"{catalogue.get(n).title}{_rated(events.get(n))}" for n in liked[:2]]
    if named:
        facts.append(f"it goes with {' and '.join(named)}")
    return Grounds(tuple(facts), tuple(fitting), tuple(catalogue.get(n).title for n in liked[:2]))


async def justify(item: Item, why: Grounds, model: LanguageModel, prompts: Path | None = None) -> str:
    """Return one sentence that says why; where the model's adds anything to the facts, the plain one takes its place."""
    prompt = load_prompt("agents/reason", prompts)
    facts = "; ".join(why.facts) or "people in general choose it"
    answer = await model.acomplete(
        prompt.messages(item=item.title, facts=facts), stage="justify", max_tokens=90
    )
    sentence = answer.strip().split("\n")[0]
    known = f"{item.title} {facts} You People"
    whole = sentence.endswith((".", "!")) and 10 < len(sentence) < 400
    return (
        sentence
        if whole and not strangers(f"x {sentence}", known) and _says_you(sentence)
        else why.sentence()
    )


def _says_you(sentence: str) -> bool:
    return (
        "you" in sentence.lower().split()
        or "your" in sentence.lower().split()
        or "people" in sentence.lower()
    )


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
