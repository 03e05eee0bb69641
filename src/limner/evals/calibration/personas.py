"""People whose facts are known: what they said, and the gold facts to hold propositions against."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from limner.errors import InputError
from limner.evals.personabench.files import load_communities
from limner.evals.sources import DataError, Row, Source, file_hash

__all__ = ["Fact", "Persona", "Personas", "Said", "personas"]

_PERSONAMEM = Source(
    "PersonaMem v1",
    "https://huggingface.co/datasets/bowen-upenn/PersonaMem",
    "shared_contexts_32k.jsonl, each line an object of one context id and its messages, {role, content}, whose system "
    "messages begin with `Current user persona:`; or the folder that holds it.",
)
_OPENING = "Current user persona:"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_START = datetime(2024, 1, 1, tzinfo=UTC)
_LEAST_LETTERS = 25
"""Characters below which an utterance is a greeting or a yes, and costs a call for nothing."""
_UTTERANCES = 105
"""Utterances of one person that are read, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance of the person's own."""

    text: str
    at: datetime
    session: str
    key: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of the person."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Persona:
    """One person."""

    name: str
    said: tuple[Said, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Personas:
    """The people of a source."""

    source: str
    people: tuple[Persona, ...]
    data: Mapping[str, str]


def personas(source: str, data: str, *, limit: int | None = None, seed: int = 0) -> Personas:
    """Read the people of a source, and which of their utterances are taken.

    Args:
        source: `personamem` or `personabench`.
        data: Its published file or folder.
        limit: Utterances of each person at most; whole sessions are drawn at random until there are as many.
        seed: Of that draw.

    Raises:
        DataError: A file is missing or is not what it should be.
        InputError: There is no such source.
    """
    most = _UTTERANCES if limit is None else limit
    if source == "personabench":
        return _personabench(data, most, seed)
    if source == "personamem":
        return _personamem(data, most, seed)
    raise InputError(f"There is no source of people named {source!r}; there are personamem and personabench.")


def _personabench(data: str, most: int, seed: int) -> Personas:
    communities = load_communities(data, 0.0)
    facts: dict[str, list[Fact]] = {}
    for asked in communities.asked:
        if asked.answers:
            text = f"{asked.text} {', '.join(asked.answers)}"
            facts.setdefault(asked.person, []).append(Fact(asked.id, text))
        if asked.outdated:
            text = f"{asked.text} No longer: {', '.join(asked.outdated)}"
            facts.setdefault(asked.person, []).append(Fact(f"{asked.id}/outdated", text))
    rng = random.Random(seed)
    people = []
    for person, turns in communities.histories.items():
        talks: list[list[Said]] = []
        meetings: list[list[Said]] = []
        for turn in turns:
            at = turn.at or _START
            own = [
                Said(one.text, at + timedelta(seconds=i), str(turn.session), f"{turn.session}/{i}")
                for i, one in enumerate(turn.utterances)
                if one.author == "user" and _worth(one.text) and not one.text.startswith("Bought ")
            ]
            # What is said to an assistant is about oneself more often than what is said to a friend.
            (talks if '"user_ai_interaction"' in turn.text else meetings).append(own)
        rng.shuffle(talks)
        rng.shuffle(meetings)
        said = [*_sessions(talks, most * 2 // 3), *_sessions(meetings, most - most * 2 // 3)]
        people.append(Persona(person, tuple(said), tuple(facts.get(person, ()))))
    hashes = {path.name: file_hash(path) for path in communities.files}
    return Personas("PersonaBench", tuple(people), hashes)


def _sessions(groups: Sequence[Sequence[Said]], most: int) -> Iterator[Said]:
    count = 0
    for group in groups:
        if count >= most:
            return
        yield from group
        count += len(group)


def _personamem(data: str, most: int, seed: int) -> Personas:
    place = Path(data).expanduser()
    if place.is_dir():
        files = sorted(place.glob("shared_contexts_*.jsonl"))
        if not files:
            raise DataError(place, f"holds no shared_contexts_*.jsonl. {_PERSONAMEM.advice}")
        place = files[0]
    path = _PERSONAMEM.found(place)
    rng = random.Random(seed)
    people = []
    for number, value in _PERSONAMEM.json_lines(path):
        row = Row.of(path, number, value)
        for name in row.fields:
            people.append(_context(name, row.rows(name), most, rng))
    if not people:
        raise DataError(path, f"holds no context. {_PERSONAMEM.advice}")
    return Personas("PersonaMem", tuple(people), {path.name: file_hash(path)})


def _context(name: str, messages: Sequence[Row], most: int, rng: random.Random) -> Persona:
    facts: dict[str, Fact] = {}
    said = []
    for place, message in enumerate(messages):
        role, text = message.text("role"), message.text("content", empty=True)
        if role == "system" and text.startswith(_OPENING):
            for line in text.removeprefix(_OPENING).splitlines():
                for fact in _SENTENCE.split(line.strip()):
                    if fact:
                        facts.setdefault(fact, Fact(f"{name[:12]}/{len(facts)}", fact))
        elif role == "user":
            words = text.removeprefix("User: ")
            if _worth(words):
                said.append(Said(words, _START + timedelta(hours=place), name, f"{name}/{place}"))
    if not facts:
        raise DataError(
            messages[0].path if messages else Path(name),
            f"context {name} has no system message that begins with {_OPENING!r}. {_PERSONAMEM.advice}",
        )
    if len(said) > most:
        said = [said[place] for place in sorted(rng.sample(range(len(said)), most))]
    return Persona(f"personamem/{name[:12]}", tuple(said), tuple(facts.values()))


def _worth(text: str) -> bool:
    return len(text) > _LEAST_LETTERS
