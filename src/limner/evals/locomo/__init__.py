"""LoCoMo: very long conversations between two people, and questions about them (Maharana et al. 2024)."""

from limner.evals.locomo.qa import locomo_qa
from limner.evals.locomo.recall import locomo_recall

__all__ = ["locomo_qa", "locomo_recall"]
