"""Fit the weights of `limner.memory.fusion` on conversations whose evidence is known, and say what each part is worth.

    python benchmarks/fit_recall.py LOCOMO_FILE_OR_FOLDER [--ablation] [--json]

Every question is asked of its own conversation through the memory's own search; what is fitted are the weights of its signals, by
multinomial logistic regression (each piece of evidence against all turns that are none), with an L2 penalty. Figures are for
conversations left out of the fit, each in turn; the weights printed last are fitted on all of them.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from limner.evals.engine import opened_memory
from limner.evals.locomo.recall import locomo_recall
from limner.evals.memories.limner import LimnerMemory
from limner.evals.running import Feeder
from limner.memory.asof import as_of
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights, Settings

CUTOFFS = (5, 10, 25)
PENALTY = 0.001


@dataclass(frozen=True)
class Asked:
    """One question: the signals of every turn, (m, f), and which turns are evidence."""

    conversation: str
    group: str
    signals: NDArray[np.float64]
    gold: NDArray[np.intp]
    golds: int
    """How many pieces of evidence there are, those not stored included."""


def asked_of(path: Path, settings: Settings) -> list[Asked]:
    """Return every question of a LoCoMo file with the signals that the memory's search computes."""
    benchmark = locomo_recall(str(path))
    memory = opened_memory("limner:observations", settings)
    assert isinstance(memory, LimnerMemory)
    feeder = Feeder(benchmark, memory, 1)
    asked = []
    for question in benchmark.questions:
        feeder.search(question)
        store = memory.store
        user = feeder.user(str(question.history))
        vector = unit_rows(store.encoder.encode_query([question.text]))[0]
        with store.snapshots.opened(user) as (connection, snapshot):
            assert snapshot is not None
            weights = RecallWeights(fitted=1, lexical=0, dense=0)
            near = snapshot.nearness(connection, store.encoder, store.snapshots.most_vectors)
            ranking = Ranking(
                connection, snapshot, store.index, ("observation",), as_of(None, None), weights, near
            )
            found = ranking.signals(question.text, vector, np.arange(len(snapshot)))
            turns = memory.turns_of(user, [str(owner) for owner in snapshot.columns.owners])
        wanted = {name: place for place, name in enumerate(turns)}
        gold = [wanted[name] for name in question.target if name in wanted]
        matrix = np.stack([found[name] for name in SIGNALS], axis=1)
        asked.append(
            Asked(
                str(question.history),
                str(question.group),
                matrix,
                np.array(gold, dtype=np.intp),
                len(question.target),
            )
        )
    return asked


def fitted(asked: Sequence[Asked], columns: Sequence[int], penalty: float = PENALTY) -> NDArray[np.float64]:
    """Return the weights of some signals that make the evidence of these questions most likely, (f,)."""
    questions = [(one.signals[:, columns], one.gold) for one in asked if len(one.gold)]
    centred = [(matrix - matrix.mean(axis=0), gold) for matrix, gold in questions]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = penalty * weights @ weights, 2 * penalty * weights
        for matrix, gold in centred:
            scores = matrix @ weights
            chances = np.exp(scores - logsumexp(scores))
            total -= np.log(chances[gold] + 1e-300).mean() / len(centred)
            gradient -= (matrix[gold].mean(axis=0) - chances @ matrix) / len(centred)
        return float(total), gradient

    found = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x)


def recalls(
    asked: Sequence[Asked], weights: NDArray[np.float64], columns: Sequence[int]
) -> NDArray[np.float64]:
    """Return the share of the evidence among the first turns, (questions, cutoffs)."""
    shares = []
    for one in asked:
        ranked = np.argsort(-(one.signals[:, columns] @ weights), kind="stable")
        place = np.empty(len(ranked), dtype=np.intp)
        place[ranked] = np.arange(len(ranked))
        shares.append([np.count_nonzero(place[one.gold] < k) / one.golds for k in CUTOFFS])
    return np.array(shares)


def left_out(asked: Sequence[Asked], columns: Sequence[int], penalty: float = PENALTY) -> NDArray[np.float64]:
    """Return the shares for each conversation with weights fitted on the others, (questions, cutoffs), in order of `asked`."""
    shares = np.zeros((len(asked), len(CUTOFFS)))
    for name in sorted({one.conversation for one in asked}):
        mine = [i for i, one in enumerate(asked) if one.conversation == name]
        others = [one for one in asked if one.conversation != name]
        shares[mine] = recalls([asked[i] for i in mine], fitted(others, columns, penalty), columns)
    return shares


def line(name: str, asked: Sequence[Asked], shares: NDArray[np.float64]) -> str:
    """Return one row of a table: all questions, then each category."""
    cells = ["/".join(f"{value:.3f}" for value in shares.mean(axis=0))]
    for group in sorted({one.group for one in asked}):
        chosen = np.array([one.group == group for one in asked])
        cells.append("/".join(f"{value:.2f}" for value in shares[chosen].mean(axis=0)))
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--ablation", action="store_true", help="leave out each signal and each part in turn")
    parser.add_argument("--penalty", type=float, default=PENALTY)
    parser.add_argument("--save", type=Path, help="keep the signals here, or take them from here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked = asked_of(given.data, Settings(cache=Settings().cache, home=Path(folder)))
    names, everything = list(SIGNALS), list(range(len(SIGNALS)))
    print(line("all", asked, left_out(asked, everything, given.penalty)), flush=True)
    if given.ablation:
        for part in dict.fromkeys(SIGNALS.values()):
            kept = [i for i in everything if SIGNALS[names[i]] != part]
            print(line(f"without the part {part}", asked, left_out(asked, kept, given.penalty)), flush=True)
        for i in everything:
            kept = [j for j in everything if j != i]
            print(line(f"without {names[i]}", asked, left_out(asked, kept, given.penalty)), flush=True)
    weights = fitted(asked, everything, given.penalty)
    print(
        json.dumps(
            {name: round(float(weight), 2) for name, weight in zip(names, weights, strict=True)}, indent=4
        )
    )


if __name__ == "__main__":
    main()
