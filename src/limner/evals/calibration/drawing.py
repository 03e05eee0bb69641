"""Propositions drawn from what people said, by limner as it is, each judged by what is known of them."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from limner.api import Limner
from limner.evals.calibration.claims import Claim, Sample
from limner.evals.calibration.judging import judge
from limner.evals.calibration.personas import Persona, Personas
from limner.inference import Encoder, LanguageModel
from limner.memory.records import NewObservation, Proposition
from limner.profiles.propositions.confidence import posterior
from limner.profiles.propositions.recalibration import kind_of
from limner.settings import Settings

__all__ = ["drawn_claims"]


def drawn_claims(
    people: Personas,
    store: Path | None = None,
    *,
    settings: Settings | None = None,
    model: LanguageModel | None = None,
    encoder: Encoder | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Sample:
    """Let limner read what each person said, and judge what it concluded.

    Args:
        people: Who, what they said, and what is known of them.
        store: A limner folder; what was read there before is not read again. None takes a temporary one.
        settings: Model and encoder; none reads environment and `limner.toml`.
        model: Draws and judges; none is the settings' own.
        encoder: None is the settings' own.
        tell: Is told how far it is.

    Raises:
        ModelUnavailable: The model cannot be reached; what was read is in `store`.
        StoreError: The folder cannot be used.
    """
    with ExitStack() as stack:
        if store is None:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="limner-calibration-")))
        chosen = (settings or Settings()).model_copy(update={"home": store.absolute(), "dataset": None})
        limner = stack.enter_context(Limner.open(settings=chosen, model=model, encoder=encoder))
        limner.portal.run(_read, limner, people, tell)
        judged = limner.portal.run(_judged, limner, people, tell)
        name = limner.model.name
    facts = sum(len(person.facts) for person in people.people)
    claims = tuple(claim for found, _ in judged for claim in found)
    without = sum(claim.held is None for claim in claims)
    return Sample(
        source=people.source,
        claims=claims,
        users=tuple(person.name for person in people.people),
        covered=sum(touched for _, touched in judged),
        coverable=facts,
        data=people.data,
        counted={"proposition that no gold fact settles, not judged": without} if without else {},
        model=name,
    )


async def _read(limner: Limner, people: Personas, tell: Callable[[str], None]) -> None:
    async def one(person: Persona) -> None:
        user = limner.user(person.name)
        user.observe_many([
            NewObservation(said.text, source="chat", occurred_at=said.at, key=said.key, session=said.session)
            for said in person.said
        ])
        outcome = await user.areflect()
        tell(f"{person.name}: {len(person.said)} utterances read, {len(outcome.added)} new propositions")
        for problem in outcome.failed:
            tell(f"{person.name}: {problem}")

    await asyncio.gather(*(one(person) for person in people.people))


async def _judged(
    limner: Limner, people: Personas, tell: Callable[[str], None]
) -> list[tuple[list[Claim], int]]:
    found = []
    for person in people.people:
        held = limner.user(person.name).propositions()
        verdicts = await judge(
            [proposition.text for proposition in held],
            person.facts,
            limner.model,
            limner.encoder,
            prompts=limner.settings.prompts,
        )
        claims = [
            _claim(person.name, proposition, verdict.held, verdict.fact, limner.model.name)
            for proposition, verdict in zip(held, verdicts, strict=True)
        ]
        touched = {fact for verdict in verdicts for fact in verdict.touched}
        judged = sum(verdict.held is not None for verdict in verdicts)
        tell(f"{person.name}: {judged} of {len(held)} propositions judged by {len(person.facts)} facts")
        found.append((claims, len(touched)))
    return found


def _claim(user: str, proposition: Proposition, held: float | None, fact: str, judge_name: str) -> Claim:
    return Claim(
        user=user,
        kind=kind_of(proposition.standing, proposition.topic) or "stated",
        text=proposition.text,
        topic=fact,
        # As it was before any map, so that a map is never fitted on another.
        probability=posterior(proposition.supporting, proposition.contradicting, proposition.standing),
        held=held,
        support=proposition.supporting,
        judged=f"{judge_name}, against the gold facts",
    )
