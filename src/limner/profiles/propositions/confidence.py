"""How sure a proposition is: a posterior over the observations for and against it."""

from limner.memory.records import Standing

__all__ = ["as_confidence", "posterior"]

_PRIOR = {Standing.INFERRED: (1.5, 1.0), Standing.STATED: (3.0, 1.0), Standing.CONFIRMED: (9.0, 0.5)}
"""Beta prior by standing: what one may believe of such a statement before counting observations. A sentence of
the user's own can still be misread, so even `STATED` starts short of certainty."""
_SELF_REPORT_WEIGHT = 0.5
"""A model's own estimate counts as half an observation: it is known to be overconfident."""


def posterior(
    supporting: int,
    contradicting: int,
    standing: Standing = Standing.INFERRED,
    self_report: float | None = None,
) -> float:
    """Return the posterior mean that a statement holds, in (0, 1).

    Beta-Bernoulli: each observation that speaks for or against the statement is one trial.

    Args:
        supporting: Number of distinct observations for it.
        contradicting: Number of distinct observations against it.
        standing: Who stands behind it; sets the prior.
        self_report: The model's own estimate on 1–10, if it gave one.
    """
    favourable, unfavourable = _PRIOR[standing]
    favourable += supporting
    unfavourable += contradicting
    if self_report is not None:
        share = min(max((self_report - 1) / 9, 0.0), 1.0)
        favourable += _SELF_REPORT_WEIGHT * share
        unfavourable += _SELF_REPORT_WEIGHT * (1 - share)
    return favourable / (favourable + unfavourable)


def as_confidence(probability: float) -> float:
    """Return a probability on the 1–10 scale of the records, one decimal."""
    return round(min(max(10 * probability, 1.0), 10.0), 1)
