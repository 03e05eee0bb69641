"""Let simulated seekers answer the recommenders of real dialogues, and find out how well they keep to their part and how like people they are.

    python benchmarks/simulated_seekers.py portraits --folder RUN [--half report] [--dialogues 150]
    python benchmarks/simulated_seekers.py talk --folder RUN --seeker rules|plain|traits
    python benchmarks/simulated_seekers.py measure --folder RUN

`portraits` infers a portrait of the seeker of each dialogue of ReDial from their turns. `talk` lets a seeker (by rules; a model without a portrait; a
model with the portrait of the real seeker) hear the turns of the real recommender one after the other, and at last what that one recommended. `measure`
counts and compares. What was done is kept in the folder and not done again. Prompts were written on `--half dev`; figures are of `--half report`.
"""

import argparse
import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limner.agents.simulators.portrayed import PortrayedSeeker
from limner.agents.simulators.seeker import Heard, Seeker
from limner.agents.simulators.traits import SeekerPortrait, infer_traits
from limner.agents.titles import titles_in
from limner.evals.conversation.redial import RedialData, RedialTurn, load_redial
from limner.inference.language_model import LanguageModel, language_model
from limner.settings import Settings

AT_ONCE = 16
REPLIES = 4
"""Of the real recommender, the last ones; with what they recommend next, five as in iEvaLM."""
FOLDS = 5
RESAMPLES = 1000
KINDS = ("leak", "contradiction", "acceptance", "out of part", "repetition", "omission")
PERSONS = ("rules", "plain", "traits")


@dataclass(frozen=True)
class Scene:
    """A real dialogue up to its last recommendation."""

    dialogue: str
    seeker: tuple[str, ...]
    recommender: tuple[str, ...]
    targets: tuple[str, ...]


def scenes(data: RedialData, half: str, n: int, seed: int) -> list[Scene]:
    """Return dialogues whose seeker said three things and whose last recommendation is new."""
    last: dict[str, RedialTurn] = {}
    for turn in data.half(half):
        if turn.new_targets:
            last[turn.dialogue] = turn
    found = []
    for dialogue in sorted(last):
        turn = last[dialogue]
        said = tuple(text for who, text in turn.context if who == "seeker")
        heard = tuple(text for who, text in turn.context if who == "recommender")
        if len(said) >= 3:
            found.append(Scene(dialogue, said, heard[-REPLIES:], turn.new_targets))
    random.Random(seed).shuffle(found)
    return found[:n]


class Lines:
    """JSON Lines by dialogue, appended to as results come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self.rows: dict[str, Any] = {row["dialogue"]: row for row in map(json.loads, lines)}

    def add(self, row: dict[str, Any]) -> None:
        """Keep one."""
        self.rows[row["dialogue"]] = row
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


async def at_once(jobs: Sequence[Callable[[], Any]]) -> None:
    """Run several at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def run(job: Callable[[], Any]) -> None:
        async with slots:
            await job()

    await asyncio.gather(*map(run, jobs))


async def portraits(found: Sequence[Scene], model: LanguageModel, folder: Path) -> None:
    """Infer the portraits that are not there yet."""
    kept = Lines(folder / "portraits.jsonl")

    async def infer(scene: Scene) -> None:
        portrait = await infer_traits(scene.seeker, model)
        kept.add({"dialogue": scene.dialogue, "portrait": portrait.model_dump(mode="json")})

    await at_once([lambda s=scene: infer(s) for scene in found if scene.dialogue not in kept.rows])


async def talk(
    found: Sequence[Scene], data: RedialData, who: str, model: LanguageModel | None, folder: Path
) -> None:
    """Have the conversations that were not had yet."""
    kept, drawn = Lines(folder / f"{who}.jsonl"), Lines(folder / "portraits.jsonl")
    if who == "traits":
        found = [scene for scene in found if scene.dialogue in drawn.rows]

    async def have(scene: Scene) -> None:
        portrait = None
        if who == "traits":
            portrait = SeekerPortrait.model_validate(drawn.rows[scene.dialogue]["portrait"])
        seeker = seeker_of(who, scene, data, model, portrait)
        said = [await seeker.open()]
        for heard in replies(scene, data):
            said.append(await seeker.answer(heard))
            if said[-1].accepted or said[-1].gave_up:
                break
        written = [w.model_dump(mode="json") for w in getattr(seeker, "written", [])]
        kept.add({
            "dialogue": scene.dialogue,
            "said": [one.text for one in said],
            "accepted": said[-1].accepted,
            "written": written,
        })

    await at_once([lambda s=scene: have(s) for scene in found if scene.dialogue not in kept.rows])


def seeker_of(
    who: str, scene: Scene, data: RedialData, model: LanguageModel | None, portrait: SeekerPortrait | None
) -> Seeker:
    """Return who talks."""
    patience = len(scene.recommender) + 2
    if model is None:
        from limner.agents.simulators.rules import RuleSeeker

        return RuleSeeker(data.catalogue, scene.targets, item_type="film", seed=0, patience=patience)
    return PortrayedSeeker(model, portrait, scene.targets, data.catalogue, seed=0, patience=patience)


def replies(scene: Scene, data: RedialData) -> list[Heard]:
    """Return what the real recommender said, and at last what they recommended."""
    by_title = {item.title: item for item in reversed(data.catalogue.items())}
    heard = [
        Heard(text, tuple(by_title[title] for title in titles_in(text, by_title)))
        for text in scene.recommender
    ]
    target = data.catalogue.get(scene.targets[0])
    return [*heard, Heard(f"You could watch {target.title}.", (target,))]


# Measures


def masked(text: str, titles: Sequence[str]) -> str:
    """Return a turn with film titles and years out of sight: real people link theirs, and the films differ anyway."""
    for title in sorted(titles_in(text, titles), key=len, reverse=True):
        bare = re.sub(r" \(\d{4}\)$", "", title)
        text = re.sub(rf"{re.escape(bare)}(?:\s*\(\d{{4}}\))?", "FILM", text)
    return re.sub(r"\s+", " ", re.sub(r"\s*\(\d{4}\)", "", text)).strip()


def words_of(text: str) -> list[str]:
    """Return the words of a turn in lower case."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def distinct(turns: Sequence[str], n: int, size: int = 2000) -> float:
    """Return the share of different n-grams among the first `size` words, so that corpora of other sizes compare."""
    words = [word for turn in turns for word in [*words_of(turn), "\n"]][:size]
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams)


def told_apart(
    real: Sequence[tuple[str, str]], made: Sequence[tuple[str, str]], features: str
) -> tuple[float, float, float]:
    """Return how well a classifier tells real from simulated turns: AUC by cross-validation over dialogues, with its interval.

    A classifier two-sample test (Lopez-Paz and Oquab 2017). Whole dialogues are held out, and whole dialogues are resampled.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import FeatureUnion, make_pipeline

    groups = np.array([d for d, _ in (*real, *made)])
    texts = [t for _, t in (*real, *made)]
    labels = np.array([0] * len(real) + [1] * len(made))
    dialogues = sorted(set(groups))
    fold_of = {d: place % FOLDS for place, d in enumerate(random.Random(0).sample(dialogues, len(dialogues)))}
    folds = np.array([fold_of[d] for d in groups])
    vectors = encoded(texts) if features == "minilm" else None
    scores = np.zeros(len(texts))
    for fold in range(FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        classifier = LogisticRegression(max_iter=2000, class_weight="balanced")
        if vectors is not None:
            classifier.fit(vectors[train], labels[train])
            scores[test] = classifier.decision_function(vectors[test])
            continue
        words = TfidfVectorizer(
            ngram_range=(1, 2), token_pattern=r"[^\W_]+(?:['’][^\W_]+)*|[!?.,]", sublinear_tf=True
        )
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), lowercase=False, sublinear_tf=True)
        pipeline = make_pipeline(FeatureUnion([("words", words), ("letters", letters)]), classifier)
        pipeline.fit([texts[i] for i in train], labels[train])
        scores[test] = pipeline.decision_function([texts[i] for i in test])
    members = {d: np.flatnonzero(groups == d) for d in dialogues}
    draw = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        places = np.concatenate([
            members[dialogues[i]] for i in draw.integers(0, len(dialogues), len(dialogues))
        ])
        drawn.append(roc_auc_score(labels[places], scores[places]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(roc_auc_score(labels, scores)), float(low), float(high)


def encoded(texts: Sequence[str]) -> np.ndarray:
    """Return MiniLM vectors."""
    from limner.inference.encoder import encoder

    return np.asarray(encoder(Settings()).encode_documents(list(texts)))


def faults(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return shares of turns: at fault in the first attempt by kind, asked again, replaced; and turns at fault that were said."""
    turns = [turn for row in rows for turn in row["written"]]
    if not turns:
        return {}
    first = Counter(fault for turn in turns for fault in turn["attempts"][0]["faults"])
    return {
        "turns": len(turns),
        **{fault: first[fault] / len(turns) for fault in KINDS},
        "asked again": sum(len(turn["attempts"]) > 1 for turn in turns) / len(turns),
        "replaced": sum(turn["replaced"] for turn in turns) / len(turns),
    }


def measure(found: Sequence[Scene], data: RedialData, folder: Path, features: Sequence[str]) -> None:
    """Print everything."""
    titles = [item.title for item in data.catalogue]
    everybody = {"real": {s.dialogue: list(s.seeker) for s in found}}
    for who in PERSONS:
        rows = Lines(folder / f"{who}.jsonl").rows
        if rows:
            everybody[who] = {s.dialogue: rows[s.dialogue]["said"] for s in found if s.dialogue in rows}
            print(who, json.dumps({k: round(v, 3) for k, v in faults(list(rows.values())).items()}))
    turns = {
        who: [(d, masked(text, titles)) for d, said in dialogues.items() for text in said if text.strip()]
        for who, dialogues in everybody.items()
    }
    for who, said in turns.items():
        texts = [text for _, text in said]
        lengths = [len(words_of(text)) for text in texts]
        print(
            f"{who}: {len(everybody[who])} dialogues, {len(texts)} turns; words {np.mean(lengths):.1f} (sd {np.std(lengths):.1f}); "
            f"distinct-1 {distinct(texts, 1):.3f}, distinct-2 {distinct(texts, 2):.3f}; questions {np.mean(['?' in t for t in texts]):.3f}; "
            f"different turns {len(set(texts)) / len(texts):.3f}"
        )
    for who in turns:
        for name in features if who != "real" else ():
            auc, low, high = told_apart(turns["real"], turns[who], name)
            print(f"{who} told from real by {name}: AUC {auc:.3f} ({low:.3f} to {high:.3f})")


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("portraits", "talk", "measure"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("redial"))
    parser.add_argument("--half", choices=("dev", "report"), default="report")
    parser.add_argument("--dialogues", type=int, default=150)
    parser.add_argument("--seeker", choices=PERSONS, default="traits")
    parser.add_argument("--features", nargs="+", choices=("tfidf", "minilm"), default=["tfidf", "minilm"])
    asked = parser.parse_args()
    data = load_redial(asked.data)
    found = scenes(data, asked.half, asked.dialogues, seed=0)
    folder = asked.folder / asked.half
    if asked.step == "measure":
        measure(found, data, folder, asked.features)
    elif asked.step == "talk" and asked.seeker == "rules":
        asyncio.run(talk(found, data, "rules", None, folder))
    else:
        with language_model(Settings()) as model:
            step = (
                portraits(found, model, folder)
                if asked.step == "portraits"
                else talk(found, data, asked.seeker, model, folder)
            )
            asyncio.run(step)
            print(model.ledger.rows())


if __name__ == "__main__":
    main()
