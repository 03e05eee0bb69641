"""Whether a model tells how likely it finds a token or a text, and whether that can be true."""

import math
from collections.abc import Mapping

from langchain_core.messages import HumanMessage

from limner.errors import ConfigurationError, ContextOverflow, ModelError, ModelUnavailable
from limner.inference.choose import TOP_LOGPROBS
from limner.inference.doctor.probe import STAGE, Examination, Outcome, Probe, Timed, said
from limner.inference.likelihood import likelihoods

__all__ = ["LIKELIHOOD", "LOGPROBS"]

_SNOW = "Is snow white? Answer yes or no."
_MOON = "Which is the largest planet? Answer with its name."
_FEWER = 5
_SLACK = 0.02
"""By how much probabilities may add up to more than one: servers round, and compute in half precision."""
_FALLS_BACK = (
    "Choices by likelihood fall back to constrained ones: yes or no without how sure, so the call plan `small`, audits and the "
    "ranking of recommendations judge more coarsely, and evaluations cannot choose by `letter`."
)
_MISLED = (
    "limner would believe these numbers: use the call plan `batch`, which asks for none, and rank and audit with another "
    "endpoint."
)


async def _logprobs(exam: Examination) -> Outcome:
    dialect = await exam.model.adialect()
    if dialect == "plain":
        return Outcome("unknown", "not asked", _FALLS_BACK)
    try:
        first = await exam.reply(_SNOW, max_tokens=1, temperature=0.0, top_logprobs=TOP_LOGPROBS[dialect])
    except (ModelUnavailable, ContextOverflow):
        raise
    except ModelError as error:
        return await _fewer(exam, error)
    if not first.reply.token_logprobs or not first.reply.first_token:
        return Outcome("does not", f"{said(first.reply.text)}, without a word of how likely", _FALLS_BACK)
    second = await exam.reply(_MOON, max_tokens=1, temperature=0.0, top_logprobs=TOP_LOGPROBS[dialect])
    count, total = len(first.reply.first_token), _total(first.reply.first_token)
    figures = {"alternatives": float(count), "probability": round(total, 4)}
    answered = f"{count} likely first tokens, together {total:.3f} of the probability"
    if wrong := _wrong(first) or _wrong(second) or _canned(first, second):
        return Outcome("does not", f"{answered}; {wrong}", _MISLED, figures)
    return Outcome(
        "works",
        answered,
        "Choices by likelihood work: the call plan `small`, audits and the ranking of recommendations know how sure the model "
        "is, and evaluations can choose by `letter`.",
        figures,
    )


async def _fewer(exam: Examination, error: ModelError) -> Outcome:
    """Say whether a server that refuses as many alternatives as limner asks for gives fewer."""
    wanted = TOP_LOGPROBS[await exam.model.adialect()]
    try:
        reply = (await exam.reply(_SNOW, max_tokens=1, temperature=0.0, top_logprobs=_FEWER)).reply
    except (ModelUnavailable, ContextOverflow):
        raise
    except ModelError:
        return Outcome("refused", str(error), _FALLS_BACK)
    some = f"; {_FEWER} it gives" if reply.first_token else ""
    fix = (
        f" A server of your own can be told to give {wanted} (vLLM: --max-logprobs {wanted})." if some else ""
    )
    return Outcome("refused", f"{wanted} alternatives are refused{some}: {error}", f"{_FALLS_BACK}{fix}")


def _total(first_token: Mapping[str, float]) -> float:
    return sum(math.exp(min(logprob, 50.0)) for logprob in first_token.values())


def _wrong(timed: Timed) -> str:
    """Return what cannot be true of the log-probabilities of an answer of one token; empty if nothing."""
    alternatives = timed.reply.first_token
    chosen = timed.reply.token_logprobs[0][1] if timed.reply.token_logprobs else math.nan
    best = max(alternatives.values(), default=math.nan)
    if not all(math.isfinite(value) for value in (chosen, best)):
        return "one of them is no number"
    if _total(alternatives) > 1 + _SLACK or best > _SLACK:
        return "which is more than there can be"
    if not any(abs(value - chosen) < _SLACK for value in alternatives.values()):
        return f"the token that was chosen ({math.exp(min(chosen, 0.0)):.3f}) is not among them"
    if best - chosen > _SLACK:
        return "at temperature 0 another token was chosen than the likeliest"
    return ""


def _canned(first: Timed, second: Timed) -> str:
    same = dict(first.reply.first_token) == dict(second.reply.first_token)
    return "and quite another question gets the same" if same else ""


async def _likelihood(exam: Examination) -> Outcome:
    texts = ("Yes, it is.", "Zebra quilts vex.")
    exam.spend()
    exam.spend()
    try:
        found = await likelihoods(exam.model, [HumanMessage(_SNOW)], texts, stage=STAGE)
    except ConfigurationError:
        return Outcome(
            "does not",
            "not asked: only llama.cpp and vLLM tell",
            "Evaluations cannot choose by `text`, `text_per_token` or `text_less_prior`; `constrained` and `letter` remain.",
        )
    figures = {"likely_nats": round(found[0].total, 2), "unlikely_nats": round(found[1].total, 2)}
    answered = f"“{texts[0]}” {found[0].total:.1f} nats, “{texts[1]}” {found[1].total:.1f}"
    if (
        not all(one.total < 0 and math.isfinite(one.total) for one in found)
        or found[0].total == found[1].total
    ):
        return Outcome(
            "does not", f"{answered}, which cannot be", "Do not evaluate by the likelihood of texts.", figures
        )
    return Outcome(
        "works",
        answered,
        "Evaluations can choose by `text`, `text_per_token` and `text_less_prior`.",
        figures,
    )


LOGPROBS = Probe(
    "logprobs",
    "Probabilities of the first token",
    "“Is snow white?” and “Which is the largest planet?”, one token each with its alternatives",
    _logprobs,
    _FALLS_BACK,
)
LIKELIHOOD = Probe(
    "likelihood",
    "How likely a given text is",
    "the likelihood of a sensible and of a senseless answer",
    _likelihood,
    "Evaluations cannot choose by `text`, `text_per_token` or `text_less_prior`.",
    needs_server=True,
)
