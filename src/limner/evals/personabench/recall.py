"""PersonaBench retrieval (Tan et al. 2025, "PersonaBench", arXiv 2502.20616): are the telling sessions found?"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import cast

import numpy as np

from limner.evals.personabench.files import Asking, load_communities
from limner.evals.records import Answer, Benchmark, Marked, Question, Turn

__all__ = ["best_recall_and_ndcg", "personabench_recall"]

_K = 5
_DRAWS = 100
_DENSE = {
    "Basic information": (0.235, 0.163),
    "Preference easy": (0.369, 0.333),
    "Preference hard": (0.278, 0.265),
    "Social": (0.252, 0.186),
}
"""all-MiniLM-L6-v2 at noise 0.5 over both published communities: Recall@5 and NDCG@5."""


def personabench_recall(data: str, *, seed: int = 0, noise: float = 0.5) -> Benchmark:
    """Score which share of the sessions that hold an answer is among the first five.

    A person's own sessions are searched, one a chunk. Where several sessions tell the same term, any of them counts: the best
    recall and the best NDCG over all ways of picking one session a term are taken, each for itself, as published.

    Args:
        data: Folder of one community or of several, which are then scored together.
        seed: Of the draws behind the floor; the questions need none.
        noise: Noise level of the documents.

    Returns:
        The benchmark; its groups are the columns of the published table, its clusters the people.

    Raises:
        DataError: A file is missing or malformed, or this noise level is not among the files.
    """
    loaded = load_communities(data, noise)
    blind = _Blind(loaded.histories, seed)
    floors = [blind.floors(one) for one in loaded.asked]
    return Benchmark(
        name="personabench_recall",
        questions=[_question(*one) for one in zip(loaded.asked, floors, strict=True)],
        measures=("recall@5", "ndcg@5"),
        mark=_mark,
        histories=loaded.histories,
        files=loaded.files,
        floors={name: fmean(one[name] for one in floors) for name in floors[0]},
        counted={what: n for what, n in loaded.counted.items() if n},
        published=_published() if math.isclose(noise, 0.5) else {},
    )


def best_recall_and_ndcg(
    found: Sequence[str], gold: Sequence[Sequence[str]], k: int = _K
) -> tuple[float, float]:
    """Return the highest recall and the highest NDCG over all ways of picking one gold id a term.

    Args:
        found: Ids, best first.
        gold: For each term of the answer the ids that hold it.
        k: How many of those found count.
    """
    first = found[:k]
    scores = [_recall_and_ndcg(first, picked, k) for picked in {frozenset(one) for one in product(*gold)}]
    return max(recall for recall, _ in scores), max(ndcg for _, ndcg in scores)


def _recall_and_ndcg(first: Sequence[str], gold: frozenset[str], k: int) -> tuple[float, float]:
    gain = sum(1 / math.log2(place + 2) for place, one in enumerate(first) if one in gold)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(gold), k)))
    return len(gold.intersection(first)) / len(gold), gain / ideal


def _question(asking: Asking, floors: Mapping[str, float]) -> Question:
    return Question(
        id=asking.id,
        text=asking.text,
        target=tuple(dict.fromkeys(segment for segments in asking.gold for segment in segments)),
        history=asking.person,
        group=asking.group,
        cluster=asking.person,
        details={
            "gold": [list(segments) for segments in asking.gold],
            "answer": list(asking.answers),
            "floors": floors,
        },
    )


def _mark(question: Question, answer: Answer) -> Marked:
    found = list(dict.fromkeys(one for passage in answer.passages for one in passage.ids))
    gold = cast(Sequence[Sequence[str]], question.details["gold"])
    recall, ndcg = best_recall_and_ndcg(found, gold)
    return Marked({"recall@5": recall, "ndcg@5": ndcg}, answer=" ".join(found[:_K]))


class _Blind:
    """What lists that know nothing of a question reach."""

    def __init__(self, histories: Mapping[str, Sequence[Turn]], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._lists = {
            person: _blind_lists([turn.id or "" for turn in turns], rng)
            for person, turns in histories.items()
        }

    def floors(self, asking: Asking) -> dict[str, float]:
        """Return the mean recall and NDCG of each kind of list for one question."""
        floors: dict[str, float] = {}
        for name, lists in self._lists[asking.person].items():
            scores = [best_recall_and_ndcg(ids, asking.gold) for ids in lists]
            floors[f"{name}, recall@5"] = fmean(recall for recall, _ in scores)
            floors[f"{name}, ndcg@5"] = fmean(ndcg for _, ndcg in scores)
        return floors


def _blind_lists(ids: Sequence[str], rng: np.random.Generator) -> dict[str, list[list[str]]]:
    return {
        "5 sessions at random": [[ids[i] for i in rng.permutation(len(ids))[:_K]] for _ in range(_DRAWS)],
        "the 5 latest sessions": [list(reversed(ids[-_K:]))],
    }


def _published() -> dict[str, float]:
    return {
        f"dense MiniLM, {group}, {name}@5": value
        for group, pair in _DENSE.items()
        for name, value in zip(("recall", "ndcg"), pair, strict=True)
    }
