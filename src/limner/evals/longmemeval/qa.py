"""Are the questions answered?"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import datetime

from limner.evals.asking import prompted
from limner.evals.longmemeval.haystacks import Asking, read
from limner.evals.records import Answer, Asked, Benchmark, Marked, Passage, Question, Turn
from limner.evals.scoring.judge import judged
from limner.evals.scoring.token_f1 import token_f1

__all__ = ["longmemeval_qa"]

_ROOM = "evals/longmemeval"
_ANSWER = f"{_ROOM}/answer"
_JUDGE_ABSENT = f"{_ROOM}/judge_absent"
_PREFERENCE = "single-session-preference"
_JUDGES = {
    "single-session-user": f"{_ROOM}/judge",
    "single-session-assistant": f"{_ROOM}/judge",
    "multi-session": f"{_ROOM}/judge",
    "temporal-reasoning": f"{_ROOM}/judge_temporal",
    "knowledge-update": f"{_ROOM}/judge_update",
    _PREFERENCE: f"{_ROOM}/judge_preference",
}
_REFUSALS = ("not mentioned", "no information available", "not enough information")


def longmemeval_qa(data: str, *, seed: int = 0, judge: str | None = None) -> Benchmark:
    """Make the question-answering part of LongMemEval (Wu et al. 2024, §3).

    The paper marks by a judge alone, with a rule for each type of question. Without a judge, answers count by the F1 of
    their words, which is no measure of the paper: preference questions, whose gold is a rubric, are then left out,
    and an abstention question counts 1 if the answer says that the chats do not tell.

    Args:
        data: The file.
        seed: Without effect: nothing is drawn.
        judge: A model that inspect_ai knows; it then says whether an answer is right (`judged`).

    Raises:
        DataError: The file is missing or is not what it should be.
    """
    dataset = read(data)
    counted = Counter(dataset.counted)
    askings = list(dataset.askings)
    if judge is None:
        askings = [one for one in askings if one.kind != _PREFERENCE or one.abstention]
        counted["preference question, left out as its gold is a rubric"] += len(dataset.askings) - len(
            askings
        )

    def by_judge(question: Question, answer: Answer) -> Awaitable[Marked]:
        prompt = str(question.details["judge"])
        return judged(str(judge), prompt, question=question.text, gold=question.target[0], answer=answer.text)

    return Benchmark(
        name="longmemeval_qa",
        questions=[_question(one) for one in askings],
        measures=("f1",) if judge is None else ("judged",),
        mark=_by_f1 if judge is None else by_judge,
        histories={one.id: _history(one) for one in askings},
        ask=_ask,
        files=dataset.files,
        prompts=(_ANSWER,) if judge is None else (_ANSWER, *dict.fromkeys(_JUDGES.values()), _JUDGE_ABSENT),
        counted=+counted,
    )


def _question(asking: Asking) -> Question:
    return Question(
        id=asking.id,
        text=asking.text,
        target=(asking.answer,),
        history=asking.id,
        group=asking.kind,
        cluster=asking.id,
        details={
            "asked": asking.asked.isoformat(),
            "abstention": asking.abstention,
            "judge": _JUDGE_ABSENT if asking.abstention else _JUDGES[asking.kind],
            "evidence": list(asking.gold),
        },
    )


def _history(asking: Asking) -> tuple[Turn, ...]:
    return tuple(
        Turn(said.text, said.role, f"{session.id}_{said.place}", session.at)
        for session in asking.sessions
        for said in session.turns
    )


def _ask(question: Question, passages: Sequence[Passage]) -> Asked:
    asked = datetime.fromisoformat(str(question.details["asked"]))
    dated = [passage for passage in passages if passage.at is not None]
    # As the published code does: in the order of time, so that what was said last can be seen to be the latest.
    ordered = [passage for passage in passages if passage.at is None] + sorted(dated, key=_time)
    messages = prompted(
        _ANSWER,
        memories="\n\n".join(_entry(passage) for passage in ordered),
        today=_day(asked),
        question=question.text,
    )
    return Asked(messages, max_tokens=256)


def _entry(passage: Passage) -> str:
    heading = " ".join(
        part for part in (f"[{_day(passage.at)}]" if passage.at else "", passage.role or "") if part
    )
    return f"{heading}: {passage.text}" if heading else passage.text


def _time(passage: Passage) -> float:
    return passage.at.timestamp() if passage.at else 0.0


def _day(moment: datetime) -> str:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{moment:%Y-%m-%d} {days[moment.weekday()]} {moment:%H:%M}"


def _by_f1(question: Question, answer: Answer) -> Marked:
    if question.details["abstention"]:
        return Marked(
            {"f1": float(any(words in answer.text.lower() for words in _REFUSALS))}, answer=answer.text
        )
    return Marked({"f1": token_f1(answer.text, question.target[0])}, answer=answer.text)
