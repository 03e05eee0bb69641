"""Summary plus retrieval: what a model is told of the user, packed into a token budget (Richardson et al. 2023, §3)."""

from collections.abc import Callable
from dataclasses import dataclass

from limner.memory.records import Observation, Portrait, PortraitLine, Proposition
from limner.memory.search import Recall
from limner.memory.user import UserMemory
from limner.profiles.propositions.portraitist import lines_of
from limner.settings import RecallWeights

__all__ = ["SUMMARY_SHARE", "Context", "pack"]

_RETRIEVED = 20
_DIVERSITY = 0.3
"""What likeness to something found before costs."""
SUMMARY_SHARE = 0.5
"""Most of the budget that the portrait may take before anything is retrieved; what it leaves goes to retrieval."""


@dataclass(frozen=True)
class Context:
    """What was packed."""

    portrait: tuple[PortraitLine, ...]
    recalled: tuple[Recall, ...]
    text: str
    """Portrait lines and recalled records, a line each; empty when nothing is known."""
    tokens: int
    left_out: int
    """Propositions and recalled observations that did not fit."""


def pack(
    user: UserMemory,
    question: str,
    *,
    portrait: Portrait,
    budget: int,
    count_tokens: Callable[[str], int],
    weights: RecallWeights | None = None,
    share: float = SUMMARY_SHARE,
) -> Context:
    """Pack portrait and retrieved records into at most `budget` tokens, whole lines only.

    What the user pinned comes first; then portrait lines, surest first, up to half of the budget; then what the search finds for the
    question and the portrait does not say already; then, if there is room, the rest of the portrait.

    Args:
        user: Whose.
        question: What is searched for.
        portrait: The profile.
        budget: Tokens.
        count_tokens: Counts the tokens of a text.
        weights: Of the search; none means those of the settings, diversified.
        share: Most of the budget that the portrait takes before anything is retrieved: 0 leaves it to what retrieval leaves.
    """
    weights = weights or user.weights.model_copy(update={"diversity": _DIVERSITY})
    written: list[str] = []
    tokens = 0

    def fits(line: str, limit: float) -> bool:
        nonlocal tokens
        cost = count_tokens(line + "\n")
        if tokens + cost > limit:
            return False
        tokens += cost
        written.append(line)
        return True

    pinned = lines_of([p for p in user.propositions() if p.pinned_at is not None])
    lines = [line for line in pinned if fits(_portrait_line(line), budget)]
    kept = {p for line in lines for p in line.propositions}
    unpinned = [line for line in portrait.lines if not _is_said(line, kept)]
    lines += [line for line in unpinned if fits(_portrait_line(line), share * budget)]
    said = {p for line in lines for p in line.propositions}
    found = user.search(question, _RETRIEVED, weights=weights)
    fresh = [r for r in found if r.record.id not in said]
    recalled = [r for r in fresh if fits(_recalled_line(r), budget)]
    said |= {r.record.id for r in recalled}
    rest = [line for line in unpinned if line not in lines and not _is_said(line, said)]
    lines += [line for line in rest if fits(_portrait_line(line), budget)]
    said |= {p for line in lines for p in line.propositions}
    unsaid = {p for line in portrait.lines for p in line.propositions} | {r.record.id for r in fresh}
    left_out = len(unsaid - said)
    return Context(tuple(lines), tuple(recalled), "\n".join(written), tokens, left_out)


def _is_said(line: PortraitLine, said: set[str]) -> bool:
    """Whether every proposition behind a line stands there already."""
    return bool(line.propositions) and said.issuperset(line.propositions)


def _portrait_line(line: PortraitLine) -> str:
    sure = f" (confidence {line.confidence:g} of 10)" if line.confidence is not None else ""
    return f"- {line.text}{sure}"


def _recalled_line(recall: Recall) -> str:
    record = recall.record
    if isinstance(record, Proposition):
        return f"- {record.text} (confidence {record.confidence:g} of 10)"
    speaker = (
        "limner answered"
        if isinstance(record, Observation) and record.author == "assistant"
        else record.source
    )
    words = " ".join(record.text.split())  # a line of its own could pass for a line of the portrait
    return f"- [{record.occurred_at:%Y-%m-%d}, {speaker}] {words}"
