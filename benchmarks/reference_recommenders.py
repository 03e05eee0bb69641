"""Score our queries on MovieLens-100K with RecBole's recommenders, and rank what they score by our own metrics.

    python benchmarks/reference_recommenders.py export FOLDER      # where limner is installed
    python benchmarks/reference_recommenders.py score FOLDER Pop ItemKNN EASE SASRec   # where RecBole is
    python benchmarks/reference_recommenders.py compare FOLDER     # where limner is installed

The three steps share a folder of JSON and arrays, for RecBole 1.2.1 wants another numpy than limner: give it an environment of its own
with Python 3.11, `torch`, `numpy<2`, `scipy<1.14`, `pandas<2.3` and what it asks for besides (`pip install recbole==1.2.1` asks for more than these
models use; `--no-deps` and `tqdm colorlog==4.7.2 colorama pyyaml scikit-learn tensorboard tabulate plotly texttable psutil thop` do).

RecBole sees the training interactions alone, each with its place in the order of time as its time, so that ties are as here. A model that RecBole has
trained is asked by its weights: with training items for the validation item, with training and validation items for the test item. What
somebody took is masked, what RecBole never saw comes last, and equal scores keep the order of the catalogue. SASRec is trained by RecBole's
trainer on all prefixes, and the epoch is the one with the best NDCG@10 on the validation items.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

SETTINGS = {
    "Pop": {},
    "ItemKNN": {"k": 100, "shrink": 0.0},
    "EASE": {"reg_weight": 500.0},
    "SASRec": {
        "n_layers": 2,
        "n_heads": 1,
        "hidden_size": 64,
        "inner_size": 64,
        "hidden_dropout_prob": 0.2,
        "attn_dropout_prob": 0.2,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "learning_rate": 0.001,
        "train_batch_size": 256,
    },
}
OURS = {
    "Pop": ("popularity", {}),
    "ItemKNN": ("item_knn", {"neighbours": 100, "shrinkage": 0.0, "decay": 1.0}),
    "EASE": ("ease", {"regularization": 500.0, "decay": 1.0}),
    "SASRec": ("sasrec", {}),
}
"""Ours with their settings; of SASRec the defaults."""
LENGTH = 50


def export(folder):
    from limner.evals.ranking import leave_one_out
    from limner.settings import Settings
    from limner.tools.datasets import load_dataset

    dataset = load_dataset("ml-100k", Settings())
    split, catalogue = leave_one_out(dataset.interactions), dataset.catalogue
    everybody = split.training.histories()
    target = folder / "ours"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "ours.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user, items in everybody.items():
            file.writelines(f"{user}\t{item}\t{place}\n" for place, item in enumerate(items))
    asked = {
        "items": list(catalogue.ids),
        "histories": [list(history) for history in split.histories.values()],
        "validation": list(split.validation.values()),
        "test": list(split.test.values()),
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    print(f"{len(asked['test'])} people, {len(split.training)} interactions in {folder}")


def score(folder, names, epochs):
    from recbole.config import Config
    from recbole.data import create_dataset
    from recbole.utils import get_model, init_seed

    asked = json.loads((folder / "asked.json").read_text())
    for name in names:
        started = time.process_time()
        config = Config(
            model=name,
            dataset="ours",
            config_dict={
                "data_path": str(folder),
                "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
                "MAX_ITEM_LIST_LENGTH": LENGTH,
                "device": "cpu",
                "use_gpu": False,
                "seed": 0,
                "show_progress": False,
                "eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "group_by": "user", "mode": "full"},
                **SETTINGS[name],
            },
        )
        init_seed(0, True)
        dataset = create_dataset(config)
        dataset._change_feat_format()
        model = get_model(name)(config, dataset)
        trained = {"SASRec": _sasrec, "Pop": _pop}.get(name, _linear)(
            model, dataset, asked, epochs, config, folder
        )
        np.savez(folder / f"{name}.npz", **trained)
        print(name, SETTINGS[name], f"{time.process_time() - started:.0f} s of one core", flush=True)


def _queries(asked):
    """Return what is asked for the validation items and for the test items."""
    pairs = zip(asked["histories"], asked["validation"], strict=True)
    return {"validation": asked["histories"], "test": [[*history, item] for history, item in pairs]}


def _ours(scores, dataset, asked):
    """Return scores in the order of our catalogue, shape (queries, items)."""
    known = dataset.field2token_id["item_id"]
    found = np.full((len(scores), len(asked["items"])), -np.inf, dtype=np.float32)
    there = [place for place, item in enumerate(asked["items"]) if item in known]
    found[:, there] = scores[:, [known[asked["items"][place]] for place in there]]
    return found


def _pop(model, dataset, asked, *_):
    counts = np.bincount(dataset.inter_feat["item_id"].numpy(), minlength=dataset.item_num)
    return {
        part: _ours(np.tile(counts, (len(queries), 1)), dataset, asked)
        for part, queries in _queries(asked).items()
    }


def _linear(model, dataset, asked, *_):
    weights = np.asarray(model.item_similarity if hasattr(model, "item_similarity") else model.w.todense())
    known = dataset.field2token_id["item_id"]
    scores = {}
    for part, queries in _queries(asked).items():
        taken = np.zeros((len(queries), dataset.item_num), dtype=np.float32)
        for row, query in zip(taken, queries, strict=True):
            row[[known[item] for item in query if item in known]] = 1
        scores[part] = _ours(taken @ weights, dataset, asked)
    return scores


def _sasrec(model, dataset, asked, epochs, config, folder):
    from recbole.data.utils import get_dataloader
    from recbole.utils import get_trainer

    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    loader = get_dataloader(config, "train")(config, dataset, None, shuffle=True)
    best, kept = -1.0, {}
    for epoch in range(epochs):
        loss = trainer._train_epoch(loader, epoch, show_progress=False)
        scores = {
            part: _ours(_states(model, dataset, queries), dataset, asked)
            for part, queries in _queries(asked).items()
        }
        ranks = _ranks(scores["validation"], asked, "validation")
        reached = np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0).mean()
        print(f"epoch {epoch + 1}: loss {loss:.2f}, validation NDCG@10 {reached:.4f}", flush=True)
        if reached > best:
            best, kept = reached, scores | {"epoch": np.array(epoch + 1)}
            np.savez(folder / "SASRec.npz", **kept)
    return kept


def _states(model, dataset, queries):
    import torch

    known = dataset.field2token_id["item_id"]
    model.eval()
    scores = []
    with torch.no_grad():
        for query in queries:
            items = [known[item] for item in query if item in known][-LENGTH:]
            places = torch.zeros(1, LENGTH, dtype=torch.long)
            places[0, : len(items)] = torch.tensor(items)
            state = model.forward(places, torch.tensor([len(items)]))
            scores.append((state @ model.item_embedding.weight.T)[0].numpy())
    model.train()
    return np.stack(scores)


def _ranks(scores, asked, part):
    """Return the rank of each held-out item with what was asked masked; ties in the order of the catalogue."""
    places = {item: place for place, item in enumerate(asked["items"])}
    ranks = []
    for row, query, target in zip(scores, _queries(asked)[part], asked[part], strict=True):
        left = row.copy()
        wanted = places[target]
        left[[places[item] for item in query]] = -np.inf
        better = (left > left[wanted]) | ((left == left[wanted]) & (np.arange(len(left)) < wanted))
        ranks.append(1 + int(better.sum()) if np.isfinite(left[wanted]) else np.inf)
    return np.array(ranks, dtype=np.float64)


def compare(folder):
    from limner.evals.ranking import leave_one_out
    from limner.settings import Settings
    from limner.tools.datasets import load_dataset
    from limner.tools.recommenders import recommender

    asked = json.loads((folder / "asked.json").read_text())
    dataset = load_dataset("ml-100k", Settings())
    training = leave_one_out(dataset.interactions).training
    for theirs, (ours, settings) in OURS.items():
        if not (folder / f"{theirs}.npz").exists():
            continue
        scores = dict(np.load(folder / f"{theirs}.npz"))
        model = recommender(ours, **settings).fit(training, dataset.catalogue)
        own = {part: model.score_many(queries) for part, queries in _queries(asked).items()}
        row = {
            "recbole": theirs,
            "limner": ours,
            "their_settings": SETTINGS[theirs],
            "our_settings": settings,
        }
        if "epoch" in scores:
            row["their_epoch"] = int(scores["epoch"])
        print(json.dumps(row | _compared(_both(scores, asked), _both(own, asked))), flush=True)


def _both(scores, asked):
    return {part: _ranks(scores[part], asked, part) for part in ("validation", "test")}


def _compared(theirs, ours):
    """Return both models' metrics on the test items and the difference user by user."""
    from limner.evals.ranking import hit_rate, ndcg
    from limner.evals.statistics import bootstrap_mean, standard_error

    found = {}
    for metric, function in (("hr", hit_rate), ("ndcg", ndcg)):
        values = {"theirs": function(theirs["test"], 10), "ours": function(ours["test"], 10)}
        for side, those in values.items():
            found[f"{side}_{metric}@10"] = round(float(those.mean()), 4)
            found[f"{side}_{metric}@10_se"] = round(standard_error(those), 4)
            found[f"{side}_{metric}@10_ci"] = [round(end, 4) for end in bootstrap_mean(those, seed=0)]
        difference = bootstrap_mean(values["ours"] - values["theirs"], seed=0)
        found[f"ours_less_theirs_{metric}@10"] = round(float((values["ours"] - values["theirs"]).mean()), 4)
        found[f"ours_less_theirs_{metric}@10_ci"] = [round(end, 4) for end in difference]
    for side, ranks in (("theirs", theirs), ("ours", ours)):
        found[f"{side}_validation_ndcg@10"] = round(float(ndcg(ranks["validation"], 10).mean()), 4)
    return found | {"same_rank": round(float((theirs["test"] == ours["test"]).mean()), 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("step", choices=("export", "score", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(SETTINGS)}")
    parser.add_argument("--epochs", type=int, default=4, help="of SASRec, three minutes of one core each")
    wanted = parser.parse_args()
    if wanted.step == "export":
        export(wanted.folder)
    elif wanted.step == "score":
        score(wanted.folder, wanted.models or list(SETTINGS), wanted.epochs)
    else:
        compare(wanted.folder)


if __name__ == "__main__":
    sys.exit(main())
