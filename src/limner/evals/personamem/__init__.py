"""PersonaMem: which of several replies fits a user as they are now (Jiang et al. 2025)."""

from limner.evals.personamem.benchmark import personamem

__all__ = ["personamem"]
