"""Reviewing computed findings against those held from before: worded anew, kept with new numbers, or given up."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from limner.inference import LanguageModel, load_prompt
from limner.memory.records import Observation, Proposition, Standing
from limner.profiles.propositions.confidence import as_confidence
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.findings import Baseline, Finding, Topic, attribute_keys, find
from limner.profiles.propositions.revise import Revision
from limner.profiles.propositions.word import described, evidence, faithful, since_first, word

__all__ = ["ACCEPT", "review"]

ACCEPT = 0.75
"""Least probability of a new finding that is told."""
_SHIFT = 0.5
"""Change of confidence, on the scale of the records, that is worth a new version by itself."""
_KEEP = 0.65
"""A finding that is held already is given up below this, so that one rating more or less does not make it flicker."""


async def review(
    user_id: str,
    observations: Sequence[Observation],
    held: Sequence[Proposition],
    model: LanguageModel,
    *,
    baseline: Baseline | None = None,
    prompts: Path | None = None,
) -> tuple[Revision, int]:
    """Recompute every finding and return what changes, with the number of findings looked at.

    The model is asked only for a finding that is new, has turned round, or whose sentence no longer fits the
    numbers; otherwise the new version keeps the sentence and takes the new evidence and confidence.

    Args:
        user_id: Whose.
        observations: All of the user's structured observations, the new ones included.
        held: Current propositions.
        model: Words the findings.
        baseline: General shares of attribute values; none leaves shares out.
        prompts: Folder of overriding prompt files.
    """
    prompt = load_prompt("profiles/propositions/word", prompts)
    before = {Topic.parse(p.topic).subject: p for p in held if p.topic is not None}
    findings = find(observations, baseline, threshold=_KEEP)
    revision = Revision()
    confirmed: set[tuple[str, str, str]] = set()
    for finding in findings:
        old = before.get(finding.topic.subject)
        turned = old is not None and old.topic != str(finding.topic)
        if old is not None and old.standing > Standing.INFERRED:
            confirmed.add(
                finding.topic.subject
            )  # the user has looked at it: numbers do not change it any more
            continue
        if finding.probability < (ACCEPT if old is None or turned else _KEEP):
            continue
        confirmed.add(finding.topic.subject)
        if old is not None and _unchanged(old, finding):
            continue
        if old is not None and not turned and faithful(old.text, finding) is None:
            draft = _kept(old, finding)
        else:
            draft = await word(finding, model, prompt)
        revision.add.append(draft.stored(user_id, [old] if old is not None else []))
    looked_at = {
        a for o in observations if o.event is not None for a, _ in attribute_keys(o.event.attributes)
    }
    for subject, old in before.items():
        measure, attribute, _ = subject
        # Without the catalogue that knew the attribute, or the general shares, there is nothing to judge it by.
        judged = attribute in looked_at and (measure == "rating" or baseline is not None)
        if subject not in confirmed and judged and old.standing is Standing.INFERRED:
            revision.retire[old.id] = "the ratings and choices no longer bear it out"
    return revision, len(findings)


def _unchanged(old: Proposition, finding: Finding) -> bool:
    """Whether it rests on the same observations, and what else was rated since has not made it more or less sure."""
    if abs(old.confidence - as_confidence(finding.borne_out)) >= _SHIFT:
        return False
    return {(e.observation_id, e.polarity) for e in old.evidence} == {
        (e.observation_id, e.polarity) for e in evidence(finding)
    }


def _kept(old: Proposition, finding: Finding) -> Draft:
    draft = Draft(
        text=old.text,
        evidence=evidence(finding),
        occurred_at=max(o.occurred_at for o in (*finding.supports, *finding.contradicts)),
        validity=since_first(finding),
        durability=old.durability,
        standing=old.standing,
        reasoning=described(finding),
        topic=old.topic,
        model=old.model,
        prompt_hash=old.prompt_hash,
    )
    return replace(draft, probability=finding.borne_out)
