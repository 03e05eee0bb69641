"""Are the turns found on which the answer rests?"""

from collections.abc import Iterator

from limner.errors import ConfigurationError
from limner.evals.locomo.conversations import ABSENT, GROUPS, Conversation, Dataset, read
from limner.evals.records import Answer, Benchmark, Marked, Question, Turn
from limner.evals.scoring.ranking import CUTOFFS, ranked_ids, recalls

__all__ = ["locomo_recall"]


def locomo_recall(data: str, *, seed: int = 0, windows: int = 1) -> Benchmark:
    """Make the retrieval part of LoCoMo (Maharana et al. 2024, §4.1).

    Every question of categories 1 to 4 that names evidence searches its own conversation; the value is the share of its
    evidence turns among the first k distinct turns, averaged over questions.

    Args:
        data: The file.
        seed: Without effect: nothing is drawn.
        windows: How many turns of a session, the one itself in the middle, make up the text under which a turn is
            found; odd.

    Raises:
        DataError: The file is missing or is not what it should be.
        ConfigurationError: `windows` is not odd and positive.
    """
    if windows < 1 or windows % 2 == 0:
        raise ConfigurationError(
            f"windows is {windows}; it must be odd and positive, for the turn stands in the middle."
        )
    dataset = read(data)
    return Benchmark(
        name="locomo_recall",
        questions=list(_questions(dataset)),
        measures=tuple(f"recall@{k}" for k in (10, *(k for k in CUTOFFS if k != 10))),
        mark=_mark,
        histories={one.id: _history(one, windows) for one in dataset.conversations},
        files=dataset.files,
        counted=+dataset.counted,
    )


def _questions(dataset: Dataset) -> Iterator[Question]:
    for conversation in dataset.conversations:
        for asking in conversation.askings:
            if asking.category == ABSENT:
                dataset.counted["question of category 5, left out"] += 1
            elif not asking.evidence:
                dataset.counted["question without evidence that exists, left out"] += 1
            else:
                yield Question(
                    id=asking.id,
                    text=asking.text,
                    target=asking.evidence,
                    history=conversation.id,
                    group=GROUPS[asking.category],
                    cluster=conversation.id,
                )


def _history(conversation: Conversation, windows: int) -> tuple[Turn, ...]:
    if windows == 1:
        return tuple(turn for session in conversation.sessions for turn in session)
    around = windows // 2
    return tuple(
        Turn(
            "\n".join(one.text for one in session[max(0, i - around) : i + around + 1]),
            turn.role,
            turn.id,
            turn.at,
        )
        for session in conversation.sessions
        for i, turn in enumerate(session)
    )


def _mark(question: Question, answer: Answer) -> Marked:
    ranked = ranked_ids(answer.passages)
    found = [name for name in question.target if name in ranked]
    return Marked(recalls(ranked, question.target), why=f"found: {', '.join(found) or 'none'}")
