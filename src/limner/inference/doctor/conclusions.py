"""What the findings amount to: whether limner can work with an endpoint, how, and by which settings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.inference.doctor.report import Finding, Verdict
from limner.inference.language_model import LanguageModel
from limner.settings import Settings

__all__ = ["Conclusions", "conclude"]

_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?([bm])(?![a-z])", re.IGNORECASE)
_SMALL = 4.0
"""Billions of parameters below which one call per batch asks too much of a model (docs/decisions/0003)."""
_UNDERSTANDS = 1.0
"""Billions of parameters below which instruct models did no better than chance on preferences."""


@dataclass(frozen=True, slots=True)
class Conclusions:
    """The end of a report."""

    usable: bool
    summary: tuple[str, ...]
    settings: dict[str, str]


def conclude(findings: Sequence[Finding], model: LanguageModel, settings: Settings | None) -> Conclusions:
    """Draw the conclusions from what was found.

    Args:
        findings: In the order in which they were made.
        model: The model that was examined.
        settings: Those that it was made from, if it was made from settings.
    """
    verdicts = {finding.probe: finding.verdict for finding in findings}
    if gone := next((finding for finding in findings if finding.probe == "gone"), None):
        return Conclusions(False, (f"limner cannot work with it: {gone.answered}",), {})
    answers = next((finding for finding in findings if finding.probe == "answers"), None)
    if answers is None or answers.verdict != "works":
        because = f"{answers.answered} {answers.meaning}" if answers else "it was not asked."
        return Conclusions(False, (f"limner cannot work with it: {because}",), {})
    usable = _objects(verdicts) or verdicts.get("logprobs") == "works"
    plan = _plan(verdicts, model)
    sentences = [
        _first_sentence(verdicts, usable),
        _plan_sentence(plan, model),
        _choices_sentence(verdicts),
        _likelihood_sentence(verdicts),
        _size_sentence(model),
    ]
    return Conclusions(usable, tuple(filter(None, sentences)), _settings(findings, model, settings, plan))


def _objects(verdicts: dict[str, Verdict]) -> bool:
    """Whether objects can be had at all, at the first try or a later one."""
    return verdicts.get("schema", "unknown") != "refused"


def _first_sentence(verdicts: dict[str, Verdict], usable: bool) -> str:
    schema = verdicts.get("schema", "unknown")
    if not usable:
        return "limner cannot work with it: it refuses JSON schemas and tells no probabilities."
    if schema == "works":
        return _with_schemas(verdicts.get("schema_lists", "unknown"), verdicts.get("schema_union", "unknown"))
    return {
        "refused": "limner can answer questions with it; it cannot reflect in batches, and the recommending agent cannot decide.",
        "does not": "limner can try to work with it: no schema is enforced, so objects are checked and asked for again, which a "
        "strong model manages and a small one does not.",
        "unknown": "limner can answer questions with it; whether objects come out right is open.",
    }[schema]


def _with_schemas(lists: Verdict, union: Verdict) -> str:
    if "unknown" in (lists, union):
        return "limner can ask for objects with it; whether lists and unions of them come out right is open."
    if lists != "works":
        reflects = (
            "limner can ask and reflect with it, with the call plan `small`: lists do not come out right here"
        )
    else:
        reflects = "limner can reflect, summarise, ask and recommend with it"
    return (
        f"{reflects}."
        if union == "works"
        else f"{reflects}, but the recommending agent's own decisions will fail."
    )


def _plan(verdicts: dict[str, Verdict], model: LanguageModel) -> str:
    small = [verdicts.get(name) for name in ("choice", "opening", "logprobs")]
    if verdicts.get("schema_lists") in ("refused", "does not") and verdicts.get("choice") == "works":
        return "small"
    size = parameters(model.name)
    if size is not None and size < _SMALL and all(verdict == "works" for verdict in small):
        return "small"
    return model.plan


def parameters(name: str) -> float | None:
    """Return how many billions of parameters a model has by its name; none if that does not say."""
    found = _SIZE.search(re.sub(r"[-_/:]", " ", name))
    if found is None:
        return None
    return float(found[1]) / (1 if found[2].lower() == "b" else 1000)


def _plan_sentence(plan: str, model: LanguageModel) -> str:
    told = {
        "small": "The call plan is `small`: many short questions on one cached prefix.",
        "batch": "The call plan is `batch`: one call for as many observations as fit.",
    }
    if plan == model.plan:
        return told[plan]
    size = parameters(model.name)
    why = (
        f"by its name the model has {size:g} billion parameters"
        if size and size < _SMALL
        else "lists do not come out right"
    )
    return f"The call plan is `{model.plan}`; set it to `{plan}`, as {why}."


def _choices_sentence(verdicts: dict[str, Verdict]) -> str:
    if verdicts.get("logprobs") == "works":
        return "Judgements (ranking, audits, the plan `small`) know how sure the model is."
    if "unknown" in (verdicts.get("logprobs", "unknown"), verdicts.get("choice", "unknown")):
        return "How judgements (ranking, audits, the plan `small`) are had is open."
    if verdicts.get("choice") == "works":
        return "Judgements (ranking, audits, the plan `small`) are a plain yes or no, without how sure the model is."
    return "Judgements (ranking, audits, the plan `small`) rest on answers in words, or fail."


def _likelihood_sentence(verdicts: dict[str, Verdict]) -> str:
    able = {"works": "are possible", "unknown": "may be possible"}
    return f"Evaluations by the likelihood of texts {able.get(verdicts.get('likelihood', 'unknown'), 'are not possible')}."


def _size_sentence(model: LanguageModel) -> str:
    size = parameters(model.name)
    if size is not None and size < _UNDERSTANDS:
        return f"By its name the model has {size:g} billion parameters: it keeps to forms and understands little. Use it for tests alone."
    return "This tells that the forms work; how good the answers are, `limner eval` tells."


def _settings(
    findings: Sequence[Finding], model: LanguageModel, settings: Settings | None, plan: str
) -> dict[str, str]:
    found: dict[str, str] = {}
    if settings is not None and settings.base_url is not None:
        found["LIMNER_BASE_URL"] = settings.base_url
    found["LIMNER_MODEL"] = model.name if settings is None else settings.model
    if settings is not None and settings.base_url is not None and settings.api_key is not None:
        found["LIMNER_API_KEY"] = "(as it is set now)"
    context = next((finding for finding in findings if finding.probe == "context"), None)
    if context is not None and model.endpoint is not None:
        if context.verdict == "unknown":
            found["LIMNER_CONTEXT_LENGTH"] = "(what the model is served with)"
        elif context.verdict == "does not":
            found["LIMNER_CONTEXT_LENGTH"] = f"{context.figures['context_tokens']:.0f}"
    if plan != model.plan:
        found["LIMNER_CALL_PLAN"] = plan
    return found
