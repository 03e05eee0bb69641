"""What a benchmark is made of: turns, questions, what is asked of a model, and how the answer counts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

__all__ = [
    "Answer",
    "Asked",
    "Benchmark",
    "Marked",
    "Method",
    "Passage",
    "Question",
    "Role",
    "Turn",
    "Utterance",
]

Role = Literal["system", "user", "assistant"]
Method = Literal["constrained", "letter", "text", "text_per_token", "text_less_prior"]
"""How one of several options is chosen: by decoding that allows nothing else; by the likelihood of its letter; by the
likelihood of its text, whole, per token, or less its likelihood without the question (Holtzman et al. 2021, "Surface Form
Competition", §4)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one person says at a time."""

    text: str
    """With the speaker's name and a colon in front where it is not the person whose history it is."""
    author: Literal["user", "assistant", "application"] = "user"


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a history: a turn of a conversation, a review, a document."""

    text: str
    role: Role = "user"
    id: str | None = None
    """Id in the data file, by which retrieval is scored; unique within a history where it is given."""
    at: datetime | None = None
    """When it was said, with a time zone; none where the file does not tell."""
    session: str | None = None
    """Which turns were one conversation, by any name; none where the file does not tell."""
    utterances: tuple[Utterance, ...] = ()
    """What it is made of, for a memory that takes in what is said as it is said; none means that it is one."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of what a memory gives back."""

    text: str
    ids: tuple[str, ...] = ()
    """Ids of the turns it rests on; none where the memory cannot tell."""
    score: float | None = None
    role: Role | None = None
    """Whose turn it is, where it is one word for word; none for what a memory wrote itself."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a benchmark."""

    id: str
    text: str
    """What is asked; memories are searched for it."""
    target: tuple[str, ...]
    """The accepted answers, or the gold ids; the first is the one to show."""
    history: str | None = None
    """Key of the history in `Benchmark.histories`."""
    group: str | None = None
    """Type or category, by which scores are also given and a `limit` is stratified."""
    cluster: str | None = None
    """Whose question it is: intervals resample whole clusters, as one user's items are not independent."""
    details: Mapping[str, object] = field(default_factory=dict)
    """Whatever else asking and marking need; JSON-able, and kept in the log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is put to a model for one question."""

    messages: tuple[tuple[Role, str], ...]
    """The prompt, stable part first."""
    options: tuple[str, ...] = ()
    """Texts to choose one from; none where the answer is free text."""
    method: Method = "constrained"
    neutral: tuple[tuple[Role, str], ...] = ()
    """The prompt without the question, for `text_less_prior`."""
    max_tokens: int = 64
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one question."""

    text: str
    """The model's words; the option chosen; empty in a benchmark that asks no model."""
    passages: tuple[Passage, ...] = ()
    """What the memory found, best first; their ids and scores, and their texts only where no model is asked (a prompt holds them
    already)."""
    scores: tuple[float, ...] = ()
    """Log-likelihood of each option, where the method gives one."""


@dataclass(frozen=True, slots=True)
class Marked:
    """How one answer counts."""

    values: Mapping[str, float]
    """The numbers that the measures are computed from, such as `{"correct": 1.0}`."""
    labels: tuple[str, str] | None = None
    """Predicted and gold class, for measures over classes."""
    answer: str = ""
    """The answer as it was understood."""
    why: str = ""
    """A line for whoever reads the log."""


@dataclass(frozen=True)
class Benchmark:
    """A data set with the way in which it is asked and marked; everything but the memory and the model."""

    name: str
    questions: Sequence[Question]
    measures: tuple[str, ...]
    """Names in `limner.evals.measures.MEASURES`, the one to compare by first."""
    mark: Callable[[Question, Answer], Marked | Awaitable[Marked]]
    histories: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    ask: Callable[[Question, Sequence[Passage]], Asked] | None = None
    """Makes the prompt from what the memory found; none where retrieval itself is measured and no model is asked."""
    files: tuple[Path, ...] = ()
    """What was read; results name them by hash."""
    prompts: tuple[str, ...] = ()
    """Names of the prompt files used (`load_prompt`); results carry their hashes."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """What answers without reading reach on all questions, such as `{"longest option": .516}`. Where every question has its own
    share in `details["floors"]`, the mean over those asked is stated instead."""
    floors_on: Callable[[Sequence[Question]], Mapping[str, float]] | None = None
    """Works the floors out on the questions that are asked, for those that are no mean over questions."""
    counted: Mapping[str, int] = field(default_factory=dict)
    """Oddities of the files that were met and how often, such as `{"evidence id that does not exist": 3}`."""
    published: Mapping[str, float] = field(default_factory=dict)
    """Figures of others on the whole published set, for comparison; marked as theirs wherever they are shown."""
