"""What inspect_ai finds when it looks for limner: the tasks `limner/NAME` and the provider `limner/MODEL`."""

from limner.evals.provider import limner_model
from limner.evals.registry import benchmarks
from limner.evals.task import registered_task

__all__ = ["TASKS", "limner_model"]

TASKS = {name: registered_task(entry) for name, entry in benchmarks().items()}
