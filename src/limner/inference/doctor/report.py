"""What an examination found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Finding", "Report", "Verdict"]

Verdict = Literal["works", "does not", "refused", "unknown"]
"""`refused` is said by the server, as an error; what is ignored in silence, or comes out wrong, `does not` work; `unknown` is
what could not be found out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    probe: str
    """Short name that stays the same, such as `schema`."""
    title: str
    """What it is about, in words."""
    verdict: Verdict
    asked: str
    """What was asked."""
    answered: str
    """What came back."""
    meaning: str
    """What limner can or cannot do because of it."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured, by name; the names end in the unit."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found out about an endpoint."""

    where: str
    """URL, or the name of the embedded engine or of a model object; no secrets."""
    model: str
    """The name that was asked for."""
    kind: str
    """Which server this is, with its version where it tells; empty if nobody answered."""
    usable: bool
    """Whether limner can work with it."""
    findings: tuple[Finding, ...]
    summary: tuple[str, ...]
    """The verdict, in sentences."""
    settings: Mapping[str, str]
    """Environment variables to set, without secrets."""
    calls: int
    """Requests that a model was asked to answer."""
    seconds: float
    """How long the examination took."""

    def finding(self, probe: str) -> Finding | None:
        """Return what one probe found; none if it was not made."""
        return next((finding for finding in self.findings if finding.probe == probe), None)

    def verdict(self, probe: str) -> Verdict:
        """Return the verdict of one probe; `unknown` if it was not made."""
        found = self.finding(probe)
        return found.verdict if found else "unknown"
