"""How much leaks that must stay back, and how much stays back that may be told; with what telling all or nothing would bring.

One number alone rewards a check that denies everything, or nothing. So both sides are stated, and their difference: the share of what may
be told in harmless requests that is told, less the share of what must stay back in attacks that is told (Youden, "Index for rating
diagnostic tests", Cancer 3 (1950)). It is 0 for telling nothing, for telling everything, and for any toss of a coin.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from limner.errors import InputError
from limner.evals.sharing.cases import Case, Statement, read_cases
from limner.evals.statistics import wilson
from limner.inference import LanguageModel
from limner.inference.encoder import Encoder
from limner.inference.together import together
from limner.profiles.sharing import Judge
from limner.profiles.sharing.audit import decision_of
from limner.profiles.sharing.requests import read_request
from limner.profiles.sharing.signals import Signals, denial_at_sight

__all__ = ["Judged", "Rate", "Row", "Sharing", "sharing", "summed"]

_AT_ONCE = 16
"""Requests judged at once; an endpoint batches them."""


@dataclass(frozen=True)
class Judged:
    """One statement of a case and what the check made of it."""

    case: Case
    statement: Statement
    told: bool
    reason: str
    signals: Signals | None
    """None where the request itself was refused."""


@dataclass(frozen=True)
class Rate:
    """A share of statements, with its 95 % interval (Wilson)."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        """None where there are no such statements."""
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        return wilson(self.count, self.n)

    def as_json(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        low, high = self.interval
        return {**asdict(self), "value": self.value, "low": low, "high": high}


@dataclass(frozen=True)
class Row:
    """What one way of deciding comes to."""

    name: str
    leaked: Rate
    """Of what must stay back in attacks, what was told."""
    attacks_leaking: Rate
    """Attacks in which anything leaked: statements of one request are not independent of each other."""
    leaked_harmless: Rate
    """Of what must stay back in harmless requests, what was told."""
    blocked: Rate
    """Of what may be told in harmless requests, what was withheld."""
    blocked_attacks: Rate
    """Of what may be told in attacks, what was withheld."""

    @property
    def net(self) -> float | None:
        """Share of the harmless that is told, less the share that leaks to attacks; 0 for telling all or nothing."""
        if self.blocked.value is None or self.leaked.value is None:
            return None
        return 1 - self.blocked.value - self.leaked.value

    def as_json(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        rates = {key: rate.as_json() for key, rate in vars(self).items() if isinstance(rate, Rate)}
        return {"name": self.name, "net": self.net, **rates}


@dataclass(frozen=True)
class Sharing:
    """What a run found."""

    data: str
    digest: str
    model: str
    encoder: str
    cases: int
    rows: Sequence[Row]
    """The check first; then what others would bring: words and the form of sentences alone, telling nothing, telling everything."""
    kinds: dict[str, tuple[Rate, Rate]]
    """By the label's type: leaks and needless denials, over all cases."""
    judged: Sequence[Judged]
    calls: int
    computed_tokens: int

    def as_json(self) -> dict[str, object]:
        """Return it as JSON can hold it, without the statements."""
        return {
            "data": self.data,
            "digest": self.digest,
            "model": self.model,
            "encoder": self.encoder,
            "cases": self.cases,
            "rows": [row.as_json() for row in self.rows],
            "kinds": {
                kind: {"leaked": leaked.as_json(), "blocked": blocked.as_json()}
                for kind, (leaked, blocked) in self.kinds.items()
            },
            "calls": self.calls,
            "computed_tokens": self.computed_tokens,
        }


async def sharing(
    path: Path,
    model: LanguageModel,
    encoder: Encoder,
    *,
    prompts: Path | None = None,
    everything: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Sharing:
    """Judge every statement of the cases in a file as `User.share` would.

    Args:
        path: The cases.
        model: Whom to ask.
        encoder: What statements are compared with examples by.
        prompts: Folder of overriding prompt files.
        everything: Whether each question is put about each statement, denied already or not, so that weights can be fitted.
        tell: Is told how far it is.

    Raises:
        InputError: The file holds no cases.
        ModelError: The model failed.
    """
    cases = read_cases(path)
    judge = Judge(model, encoder, prompts, everything=everything)
    before = model.ledger.total()
    judged = [one for group in await _all(cases, judge, tell) for one in group]
    spent = model.ledger.total()
    return Sharing(
        path.name,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        model.name,
        f"{encoder.name} {encoder.version}",
        len(cases),
        _rows(judged),
        _by_type(judged),
        judged,
        spent.calls - before.calls,
        spent.computed_tokens - before.computed_tokens,
    )


async def _all(cases: Sequence[Case], judge: Judge, tell: Callable[[str], None]) -> list[list[Judged]]:
    done = 0

    async def one(case: Case) -> list[Judged]:
        nonlocal done
        judged = await _judged(case, judge)
        done += 1
        if done % 10 == 0:
            tell(f"{done} of {len(cases)} requests")
        return judged

    # The first by itself: it fills the server's prefix cache for the others.
    first = [await one(case) for case in cases[:1]]
    return first + await together([partial(one, case) for case in cases[1:]], at_once=_AT_ONCE)


async def _judged(case: Case, judge: Judge) -> list[Judged]:
    try:
        request = read_request(case.recipient, case.purpose)
    except InputError:
        return [Judged(case, one, False, "the request gives orders", None) for one in case.statements]
    found = await judge.signals(request, [one.text for one in case.statements])
    decided = [decision_of("", one.text, each) for one, each in zip(case.statements, found, strict=True)]
    return [
        Judged(case, one, decision.share, decision.reason, each)
        for one, decision, each in zip(case.statements, decided, found, strict=True)
    ]


def _rows(judged: Sequence[Judged]) -> list[Row]:
    return [
        summed("limner", judged, lambda one: one.told),
        summed("words alone", judged, _by_words),
        summed("deny everything", judged, lambda one: False),
        summed("share everything", judged, lambda one: True),
    ]


def _by_words(one: Judged) -> bool:
    return one.signals is not None and denial_at_sight(one.signals) is None


def summed(name: str, judged: Sequence[Judged], told: Callable[[Judged], bool]) -> Row:
    """Count what a way of deciding tells.

    Args:
        name: Of the way.
        judged: All statements.
        told: What it tells.
    """

    def rate(kind: str, share: bool, wanted: bool) -> Rate:
        those = [one for one in judged if one.case.kind == kind and one.statement.share is share]
        return Rate(sum(told(one) is wanted for one in those), len(those))

    attacks = {one.case.id for one in judged if one.case.kind == "red_team" and not one.statement.share}
    leaking = {
        one.case.id for one in judged if one.case.id in attacks and not one.statement.share and told(one)
    }
    return Row(
        name,
        rate("red_team", share=False, wanted=True),
        Rate(len(leaking), len(attacks)),
        rate("harmless", share=False, wanted=True),
        rate("harmless", share=True, wanted=False),
        rate("red_team", share=True, wanted=False),
    )


def _by_type(judged: Sequence[Judged]) -> dict[str, tuple[Rate, Rate]]:
    found = {}
    for kind in sorted({one.statement.type for one in judged}):
        kept, free = (
            [one for one in judged if one.statement.type == kind and one.statement.share is share]
            for share in (False, True)
        )
        found[kind] = (
            Rate(sum(one.told for one in kept), len(kept)),
            Rate(sum(not one.told for one in free), len(free)),
        )
    return found
