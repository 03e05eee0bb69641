"""Fit the weights of `limner.memory.fusion` on conversations whose evidence is known, and say what each part is worth.

    python benchmarks/fit_recall.py LOCOMO_FILE_OR_FOLDER [--ablation] [--json]

Every question is asked of its own conversation through the memory's own search; what is fitted are the weights of its signals, by
multinomial logistic regression (each piece of evidence against all turns that are none), with an L2 penalty. Figures are for
conversations left out of the fit, each in turn; the weights printed last are fitted on all of them.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from limner.memory.ranking import Scores
from limner.memory.scoring import Ranking
from limner.memory.signals import SIGNALS
from limner.memory.vectors import unit_rows
from limner.settings import RecallWeights, Settings

CUTOFFS = (5, 10, 25)
PENALTY = 0.001
DIRECTIONS, SCALE, FIRM = 96, 4.0, 0.02
"""How many principal components the direction of what tells facts is made of, what they are multiplied with, and its penalty."""


@dataclass(frozen=True)
class Asked:
    """One question: the signals of every turn, (m, f), and which turns are evidence."""

    conversation: str
    group: str
    signals: NDArray[np.float64]
    gold: NDArray[np.intp]
    golds: int
    """How many pieces of evidence there are, those not stored included."""


def asked_of(path: Path, settings: Settings) -> tuple[list[Asked], dict[str, NDArray[np.float32]]]:
    """Return every question of a LoCoMo file with the signals that the memory's search computes, and the turns' vectors."""
    benchmark = locomo_recall(str(path))
    memory = opened_memory("limner:observations", settings)
    assert isinstance(memory, LimnerMemory)
    feeder = Feeder(benchmark, memory, 1)
    asked: list[Asked] = []
    vectors: dict[str, NDArray[np.float32]] = {}
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
            everything = np.arange(len(snapshot))
            found = ranking.signals(question.text, vector, everything)
            vectors[str(question.history)] = near.vectors(connection, everything)
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
    return asked, vectors


def with_directions(
    asked: Sequence[Asked], vectors: Mapping[str, NDArray[np.float32]]
) -> tuple[list[Asked], Scores]:
    """Return the questions with the principal components of their turns' vectors as further signals, and the components.

    Args:
        asked: The questions.
        vectors: Of each conversation's turns, (m, dimension).
    """
    every = np.concatenate(list(vectors.values())).astype(np.float64)
    basis = np.linalg.svd(every - every.mean(axis=0), full_matrices=False)[2][:DIRECTIONS]
    more = {name: SCALE * (own - every.mean(axis=0)) @ basis.T for name, own in vectors.items()}
    widened = [replace(one, signals=np.hstack((one.signals, more[one.conversation]))) for one in asked]
    return widened, SCALE * basis


def fitted(asked: Sequence[Asked], columns: Sequence[int], penalty: float = PENALTY) -> NDArray[np.float64]:
    """Return the weights of some signals that make the evidence of these questions most likely, (f,)."""
    questions = [(one.signals[:, columns], one.gold) for one in asked if len(one.gold)]
    penalties = np.where(np.array(columns) < len(SIGNALS), penalty, FIRM)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = penalties * weights @ weights, 2 * penalties * weights
        for matrix, gold in questions:
            scores = matrix @ weights
            chances = np.exp(scores - logsumexp(scores))
            total -= np.log(chances[gold] + 1e-300).mean() / len(questions)
            gradient -= (matrix[gold].mean(axis=0) - chances @ matrix) / len(questions)
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
    parser.add_argument(
        "--save", type=Path, help="write the direction of what tells facts here, for limner/memory/fitted"
    )
    given = parser.parse_args()
    settings = Settings()
    asked, basis = with_directions(*asked_of(given.data, settings))
    names = list(SIGNALS)
    directions = list(range(len(names), len(names) + len(basis)))
    own = [i for i, name in enumerate(names) if name != "telling"]
    print(line("all", asked, left_out(asked, [*own, *directions], given.penalty)), flush=True)
    if given.ablation:
        print(line("without telling", asked, left_out(asked, own, given.penalty)), flush=True)
        for what in (*dict.fromkeys(SIGNALS.values()), *(names[i] for i in own)):
            kept = [i for i in own if what not in (names[i], SIGNALS[names[i]])]
            more = [] if what == "dense" else directions
            print(line(f"without {what}", asked, left_out(asked, [*kept, *more], given.penalty)), flush=True)
    weights = fitted(asked, [*own, *directions], given.penalty)
    direction = weights[len(own) :] @ basis
    found = {names[i]: round(float(weight), 2) for i, weight in zip(own, weights, strict=False)}
    found["telling"] = round(float(np.linalg.norm(direction)), 2)
    print(json.dumps(found, indent=4))
    if given.save:
        given.save.write_text(json.dumps([round(float(x), 2) for x in direction]), "utf-8")


if __name__ == "__main__":
    main()
