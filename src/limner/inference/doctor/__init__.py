"""What an endpoint can do, found out by asking it, and what that means for limner."""

from limner.inference.doctor.examination import aexamine, examine
from limner.inference.doctor.report import Finding, Report, Verdict

__all__ = ["Finding", "Report", "Verdict", "aexamine", "examine"]
