"""Audit: may this be told to this recipient for this purpose (contextual integrity; GUM, Shaikh et al. 2025, §3)?

Runs when something is to be shared, never at ingest. Every decision is logged behind the user's own door. In doubt, and for
sensitive types that the recipient's purpose does not name, the answer is no.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.memory.records import Proposition
from limner.memory.user import UserMemory

__all__ = ["Decision", "audit", "sensitive_types"]

_SHARE_ABOVE = 0.0
_SENSITIVE = {
    "health": r"health|ill(ness)?\b|disease|doctor|therap|medic|diagnos|depress|anxi|pregnan|allerg|diabet|cancer|surgery|operation|disab",
    "finances": r"salary|earns?\b|debt|loan|mortgage|bank(ing|rupt)|income|savings|tax(es)?\b",
    "sexuality": r"\bgay\b|lesbian|bisexual|transgender|sexual|dating",
    "religion": r"religio|church|mosque|synagogue|pray|muslim|christian|jewish|hindu|buddhis|atheis",
    "politics": r"politic|\bvot(e|es|ed|ing)\b|democrat|republican|conservative party|labour party|activis",
    "ethnicity": r"ethnic|\brace\b|racial|immigra|asylum|refugee",
    "whereabouts": r"\blives? (in|at|on)\b|address|street|commut|moved to",
    "crime": r"arrest|convict|prison|probation|crimin(al|ally)",
    "identifiers": r"password|passport|phone number|e-?mail|social security|@|\b\d{6,}\b",
}


@dataclass(frozen=True)
class Decision:
    """What was decided about one proposition."""

    proposition: Proposition
    share: bool
    reason: str


def sensitive_types(text: str) -> tuple[str, ...]:
    """Return the sensitive types that a statement touches, by the words in it; English only."""
    lowered = text.lower()
    return tuple(name for name, pattern in _SENSITIVE.items() if re.search(pattern, lowered))


async def audit(
    user: UserMemory,
    propositions: Sequence[Proposition],
    recipient: str,
    purpose: str,
    model: LanguageModel,
    prompts: Path | None = None,
) -> list[Decision]:
    """Decide for each proposition whether it may be told, and log the decision.

    A sensitive type is withheld without asking unless the purpose itself is about that type; everything else is the
    model's to judge.

    Args:
        user: Whose; the log is kept there.
        propositions: What would be told.
        recipient: To whom, in words.
        purpose: What for, in words.
        model: Whom to ask.
        prompts: Folder of overriding prompt files.
    """
    prompt = load_prompt("profiles/propositions/audit", prompts)
    decisions = []
    named = set(sensitive_types(f"{recipient} {purpose}"))
    with model.ledger.stage(user=user.user_id):
        for proposition in propositions:
            touched = [name for name in sensitive_types(proposition.text) if name not in named]
            if touched:
                decision = Decision(
                    proposition, False, f"sensitive ({', '.join(touched)}) and not what it is for"
                )
            else:
                messages = prompt.messages(note=proposition.text, recipient=recipient, purpose=purpose)
                choice = await choose(model, messages, ["share", "withhold"], stage="audit", method="loglik")
                odds = (
                    choice.scores[0] - choice.scores[1]
                    if choice.scores
                    else (1.0 if choice.index == 0 else -1.0)
                )
                share = odds > _SHARE_ABOVE
                decision = Decision(proposition, share, f"{model.name} judged so (log-odds {odds:+.1f})")
            await to_thread.run_sync(_log, user, recipient, purpose, decision)
            decisions.append(decision)
    return decisions


def _log(user: UserMemory, recipient: str, purpose: str, decision: Decision) -> None:
    user.record_audit(
        recipient,
        purpose,
        decision="share" if decision.share else "withhold",
        proposition_id=decision.proposition.id,
        reason=decision.reason,
    )
