"""Support: does what a draft quotes say what the draft says?

That a quote is in the text is not that it bears the statement out. A model that writes a note about a sentence turns denials
round, takes a wish or an if for a fact, gives the life of somebody else to the user, or makes "always" of "once"; judging
a note that is there is easier than writing one, so the same model is asked again, by one of two call plans.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from limner.errors import MalformedOutput
from limner.inference import LanguageModel, Prompt, load_prompt
from limner.inference.choose import choose
from limner.inference.structured import structured
from limner.profiles.propositions.drafts import Draft, Refusal
from limner.profiles.propositions.parts import parts

__all__ = ["NOT_SUPPORTED", "Verdict", "Verdicts", "supported"]

NOT_SUPPORTED = "not supported by"
"""How the reason of such a refusal begins."""
_ABOVE = 0.0
"""Log-odds of yes above which a draft stays. Of 34 hand-made notes that say something else 27 lie below, of 19 that do not none."""
_ANOTHER = re.compile(r"(?:^|[.!?])\W*(?:(?:and|but|so|also|then)\W+)?(?:he|she|they)\W+(\w+)", re.IGNORECASE)
_SELF = re.compile(r"\b(?:i|we)\W+(\w+)", re.IGNORECASE)
_BEGINS_WITH_ANOTHER = re.compile(r"\W*(?:(?:and|but|so|also|then)\W+)?(?:he|she|his|her)\b", re.IGNORECASE)
_BE = frozenset(("is", "are", "am", "m", "re", "was", "were"))
_FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our|ours)\b", re.IGNORECASE)
_SHOWN = 200
"""Characters of the quotes that a refusal names."""


class Verdict(BaseModel):
    """What a batch call says of one draft."""

    model_config = ConfigDict(extra="forbid")

    draft: int
    reason: str = Field(max_length=300)
    supported: bool


class Verdicts(BaseModel):
    """The answer to a batch call."""

    model_config = ConfigDict(extra="forbid")

    verdicts: list[Verdict] = Field(max_length=100)


async def supported(
    drafts: Sequence[Draft], model: LanguageModel, prompts: Path | None = None
) -> tuple[list[Draft], list[Refusal]]:
    """Return the drafts that their quotes bear out, and for each of the others why it is refused.

    Args:
        drafts: As proposed, each with its evidence.
        model: Its `plan` decides how it is asked.
        prompts: Folder of overriding prompt files.

    Raises:
        MalformedOutput: The model left drafts without a verdict, or its answer did not have the form asked for.
        ModelError: The model failed otherwise.
    """
    if not drafts:
        return [], []
    if model.plan == "batch":
        reasons = await _in_few_calls(drafts, model, load_prompt("profiles/propositions/support", prompts))
    else:
        prompt = load_prompt("profiles/propositions/supports", prompts)
        reasons = [await _asked(draft, model, prompt) for draft in drafts]
    kept = [draft for draft, reason in zip(drafts, reasons, strict=True) if reason is None]
    refused = [
        Refusal(draft.text, reason, tuple(dict.fromkeys(e.observation_id for e in draft.evidence)))
        for draft, reason in zip(drafts, reasons, strict=True)
        if reason is not None
    ]
    return kept, refused


async def _asked(draft: Draft, model: LanguageModel, prompt: Prompt) -> str | None:
    if _of_somebody_else(draft):
        return _reason(draft, "the words are about somebody else")
    messages = prompt.messages(quote=_quotes(draft), note=_statement(draft))
    choice = await choose(model, messages, ["yes", "no"], stage="support", method="loglik")
    return None if choice.log_odds > _ABOVE else _reason(draft)


def _of_somebody_else(draft: Draft) -> bool:
    """Whether the user is put in the place of a "he", "she" or "they": small models overlook it.

    That is so where all that is quoted is of a "he" or "she", and where the statement goes on as a sentence about others does, and
    none about oneself: "They always ask me" and "The user always asks".
    """
    quotes, statement = _quotes(draft), _statement(draft)
    said = re.match(r"The user (\w+)", statement)
    if said is None:
        return False
    if _BEGINS_WITH_ANOTHER.match(quotes) is not None and _FIRST_PERSON.search(quotes) is None:
        return True
    others, own = ([_alike(said[1], w) for w in words.findall(quotes)] for words in (_ANOTHER, _SELF))
    return any(others) and not any(own)


def _alike(one: str, other: str) -> bool:
    """Whether two words are forms of one, as a verb has them."""
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    if {short, long} <= _BE:
        return True
    return long.startswith(short) and len(long) - len(short) <= 2


def _reason(draft: Draft, because: str = "") -> str:
    quotes = _quotes(draft)
    shown = quotes if len(quotes) <= _SHOWN else f"{quotes[: _SHOWN - 1]}…"
    return f'{NOT_SUPPORTED} "{shown}"' + (f": {because}" if because else "")


async def _in_few_calls(drafts: Sequence[Draft], model: LanguageModel, prompt: Prompt) -> list[str | None]:
    lines = [_line(number, draft) for number, draft in enumerate(drafts, start=1)]
    frame = prompt.messages(drafts="")
    reasons: list[str | None] = []
    for part in await parts(lines, model, frame=frame, schema=Verdicts, answer_tokens=_answer_tokens):
        asked = drafts[part]
        verdicts, _ = await _verdicts(asked, model, prompt)
        missing = [place for place in range(len(asked)) if place not in verdicts]
        if missing:
            again, raw = await _verdicts([asked[place] for place in missing], model, prompt)
            if len(again) < len(missing):
                left = len(missing) - len(again)
                raise MalformedOutput(f"{left} of {len(missing)} drafts were left without a verdict.", raw)
            verdicts |= {place: again[position] for position, place in enumerate(missing)}
        for place, draft in enumerate(asked):
            verdict = verdicts[place]
            reasons.append(None if verdict.supported else _reason(draft, verdict.reason.strip()))
    return reasons


async def _verdicts(
    drafts: Sequence[Draft], model: LanguageModel, prompt: Prompt
) -> tuple[dict[int, Verdict], str]:
    """Return the verdicts by the place of their draft, and the answer; those on drafts that are not there are left out."""
    lines = [_line(number, draft) for number, draft in enumerate(drafts, start=1)]
    messages = prompt.messages(drafts="\n".join(lines))
    answer = await structured(
        model, messages, Verdicts, stage="support", max_tokens=_answer_tokens(len(drafts))
    )
    found = {v.draft - 1: v for v in answer.verdicts if 1 <= v.draft <= len(drafts)}
    return found, answer.model_dump_json()


def _line(number: int, draft: Draft) -> str:
    return f"[{number}] said: {_quotes(draft)} | statement: {_statement(draft)}"


def _statement(draft: Draft) -> str:
    # A date that limner has worked out is not the model's, and a small model does not find it in "today".
    return _one_line(draft.worded or draft.text)


def _quotes(draft: Draft) -> str:
    return _one_line(" ".join(e.quote for e in draft.evidence if e.polarity == "supports"))


def _one_line(text: str) -> str:
    """Return a text that cannot pose as another line."""
    return " ".join(text.split())


def _answer_tokens(drafts: int) -> int:
    return 40 + 50 * drafts
