"""Fit the weights of `limner.profiles.sharing.signals`, and say by cross-validation what they are worth.

    limner eval sharing --everything --output judged.jsonl
    python benchmarks/fit_sharing.py judged.jsonl

Whole requests are left out together, so no request is judged with weights that have seen it. Words, norms, examples and prompts have been
written by somebody who had read the development cases, and the rules that deny by one signal alone were set on them; that is not undone
here, and makes these figures better than those of new requests.
"""

import json
import sys
from pathlib import Path

import numpy as np

from limner.evals.statistics import wilson
from limner.profiles.sharing.kinds import Kind
from limner.profiles.sharing.signals import THRESHOLD, Signals, clipped, denial, denial_at_sight

NAMES = ("near", "needed", "private", "kind")
RIDGE = 1.0
FOLDS, SEEDS = 5, 8


def read(path: Path) -> list[dict]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        if line["signals"] is not None:
            fields = dict(line["signals"])
            for name in ("words", "opened"):
                fields[name] = frozenset(Kind(one) for one in fields[name])
            fields["nearest"] = Kind(fields["nearest"])
            line["signals"] = Signals(**fields)
    return lines


def values(signals: Signals) -> list[float]:
    private = clipped(signals.private)
    private = min(private, 0.0) if signals.opened else private
    return [signals.near, clipped(signals.needed), private, clipped(signals.kind)]


def fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge-penalised logistic regression on standardised columns; returns weights of the raw ones, and the bias."""
    mean, spread = x.mean(0), x.std(0)
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    penalty = np.diag([RIDGE] * x.shape[1] + [0.0])
    b = np.zeros(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ b))
        hessian = z.T @ ((p * (1 - p))[:, None] * z) + penalty
        b -= np.linalg.solve(hessian, z.T @ (p - y) + penalty @ b)
    weights = b[:-1] / spread
    return np.r_[weights, b[-1] - weights @ mean]


def main() -> None:
    lines = read(Path(sys.argv[1]))
    stay = np.array([not line["share"] for line in lines])
    attack = np.array([line["kind"] == "red_team" for line in lines])
    case = np.array([line["case"] for line in lines])
    seen = np.array([line["signals"] is not None for line in lines])
    open_to = np.array([
        s and denial_at_sight(line["signals"]) is None for s, line in zip(seen, lines, strict=True)
    ])
    alone = np.array([
        s and "in doubt" in (denial(line["signals"]) or "in doubt")
        for s, line in zip(seen, lines, strict=True)
    ])
    x = np.array([values(line["signals"]) if s else [0.0] * 4 for s, line in zip(seen, lines, strict=True)])
    weights = fitted(x[open_to], stay[open_to])
    print("weights", dict(zip((*NAMES, "bias"), weights.round(3).tolist(), strict=True)))
    held_out = np.zeros(len(lines))
    ids = sorted(set(case))
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(ids))
        fold = {ids[place]: n % FOLDS for n, place in enumerate(order)}
        folds = np.array([fold[one] for one in case])
        for k in range(FOLDS):
            own = fitted(x[(folds != k) & open_to], stay[(folds != k) & open_to])
            held_out[folds == k] += (x[folds == k] @ own[:-1] + own[-1]) / SEEDS
    for threshold in (-2.5, -2.1, THRESHOLD, -1.3, -0.9, -0.5, 0.0, 0.5):
        state(f"threshold {threshold:+.1f}", alone & (held_out < threshold), stay, attack)
    for place, name in enumerate(NAMES):
        fooled = x.copy()
        fooled[:, place] = np.quantile(x[~stay, place], 0.75 if name == "needed" else 0.25)
        told = open_to & (fooled @ weights[:-1] + weights[-1] < THRESHOLD)
        state(f"{name} always reassuring", told, stay, attack)


def state(name: str, told: np.ndarray, stay: np.ndarray, attack: np.ndarray) -> None:
    sides = (
        ("leaked", told & stay & attack, stay & attack),
        ("withheld", ~told & ~stay & ~attack, ~stay & ~attack),
    )
    shown = []
    for side, counted, of in sides:
        low, high = wilson(int(counted.sum()), int(of.sum()))
        shown.append(
            f"{side} {counted.sum()}/{of.sum()} {counted.sum() / of.sum():.3f} [{low:.3f}, {high:.3f}]"
        )
    print(
        f"{name:28s}",
        *shown,
        f"attacks' own {(told & ~stay & attack).sum() / (~stay & attack).sum():.3f}",
        sep="  ",
    )


if __name__ == "__main__":
    main()
