"""PersonaBench: questions about people, answered from their private documents."""

from limner.evals.personabench.qa import personabench_qa
from limner.evals.personabench.recall import personabench_recall

__all__ = ["personabench_qa", "personabench_recall"]
