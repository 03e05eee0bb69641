"""Play the demo for users drawn by seed, and print a table of base recommender and limner side by side.

    python examples/ten_users.py --users 10 --seed 0

Rows of users that were played before are taken from the store, so an interrupted run can be continued; a row costs two to three
minutes on two cores. Hits are hidden films among the first ten of a full ranking of everything the user has not seen.
"""

import argparse
import math
import statistics
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import Progress

from limner import Limner, Settings
from limner.apps.demo import HeldOut, Outcome, hold_out, play
from limner.inference.language_model import language_model
from limner.tools import load_dataset


def ndcg_at_10(ranks: Sequence[int | None]) -> float:
    """NDCG@10 of several relevant items, from their ranks."""
    gained = sum(1 / math.log2(1 + rank) for rank in ranks if rank is not None and rank <= 10)
    return gained / sum(1 / math.log2(2 + place) for place in range(len(ranks)))


def hits_at_10(ranks: Sequence[int | None]) -> int:
    return sum(rank is not None and rank <= 10 for rank in ranks)


def row(held_out: HeldOut, outcome: Outcome) -> tuple[str, tuple[float, float]]:
    found = outcome.recommendations
    base, ours = outcome.ranks(found.base_ranking), outcome.ranks(found.ranking)
    computed = sum(r.computed_tokens for r in outcome.ledger)
    cells = [
        held_out.user,
        str(len(held_out.observed)),
        str(len(outcome.portrait.lines)),
        f"{hits_at_10(base)} / {hits_at_10(ours)}",
        f"{ndcg_at_10(base):.3f} / {ndcg_at_10(ours):.3f}",
        str(sum(pick.base_rank is None or pick.base_rank > 5 for pick in found.items)),
        str(sum(r.calls for r in outcome.ledger)),
        str(computed),
        f"{sum(outcome.seconds.values()):.0f}",
    ]
    return f"| {' | '.join(cells)} |", (ndcg_at_10(base), ndcg_at_10(ours))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "ten-users"})
    dataset = load_dataset("ml-100k", settings)
    drawn = np.random.default_rng(arguments.seed).choice(
        dataset.interactions.users, arguments.users, replace=False
    )
    print(
        "| user | observed | portrait lines | hits@10 base / limner | NDCG@10 base / limner | of the five, new to the base's five | calls | computed tokens | seconds |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    scores = []
    with language_model(settings) as model:
        for user in drawn.tolist():
            held_out = hold_out(dataset, str(user))
            quiet = Progress(console=Console(quiet=True))
            with Limner.open(settings=settings, dataset=held_out.dataset, model=model) as limner:
                line, pair = row(held_out, play(limner, held_out, quiet))
            print(line, flush=True)
            scores.append(pair)
    base, ours = (statistics.fmean(column) for column in zip(*scores, strict=True))
    differences = [after - before for before, after in scores]
    error = (
        statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else float("nan")
    )
    print(
        f"\nMean NDCG@10: base {base:.3f}, limner {ours:.3f}, difference {ours - base:+.3f} with standard error {error:.3f}."
    )


if __name__ == "__main__":
    main()
