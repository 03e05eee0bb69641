"""What answers reach that read no review: means of ratings, and words that stand there anyway."""

from collections.abc import Callable, Mapping, Sequence

from limner.evals.lamp.floors import half_up, spread
from limner.evals.reviews.files import Hidden, Review
from limner.evals.scoring.rouge import rouge

__all__ = ["rating_floors", "text_floors", "title_floors"]

TITLE_WORDS = 3
"""Of a text, taken for its title; about as many as titles have."""


def rating_floors(users: Mapping[str, Sequence[Review]], hidden: Sequence[Hidden]) -> dict[str, float]:
    """Return MAE, RMSE and accuracy of ratings guessed without reading.

    The mean of a user is over their visible reviews. The mean of everyone is over the visible reviews of all other
    users of the file, those with a single review too; hidden ratings are in no mean.

    Args:
        users: All reviews by user.
        hidden: The questions.
    """
    asked = {one.user: one.asked.id for one in hidden}
    visible = {
        user: [review.rating for review in reviews if review.id != asked.get(user)]
        for user, reviews in users.items()
    }
    total = sum(sum(ratings) for ratings in visible.values())
    number = sum(len(ratings) for ratings in visible.values())

    def own(user: str) -> float:
        return sum(visible[user]) / len(visible[user])

    def everyone(user: str) -> float:
        others = number - len(visible[user])
        return (total - sum(visible[user])) / others if others else own(user)

    guesses: dict[str, Callable[[str], float]] = {
        "always 5": lambda _: 5.0,
        "the user's mean": own,
        "the user's mean, rounded": lambda user: half_up(own(user)),
        "the mean of all others": everyone,
        "the mean of all others, rounded": lambda user: half_up(everyone(user)),
    }
    found: dict[str, float] = {}
    for name, guess in guesses.items():
        errors = [guess(one.user) - one.asked.rating for one in hidden]
        found |= spread(name, errors)
        if name == "always 5" or name.endswith("rounded"):
            found[f"accuracy, {name}"] = sum(error == 0 for error in errors) / len(errors)
    return found


def title_floors(hidden: Sequence[Hidden]) -> dict[str, float]:
    """Return ROUGE of titles that are the first words of the text, or another title of the same user."""
    first = [" ".join(one.asked.text.split()[:TITLE_WORDS]) for one in hidden]
    wanted = [one.asked.title for one in hidden]
    return {
        **_shared(f"the first {TITLE_WORDS} words of the text", first, wanted),
        **_shared("the user's first other title", [one.others[0].title for one in hidden], wanted),
    }


def text_floors(hidden: Sequence[Hidden]) -> dict[str, float]:
    """Return ROUGE of texts that are the title, or another text of the same user."""
    wanted = [one.asked.text for one in hidden]
    return {
        **_shared("the title again", [one.asked.title for one in hidden], wanted),
        **_shared("the user's first other text", [one.others[0].text for one in hidden], wanted),
    }


def _shared(name: str, texts: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    scores = [rouge(text, [gold], words="unicode") for text, gold in zip(texts, wanted, strict=True)]
    return {
        f"{key}, {name}": sum(score[key] for score in scores) / len(scores) for key in ("rouge_1", "rouge_l")
    }
