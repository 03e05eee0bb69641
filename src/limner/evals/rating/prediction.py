"""The benchmark: each user's last rating is asked for."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from limner.errors import InputError
from limner.evals.asking import prompted
from limner.evals.measures import measure
from limner.evals.rating import baselines
from limner.evals.rating.ratings import HIGHEST, LOWEST, Rating, Ratings, UserRatings, read_ratings
from limner.evals.records import Answer, Asked, Benchmark, Marked, Method, Passage, Question, Turn
from limner.evals.results import Item as Counted
from limner.tools.catalogue import Item

__all__ = ["rating"]

PROMPT = "evals/rating/predict"
MEASURES = ("rmse", "mae", "auc")
LIKED = 4
"""From here on an item counts as liked."""
OPTIONS = tuple(str(value) for value in range(LOWEST, HIGHEST + 1))
_EDGES = (10, 25, 50, 100, 200)
_NUMBER = re.compile(r"(?<![\d.])\d+(?:\.\d+)?")


def rating(
    data: str = "ml-100k",
    *,
    seed: int = 0,
    shots: int = 0,
    method: Method = "letter",
    expected: bool = True,
    matrix_factorisation: bool = False,
) -> Benchmark:
    """Rating prediction on MovieLens, after Kang et al. 2023 (arXiv 2305.06474).

    What a user rated before is the history that a memory is fed; with the memory `none` the model sees the item alone,
    with `recent` the last ratings as well. The baselines learn from every rating but the hidden ones, which no model
    sees: they show what ratings of other people are worth.

    Args:
        data: `ml-100k`, or a folder of RecBole files whose ratings are whole numbers from 1 to 5.
        seed: Of the matrix factorisation; nothing else is drawn.
        shots: How many of the user's latest ratings the prompt shows, whatever the memory gives.
        method: `letter` weighs the five digits by their likelihood; `constrained` decodes one of them, for endpoints
            that tell no likelihoods.
        expected: Whether the mean of the five ratings, weighted by their likelihoods, is the prediction, where the
            method gives them; otherwise the likeliest rating is.
        matrix_factorisation: Whether LensKit's is among the baselines; it takes some seconds.

    Raises:
        InputError: `shots` is negative.
        DataError: A file is missing or is not what it should be.
        DownloadError: The data could not be downloaded whole.
    """
    if shots < 0:
        raise InputError(f"shots is {shots}; it is a number of ratings, 0 or more.")
    ratings = read_ratings(data)
    predicted, counted = _baselines(ratings, seed, matrix_factorisation)
    lines = {item.id: _line(item) for item in ratings.catalogue}
    titles = {item.id: _one_line(item.title) for item in ratings.catalogue}
    histories = {one.user: _turns(one, titles) for one in ratings.users}
    questions = [
        Question(
            id=one.user,
            text=lines[one.hidden.item],
            target=(str(one.hidden.value),),
            history=one.user,
            group=_bucket(len(one.earlier)),
            cluster=one.user,
            details={
                "item": one.hidden.item,
                "baselines": {name: row[place] for name, row in predicted.items()},
            },
        )
        for place, one in enumerate(ratings.users)
    ]
    return Benchmark(
        name="rating",
        questions=questions,
        measures=MEASURES,
        mark=lambda question, answer: _marked(question, answer, expected),
        histories=histories,
        ask=_asker(ratings, histories, shots, method),
        files=ratings.files,
        prompts=(PROMPT,),
        floors=_floors_on(questions),
        floors_on=_floors_on,
        counted={**ratings.counted, **counted},
    )


def _line(item: Item) -> str:
    """Return an item in one line: title, then what its attributes say."""
    told = {
        name: ", ".join(value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else value
        for name, value in item.attributes.items()
        # MovieLens titles end with the year.
        if not (name == "year" and isinstance(value, float) and item.title.endswith(f"({value:g})"))
    }
    return _one_line("; ".join([item.title, *(f"{name}: {value}" for name, value in told.items())]))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _turns(one: UserRatings, titles: Mapping[str, str]) -> tuple[Turn, ...]:
    """Return the earlier ratings in the words that `limner.tools.resolve.rating_in` reads as ratings.

    A turn's id is the item's, with a number behind it where the user rated the item before.
    """
    given: Counter[str] = Counter()
    turns = []
    for past in one.earlier:
        given[past.item] += 1
        again = f"#{given[past.item]}" if given[past.item] > 1 else ""
        turns.append(
            Turn(f"Rated {titles[past.item]} {past.value}/{HIGHEST}", id=past.item + again, at=past.at)
        )
    return tuple(turns)


def _bucket(earlier: int) -> str:
    """Return how much a user's history holds; the names sort as the numbers do."""
    low = 1
    for edge in _EDGES:
        if earlier < edge:
            return f"{low:03}-{edge - 1:03} earlier ratings"
        low = edge
    return f"{low:03} or more earlier ratings"


def _asker(
    ratings: Ratings, histories: Mapping[str, Sequence[Turn]], shots: int, method: Method
) -> Callable[[Question, Sequence[Passage]], Asked]:
    users = {one.user: one for one in ratings.users}

    def ask(question: Question, passages: Sequence[Passage]) -> Asked:
        one = users[question.id]
        rated = dict(zip((turn.id for turn in histories[one.user]), one.earlier, strict=True))
        shown = list(histories[one.user])[len(one.earlier) - min(shots, len(one.earlier)) :]
        told = [_told(passage, rated, ratings) for passage in passages]
        latest = [_rated_line(rated[turn.id], ratings) for turn in shown]
        known = "\n".join(dict.fromkeys([*told, *latest]))
        return Asked(
            messages=prompted(PROMPT, kind=ratings.kind, known=known, item=question.text),
            options=OPTIONS,
            method=method,
            max_tokens=4,
        )

    return ask


def _told(passage: Passage, rated: Mapping[str | None, Rating], ratings: Ratings) -> str:
    """Return a passage as the prompt shows it: an earlier rating, word for word, with what is known of its item."""
    past = rated.get(passage.ids[0]) if passage.role is not None and len(passage.ids) == 1 else None
    return passage.text if past is None else _rated_line(past, ratings)


def _rated_line(past: Rating, ratings: Ratings) -> str:
    return f"{_line(ratings.catalogue.get(past.item))} - rated {past.value}"


def _marked(question: Question, answer: Answer, expected: bool) -> Marked:
    gold = int(question.target[0])
    weights = _weights(answer.scores)
    if weights and expected:
        prediction = sum(
            value * weight for value, weight in zip(range(LOWEST, HIGHEST + 1), weights, strict=True)
        )
        why = "expected; " + ", ".join(
            f"{name}: {weight:.3f}" for name, weight in zip(OPTIONS, weights, strict=True)
        )
    elif weights:
        prediction, why = float(LOWEST + weights.index(max(weights))), "likeliest"
    else:
        read = _read(answer.text)
        prediction = (LOWEST + HIGHEST) / 2 if read is None else read
        why = "the answer gives no rating: the middle of the scale is taken" if read is None else ""
    return Marked(_values(prediction, gold), answer=f"{prediction:.4g}", why=why)


def _weights(scores: Sequence[float]) -> list[float]:
    """Return log-likelihoods of the options as probabilities; none where there are none to speak of."""
    if (
        len(scores) != len(OPTIONS)
        or any(math.isnan(score) for score in scores)
        or not math.isfinite(max(scores))
    ):
        return []
    raw = [math.exp(score - max(scores)) for score in scores]
    return [weight / sum(raw) for weight in raw]


def _read(text: str) -> float | None:
    """Return the rating that a text gives: its first number, if that is one of the scale."""
    match = _NUMBER.search(text)
    value = float(match[0]) if match else math.nan
    return value if LOWEST <= value <= HIGHEST else None


def _values(prediction: float, gold: int) -> dict[str, float]:
    return {"error": prediction - gold, "preference": prediction, "liked": float(gold >= LIKED)}


def _baselines(
    ratings: Ratings, seed: int, matrix_factorisation: bool
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Return each baseline's predictions in the order of the users, and what was left out."""
    known = baselines.Known(
        (one.user, past.item, past.value) for one in ratings.users for past in one.earlier
    )
    asked = [(one.user, one.hidden.item) for one in ratings.users]
    predicted = {
        "user mean": baselines.user_mean(known, asked).tolist(),
        "item mean": baselines.item_mean(known, asked).tolist(),
        "biases": baselines.biases(known, asked).tolist(),
    }
    if not matrix_factorisation:
        return predicted, {}
    if not baselines.lenskit_installed():
        return predicted, {"matrix factorisation left out: the extra lenskit is not installed": 1}
    return {**predicted, "matrix factorisation": baselines.biased_mf(known, asked, seed).tolist()}, {}


def _floors_on(questions: Sequence[Question]) -> dict[str, float]:
    """Return RMSE, MAE and AUC of each baseline on these questions by `baseline measure`, where they can be computed."""
    floors: dict[str, float] = {}
    predicted = [cast(Mapping[str, float], question.details["baselines"]) for question in questions]
    for name in predicted[0] if predicted else ():
        items = [
            Counted(id=question.id, values=_values(row[name], int(question.target[0])))
            for question, row in zip(questions, predicted, strict=True)
        ]
        for score in MEASURES:
            value = measure(score).compute(items)
            if math.isfinite(value):
                floors[f"{name} {score}"] = value
    return floors
