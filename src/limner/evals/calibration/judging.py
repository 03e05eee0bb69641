"""Whether a proposition is so, by the gold facts about the person: judged by a model, one fact at a time.

For each proposition the nearest facts are looked up by meaning, and for each the model says `right`, `wrong` or `open` by the
likelihood of the word. What no fact settles is not judged. A judge of this size errs: `docs/calibration.md` has how often
it agrees with a reader.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limner.evals.calibration.personas import Fact
from limner.inference import Encoder, LanguageModel, load_prompt
from limner.inference.choose import choose

__all__ = ["NEAR", "Verdict", "judge"]

NEAR = 2
"""Facts that a proposition is held against."""
_CLOSE = 0.3
"""Cosine below which a fact is about something else, and is not asked about."""
_AT_ONCE = 4
_SETTLED = 1.0
"""Log-odds against `open` from which a fact counts as settling it; chosen on 51 propositions of PersonaMem, where of 0, 0.5, 1,
1.5 and 2 it agreed with a reader most often."""
_OPTIONS = ("right", "wrong", "open")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one proposition."""

    held: float | None
    """1, 0, or none where no fact settles it."""
    fact: str = ""
    """Id of the fact that settled it."""
    odds: float = 0.0
    """Log-odds of `right` or `wrong` against `open` for that fact."""
    touched: tuple[str, ...] = ()
    """Ids of all facts that it speaks about."""


async def judge(
    texts: Sequence[str],
    facts: Sequence[Fact],
    model: LanguageModel,
    encoder: Encoder,
    *,
    prompts: Path | None = None,
) -> list[Verdict]:
    """Judge propositions about one person.

    Args:
        texts: What is said of them.
        facts: What is known of them.
        model: The judge; must give log-probabilities.
        encoder: Finds the facts to hold a proposition against.
        prompts: Folder of overriding prompt files.
    """
    if not texts or not facts:
        return [Verdict(None) for _ in texts]
    prompt = load_prompt("evals/calibration/judge", prompts)
    cosines = np.asarray(
        encoder.encode_documents(list(texts)) @ encoder.encode_documents([fact.text for fact in facts]).T
    )
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(text: str, near: Sequence[float]) -> Verdict:
        best = [int(place) for place in np.argsort(-np.asarray(near), kind="stable")[:NEAR]]
        found: list[tuple[float, float, str]] = []
        for place in (place for place in best if near[place] >= _CLOSE):
            async with gate:
                choice = await choose(
                    model,
                    prompt.messages(known=facts[place].text, note=text),
                    _OPTIONS,
                    stage="judge",
                    method="loglik",
                )
            if choice.scores is None:
                odds, index = _SETTLED, choice.index
            else:
                index = int(np.argmax(choice.scores[:2]))
                odds = choice.scores[index] - choice.scores[2]
            if index < 2 and odds >= _SETTLED:
                found.append((odds, 1.0 - index, facts[place].id))
        if not found:
            return Verdict(None)
        odds, held, fact = max(found)
        return Verdict(held, fact, odds, tuple(one[2] for one in found))

    return list(await asyncio.gather(*(one(text, near) for text, near in zip(texts, cosines, strict=True))))
