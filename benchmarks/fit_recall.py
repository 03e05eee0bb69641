"""Fit the weights of `limner.memory.fusion` on conversations whose evidence is known, and say what each step is worth.

    python benchmarks/fit_recall.py LOCOMO_FILE [--steps] [--also longmemeval=PATH] [--also personabench=PATH] [--save FILE]

Every question is asked of its own conversation through the memory's own search; what is fitted are the weights of its signals, by
multinomial logistic regression with an L2 penalty. The figures of LoCoMo are for conversations left out of the fit, each in turn; those
of the other sets are with weights fitted on all of LoCoMo, which is also what is printed, and kept, in the end. Nothing of
the other sets is fitted.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from limner.evals.engine import opened_memory
from limner.evals.memories.limner import LimnerMemory
from limner.evals.recall import FORMATS, share_found
from limner.evals.records import Benchmark, Question
from limner.evals.registry import BENCHMARKS
from limner.evals.running import Feeder
from limner.memory.asof import as_of
from limner.memory.ranking import Scores, order
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights, Settings

CUTOFFS = (5, 10, 25)
PENALTY = 0.001
DIRECTIONS, SCALE, FIRM = 96, 4.0, 0.02
"""How many principal components the direction of what tells facts is made of, what they are multiplied with, and its penalty."""

NAMES = tuple(SIGNALS)
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("words and meaning", ("words", "meaning", "closeness")),
    (
        "windows",
        ("words of the window", "words covered", "meaning of three", "meaning of five", "meaning of nine"),
    ),
    ("sitting", ("words of the sitting",)),
    ("speaker", ("speaker", "first named")),
    ("time", ("month", "day")),
    ("kind of answer", ("dates", "counts", "names", "quotes")),
    ("question and answer", ("answers", "asks", "words just after")),
    ("how it is told", ("length", "tells")),
)
"""What is added one after the other; the direction of what tells facts comes last."""


@dataclass(frozen=True)
class Asked:
    """One question, and the signals of everything it is asked of."""

    question: Question
    turns: tuple[str | None, ...]
    """The turn that each row belongs to, (m,)."""
    signals: Scores
    """Shape (m, f)."""
    vectors: NDArray[np.float32]
    """Shape (m, dimension)."""

    @property
    def gold(self) -> list[int]:
        """Rows that are evidence."""
        return [i for i, turn in enumerate(self.turns) if turn in self.question.target]

    def shares(self, scores: Scores) -> list[float]:
        """Return the share of the evidence among the first turns; a turn of several rows counts by its best."""
        ranked = dict.fromkeys(turn for i in order(scores) if (turn := self.turns[i]) is not None)
        return [share_found(self.question, list(ranked), k) for k in CUTOFFS]


def asked_of(benchmark: Benchmark) -> Iterator[Asked]:
    """Yield every question of a benchmark of retrieval, with the signals that the memory's search computes."""
    memory = opened_memory("limner:observations", Settings())
    assert isinstance(memory, LimnerMemory)
    feeder, store = Feeder(benchmark, memory, 1), memory.store
    weights, when = RecallWeights(fitted=1, lexical=0, dense=0), as_of(None, None)
    for question in benchmark.questions:
        feeder.search(question)
        user = feeder.user(str(question.history))
        vector = unit_rows(store.encoder.encode_query([question.text]))[0]
        with store.snapshots.opened(user) as (connection, snapshot):
            assert snapshot is not None
            near = snapshot.nearness(connection, store.encoder, store.snapshots.most_vectors)
            ranking = Ranking(connection, snapshot, store.index, ("observation",), when, weights, near)
            everything = np.arange(len(snapshot))
            found = ranking.signals(question.text, vector, everything)
            turns = memory.turns_of(user, [str(owner) for owner in snapshot.columns.owners])
            vectors = near.vectors(connection, everything)
        yield Asked(question, tuple(turns), np.stack([found[name] for name in NAMES], axis=1), vectors)


def with_directions(asked: Sequence[Asked]) -> tuple[list[Asked], Scores]:
    """Return the questions with the principal components of what they are asked of as further signals, and the components."""
    once = {one.question.history: one.vectors for one in asked}
    every = np.concatenate(list(once.values())).astype(np.float64)
    mean = every.mean(axis=0)
    basis = np.linalg.svd(every - mean, full_matrices=False)[2][:DIRECTIONS]
    more = {name: SCALE * (vectors - mean) @ basis.T for name, vectors in once.items()}
    widened = [replace(one, signals=np.hstack((one.signals, more[one.question.history]))) for one in asked]
    return widened, SCALE * basis


def fitted(asked: Sequence[Asked], columns: Sequence[int], penalty: float) -> Scores:
    """Return the weights of some signals that make the evidence of these questions most likely, (f,)."""
    questions = [(one.signals[:, columns], one.gold) for one in asked if one.gold]
    penalties = np.where(np.array(columns) < len(NAMES), penalty, FIRM)

    def loss(weights: Scores) -> tuple[float, Scores]:
        total, gradient = penalties * weights @ weights, 2 * penalties * weights
        for matrix, gold in questions:
            scores = matrix @ weights
            chances = np.exp(scores - logsumexp(scores))
            total -= np.log(chances[gold] + 1e-300).mean() / len(questions)
            gradient -= (matrix[gold].mean(axis=0) - chances @ matrix) / len(questions)
        return float(total), gradient

    found = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return np.asarray(found.x)


def left_out(asked: Sequence[Asked], columns: Sequence[int], penalty: float) -> list[list[float]]:
    """Return the shares of each question, with weights fitted on the conversations that it is not asked of."""
    weights = {
        name: fitted([one for one in asked if one.question.history != name], columns, penalty)
        for name in {one.question.history for one in asked}
    }
    return [one.shares(one.signals[:, columns] @ weights[one.question.history]) for one in asked]


def row(name: str, asked: Sequence[Asked], shares: Sequence[Sequence[float]]) -> str:
    """Return a row of a table: all questions, then each category."""
    table = np.array(shares)
    cells = ["/".join(f"{value:.3f}" for value in table.mean(axis=0))]
    for group in sorted({str(one.question.group) for one in asked}):
        chosen = np.array([one.question.group == group for one in asked])
        cells.append("/".join(f"{value:.2f}" for value in table[chosen].mean(axis=0)))
    return f"| {name} | {' | '.join(cells)} |"


def report(
    name: str,
    columns: Sequence[int],
    asked: Sequence[Asked],
    others: Mapping[str, Sequence[Asked]],
    penalty: float,
) -> None:
    """Print what some signals find."""
    print(row(name, asked, left_out(asked, columns, penalty)), flush=True)
    weights = fitted(asked, columns, penalty) if others else None
    for form, them in others.items():
        assert weights is not None
        shares = [one.shares(one.signals[:, columns] @ weights) for one in them]
        print(row(f"{form}: {name}", them, shares), flush=True)


def benchmark_of(form: str, data: str) -> Benchmark:
    """Read a benchmark of retrieval."""
    return BENCHMARKS[FORMATS[form]].load()(data=data)


def main() -> None:
    """Fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="a file of LoCoMo")
    parser.add_argument(
        "--also", action="append", default=[], metavar="FORMAT=PATH", help="another set to try"
    )
    parser.add_argument("--steps", action="store_true", help="add the signals one after the other")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("--save", type=Path, help="write the direction of what tells facts here")
    given = parser.parse_args()
    own = list(asked_of(benchmark_of("locomo", given.data)))
    asked, basis = with_directions(own)
    others: dict[str, list[Asked]] = {}
    for form, _, path in (one.partition("=") for one in given.also):
        others[form] = list(asked_of(benchmark_of(form, path)))
    directions = list(range(len(NAMES), len(NAMES) + len(basis)))
    plain: list[int] = []
    for step, names in STEPS:
        plain += [NAMES.index(name) for name in names]
        if given.steps:
            report(f"+ {step}" if len(plain) > len(names) else step, plain, own, others, given.penalty)
    widened = {
        form: [replace(one, signals=np.hstack((one.signals, one.vectors @ basis.T))) for one in them]
        for form, them in others.items()
    }
    report("+ what tells facts", [*plain, *directions], asked, widened, given.penalty)
    weights = fitted(asked, [*plain, *directions], given.penalty)
    direction = weights[len(plain) :] @ basis
    found = {NAMES[i]: round(float(weight), 2) for i, weight in zip(plain, weights, strict=False)}
    found["telling"] = round(float(np.linalg.norm(direction)), 2)
    print(json.dumps({name: found[name] for name in NAMES}, indent=4))
    if given.save:
        given.save.write_text(json.dumps([round(float(x), 2) for x in direction]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
