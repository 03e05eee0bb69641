"""The General User Model's loop: claim a batch, propose, check the support, relate, revise, store (Shaikh et al. 2025, §3).

Nothing is marked as done before its outcome is stored, in the same transaction. A malformed answer, or a batch on which the
endpoint fails while it answers otherwise, puts the batch back with a back-off and, after some tries, parks it with the reason;
an endpoint that is down, a store that fails, or an interruption, puts it back as it was.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import anyio
import numpy as np
from anyio import to_thread
from langchain_core.messages import HumanMessage

from limner.errors import InputError, LimnerError, ModelError, ModelUnavailable, StaleClaim, StoreError
from limner.inference import Encoder, LanguageModel
from limner.inference.ledger import Meter, measured
from limner.inference.pace import Patience, patient
from limner.inference.reply import estimate_tokens
from limner.memory.claims import Batch
from limner.memory.records import Observation, Proposition
from limner.memory.user import UserMemory
from limner.profiles.propositions.consolidate import Pair, consolidate, pair
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.explanation import Explanation, Trace
from limner.profiles.propositions.findings import Baseline
from limner.profiles.propositions.pictures import bring_back, look
from limner.profiles.propositions.propose import propose
from limner.profiles.propositions.recalibration import read_maps, using_maps
from limner.profiles.propositions.relate import Candidate, relate
from limner.profiles.propositions.review import review
from limner.profiles.propositions.revise import Revision, revise
from limner.profiles.propositions.support import supported
from limner.settings import Settings

__all__ = ["ItemKnowledge", "Reflection", "ReflectionStep", "reflect", "work_off"]

Stage = Literal["claimed", "proposed", "related", "stored", "failed"]

_RECALLED = 3
"""Stored propositions that a draft is compared with, as in GUM."""

_PROBE = "Answer with one word: yes"
_PROBE_S = 30.0
"""Longest wait for the answer to the probe, in seconds."""
_AT_ONCE = Patience(busy_s=0.0, down_s=0.0)


@dataclass(frozen=True)
class ReflectionStep:
    """Progress of a reflection, for whoever shows it."""

    stage: Stage
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
    consolidated: dict[str, str] = field(default_factory=dict)
    """Which of the revised were made at the end from what was held already, by id, and why."""
    failed: list[str] = field(default_factory=list)
    """Why a batch could not be finished; its observations stay pending or were parked."""
    pending: int = 0
    """Observations that still wait."""
    parked: int = 0
    """Observations that failed too often."""
    unseen: int = 0
    """Observations that were put off, since they have a picture and the model does not see."""
    explanations: list[Explanation] = field(default_factory=list)
    """One for each batch, where they were asked for; stored nowhere else."""


@dataclass(frozen=True)
class ItemKnowledge:
    """What is known of the items in structured observations, beyond the observations themselves."""

    baseline: Baseline | None = None
    """General shares of attribute values, for "more often than most people"."""
    resolve: Callable[[Observation], Observation] = lambda observation: observation
    """Ties the event of an observation to a catalogue."""


async def reflect(
    memory: UserMemory,
    model: LanguageModel,
    encoder: Encoder,
    settings: Settings,
    *,
    items: ItemKnowledge | None = None,
    explain: bool = False,
    progress: Callable[[ReflectionStep], None] = lambda step: None,
) -> Reflection:
    """Work through everything of one user that waits, batch by batch.

    Args:
        memory: The user's door.
        model: Asked as its `plan` says.
        encoder: The one that the memory uses; compares drafts with each other.
        settings: Batch size and prompt overrides.
        items: What is known of rated or bought items.
        explain: Whether to say of each batch what was proposed, related, revised and refused, why, and what it cost.
        progress: Called at each step.

    Raises:
        ModelUnavailable: The endpoint is down; what was not stored before stays pending, and no attempt is counted.
        StoreError: The store failed; the batch in hand stays pending.
        LimnerError: The settings are wrong, say; the batch in hand is an attempt the poorer.
    """
    result = await work_off(memory, model, encoder, settings, items=items, explain=explain, progress=progress)
    status = await to_thread.run_sync(memory.status)
    result.pending, result.parked = status.pending, len(status.parked)
    return result


async def work_off(
    memory: UserMemory,
    model: LanguageModel,
    encoder: Encoder,
    settings: Settings,
    *,
    items: ItemKnowledge | None = None,
    alone: bool = False,
    explain: bool = False,
    progress: Callable[[ReflectionStep], None] = lambda step: None,
    result: Reflection | None = None,
) -> Reflection:
    """Do as `reflect` does, without counting at the end what still waits.

    Args:
        memory: The user's door.
        model: Asked as its `plan` says.
        encoder: The one that the memory uses.
        settings: Batch size and prompt overrides.
        items: What is known of rated or bought items.
        alone: Whether to stop where somebody else works on a batch of this user.
        explain: Whether to explain each batch in the result.
        progress: Called at each step.
        result: What is done is added to this as it is done, so that it is known of a reflection that fails, too.
    """
    loop = _Loop(
        memory,
        model,
        encoder,
        settings,
        items or ItemKnowledge(),
        alone,
        explain,
        progress,
        result or Reflection(),
    )
    maps = None if settings.confidence is None else read_maps(settings.confidence)
    with model.ledger.stage(user=memory.user_id), using_maps(maps):
        await bring_back(memory, model)
        while await loop.step():
            pass
        await loop.consolidate()
    return loop.result


@dataclass
class _Loop:
    """One reflection in progress."""

    memory: UserMemory
    model: LanguageModel
    encoder: Encoder
    settings: Settings
    items: ItemKnowledge
    alone: bool
    explain: bool
    progress: Callable[[ReflectionStep], None]
    result: Reflection
    touched: list[str] = field(default_factory=list)
    """What was stored."""
    compared: set[Pair] = field(default_factory=set)
    """What the model has been asked about."""

    async def step(self) -> bool:
        """Work through one batch; return whether there was one."""
        # Where many sentences go into one call, that is split by this estimate, too; to ask an endpoint for the length of each
        # observation would take it longer than the difference is worth.
        count = self.model.count_tokens if self.model.plan == "small" else estimate_tokens
        claim = partial(self.memory.claim, self.settings.batch_tokens, count, alone=self.alone)
        batch = await self.model.in_a_thread(claim)
        if batch is None:
            return False
        self.result.batches += 1
        self._tell("claimed", batch)
        trace, start = Trace(), time.monotonic()
        with measured() as meter:
            failed: str | None = None
            try:
                await self._work_on(batch, trace)
            except LimnerError as error:
                if not await self._let_go(batch, error):
                    raise
                failed = str(error)
            except BaseException:
                await self._release(batch)
                raise
        if self.explain:
            self._explain(batch, trace, meter, time.monotonic() - start, failed)
        return True

    def _explain(self, batch: Batch, trace: Trace, meter: Meter, seconds: float, failed: str | None) -> None:
        self.result.explanations.append(
            trace.explained(self.result.batches, batch.observations, meter.rows(), seconds, failed)
        )

    async def _work_on(self, batch: Batch, trace: Trace) -> None:
        batch, unseen = await look(self.memory, batch, self.model, self.settings.prompts)
        self.result.unseen += unseen
        if not batch.observations:
            return
        revision = await self._conclude(batch, trace)
        await to_thread.run_sync(self._refuse, revision)
        trace.revision = revision
        await to_thread.run_sync(self._store, batch, revision)
        self._count(batch, revision)
        self._tell("stored", batch, f"{len(revision.add)} propositions")

    async def _let_go(self, batch: Batch, error: LimnerError) -> bool:
        """Give a batch back that failed; return whether the reflection may go on with the next."""
        counted, go_on = not isinstance(error, StoreError), isinstance(error, ModelError | StaleClaim)
        if isinstance(error, ModelUnavailable):
            try:
                # An outage is not the observations' fault; a text that an endpoint in good health fails on is.
                counted = go_on = await self._endpoint_answers()
            except BaseException:
                await self._release(batch)
                raise
        await self._release(batch, str(error) if counted else None)
        if go_on:
            self.result.failed.append(str(error))
            self._tell("failed", batch, str(error))
        return go_on

    async def _endpoint_answers(self) -> bool:
        answers = self.model.pace.answers
        try:
            with anyio.fail_after(_PROBE_S), patient(_AT_ONCE):
                await self.model.acomplete([HumanMessage(_PROBE)], stage="probe", max_tokens=1)
        except (ModelUnavailable, TimeoutError):
            return self.model.pace.answers > answers  # to others: it has much to do
        except ModelError:
            return True
        return True

    async def consolidate(self) -> None:
        """Compare what was stored with all that is held; what fails here loses nothing, and waits until it is touched again."""
        try:
            revision = await consolidate(
                self.memory, self.touched, self.compared, self.model, self.settings.prompts
            )
            if not revision.add:
                return
            await to_thread.run_sync(self._refuse, revision)
            await to_thread.run_sync(self.memory.consolidate, revision.add)
        except ModelError as error:
            self.result.failed.append(f"What is held was not compared with itself: {error}")
        except InputError:
            return  # somebody else revised, or erased, some of it meanwhile
        else:
            self.result.revised += revision.add
            self.result.consolidated |= {p.id: revision.reasons[p.id] for p in revision.add}

    async def _release(self, batch: Batch, reason: str | None = None) -> None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self.memory.release, batch, reason)

    async def _conclude(self, batch: Batch, trace: Trace) -> Revision:
        """Return what the batch amounts to; nothing is stored here."""
        prompts = self.settings.prompts
        told = [o for o in batch.observations if o.event is None]
        drafts, refused = await propose(told, self.model, prompts)
        self.result.proposed += len(drafts)
        drafts, unsupported = await supported(drafts, self.model, prompts)
        trace.refused = refused = [*refused, *unsupported]
        await to_thread.run_sync(self.memory.renew, batch)
        self._tell("proposed", batch, f"{len(drafts)} drafts")
        trace.pairs = pairs = await to_thread.run_sync(_recall, self.memory, drafts, self.encoder)
        trace.relations = relations = await relate(pairs, self.model, prompts)
        revision = revise(self.memory.user_id, drafts, relations)
        self.compared |= {
            pair(draft.text, candidate.target.text)
            for (draft, candidates), related in zip(pairs, relations, strict=True)
            for candidate in candidates
            if all(relation.asked for relation in related)
        }
        await to_thread.run_sync(self.memory.renew, batch)
        self._tell("related", batch)
        revision.refused += refused
        if len(told) < len(batch.observations):
            revision += await self._reviewed(batch, trace)
        return revision

    async def _reviewed(self, batch: Batch, trace: Trace) -> Revision:
        """Return what the structured observations amount to, those from before and those of the batch together."""
        observations = await to_thread.run_sync(_structured, self.memory, batch)
        trace.held = await to_thread.run_sync(self.memory.propositions)
        revision, looked_at = await review(
            self.memory.user_id,
            [self.items.resolve(observation) for observation in observations],
            trace.held,
            self.model,
            baseline=self.items.baseline,
            prompts=self.settings.prompts,
        )
        self.result.proposed += looked_at
        trace.findings = looked_at
        return revision

    def _refuse(self, revision: Revision) -> None:
        """Leave out what the user has denied."""
        reasons = self.memory.refused(revision.add)
        revision.refused += [
            Refusal(p.text, reasons[p.id], tuple(dict.fromkeys(e.observation_id for e in p.evidence)))
            for p in revision.add
            if p.id in reasons
        ]
        revision.add = [p for p in revision.add if p.id not in reasons]

    def _store(self, batch: Batch, revision: Revision) -> None:
        try:
            self.memory.apply(batch, add=revision.add, retire=revision.retire)
        except InputError as error:
            # No text that can be stored, or somebody else revised the same statement meanwhile.
            raise ModelError(f"What was concluded cannot be stored: {error}") from error

    def _count(self, batch: Batch, revision: Revision) -> None:
        self.result.observations += len(batch.observations)
        self.result.added += [p for p in revision.add if not p.supersedes]
        self.result.revised += [p for p in revision.add if p.supersedes]
        self.result.retired |= revision.retire
        self.touched += [p.id for p in revision.add]
        self.result.refused += revision.refused

    def _tell(self, stage: Stage, batch: Batch, detail: str = "") -> None:
        self.progress(ReflectionStep(stage, self.result.batches, len(batch.observations), detail))


def _structured(memory: UserMemory, batch: Batch) -> list[Observation]:
    """Return the structured observations that were reflected on before, and those of the batch, in order of time."""
    mine = {o.id for o in batch.observations}
    waiting = {o.id for o in memory.observations(pending=True)} - mine
    # What limner itself said is never evidence of the user.
    return [
        o
        for o in memory.observations()
        if o.event is not None and o.author != "assistant" and o.id not in waiting
    ]


def _recall(memory: UserMemory, drafts: list[Draft], encoder: Encoder) -> list[tuple[Draft, list[Candidate]]]:
    """Pair each draft with the nearest stored propositions and the earlier drafts of its batch, nearest first."""
    if not drafts:
        return []
    texts = [draft.text for draft in drafts]
    vectors = encoder.encode_documents(texts)
    cosines = np.asarray(vectors @ vectors.T)
    # Computed findings are no candidates, and must not crowd out what is.
    computed = sum(p.topic is not None for p in memory.propositions())
    similar = memory.similar(texts, _RECALLED + computed)
    pairs = []
    for position, (draft, stored) in enumerate(zip(drafts, similar, strict=True)):
        candidates = [Candidate(s.proposition, s.cosine) for s in stored if s.proposition.topic is None]
        candidates += [Candidate(drafts[i], float(cosines[position, i])) for i in range(position)]
        nearest = sorted(candidates, key=lambda c: -c.cosine)
        pairs.append((draft, nearest[:_RECALLED]))
    return pairs
