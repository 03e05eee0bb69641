"""The General User Model's loop: claim a batch, propose, relate, revise, store (Shaikh et al. 2025, §3).

Nothing is marked as done before its outcome is stored, in the same transaction. A malformed answer puts the batch back with a
back-off and, after some tries, parks it with the reason; an endpoint that is down, or an interruption, puts it back as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import anyio
import numpy as np
from anyio import to_thread

from limner.errors import ModelError, ModelUnavailable
from limner.inference import Encoder, LanguageModel
from limner.memory.queue import Batch
from limner.memory.records import Observation, Proposition
from limner.memory.user import UserMemory
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.findings import Baseline
from limner.profiles.propositions.propose import propose
from limner.profiles.propositions.relate import Candidate, relate
from limner.profiles.propositions.review import review
from limner.profiles.propositions.revise import Revision, revise
from limner.settings import Settings

__all__ = ["Reflection", "ReflectionStep", "reflect"]

_RECALLED = 3
"""Stored propositions that a draft is compared with, as in GUM."""


@dataclass(frozen=True)
class ReflectionStep:
    """Progress of a reflection, for whoever shows it."""

    stage: Literal["claimed", "proposed", "related", "stored", "failed"]
    batch: int
    """From 1."""
    observations: int
    """Observations of this batch."""
    detail: str = ""


@dataclass
class Reflection:
    """What a reflection did."""

    batches: int = 0
    observations: int = 0
    proposed: int = 0
    """Drafts and computed findings that were looked at."""
    added: list[Proposition] = field(default_factory=list)
    """New lines."""
    revised: list[Proposition] = field(default_factory=list)
    """New versions of what was held before."""
    retired: dict[str, str] = field(default_factory=dict)
    """Ids of propositions that are held no longer and have no successor, and why."""
    refused: list[Refusal] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why a batch could not be finished; its observations stay pending or were parked."""
    pending: int = 0
    """Observations that still wait."""
    parked: int = 0
    """Observations that failed too often."""


async def reflect(
    memory: UserMemory,
    model: LanguageModel,
    encoder: Encoder,
    settings: Settings,
    *,
    baseline: Baseline | None = None,
    progress: Callable[[ReflectionStep], None] = lambda step: None,
) -> Reflection:
    """Work through everything of one user that waits, batch by batch.

    Args:
        memory: The user's door.
        model: Asked as its `plan` says.
        encoder: The one that the memory uses; compares drafts with each other.
        settings: Batch size and prompt overrides.
        baseline: General shares of attribute values, for "chooses more often than most".
        progress: Called at each step.

    Raises:
        ModelUnavailable: The endpoint is down before anything could be done; everything stays pending.
        StoreError: The store failed; the batch in hand stays pending.
    """
    result = Reflection()
    with model.ledger.stage(user=memory.user_id):
        while True:
            batch = await to_thread.run_sync(memory.claim, settings.batch_tokens, model.count_tokens)
            if batch is None:
                break
            result.batches += 1
            number, size = result.batches, len(batch.observations)
            progress(ReflectionStep("claimed", number, size))
            try:
                revision = await _conclude(
                    memory, batch, model, encoder, settings, baseline, result, progress
                )
                await to_thread.run_sync(_store, memory, batch, revision)
            except ModelUnavailable:
                # An outage is not the observations' fault: no attempt is counted.
                await to_thread.run_sync(memory.release, batch)
                raise
            except ModelError as error:
                await to_thread.run_sync(memory.release, batch, str(error))
                result.failed.append(str(error))
                progress(ReflectionStep("failed", number, size, str(error)))
                continue
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(memory.release, batch)
                raise
            result.observations += size
            result.added += [p for p in revision.add if not p.supersedes]
            result.revised += [p for p in revision.add if p.supersedes]
            result.retired |= revision.retire
            result.refused += revision.refused
            progress(ReflectionStep("stored", number, size, f"{len(revision.add)} propositions"))
    status = await to_thread.run_sync(memory.status)
    result.pending, result.parked = status.pending, len(status.parked)
    return result


async def _conclude(
    memory: UserMemory,
    batch: Batch,
    model: LanguageModel,
    encoder: Encoder,
    settings: Settings,
    baseline: Baseline | None,
    result: Reflection,
    progress: Callable[[ReflectionStep], None],
) -> Revision:
    """Return what the batch amounts to; nothing is stored here."""
    number, size = result.batches, len(batch.observations)
    told = [o for o in batch.observations if o.event is None]
    drafts, refused = await propose(told, model, settings.prompts)
    progress(ReflectionStep("proposed", number, size, f"{len(drafts)} drafts"))
    pairs = await to_thread.run_sync(_recall, memory, drafts, encoder)
    relations = await relate(pairs, model, settings.prompts)
    progress(ReflectionStep("related", number, size))
    revision = revise(memory.user_id, drafts, relations)
    revision.refused += refused
    looked_at = 0
    if len(told) < size:
        observations = await to_thread.run_sync(_structured, memory, batch)
        held = await to_thread.run_sync(memory.propositions)
        reviewed, looked_at = await review(
            memory.user_id, observations, held, model, baseline=baseline, prompts=settings.prompts
        )
        revision += reviewed
    result.proposed += len(drafts) + looked_at
    return revision


def _structured(memory: UserMemory, batch: Batch) -> list[Observation]:
    """Return the structured observations that were reflected on before, and those of the batch, in order of time."""
    mine = {o.id for o in batch.observations}
    waiting = {o.id for o in memory.observations(pending=True)} - mine
    return [o for o in memory.observations() if o.event is not None and o.id not in waiting]


def _recall(memory: UserMemory, drafts: list[Draft], encoder: Encoder) -> list[tuple[Draft, list[Candidate]]]:
    """Pair each draft with the nearest stored propositions and the earlier drafts of its batch, nearest first."""
    if not drafts:
        return []
    texts = [draft.text for draft in drafts]
    vectors = encoder.encode_documents(texts)
    cosines = np.asarray(vectors @ vectors.T)
    pairs = []
    for position, (draft, stored) in enumerate(zip(drafts, memory.similar(texts, _RECALLED), strict=True)):
        candidates = [Candidate(s.proposition, s.cosine) for s in stored if s.proposition.topic is None]
        candidates += [Candidate(drafts[i], float(cosines[position, i])) for i in range(position)]
        nearest = sorted(candidates, key=lambda c: -c.cosine)
        pairs.append((draft, nearest[:_RECALLED]))
    return pairs


def _store(memory: UserMemory, batch: Batch, revision: Revision) -> None:
    memory.apply(batch, add=revision.add, retire=revision.retire)
