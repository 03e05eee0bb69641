"""Ada-Retrieval: a list made in rounds, each of which knows what the rounds before it have retrieved."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores, ranked
from limner.tools.recommenders.discovery import recommender
from limner.tools.recommenders.listwise import Lesson, listwise_weights
from limner.tools.recommenders.protocol import Grid, Recommender

__all__ = ["AdaRetrieval"]

_SIGNS = 3
_LESSONS = 8_000_000
"""Most numbers that the weights of a round are fitted on: 32 MB."""


class AdaRetrieval(BaseRecommender):
    """Ada-Retrieval (Li et al., AAAI 2024, arXiv 2401.06633) over any recommender: `rounds` times `size` items, each round refined by the earlier ones.

    The first round is the base's own. Each later round scores what is left by a weighted sum of three signs, each put on one scale
    (mean 0 and standard deviation 1 over the items that the history does not hold):

    1. the base's scores for the history;
    2. the item side (§4.2): the base's answers to each history item alone, averaged with attention to what was retrieved: a softmax of how
       strongly an item alone calls for the retrieved ones;
    3. the user side (§4.3): the mean of the base's answers to each retrieved item alone.

    What is kept of the paper: rounds over one frozen base, an adapter of the items' and one of the user's representation that read the
    items retrieved so far, and training on the users whose next item the earlier rounds have missed. What differs: the paper adapts
    vectors inside a neural base and trains attention, a filter over the retrieved sequence, a GRU and an MLP through it by gradients. A base here is anything
    that scores a history, so representations are its answers, and three weights a round are all that is learnt.

    The weights are fitted by listwise logistic regression on each training user's own last item, asked with the items before it of a base that
    was fitted without those last items. A list is the rounds one after the other, then what is left as the last round scored it; a score is the place in
    that order, from 1 down to 0. With one round it orders as its base does. `explain` gives what the base says.

    On the validation items of MovieLens-100K three rounds over `markov_knn` are no better than `markov_knn` alone (NDCG@10 and
    recall at 50 within a few thousandths, either way): a base that is asked with the whole history leaves little to correct.

    Memory grows with the square of the catalogue, fitting takes two fits of the base and an answer for each item.

    Args:
        base: A registered recommender.
        base_settings: Arguments of its constructor.
        rounds: Number of rounds, at least 1.
        size: Items that each round but the last retrieves, at least 1.
        penalty: Of the squared weights, above 0.
        max_items: Largest catalogue to accept, before the machine runs out of memory.
        seed: Of the base, where its settings name none, and of the choice of users to fit on where there are too many.
    """

    name = "ada_retrieval"
    grid: ClassVar[Grid] = {"rounds": (2, 3), "size": (2, 5, 10)}

    def __init__(
        self,
        *,
        base: str = "markov_knn",
        base_settings: Mapping[str, Any] | None = None,
        rounds: int = 3,
        size: int = 5,
        penalty: float = 0.001,
        max_items: int = 20_000,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if rounds < 1 or size < 1:
            raise InputError(f"rounds={rounds} and size={size} must be at least 1.")
        if not penalty > 0:
            raise InputError(f"penalty is {penalty}; it must be above 0.")
        self.base = base
        self.base_settings = dict(base_settings or {})
        self.rounds = rounds
        self.size = size
        self.penalty = penalty
        self.max_items = max_items
        self._retriever = _Retriever(None, np.zeros((0, 0), dtype=np.float32))
        self._weights = np.zeros((0, _SIGNS))

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        if len(catalogue) > self.max_items:
            raise InputError(
                f"Ada-Retrieval keeps the base's answers to each item; {len(catalogue)} items are more than "
                f"max_items={self.max_items}. Take its base, {self.base}, alone, or raise max_items if there is memory for it."
            )
        self._weights = np.zeros((0, _SIGNS))
        if self.rounds > 1:
            earlier, targets = _last_items(interactions)
            if targets:
                self._learn(earlier, targets, catalogue)
        self._retriever = self._fitted(interactions, catalogue)

    def _fitted(self, interactions: Interactions, catalogue: Catalogue) -> "_Retriever":
        model = recommender(self.base, **{"seed": self.seed, **self.base_settings}).fit(
            interactions, catalogue
        )
        if self.rounds == 1:
            return _Retriever(model, np.zeros((0, 0), dtype=np.float32))
        return _Retriever(model, model.score_many([[item_id] for item_id in catalogue.ids]))

    def _learn(self, earlier: Interactions, targets: Mapping[str, str], catalogue: Catalogue) -> None:
        retriever = self._fitted(earlier, catalogue)
        most = max(1, _LESSONS // (_SIGNS * len(catalogue)))
        users = sorted(targets)
        if len(users) > most:
            users = sorted(np.random.default_rng(self.seed).choice(users, most, replace=False).tolist())
        histories = [earlier.by_user(user).frame["item"].to_list() for user in users]
        wanted = catalogue.positions(targets[user] for user in users)
        asked = [catalogue.positions(reversed(dict.fromkeys(reversed(history)))) for history in histories]
        answers = retriever.scores(asked)
        for _ in range(1, self.rounds):
            lessons = []
            for history, scores, target in zip(asked, answers, wanted, strict=True):
                before, current = self._walk(retriever, history, scores)
                retrieved = np.concatenate([before, _best(current, self.size, history, before)])
                if target in history or target in retrieved:
                    continue
                left = np.ones(len(scores), dtype=np.bool_)
                left[history] = left[retrieved] = False
                signs = retriever.signs(history, scores, retrieved)
                lessons.append(Lesson(signs[:, left], int(left[:target].sum())))
            learnt = listwise_weights(lessons, np.eye(_SIGNS)[0], self.penalty)
            self._weights = np.vstack([self._weights, learnt])

    def _walk(
        self, retriever: "_Retriever", history: Positions, scores: Scores
    ) -> tuple[Positions, NDArray[Any]]:
        """Return what all rounds but the last one that has weights retrieve, best first, and that one's scores."""
        retrieved = np.zeros(0, dtype=np.intp)
        current: NDArray[Any] = scores
        for weights in self._weights:
            retrieved = np.concatenate([retrieved, _best(current, self.size, history, retrieved)])
            current = weights @ retriever.signs(history, scores, retrieved)
        return retrieved, current

    def _score(self, history: Positions) -> Scores:
        return np.asarray(self._score_many([history])[0], dtype=np.float32)

    def _score_many(self, histories: Sequence[Positions]) -> Scores:
        answers = self._retriever.scores(histories)
        return np.stack([
            self._ordered(history, scores) for history, scores in zip(histories, answers, strict=True)
        ])

    def _ordered(self, history: Positions, scores: Scores) -> Scores:
        retrieved, current = self._walk(self._retriever, history, scores)
        left = np.ones(len(scores), dtype=np.bool_)
        left[retrieved] = False
        order = np.concatenate([retrieved, ranked(current, np.flatnonzero(left))])
        placed = np.empty(len(order), dtype=np.float32)
        placed[order] = np.linspace(1.0, 0.0, len(order), dtype=np.float32)
        return placed

    def _contributions(self, history: Positions, item: int) -> Scores:
        ids = [self.catalogue.ids[position] for position in history]
        found = self._retriever.base.explain(ids, self.catalogue.ids[item], n=len(ids)) if ids else []
        amounts = dict(found)
        return np.array([amounts.get(item_id, 0.0) for item_id in ids], dtype=np.float32)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"responses": self._retriever.responses, "weights": self._weights}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._retriever = _Retriever(self._retriever.base, arrays["responses"])
        self._weights = arrays["weights"]

    def _parts(self) -> Mapping[str, Recommender]:
        return {"base": self._retriever.base}

    def _assemble(self, parts: Mapping[str, Recommender]) -> None:
        if set(parts) != {"base"}:
            raise InputError("This Ada-Retrieval was saved without its base: fit it again.")
        self._retriever = _Retriever(parts["base"], self._retriever.responses)


class _Retriever:
    """A fitted base and its answers to each item alone, shape `(items, items)`."""

    def __init__(self, model: Recommender | None, responses: Scores) -> None:
        self._model = model
        self.responses = responses

    @property
    def base(self) -> Recommender:
        if self._model is None:
            raise InputError("ada_retrieval has not been fitted: call fit(interactions, catalogue) first.")
        return self._model

    def scores(self, histories: Sequence[Positions]) -> Scores:
        ids = self.base.catalogue.ids
        return self.base.score_many([[ids[position] for position in history] for history in histories])

    def signs(self, history: Positions, scores: Scores, retrieved: Positions) -> NDArray[np.float32]:
        """Return the three signs for each item, shape `(3, items)`; see `AdaRetrieval`."""
        if not retrieved.size:
            return np.zeros((_SIGNS, len(scores)), dtype=np.float32)
        own = self.responses[history]
        calls = own[:, retrieved].mean(axis=1).astype(np.float64)
        calls /= max(float(calls.std()), 1e-12)
        attention = np.exp(calls - calls.max())
        attention /= attention.sum()
        others = np.ones(len(scores), dtype=np.bool_)
        others[history] = False
        raw = (scores, attention @ own, self.responses[retrieved].mean(axis=0))
        return np.stack([_scaled(np.asarray(sign, dtype=np.float64), others) for sign in raw])


def _scaled(sign: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.float32]:
    counted = sign[among] if among.any() else sign
    spread = float(counted.std())
    # Equal numbers have a standard deviation of rounding errors.
    if spread <= 1e-9 * float(np.abs(counted).max()):
        return np.zeros(len(sign), dtype=np.float32)
    return np.asarray((sign - counted.mean()) / spread, dtype=np.float32)


def _best(scores: NDArray[Any], size: int, history: Positions, retrieved: Positions) -> Positions:
    left = np.ones(len(scores), dtype=np.bool_)
    left[history] = left[retrieved] = False
    return ranked(scores, np.flatnonzero(left))[:size]


def _last_items(interactions: Interactions) -> tuple[Interactions, dict[str, str]]:
    """Part each user's last interaction from the others; a user with a single one keeps it and is not asked about."""
    targets: dict[str, str] = {}
    rows: list[int] = []
    for user in interactions.users:
        own = interactions.by_user(user)
        if len(own) > 1:
            targets[user] = own.frame["item"][-1]
            rows.append(own.rows[-1])
    return interactions.without(rows), targets
