"""What "forget that" means: which records are to be erased, and what is said about it."""

from collections.abc import Sequence

import numpy as np

from limner.agents.conversation.acts import About, Asked, Farewell, Forget, More, Profile, Small, Why
from limner.agents.conversation.dialogue import Dialogue, Told, Turn
from limner.agents.sayings import telling
from limner.memory.bm25 import BM25
from limner.memory.records import Observation, Proposition
from limner.memory.user import UserMemory

__all__ = ["forgotten"]

_ASKING = (About, Asked, Farewell, Forget, More, Profile, Small, Why)
_FOUND = 5
"""Records that are offered where something is to be forgotten by its words."""


def forgotten(act: Forget, dialogue: Dialogue, user: UserMemory) -> tuple[Told, Sequence[str]]:
    """Return what is said, and the ids of what is to be erased: observations, or propositions.

    "That" is the newest turn that told something, not one that only asked. The turn that asks for it says again what it is about, so it is
    erased too. By words nothing is erased at once: they are searched for, and
    what is found is listed by number for the user to choose from.

    Args:
        act: What is to be forgotten.
        dialogue: The session; its newest turn asks for it.
        user: Whose records.
    """
    asking, before = dialogue.turns[-1], dialogue.turns[:-1]
    if act.what == "words":
        return _offered(act, asking, user), ()
    if act.what == "listed":
        return _listed(act, asking, before)
    if act.what == "last" and before and before[-1].told is not None and before[-1].told.listed:
        return Told(act="control", text="Which of these? Say “forget number 1”, or another number."), ()
    meant = before if act.what == "session" else [turn for turn in before if _tells(turn)][-1:]
    if not meant:
        return Told(act="control", text="There is nothing to forget yet in this conversation."), (
            asking.observation,
        )
    what = "everything you said in this conversation" if act.what == "session" else "what you said last"
    text = f"I have forgotten {what}, and everything that came of it."
    return Told(act="control", text=text), (*(turn.observation for turn in meant), asking.observation)


def _tells(turn: Turn) -> bool:
    """Whether a turn says something of the user, and does not only ask."""
    return bool(turn.unread) or any(not isinstance(act, _ASKING) for act in turn.acts) or not turn.acts


def _listed(act: Forget, asking: Turn, before: Sequence[Turn]) -> tuple[Told, Sequence[str]]:
    lister = next((turn for turn in reversed(before) if turn.told is not None and turn.told.listed), None)
    listed = lister.told.listed if lister is not None and lister.told is not None else ()
    ids = [listed[number - 1] for number in act.numbers if 1 <= number <= len(listed)]
    if len(ids) < max(len(act.numbers), 1):
        text = (
            f"The list has the numbers 1 to {len(listed)}."
            if listed
            else "I have listed nothing yet: ask what I know about you."
        )
        return Told(act="control", text=text), ()
    numbers = " and ".join(str(number) for number in act.numbers)
    return Told(act="control", text=f"I have forgotten number {numbers}."), (
        *ids,
        *_saying_it(lister),
        asking.observation,
    )


def _saying_it(lister: Turn | None) -> Sequence[str]:
    """Return the turn that asked for the list if it said by its words what is to be forgotten."""
    by_words = lister is not None and any(
        isinstance(act, Forget) and act.what == "words" for act in lister.acts
    )
    return (lister.observation,) if lister is not None and by_words else ()


def _offered(act: Forget, asking: Turn, user: UserMemory) -> Told:
    # The turn itself says the words; it cannot be what they are about.
    records: list[Proposition | Observation] = [
        *user.propositions(),
        *(o for o in user.observations() if o.id != asking.observation),
    ]
    scores = BM25([record.text for record in records]).scores(" ".join(telling(act.words or act.quote)))
    order = [place for place in np.argsort(-scores, kind="stable")[:_FOUND] if scores[place] > 0]
    found = [records[place] for place in order]
    if not found:
        return Told(act="control", text="I find nothing about that.", evidence=(asking.observation,))
    lines = [f"{number}. {record.text}" for number, record in enumerate(found, start=1)]
    evidence = [asking.observation, *(record.id for record in found)]
    evidence += [
        e.observation_id for record in found if isinstance(record, Proposition) for e in record.evidence
    ]
    return Told(
        act="control",
        text="\n".join(["This is what I find about that. Say “forget number 1”, and it is gone:", *lines]),
        listed=tuple(record.id for record in found),
        evidence=tuple(dict.fromkeys(evidence)),
    )
