"""PersonaFeedback (Tao et al. 2025, "PersonaFeedback", arXiv 2506.12915): choose the better personalised of two replies."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import cast, get_args

from limner.errors import InputError
from limner.evals.asking import notes, prompted
from limner.evals.personafeedback.files import Pair, load_pairs
from limner.evals.records import Answer, Asked, Benchmark, Marked, Method, Passage, Question
from limner.evals.scoring.letters import LETTERS, length_credit, letter_of, lettered, shuffled

__all__ = ["personafeedback"]

_ROOM = "evals/personafeedback"
_LETTERED = ("constrained", "letter")
_LONGER = "longer reply"


def personafeedback(
    data: str, *, seed: int = 0, both_orders: bool = False, method: Method = "constrained"
) -> Benchmark:
    """Ask which of two replies suits the person who asks better; people's choice is right.

    What is known of the person is a history of one line a trait: memory `none` asks without the persona, `full` with all of it,
    and a memory that searches with the traits nearest to the request.

    Args:
        data: A copy of the published folder.
        seed: Decides which reply is shown first.
        both_orders: Ask each pair twice, once in each order. A model that always takes the first then scores one half on
            every pair, where in one order it does so on average only.
        method: How a reply is chosen. The methods that go by the likelihood of its text show no replies and ask once.

    Returns:
        The benchmark; its groups are task and tier, such as `specific hard`, its clusters the personas.

    Raises:
        DataError: A file is missing or malformed.
        InputError: There is no such method.
    """
    if method not in get_args(Method):
        raise InputError(
            f"PersonaFeedback: method is {method!r}; it must be one of {', '.join(get_args(Method))}."
        )
    loaded = load_pairs(data)
    twice = both_orders and method in _LETTERED
    names = ["choose" if method in _LETTERED else "reply"]
    if method == "text_less_prior":
        names.append("neutral")
    return Benchmark(
        name="personafeedback",
        questions=[one for pair in loaded.pairs for one in _questions(pair, seed, twice)],
        measures=("accuracy",),
        mark=_mark,
        histories=loaded.histories,
        ask=_Asking(method),
        files=loaded.files,
        prompts=tuple(f"{_ROOM}/{name}" for name in names),
        floors=_floors(loaded.pairs),
        counted=loaded.counted,
    )


def _questions(pair: Pair, seed: int, twice: bool) -> list[Question]:
    # Drawn per pair, so that a pair's order does not hang on which other tiers the folder has.
    right, wrong = (True, pair.chosen), (False, pair.rejected)
    first = shuffled((right, wrong), f"{seed}/{pair.id}")
    if twice:
        return [_question(pair, first, "/1"), _question(pair, first[::-1], "/2")]
    return [_question(pair, first, "")]


def _question(pair: Pair, order: Sequence[tuple[bool, str]], suffix: str) -> Question:
    replies = [reply for _, reply in order]
    correct = [is_right for is_right, _ in order].index(True)
    task, tier = pair.group.split(" ")
    return Question(
        id=pair.id + suffix,
        text=pair.question,
        target=(f"({LETTERS[correct]})", pair.chosen),
        history=pair.persona,
        group=pair.group,
        cluster=pair.persona,
        details={
            "item": pair.id,
            "options": replies,
            "correct": correct,
            "groups": {"task": task, "tier": tier},
            "floors": {_LONGER: length_credit(replies, correct), "chance": 0.5},
        },
    )


class _Asking:
    """Makes the prompt: what is known of the person, their request and, where a letter is asked for, the replies.

    Traits are notes and never replayed as turns: a persona is a description, not something the person said.
    """

    def __init__(self, method: Method) -> None:
        self._method = method

    def __call__(self, question: Question, passages: Sequence[Passage]) -> Asked:
        """Return what is put to the model."""
        replies = cast(list[str], question.details["options"])
        traits = notes(Passage(passage.text) for passage in passages)
        if self._method in _LETTERED:
            prompt = prompted(
                f"{_ROOM}/choose", traits=traits, request=question.text, replies=lettered(replies)
            )
            return Asked(prompt, tuple(LETTERS[: len(replies)]), self._method)
        neutral = prompted(f"{_ROOM}/neutral") if self._method == "text_less_prior" else ()
        return Asked(
            prompted(f"{_ROOM}/reply", traits=traits, request=question.text),
            tuple(replies),
            self._method,
            neutral,
        )


def _mark(question: Question, answer: Answer) -> Marked:
    """Count the right reply, by letter or word for word, and one of the very same text."""
    replies = cast(list[str], question.details["options"])
    correct = cast(int, question.details["correct"])
    named = letter_of(answer.text, len(replies))
    chosen = replies.index(answer.text) if answer.text in replies else named
    if chosen is None:
        return Marked({"correct": 0.0}, why="no letter, or more than one")
    right = replies[chosen] == replies[correct]
    return Marked(
        {"correct": float(right)}, answer=f"({LETTERS[chosen]})", why=f"({LETTERS[correct]}) is right"
    )


def _floors(pairs: Sequence[Pair]) -> Mapping[str, float]:
    """Return how often the longer reply is the chosen one, in all and for each group; equal lengths count half."""
    longer: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        credit = length_credit((pair.chosen, pair.rejected), 0)
        longer[_LONGER].append(credit)
        longer[f"{_LONGER}, {pair.group}"].append(credit)
    return {name: fmean(values) for name, values in longer.items()} | {"chance": 0.5}
