"""Are the questions answered?"""

from collections.abc import Awaitable, Iterator, Sequence

from limner.evals.asking import prompted
from limner.evals.locomo.conversations import ABSENT, GROUPS, Asking, Dataset, read
from limner.evals.records import Answer, Asked, Benchmark, Marked, Passage, Question
from limner.evals.scoring.judge import judged
from limner.evals.scoring.token_f1 import partial_f1, token_f1

__all__ = ["locomo_qa"]

_ANSWER = "evals/locomo/answer"
_JUDGE = "evals/locomo/judge"
_JUDGE_ABSENT = "evals/locomo/judge_absent"

_REFUSALS = ("no information available", "not mentioned")
"""The published scorer accepts these words, and no others, as the answer to a question of category 5."""

_MULTI_HOP, _OPEN = 1, 3


def locomo_qa(data: str, *, seed: int = 0, judge: str | None = None) -> Benchmark:
    """Make the question-answering part of LoCoMo (Maharana et al. 2024, §4.1).

    Args:
        data: The file.
        seed: Without effect: nothing is drawn.
        judge: A model that inspect_ai knows; it then says whether an answer is right (`judged`). Without one, an answer
            counts by the paper's F1. The two never stand in one result.

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    dataset = read(data)
    questions = list(_questions(dataset))

    def by_judge(question: Question, answer: Answer) -> Awaitable[Marked]:
        prompt = _JUDGE_ABSENT if question.group == GROUPS[ABSENT] else _JUDGE
        gold = str(question.details["explanation"])
        return judged(str(judge), prompt, question=question.text, gold=gold, answer=answer.text)

    return Benchmark(
        name="locomo_qa",
        questions=questions,
        measures=("f1",) if judge is None else ("judged",),
        mark=_by_f1 if judge is None else by_judge,
        histories={one.id: one.turns for one in dataset.conversations},
        ask=_ask,
        files=dataset.files,
        prompts=(_ANSWER,) if judge is None else (_ANSWER, _JUDGE, _JUDGE_ABSENT),
        floors=_floors(questions) if judge is None else {},
        counted=+dataset.counted,
    )


def _questions(dataset: Dataset) -> Iterator[Question]:
    for conversation in dataset.conversations:
        for asking in conversation.askings:
            yield Question(
                id=asking.id,
                text=asking.text,
                target=(_gold(asking),),
                history=conversation.id,
                group=GROUPS[asking.category],
                cluster=conversation.id,
                details={
                    "category": asking.category,
                    "evidence": list(asking.evidence),
                    "explanation": _explanation(asking),
                },
            )


def _gold(asking: Asking) -> str:
    if asking.category == ABSENT:
        return _REFUSALS[0]
    return _required(asking)


def _required(asking: Asking) -> str:
    if asking.answer is None:
        raise asking.row.error("answer", "is missing; only questions of category 5 may go without")
    return asking.answer


def _explanation(asking: Asking) -> str:
    if asking.category != ABSENT:
        return _required(asking)
    return (
        f"the conversation does not say; a wrong answer is: {asking.trap}"
        if asking.trap
        else "the conversation does not say"
    )


def _ask(question: Question, passages: Sequence[Passage]) -> Asked:
    memories = "\n".join(_line(passage) for passage in passages)
    return Asked(prompted(_ANSWER, memories=memories, question=question.text), max_tokens=64)


def _line(passage: Passage) -> str:
    # A turn's text begins with its date; what a memory wrote itself may only carry it.
    if passage.role is not None or passage.at is None:
        return passage.text
    return f"{passage.at:%d %B %Y}: {passage.text}"


def _by_f1(question: Question, answer: Answer) -> Marked:
    return Marked({"f1": _f1(question, answer.text)}, answer=answer.text)


def _f1(question: Question, text: str) -> float:
    category, gold = question.details["category"], question.target[0]
    if category == ABSENT:
        return float(any(words in text.lower() for words in _REFUSALS))
    if category == _MULTI_HOP:
        return partial_f1(text, gold)
    return token_f1(text, gold.split(";")[0] if category == _OPEN else gold)


def _floors(questions: Sequence[Question]) -> dict[str, float]:
    """Return what one refusal for every question scores: category 5 is won by it."""
    if not questions:
        return {}
    return {
        "always no information available": sum(_f1(one, _REFUSALS[0]) for one in questions) / len(questions)
    }
