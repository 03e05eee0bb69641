"""Which share of the evidence a search finds, without a language model, over one file or a folder of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import cast

from limner.errors import InputError
from limner.evals.engine import opened_memory
from limner.evals.memories.protocol import MemorySystem
from limner.evals.personabench.recall import best_recall_and_ndcg
from limner.evals.records import Benchmark, Question
from limner.evals.registry import BENCHMARKS
from limner.evals.running import Feeder, asked_of
from limner.evals.scoring.ranking import ranked_ids, recall
from limner.settings import Settings

__all__ = ["FORMATS", "METHODS", "Recalled", "recalled", "share_found"]

FORMATS: Mapping[str, str] = {
    "locomo": "locomo_recall",
    "longmemeval": "longmemeval_recall",
    "personabench": "personabench_recall",
}
"""The benchmark that reads each format."""

METHODS: Mapping[str, str] = {
    "bm25": "bm25",
    "dense": "dense",
    "rrf": "rrf",
    "half-half": "hybrid",
    "limner": "limner:observations",
}
"""The memory behind each method."""

Shares = Mapping[int, float]
"""The share of the evidence found, by length of the list."""


@dataclass(frozen=True)
class Recalled:
    """What one method found."""

    method: str
    questions: tuple[tuple[str, Shares], ...]
    """Of each question its category and what was found."""
    counted: Mapping[str, int]
    """What the reader left out or mended, by what it was."""

    def mean(self, category: str | None = None) -> dict[str, float]:
        """Return the mean share at each length, over all questions or those of one category."""
        chosen = [shares for group, shares in self.questions if category is None or group == category]
        return {str(k): fmean(shares[k] for shares in chosen) for k in chosen[0]}

    def as_json(self) -> dict[str, object]:
        """Return it as plain data: number of questions, method, mean shares, and the same by category."""
        categories = sorted({group for group, _ in self.questions})
        return {
            "n": len(self.questions),
            "method": self.method,
            "recall": self.mean(),
            "by_category": {
                category: {"n": sum(group == category for group, _ in self.questions), **self.mean(category)}
                for category in categories
            },
            "counted": dict(self.counted),
        }


def recalled(
    data: Path,
    form: str,
    method: str,
    cutoffs: Sequence[int],
    *,
    settings: Settings | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Recalled:
    """Search for every question of a benchmark, and see which evidence is among the first results.

    Args:
        data: The published file, or a folder: of LoCoMo and LongMemEval every `.json` file in it, of PersonaBench a community
            or a folder of communities.
        form: One of `FORMATS`.
        method: One of `METHODS`.
        cutoffs: Lengths of the list at which the share is taken.
        settings: Encoder and cache; none reads the environment.
        tell: Told before each file what is done.

    Raises:
        InputError: There is no such format, method or file, a length is not positive, or no question can be asked.
    """
    if form not in FORMATS or method not in METHODS:
        raise InputError(
            f"The format is one of {', '.join(FORMATS)}, and the method one of {', '.join(METHODS)}; not {form!r} and {method!r}."
        )
    if not cutoffs or min(cutoffs) < 1:
        raise InputError("k is one or several lengths of at least 1, such as 5,10,25.")
    memory = opened_memory(METHODS[method], settings or Settings())
    found: list[tuple[str, Shares]] = []
    counted: dict[str, int] = {}
    for file in _files(data, form):
        benchmark = BENCHMARKS[FORMATS[form]].load()(data=str(file))
        questions = asked_of(benchmark, None, 0)
        tell(f"{file}: {len(questions)} questions by {method}.")
        found += _searched(benchmark, questions, memory, cutoffs)
        for what, count in benchmark.counted.items():
            counted[what] = counted.get(what, 0) + count
    return Recalled(method, tuple(found), counted)


def _files(data: Path, form: str) -> list[Path]:
    if form == "personabench" or not data.is_dir():
        return [data]
    files = sorted(data.glob("*.json"))
    if not files:
        raise InputError(f"{data} holds no .json file.")
    return files


def _searched(
    benchmark: Benchmark, questions: Sequence[Question], memory: MemorySystem, cutoffs: Sequence[int]
) -> Iterator[tuple[str, Shares]]:
    feeder = Feeder(benchmark, memory, max(cutoffs))
    for question in questions:
        ranked = ranked_ids(feeder.search(question))
        yield question.group or "", {k: share_found(question, ranked, k) for k in cutoffs}


def share_found(question: Question, ranked: Sequence[str], k: int) -> float:
    """Return which share of a question's evidence is among the first k of a ranking.

    Args:
        question: Of a benchmark of retrieval.
        ranked: Ids of turns, best first, each once.
        k: How many of them count.
    """
    if "gold" not in question.details:
        return recall(ranked, question.target, k)
    # Where several places tell the same, any of them counts.
    return best_recall_and_ndcg(ranked, cast(Sequence[Sequence[str]], question.details["gold"]), k)[0]
