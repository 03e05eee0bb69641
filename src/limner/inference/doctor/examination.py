"""The examination: every probe in turn, as long as somebody answers."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from limner.errors import LimnerError, ModelError, ModelUnavailable
from limner.inference.doctor import calling, constraints, odds, server, speed
from limner.inference.doctor.conclusions import Conclusions, conclude
from limner.inference.doctor.pictures import PICTURES
from limner.inference.doctor.probe import Examination, OutOfBudget, Probe, refusal
from limner.inference.doctor.repeating import REPEATING
from limner.inference.doctor.report import Finding, Report, Verdict
from limner.inference.doctor.streaming import STREAMING
from limner.inference.language_model import LanguageModel
from limner.inference.pace import Patience, patient
from limner.inference.portal import Portal
from limner.settings import Settings

__all__ = ["aexamine", "examine"]

Progress = Callable[[str], None]

_FIRST = (server.KIND, server.MODELS, server.ANSWERS)
"""Without these nothing else makes sense."""
_REST = (
    server.CONTEXT,
    constraints.SCHEMA,
    constraints.CHOICE,
    constraints.OPENING,
    odds.LOGPROBS,
    odds.LIKELIHOOD,
    PICTURES,
    server.ADAPTERS,
    server.LOADING,
    *constraints.SHAPES,
    STREAMING,
    calling.TOOLS_FORCED,
    calling.TOOLS,
    REPEATING,
    speed.PREFIX,
    speed.CONCURRENCY,
)
"""What matters most and costs least comes first: a slow model may not get to the end."""
_MOST_CALLS = 40
_BUDGET_S = 180.0
_PATIENCE = Patience(busy_s=3.0, down_s=0.3)
"""Somebody looks on, and that a server is busy or down is what they want to hear."""


class _Gone(LimnerError):
    """Nobody answers any more."""


async def aexamine(
    model: LanguageModel,
    settings: Settings | None = None,
    *,
    quick: bool = False,
    only: Collection[str] | None = None,
    budget_s: float = _BUDGET_S,
    most_calls: int = _MOST_CALLS,
    progress: Progress = lambda title: None,
) -> Report:
    """Find out by real requests what a model can do, and what that means for limner.

    A probe that fails is a finding. An endpoint that stops answering is one finding, and what comes after it is left
    out.

    Args:
        model: The model.
        settings: Those that it was made from, to say which of them should be others; none where it was made otherwise.
        quick: Whether to leave out what is only about speed.
        only: Names of the probes to make, besides those that find out whether anybody answers; all by default.
        budget_s: Most seconds; what was not tried by then is unknown.
        most_calls: Most requests that the model is asked to answer.
        progress: Told the title of each probe before it is made.

    Returns:
        The report; `usable` tells whether limner can work with the endpoint at all.
    """
    claimed = settings.context_length if settings and "context_length" in settings.model_fields_set else None
    exam = Examination(model, most_calls, budget_s, quick, claimed)
    probes = [
        probe for probe in _REST if (only is None or probe.name in only) and not (probe.timed and quick)
    ]
    with patient(_PATIENCE):
        findings = await _tried([*_FIRST, *probes], exam, progress)
    return _report(exam, findings, conclude(findings, model, settings))


def examine(
    model: LanguageModel,
    settings: Settings | None = None,
    *,
    quick: bool = False,
    only: Collection[str] | None = None,
    budget_s: float = _BUDGET_S,
    most_calls: int = _MOST_CALLS,
    progress: Progress = lambda title: None,
) -> Report:
    """Like `aexamine`, from code that is not async."""
    with Portal() as portal:
        examination = partial(
            aexamine,
            model,
            settings,
            quick=quick,
            only=only,
            budget_s=budget_s,
            most_calls=most_calls,
            progress=progress,
        )
        return portal.run(examination)


async def _tried(probes: Sequence[Probe], exam: Examination, progress: Progress) -> list[Finding]:
    """Make one probe after the other, as long as somebody answers."""
    findings: list[Finding] = []
    for probe in probes:
        if probe.needs_server and not exam.has_server:
            continue
        progress(probe.title)
        try:
            findings.append(await _made(probe, exam))
        except _Gone as gone:
            title = "It answers" if probe in _FIRST else "It goes on answering"
            what = exam.without_secrets(str(gone))
            left_out = "What was not tried yet stays unknown."
            findings.append(Finding("gone", title, "does not", probe.asked, what, left_out))
            break
    return findings


async def _made(probe: Probe, exam: Examination) -> Finding:
    """Make one probe, and find something whatever comes of it.

    Raises:
        _Gone: Nobody answers any more.
    """
    try:
        outcome = await probe.run(exam)
    except OutOfBudget as error:
        return _found(probe, exam, "unknown", f"not tried to its end: {error}", "It stays unknown.")
    except ModelUnavailable as error:
        if probe in _FIRST or not await _still_answers(exam):
            raise _Gone(str(error)) from error
        return _found(probe, exam, "does not", str(error), probe.without)
    except ModelError as error:
        verdict: Verdict = "refused" if refusal(error) else "does not"
        return _found(probe, exam, verdict, str(error), probe.without)
    except (LimnerError, ValueError, TypeError, LookupError, AttributeError) as error:
        # What a server sends may be anything, and it is read by libraries that expect what is right.
        broken = f"something that cannot be read ({type(error).__name__}: {error})"
        return _found(probe, exam, "does not", broken, probe.without)
    return Finding(
        probe.name,
        probe.title,
        outcome.verdict,
        probe.asked,
        exam.without_secrets(outcome.answered),
        exam.without_secrets(outcome.meaning),
        outcome.figures,
    )


def _found(probe: Probe, exam: Examination, verdict: Verdict, answered: str, meaning: str) -> Finding:
    return Finding(probe.name, probe.title, verdict, probe.asked, exam.without_secrets(answered), meaning)


async def _still_answers(exam: Examination) -> bool:
    try:
        await exam.reply("Answer with one word: yes", max_tokens=4)
    except ModelUnavailable:
        return False
    except LimnerError:
        return True
    return True


def _report(exam: Examination, findings: list[Finding], concluded: Conclusions) -> Report:
    kind = next((f.answered for f in findings if f.probe == "kind" and f.verdict == "works"), "")
    return Report(
        where=exam.without_secrets(exam.model.where),
        model=exam.model.name,
        kind=kind,
        usable=concluded.usable,
        findings=tuple(findings),
        summary=tuple(exam.without_secrets(sentence) for sentence in concluded.summary),
        settings={name: exam.without_secrets(value) for name, value in concluded.settings.items()},
        calls=exam.calls,
        seconds=round(exam.seconds, 1),
    )
