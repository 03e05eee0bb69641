"""PrefEval's files: topics of preferences, questions and options, and the turns that stand in between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from limner.errors import InputError
from limner.evals.prefeval.exchanges import EXCHANGES
from limner.evals.records import Turn
from limner.evals.sources import DataError, Row, Source

__all__ = ["FORMS", "Form", "Preference", "inter_turns", "preferences"]

Form = Literal["explicit", "implicit"]
"""How a preference is told: in so many words, or by a choice among options (the paper's "choice-based")."""
FORMS: tuple[Form, ...] = ("explicit", "implicit")

SOURCE = Source(
    "PrefEval",
    "https://github.com/amazon-science/PrefEval, folder benchmark_dataset",
    "a folder with explicit_preference/TOPIC.json, implicit_preference/choice-based/TOPIC.json and mcq_options/TOPIC.json, lists of the "
    "same length and order; entries have `preference` and `question`, those of mcq_options also `classification_task_options` (four "
    "texts, the right one first), those of choice-based also `conversation`.",
)
_TURNS = Source(
    "The file of turns in between",
    "https://github.com/amazon-science/PrefEval, benchmark_dataset/filtered_inter_turns.json",
    'a list of {"conversation": [{"role": "user" or "assistant", "content": ...}, ...]}.',
)
_FOLDERS: dict[Form, str] = {
    "explicit": "explicit_preference",
    "implicit": "implicit_preference/choice-based",
}
_UNDERSTOOD = "Thank you for telling me. I will keep that in mind."


@dataclass(frozen=True)
class Preference:
    """One preference with its question and the four options."""

    id: str
    topic: str
    turns: tuple[Turn, ...]
    """The exchange in which it is told."""
    question: str
    options: tuple[str, str, str, str]
    """The right one first, as in the file."""
    odd: bool
    """Whether its place in the file is odd."""


def preferences(folder: Path, form: Form) -> tuple[list[Preference], list[Path], dict[str, int]]:
    """Read every topic of the folder.

    Returns:
        The preferences, the files read, and the oddities counted.

    Raises:
        DataError: A file is missing or not as published.
        InputError: There is no such form.
    """
    if form not in FORMS:
        raise InputError(f"A preference is told in one of the forms {', '.join(FORMS)}; not {form!r}.")
    topics = sorted(path.stem for path in SOURCE.found(folder / "mcq_options", folder=True).glob("*.json"))
    if not topics:
        raise DataError(folder / "mcq_options", f"holds no JSON file. {SOURCE.advice}")
    found: list[Preference] = []
    files: list[Path] = []
    reworded = 0
    for topic in topics:
        options_file = folder / "mcq_options" / f"{topic}.json"
        told_file = SOURCE.found(folder / _FOLDERS[form] / f"{topic}.json")
        files += [options_file, told_file]
        options = SOURCE.rows(options_file, SOURCE.json(options_file))
        told = SOURCE.rows(told_file, SOURCE.json(told_file))
        if len(options) != len(told):
            raise DataError(
                told_file, f"has {len(told)} entries where {options_file} has {len(options)}. {SOURCE.advice}"
            )
        for number, (one, other) in enumerate(zip(options, told, strict=True)):
            if one.text("question") != other.text("question"):
                raise other.error("question", f"is another one than in {options_file}. {SOURCE.advice}")
            reworded += one.text("preference") != other.text("preference")
            turns = _stated(other) if form == "explicit" else _chosen(other)
            found.append(
                Preference(
                    f"{topic}/{number}", topic, turns, one.text("question"), _four(one), number % 2 == 1
                )
            )
    return found, files, {"preference worded differently in the two files": reworded} if reworded else {}


def _four(row: Row) -> tuple[str, str, str, str]:
    options = row.items("classification_task_options")
    if len(options) != 4 or not all(isinstance(option, str) and option.strip() for option in options):
        raise row.error("classification_task_options", "does not hold four texts")
    if len(set(options)) != 4:
        raise row.error("classification_task_options", "holds the same text twice")
    return (options[0], options[1], options[2], options[3])


def _stated(row: Row) -> tuple[Turn, ...]:
    # In the paper the model under test replies to the preference; a fixed reply keeps what is remembered the same for all.
    return Turn(row.text("preference"), "user", "preference"), Turn(_UNDERSTOOD, "assistant", "acknowledged")


def _chosen(row: Row) -> tuple[Turn, ...]:
    talk = Row.of(row.path, f"{row.number}/conversation", row.fields.get("conversation"))
    return (
        Turn(talk.text("query"), "user", "asked"),
        Turn(talk.text("assistant_options"), "assistant", "offered"),
        Turn(talk.text("user_selection"), "user", "preference"),
        Turn(talk.text("assistant_acknowledgment"), "assistant", "acknowledged"),
    )


def inter_turns(path: str | Path | None, exchanges: int) -> tuple[list[Turn], list[Path]]:
    """Return the turns that stand between preference and question.

    Args:
        path: The published file; none takes limner's own exchanges.
        exchanges: How many pairs of a user's and an assistant's turn.

    Raises:
        DataError: The file is not as published, or has fewer.
        InputError: limner's own are fewer.
    """
    if path is None:
        pairs: Sequence[tuple[str, str]] = EXCHANGES
        if exchanges > len(pairs):
            raise InputError(
                f"limner has {len(pairs)} exchanges of its own; for {exchanges}, name a file: {_TURNS.advice}"
            )
        read: list[Path] = []
    else:
        file = _TURNS.found(path)
        pairs, read = list(_pairs(_TURNS.rows(file, _TURNS.json(file)))), [file]
        if exchanges > len(pairs):
            raise DataError(file, f"has {len(pairs)} exchanges, not {exchanges}. {_TURNS.advice}")
    turns = [
        turn
        for number, (user, assistant) in enumerate(pairs[:exchanges])
        for turn in (
            Turn(user, "user", f"between {number}"),
            Turn(assistant, "assistant", f"between {number}, reply"),
        )
    ]
    return turns, read


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        talk = row.rows("conversation")
        for asked, replied in pairwise(talk):
            if asked.text("role") == "user" and replied.text("role") == "assistant":
                yield asked.text("content"), replied.text("content")
