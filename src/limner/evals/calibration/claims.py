"""Claims about people, how sure they were, and whether they held; and the file that keeps them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from limner.errors import InputError
from limner.evals.sources import Row, Source
from limner.profiles.propositions.recalibration import KINDS, Kind

__all__ = ["Claim", "Sample", "read_claims", "write_claims"]

SOURCE = Source(
    "A file of judged claims",
    "`limner eval calibration --keep FILE`",
    'JSON Lines, each {"user", "kind", "text", "topic", "probability", "held", …}',
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about one person, and what became of it."""

    user: str
    kind: Kind
    text: str
    topic: str
    """What it is about: the key of a computed finding, or the gold fact it speaks of; empty where that is not known."""
    probability: float
    """How sure the rule was, in [0, 1], before any map."""
    held: float | None
    """1 where it held, 0 where it did not, 0.5 where nobody can say which; none where it could not be judged."""
    if_true: float | None = None
    """How often a held-out sample of that size shows what the claim says, where the claim is true; none: it always does."""
    if_false: float | None = None
    """How often it shows that by chance where the claim is false; none: never."""
    support: int = 1
    """Observations that speak for it."""
    judged: str = ""
    """Who or what judged it, and against what."""


@dataclass(frozen=True)
class Sample:
    """The claims of a source, and what there was to speak about."""

    source: str
    claims: tuple[Claim, ...]
    users: tuple[str, ...]
    """Everybody who could have had a claim."""
    covered: int = 0
    """Held-out items, or gold facts, that some claim of the same person speaks about."""
    coverable: int = 0
    """All of them."""
    data: Mapping[str, str] = field(default_factory=dict)
    """File name to SHA-256."""
    counted: Mapping[str, int] = field(default_factory=dict)
    model: str = "none"
    truths: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Topic to person to whether it holds of them, claimed or not: what a claim of that topic would come to about anybody."""

    @property
    def judged(self) -> tuple[Claim, ...]:
        """The claims that could be judged."""
        return tuple(claim for claim in self.claims if claim.held is not None)


def write_claims(sample: Sample, path: Path) -> None:
    """Keep the claims, one a line, to be read and measured again.

    Raises:
        InputError: The file cannot be written.
    """
    lines = [json.dumps(asdict(claim), ensure_ascii=False) for claim in sample.claims]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"The claims cannot be written to {path}: {error.strerror or error}.") from error


def read_claims(paths: Sequence[Path]) -> Sample:
    """Read claims that were kept.

    Raises:
        DataError: A file is missing, or a line is no claim.
    """
    from limner.evals.sources import file_hash

    claims: list[Claim] = []
    for path in paths:
        found = SOURCE.found(path)
        claims += [_claim(Row.of(found, number, value)) for number, value in SOURCE.json_lines(found)]
    users = tuple(dict.fromkeys(claim.user for claim in claims))
    data = {path.name: file_hash(path) for path in paths}
    return Sample("kept claims", tuple(claims), users, data=data, counted=_odd(claims))


def _odd(claims: Iterable[Claim]) -> dict[str, int]:
    without = sum(claim.held is None for claim in claims)
    return {"claim that could not be judged": without} if without else {}


def _claim(row: Row) -> Claim:
    kind = row.text("kind")
    if kind not in KINDS:
        raise row.error("kind", f"is {kind!r:.40} where one of {', '.join(KINDS)} is expected")
    return Claim(
        user=row.text("user"),
        kind=kind,
        text=row.text("text"),
        topic=row.text("topic", empty=True) if row.has("topic") else "",
        probability=row.number_in("probability", 0, 1),
        held=row.number_in("held", 0, 1) if row.has("held") else None,
        if_true=row.number_in("if_true", 0, 1) if row.has("if_true") else None,
        if_false=row.number_in("if_false", 0, 1) if row.has("if_false") else None,
        support=row.whole("support", 0) if row.has("support") else 1,
        judged=row.text("judged", empty=True) if row.has("judged") else "",
    )
