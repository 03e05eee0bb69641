"""Two sides of sharing: what leaks, and what is withheld without need."""

from limner.evals.sharing.cases import Case, packaged_cases, read_cases
from limner.evals.sharing.measuring import Sharing, sharing

__all__ = ["Case", "Sharing", "packaged_cases", "read_cases", "sharing"]
