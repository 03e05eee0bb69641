"""PrefEval's classification task (Zhao et al. 2025, "Do LLMs Recognize Your Preferences?", arXiv 2502.09597, §3)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

from limner.errors import InputError
from limner.evals.asking import is_conversation, notes, prompted, with_memory
from limner.evals.prefeval.files import Form, Preference, inter_turns, preferences
from limner.evals.records import Answer, Asked, Benchmark, Marked, Method, Passage, Question, Role
from limner.evals.scoring.letters import length_credit, shuffled

__all__ = ["prefeval"]

_CHOOSE, _REPLY = "evals/prefeval/choose", "evals/prefeval/reply"
_CONTENT_FREE = "N/A"
_LETTERS = "ABCD"


def prefeval(
    data: str,
    *,
    seed: int = 0,
    form: Form = "explicit",
    turns: int = 10,
    turns_file: str | None = None,
    method: Method = "letter",
    half: Literal["both", "odd", "even"] = "both",
) -> Benchmark:
    """Load PrefEval as multiple choice: of four replies to a question, which one heeds the preference?

    Args:
        data: The folder `benchmark_dataset`.
        seed: Shuffles the options, which the files list with the right one first.
        form: `explicit` or `implicit` (choice-based).
        turns: Exchanges between the preference and the question.
        turns_file: The published file they come from; none takes limner's own.
        method: How the model's choice is read.
        half: Only the entries with an odd or even place in their file, so that prompts can be worked on with one half and
            reported on the other.

    Raises:
        DataError: A file is missing or not as published.
        InputError: A parameter is out of range.
    """
    if turns < 0:
        raise InputError(f"There cannot be {turns} exchanges in between.")
    if method not in get_args(Method):
        raise InputError(f"A choice is made by one of {', '.join(get_args(Method))}; not {method!r}.")
    told, files, counted = preferences(Path(data).expanduser(), form)
    between, more = inter_turns(turns_file, turns)
    questions = [_question(one, seed) for one in told if half == "both" or one.odd == (half == "odd")]
    return Benchmark(
        name="prefeval",
        questions=questions,
        measures=("accuracy",),
        mark=_mark,
        histories={one.id: (*one.turns, *between) for one in told},
        ask=lambda question, passages: _asked(question, passages, method),
        files=(*files, *more),
        prompts=(_CHOOSE if _by_letter(method) else _REPLY,),
        floors=_floors(questions),
        counted=counted,
    )


def _question(told: Preference, seed: int) -> Question:
    options = shuffled(told.options, f"{seed}/{told.id}")
    right = options.index(told.options[0])
    return Question(
        id=told.id,
        text=told.question,
        target=(_LETTERS[right], told.options[0]),
        history=told.id,
        group=told.topic,
        details={"options": list(options), "right": right, "floors": _floor(options, right)},
    )


def _by_letter(method: Method) -> bool:
    return method in ("constrained", "letter")


def _asked(question: Question, passages: Sequence[Passage], method: Method) -> Asked:
    options = cast(list[str], question.details["options"])
    if _by_letter(method):
        messages = _messages(
            _CHOOSE, passages, question=question.text, options=list(zip(_LETTERS, options, strict=False))
        )
        return Asked(messages, tuple(_LETTERS[: len(options)]), method, max_tokens=8)
    # Whoever scores the texts shows none of them: each is tried as the reply.
    return Asked(
        _messages(_REPLY, passages, question=question.text),
        tuple(options),
        method,
        neutral=_messages(_REPLY, (), question=_CONTENT_FREE) if method == "text_less_prior" else (),
    )


def _messages(prompt: str, passages: Sequence[Passage], **variables: object) -> tuple[tuple[Role, str], ...]:
    known = "" if is_conversation(passages) else notes(passages)
    return with_memory(passages, prompted(prompt, notes=known, **variables))


def _mark(question: Question, answer: Answer) -> Marked:
    options = cast(list[str], question.details["options"])
    said = answer.text.strip()
    chosen = options.index(said) if said in options else _LETTERS.find(said) if len(said) == 1 else -1
    right = question.details["right"]
    return Marked(
        values={"correct": float(chosen == right)},
        answer=_LETTERS[chosen] if 0 <= chosen < len(options) else said,
        why="" if chosen == right else f"the preference is heeded by ({question.target[0]})",
    )


def _floor(options: Sequence[str], right: int) -> dict[str, float]:
    """Return what answers that read nothing reach on one question; of options equally long each has its share."""
    return {"chance": 1 / len(options), "longest option": length_credit(options, right)}


def _floors(questions: Sequence[Question]) -> dict[str, float]:
    each = [cast(dict[str, float], one.details["floors"]) for one in questions]
    return {name: sum(one[name] for one in each) / len(each) for name in each[0]} if each else {}
