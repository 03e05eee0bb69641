"""PersonaMem as a benchmark: which reply fits a user as they are now (Jiang et al. 2025, "Know Me, Respond to Me")."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

from limner.errors import InputError
from limner.evals.asking import is_conversation, notes, prompted, with_memory
from limner.evals.personamem import version1, version2
from limner.evals.personamem.item import Item, Loaded
from limner.evals.records import Answer, Asked, Benchmark, Marked, Method, Passage, Question
from limner.evals.scoring.letters import LETTERS, length_credit, letter_of, lettered, rotated
from limner.evals.sources import DataError, Source

__all__ = ["How", "personamem"]

How = Method | Literal["free"]
"""A way to choose an option, or `free`: the model writes, and the letter is read from its words."""
Version = Literal["auto", "v1", "v2"]

_ROOM = "evals/personamem"
_FREE_TOKENS = 512
_SOURCES = {
    "v1": Source(
        "PersonaMem v1",
        "https://huggingface.co/datasets/bowen-upenn/PersonaMem-v1",
        "questions_32k.csv (or 128k, 1M) with "
        + ", ".join(version1.COLUMNS)
        + ", beside shared_contexts_32k.jsonl "
        "with one object a line, {context id: [{role, content}, …]}",
    ),
    "v2": Source(
        "PersonaMem v2",
        "https://huggingface.co/datasets/bowen-upenn/PersonaMem-v2",
        "benchmark/text/benchmark.csv with "
        + ", ".join(version2.COLUMNS)
        + " and chat_history_32k_link (or 128k), "
        "which names JSON files, {chat_history: [{role, content}, …]}, from the data set's folder on",
    ),
}
_SHORTEST = {
    "v1": "longest option, shortest for new ideas",
    "v2": "longest option, shortest for others' preferences",
}
_PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "v1": {
        "best models of the paper": 0.52,
        "GPT-4o, 32k, whole context": 0.39,
        "GPT-4o with mem0, 32k": 0.58,
        "no context, a frontier model, 472 of the 128k questions": 0.492,
        "longest option, whole 32k file": 0.516,
        "longest option, shortest for new ideas, whole 32k file": 0.672,
    },
    "v2": {
        "best frontier model of the abstract": 0.48,
        "Qwen3-4B after reinforcement learning": 0.53,
        "agentic memory of 2k tokens": 0.55,
        "no context, a frontier model, 501 questions": 0.311,
        "longest option (alone), 501 questions": 0.447,
    },
}


def personamem(
    data: str,
    *,
    seed: int = 0,
    contexts: str | None = None,
    version: Version = "auto",
    size: version2.Size = "32k",
    rotations: int = 4,
    persona: bool = False,
    method: How = "constrained",
) -> Benchmark:
    """Build the benchmark from a file of questions.

    Each question is asked `rotations` times with its options moved one place on, and each time counts as an item; one
    user's items are a cluster. Memory `none` measures what the options give away by themselves.

    Args:
        data: `questions_SIZE.csv` of v1, or `benchmark.csv` of v2.
        seed: Of the options' base order in v2, whose file names the right one first; v1 keeps the file's order.
        contexts: v1: the file of contexts, by default the sibling of the same size. v2: the folder that the links to
            histories start from, by default the one that holds `benchmark/text/`.
        version: Of the format; `auto` tells by the columns.
        size: v2: which history.
        rotations: 1 to 4; the methods that score the texts show no options and are asked once.
        persona: Whether the system messages are part of the history. They hold the user's profile, which a memory is to
            find out.
        method: How an option is chosen.

    Raises:
        DataError: A file is missing or malformed.
        InputError: A parameter is not one of those above.
    """
    _check(version, size, rotations, method)
    path, version = _version(data, version)
    if version == "v1":
        loaded = version1.load(_SOURCES["v1"], path, contexts, persona)
    else:
        loaded = version2.load(_SOURCES["v2"], path, contexts, size, persona, seed)
    if not loaded.items:
        raise DataError(path, f"holds no questions. {_SOURCES[version].advice}")
    turns = 1 if method.startswith("text") else rotations
    names = {"free": ("free",), "constrained": ("choose",), "letter": ("choose",)}.get(
        method, ("reply", "neutral")
    )
    return Benchmark(
        name="personamem" if version == "v1" else "personamem_v2",
        questions=[
            _question(item, turn, _SHORTEST[version])
            for item in loaded.items
            for turn in range(min(turns, len(item.options)))
        ],
        measures=("accuracy",),
        mark=_Marking(method == "free"),
        histories=loaded.histories,
        ask=_Asking(method),
        files=loaded.files,
        prompts=tuple(
            f"{_ROOM}/{name}" for name in names if name != "neutral" or method == "text_less_prior"
        ),
        floors=_floors(loaded, _SHORTEST[version]),
        counted={name: count for name, count in sorted(loaded.counted.items()) if count},
        published=_PUBLISHED[version],
    )


def _check(version: str, size: str, rotations: int, method: str) -> None:
    methods = (*get_args(Method), "free")
    for name, value, allowed in (
        ("version", version, get_args(Version)),
        ("size", size, get_args(version2.Size)),
        ("rotations", rotations, range(1, 5)),
        ("method", method, methods),
    ):
        if value not in allowed:
            raise InputError(
                f"PersonaMem: {name} is {value!r}; it must be one of {', '.join(map(str, allowed))}."
            )


def _version(data: str, version: Version) -> tuple[Path, Literal["v1", "v2"]]:
    source = _SOURCES["v2" if version == "v2" else "v1"]
    path = source.found(data)
    if version != "auto":
        return path, version
    rows = source.table(path, ())
    if not rows:
        raise DataError(path, f"holds no questions. {source.advice}")
    columns = rows[0].fields
    if "incorrect_answers" in columns and "all_options" not in columns:
        return path, "v2"
    return path, "v1"


def _question(item: Item, turn: int, shortest: str) -> Question:
    options = rotated(item.options, turn)
    correct = (item.correct + turn) % len(options)
    letter = LETTERS[correct]
    return Question(
        id=f"{item.id}/r{turn}",
        text=item.message,
        target=(f"({letter})", options[correct]),
        history=item.history,
        group=item.type,
        cluster=item.persona,
        details={
            "item": item.id,
            "rotation": turn,
            "options": list(options),
            "correct": correct,
            "groups": dict(item.groups),
            "floors": _credits(item, shortest),
        },
    )


def _credits(item: Item, shortest: str) -> dict[str, float]:
    return {
        "longest option": length_credit(item.options, item.correct),
        shortest: length_credit(item.options, item.correct, longest=not item.shortest),
        "chance": 1 / len(item.options),
    }


def _floors(loaded: Loaded, shortest: str) -> dict[str, float]:
    each = [_credits(item, shortest) for item in loaded.items]
    return {name: sum(one[name] for one in each) / len(each) for name in each[0]}


class _Asking:
    """Makes the prompt: remembered turns as turns, anything else as notes before the user's message."""

    def __init__(self, method: How) -> None:
        self._method = method

    def __call__(self, question: Question, passages: Sequence[Passage]) -> Asked:
        """Return what is put to the model."""
        options = cast(list[str], question.details["options"])
        noted = "" if is_conversation(passages) else notes(_as_said(passages))
        if self._method == "free":
            prompt = prompted(f"{_ROOM}/free", notes=noted, question=question.text, options=lettered(options))
            return Asked(with_memory(passages, prompt), max_tokens=_FREE_TOKENS)
        if self._method in ("constrained", "letter"):
            prompt = prompted(
                f"{_ROOM}/choose", notes=noted, question=question.text, options=lettered(options)
            )
            return Asked(with_memory(passages, prompt), tuple(LETTERS[: len(options)]), self._method)
        neutral = prompted(f"{_ROOM}/neutral") if self._method == "text_less_prior" else ()
        prompt = prompted(f"{_ROOM}/reply", notes=noted, question=question.text)
        return Asked(with_memory(passages, prompt), tuple(options), self._method, with_memory((), neutral))


class _Marking:
    """Marks an answer right or wrong.

    Args:
        free: Whether it is the model's words; else it is one of the options asked with.
    """

    def __init__(self, free: bool) -> None:
        self._free = free

    def __call__(self, question: Question, answer: Answer) -> Marked:
        """Return 1 for the right option, or one of the very same text; 0 for another and for none."""
        options = cast(list[str], question.details["options"])
        correct = cast(int, question.details["correct"])
        if not self._free and answer.text in options:
            chosen: int | None = options.index(answer.text)
        else:
            chosen = letter_of(answer.text, len(options))
        if chosen is None:
            return Marked({"correct": 0.0}, why="no letter, or more than one")
        right = options[chosen] == options[correct]
        return Marked(
            {"correct": float(right)},
            answer=f"({LETTERS[chosen]})",
            why=f"({LETTERS[correct]}) is right",
        )


def _as_said(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages in the order in which they were said, where each tells its turns (ids are places in the history).

    The turns have no dates, and a question about how a preference changed needs to know what came after what.
    """
    if not all(one.ids and all(id.isdecimal() for id in one.ids) for one in passages):
        return list(passages)
    return sorted(passages, key=lambda one: max(int(id) for id in one.ids))
