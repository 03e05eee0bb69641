"""Which recommender suits your own data? Reads two CSV files, measures a few models on them, and recommends under a condition.

    python examples/own_data.py INTERACTIONS.csv ITEMS.csv

`INTERACTIONS.csv` has the columns user_id, item_id, rating and timestamp (seconds since 1970, or ISO 8601); `ITEMS.csv` has id, title, and any further
columns, which become attributes: numbers are told by their look, and several values of one cell are parted by `|`. Without arguments a small made catalogue of films
is used. No language model is needed.
"""

import csv
import sys
from pathlib import Path

from limner.evals.ranking import evaluate
from limner.tools import Catalogue, Dataset, Interactions, Item
from limner.tools.recommenders import recommender

MODELS = ("popularity", "item_knn", "markov_knn")


def attribute(cell: str) -> str | float | tuple[str, ...]:
    """Read one cell of the item file."""
    try:
        return float(cell)
    except ValueError:
        return tuple(part.strip() for part in cell.split("|")) if "|" in cell else cell


def read(interactions: Path, items: Path) -> Dataset:
    """Read a data set from two CSV files; broken rows of the interactions are told and left out."""
    with items.open(encoding="utf-8", newline="") as file:
        films = [
            Item(
                id=row.pop("id"),
                title=row.pop("title"),
                attributes={name: attribute(cell) for name, cell in row.items() if cell},
            )
            for row in csv.DictReader(file)
        ]
    taken = Interactions.from_csv(interactions)
    for row in taken.broken:
        print(f"{interactions}, row {row.row} is left out: {row.reason}")
    return Dataset(interactions.stem, Catalogue(films), taken)


def made() -> Dataset:
    """Return a made data set of twelve films."""
    from limner.testing.recommender_data import catalogue, interactions

    return Dataset("made", catalogue(), interactions())


def main() -> None:
    files = [Path(name) for name in sys.argv[1:3]]
    dataset = read(*files) if len(files) == 2 else made()
    table = evaluate(dataset, MODELS, k=3)
    for row in table["rows"]:
        low, high = row["ndcg@3_ci"]
        print(f"{row['name']:<12} NDCG@3 {row['ndcg@3']:.3f} [{low:.3f}, {high:.3f}]")
    best = max(table["rows"], key=lambda row: row["ndcg@3"])["name"]
    model = recommender(best).fit(dataset.interactions, dataset.catalogue)
    user, history = next(iter(dataset.interactions.histories().items()))
    print(f"{best} for {user}, who had {', '.join(dataset.catalogue.get(i).title for i in history)}:")
    for scored in model.recommend(history, k=3):
        because = [dataset.catalogue.get(c.item_id).title for c in model.explain(history, scored.item_id, 2)]
        print(f"- {dataset.catalogue.get(scored.item_id).title}, for {' and '.join(because) or 'everybody'}")


if __name__ == "__main__":
    main()
