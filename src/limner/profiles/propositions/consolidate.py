"""Consolidate: compare what a reflection touched with everything that is held, and let what says the same become one.

A draft is compared with the few statements nearest to it when it comes in. What was stored by different batches, or grew alike since,
is found here. Only what is near by the encoder is asked about, a few neighbours of what was touched, so the model is never asked about all
pairs. The outcome is that of `revise`, as if what was touched were said again.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from anyio import to_thread

from limner.inference import LanguageModel
from limner.memory.records import Proposition, utc_now
from limner.memory.user import UserMemory
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.relate import Candidate, Relation, relate
from limner.profiles.propositions.revise import Revision, revise
from limner.profiles.propositions.versions import again

__all__ = ["Pair", "consolidate", "pair"]

_NEAR = 0.75
"""Cosine of all-MiniLM-L6-v2 from which on two statements that are held are compared."""
_NEIGHBOURS = 4
_MOST = 60
"""Pairs that are asked about at the end of one reflection, the nearest first."""

Pair = frozenset[str]
"""The texts of two statements, in no order."""


def pair(one: str, other: str) -> Pair:
    """Return two texts as what has been compared."""
    return frozenset((one, other))


async def consolidate(
    memory: UserMemory,
    touched: Collection[str],
    compared: Collection[Pair],
    model: LanguageModel,
    prompts: Path | None = None,
) -> Revision:
    """Return the next versions of what was touched and of its neighbours; nothing is stored here.

    Args:
        memory: The user's door.
        touched: Ids of what the reflection stored.
        compared: What the model has been asked about already.
        model: Asked as its `plan` says.
        prompts: Folder of overriding prompt files.

    Raises:
        ModelError: The model failed.
    """
    near = await to_thread.run_sync(_neighbours, memory, touched, compared)
    if not near:
        return Revision()
    now = utc_now()
    pairs = [(again(held, now), candidates) for held, candidates in near]
    found = await relate(pairs, model, prompts)
    drafts, relations = _said_again([held for held, _ in near], [d for d, _ in pairs], found)
    return revise(memory.user_id, drafts, relations)


def _neighbours(
    memory: UserMemory, touched: Collection[str], compared: Collection[Pair]
) -> list[tuple[Proposition, list[Candidate]]]:
    """Return what was touched with what is near it and was not compared with it, the nearest pairs first."""
    held = memory.propositions()
    mine = [p for p in held if p.id in set(touched) and p.topic is None]
    if not mine:
        return []
    computed = sum(p.topic is not None for p in held)
    similar = memory.similar([p.text for p in mine], _NEIGHBOURS + 1 + computed)
    seen = set(compared)
    near: list[tuple[float, Proposition, Proposition]] = []
    for one, others in zip(mine, similar, strict=True):
        for found in others:
            other = found.proposition
            asked = pair(one.text, other.text)
            if other.id == one.id or other.topic is not None or found.cosine < _NEAR or asked in seen:
                continue
            seen.add(asked)
            near.append((found.cosine, one, other))
    near.sort(key=lambda n: -n[0])
    by_one: dict[str, tuple[Proposition, list[Candidate]]] = {}
    for cosine, one, other in near[:_MOST]:
        by_one.setdefault(one.id, (one, []))[1].append(Candidate(other, cosine))
    return list(by_one.values())


def _said_again(
    held: Sequence[Proposition], drafts: Sequence[Draft], found: Sequence[Sequence[Relation]]
) -> tuple[list[Draft], list[list[Relation]]]:
    """Return as drafts what stands in a relation to something, each with itself as what it says again."""
    again_said: list[Draft] = []
    relations: list[list[Relation]] = []
    for one, draft, related in zip(held, drafts, found, strict=True):
        news = [r for r in related if r.kind != "broadens" and not _known(one, r)]
        if news:
            again_said.append(draft)
            relations.append([Relation(one, "same", asked=False), *news])
        for relation in related:
            exact = relation.target
            if relation.kind == "broadens" and isinstance(exact, Proposition):
                again_said.append(again(exact, draft.occurred_at))
                less = Relation(one, "narrows", asked=True, because=relation.because)
                relations.append([Relation(exact, "same", asked=False), less])
    return again_said, relations


def _known(one: Proposition, relation: Relation) -> bool:
    """Whether two that contradict each other know of it already."""
    theirs = {e.observation_id for e in relation.target.evidence if e.polarity == "supports"}
    against = {e.observation_id for e in one.evidence if e.polarity == "contradicts"}
    return relation.kind == "contradicts" and theirs <= against
