"""Reviews as a benchmark, in the manner of LaMP-3 and LaMP-4 (Salemi et al. 2023) on the data of PGraphRAG (Au et al. 2025)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from limner.errors import InputError
from limner.evals.asking import prompted
from limner.evals.lamp.asking import split_passages
from limner.evals.lamp.benchmark import How, chosen_by
from limner.evals.lamp.marking import stars
from limner.evals.records import Answer, Asked, Benchmark, Marked, Method, Passage, Question, Turn
from limner.evals.reviews.files import SOURCE, Hidden, Review, hide, read_users
from limner.evals.reviews.floors import rating_floors, text_floors, title_floors
from limner.evals.scoring.rouge import rouge
from limner.evals.sources import DataError

__all__ = ["reviews"]


@dataclass(frozen=True)
class _Task:
    """What is asked about a hidden review."""

    query: Callable[[Review], str]
    """The part of it that is given, for which memories are searched."""
    target: Callable[[Review], str]
    measures: tuple[str, ...]
    max_tokens: int


_TASKS = {
    "rating": _Task(
        lambda review: review.words,
        lambda review: str(review.rating),
        ("mae", "rmse", "accuracy", "macro_f1"),
        16,
    ),
    "title": _Task(lambda review: review.text, lambda review: review.title, ("rouge_1", "rouge_l"), 48),
    "text": _Task(lambda review: review.title, lambda review: review.text, ("rouge_1", "rouge_l"), 384),
}
_STARS = ("1", "2", "3", "4", "5")


def reviews(
    data: str, *, seed: int = 0, task: str = "rating", method: How = "constrained", repeats: bool = False
) -> Benchmark:
    """Load one task on reviews.

    One review of every user who has two is hidden and asked for; the others are the history.

    - `rating`: how many stars go with a title and a text that are both given, as in LaMP-3.
    - `title`: which title goes with the given text.
    - `text`: which text goes with the given title and stars.

    Args:
        data: A file of profiles, such as `amazon_dev.json` (English) or `b2w_dev.json` (Portuguese). The prompts are
            English and ask for titles and texts in the language of what is given.
        seed: Which review of a user is hidden.
        task: `rating`, `title` or `text`.
        method: How a rating is chosen; `free` for free text, where what is no number from 1 to 5 counts as the worst
            rating.
        repeats: Whether to keep the copies that some users have of the same review. A copy of the hidden one gives
            it away.

    Raises:
        InputError: A parameter has a value that it cannot have.
        DataError: The file is missing or malformed, or no user has two reviews.
        ImportError: `title` or `text` is asked for and the extra `evals` is not installed.
    """
    if task not in _TASKS:
        raise InputError(f"There is no task {task!r}; there are {', '.join(_TASKS)}.")
    way = chosen_by(method)
    path = SOURCE.found(data)
    counted: Counter[str] = Counter()
    users = read_users(path, counted, repeats)
    hidden = hide(users, seed, counted)
    if not hidden:
        raise DataError(path, f"no user has two reviews of which one could be hidden. {SOURCE.advice}")
    by_user = {one.user: one for one in hidden}
    return Benchmark(
        name=f"reviews_{task}",
        questions=[_question(_TASKS[task], one) for one in hidden],
        measures=_TASKS[task].measures,
        mark=_mark_rating if task == "rating" else _mark_text,
        histories={one.user: [Turn(other.whole, "user", other.id) for other in one.others] for one in hidden},
        ask=_Asker(task, by_user, way),
        files=(path,),
        prompts=(f"evals/reviews/{task}",),
        floors=_floors(task, users, hidden),
        floors_on=lambda questions: _floors(task, users, [by_user[one.id] for one in questions]),
        counted={name: number for name, number in counted.items() if number},
    )


def _floors(task: str, users: Mapping[str, Sequence[Review]], hidden: Sequence[Hidden]) -> dict[str, float]:
    if task == "rating":
        return rating_floors(users, hidden)
    return title_floors(hidden) if task == "title" else text_floors(hidden)


def _question(task: _Task, one: Hidden) -> Question:
    number = len(one.others)
    return Question(
        id=one.user,
        text=task.query(one.asked),
        target=(task.target(one.asked),),
        history=one.user,
        group="1 other" if number == 1 else "2-3 others" if number < 4 else "4+ others",
        cluster=one.user,
        details={"hidden": one.asked.id},
    )


@dataclass(frozen=True)
class _Asker:
    """Makes the prompts of one task."""

    task: str
    hidden: Mapping[str, Hidden]
    method: Method | None

    def __call__(self, question: Question, passages: Sequence[Passage]) -> Asked:
        """Return what is put to the model."""
        one = self.hidden[question.id]
        known, shown = split_passages(passages, {other.id: other for other in one.others})
        given = {"title": one.asked.title, "text": one.asked.text, "rating": str(one.asked.rating)}
        given = {name: value for name, value in given.items() if name != self.task}
        method = self.method if self.task == "rating" else None
        empty = dict.fromkeys(given, "")
        return Asked(
            prompted(f"evals/reviews/{self.task}", known=known, reviews=shown, **given),
            options=_STARS if method else (),
            method=method or "constrained",
            neutral=prompted(f"evals/reviews/{self.task}", known=[], reviews=[], **empty) if method else (),
            max_tokens=_TASKS[self.task].max_tokens,
        )


def _mark_rating(question: Question, answer: Answer) -> Marked:
    gold = float(question.target[0])
    value, valid = stars(answer.text, gold)
    why = "" if valid else f"{answer.text[:60]!r} is no rating from 1 to 5 and counts as {value:g}"
    values = {"error": value - gold, "correct": float(value == gold)}
    return Marked(values, (f"{value:g}", question.target[0]), f"{value:g}", why)


def _mark_text(question: Question, answer: Answer) -> Marked:
    text = answer.text.strip()
    return Marked(rouge(text, question.target, words="unicode"), answer=text)
