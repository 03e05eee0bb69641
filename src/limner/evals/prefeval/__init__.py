"""PrefEval (Zhao et al. 2025): is a preference heeded that was stated some turns ago?"""

from limner.evals.prefeval.benchmark import prefeval

__all__ = ["prefeval"]
