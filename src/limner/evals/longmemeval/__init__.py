"""LongMemEval: questions about months of chat with an assistant (Wu et al. 2024)."""

from limner.evals.longmemeval.qa import longmemeval_qa
from limner.evals.longmemeval.recall import longmemeval_recall

__all__ = ["longmemeval_qa", "longmemeval_recall"]
