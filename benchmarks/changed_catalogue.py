"""What a changed catalogue is worth on MovieLens-100K: a tenth of the items at a time is taken out, and comes back as new.

python benchmarks/changed_catalogue.py [--base ease] [--seed 0]

Prints recall@10 and NDCG@10 with 95 % bootstrap intervals over users, for the test items of the users with odd places in
the file's order; the way of scoring was chosen on the validation items of the others.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from limner.evals.ranking import leave_one_out, ndcg
from limner.evals.statistics import bootstrap_mean
from limner.settings import Settings
from limner.tools.datasets import load_dataset
from limner.tools.recommenders import recommender
from limner.tools.recommenders.changed import ChangedCatalogue

FOLDS = 10
Scores = NDArray[np.float32]
Ranks = NDArray[np.float64]


def ranks(scores: Scores, seen: list[NDArray[np.intp]], targets: NDArray[np.intp]) -> Ranks:
    """Return the rank of each user's target among what they have not seen; ties in catalogue order."""
    free = scores.astype(np.float64)
    for row, places in enumerate(seen):
        free[row, places] = -np.inf
    own = free[np.arange(len(targets)), targets][:, None]
    before = np.arange(free.shape[1])[None, :] < targets[:, None]
    return 1.0 + (free > own).sum(axis=1) + ((free == own) & before).sum(axis=1)


def shown(name: str, found: Ranks, users: NDArray[np.intp], seed: int) -> str:
    """Return one line; a user who occurs in several folds counts once, with the mean."""
    said = []
    for values in ((found <= 10).astype(np.float64), ndcg(found)):
        means = np.array([values[users == user].mean() for user in np.unique(users)])
        low, high = bootstrap_mean(means, seed=seed)
        said.append(f"{means.mean():.3f} [{low:.3f}, {high:.3f}]")
    return f"{name:38s} n = {len(np.unique(users))}  recall@10 {said[0]}  NDCG@10 {said[1]}"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="ease")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    data = load_dataset("ml-100k", Settings())
    split, films = leave_one_out(data.interactions), data.catalogue
    users = list(split.test)[1::2]
    queries = [(*split.histories[user], split.validation[user]) for user in users]
    seen = [films.positions(query) for query in queries]
    targets = np.array([films.position(split.test[user]) for user in users])
    fold_of = np.random.default_rng(asked.seed).permutation(len(films)) % FOLDS
    chance = np.random.default_rng(asked.seed + 1)

    whole = {
        name: recommender(name).fit(split.training, films).score_many(queries)
        for name in (asked.base, "text")
    }
    found: dict[tuple[bool, str], list[Ranks]] = {}
    whose: dict[bool, list[NDArray[np.intp]]] = {True: [], False: []}
    for fold in range(FOLDS):
        new = fold_of == fold
        old = films.without(films.ids[place] for place in np.flatnonzero(new))
        base = recommender(asked.base).fit(split.training.only_items(old.ids), old)
        changed = {
            share: ChangedCatalogue.over(base, films, share=share).score_many(queries) for share in (1.0, 0.5)
        }
        last = changed[1.0].min() - 1.0
        ways = {
            "random": chance.random(changed[1.0].shape, dtype=np.float32),
            f"{asked.base}, new items last": np.where(new[None, :], last, changed[1.0]),
            "text": whole["text"],
            f"{asked.base} changed, share 1": changed[1.0],
            f"{asked.base} changed, share .5": changed[0.5],
            f"{asked.base} fitted again": whole[asked.base],
        }
        for is_new in (True, False):
            chosen = np.flatnonzero(new[targets] == is_new)
            whose[is_new].append(chosen)
            for name, scores in ways.items():
                ranked = ranks(scores[chosen], [seen[place] for place in chosen], targets[chosen])
                found.setdefault((is_new, name), []).append(ranked)
    for is_new in (True, False):
        print(f"The test item is {'new' if is_new else 'old'}:")
        for (kind, name), parts in found.items():
            if kind == is_new:
                print(shown(name, np.concatenate(parts), np.concatenate(whose[is_new]), asked.seed))


if __name__ == "__main__":
    main()
