"""Observations from lines: of text on standard input, or of JSON in a file."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from limner.errors import InvalidObservation
from limner.memory.records import Author, Event, Media, NewObservation

__all__ = ["Row", "json_rows", "text_rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line that holds something: what it became, or why it could not become anything."""

    line: int
    """Number of the line, from 1."""
    observation: NewObservation | InvalidObservation


class _JsonRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    source: str | None = None
    author: Author | None = None
    occurred_at: AwareDatetime | None = None
    session: str | None = None
    key: str | None = None
    event: Event | None = None
    media: Media | None = None


def text_rows(lines: Iterable[bytes], defaults: NewObservation) -> Iterator[Row]:
    """Make each line that is not empty an observation like `defaults`, with the line as its text."""
    for number, line in _filled(lines):
        try:
            yield Row(number, replace(defaults, text=line.decode("utf-8").strip()))
        except UnicodeDecodeError as error:
            yield Row(number, _not_utf8(error))


def json_rows(lines: Iterable[bytes], defaults: NewObservation) -> Iterator[Row]:
    """Make each line, a JSON object with `text` and other fields of an observation, one like `defaults` but for what it says.

    A line without a key gets one from its content and from how many equal lines came before it, so that the same file read
    twice, or read again once a broken line is mended, is stored once.
    """
    seen: Counter[str] = Counter()
    for number, line in _filled(lines):
        digest = hashlib.sha256(line.strip()).hexdigest()[:32]
        seen[digest] += 1
        try:
            row = _JsonRow.model_validate_json(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield Row(number, _not_utf8(error))
        except ValidationError as error:
            yield Row(number, _in_words(error))
        else:
            said = {name: value for name, value in row if value is not None}
            yield Row(number, replace(defaults, **{"key": f"line:{digest}:{seen[digest]}", **said}))


def _filled(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        bare = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if bare.strip():
            yield number, bare


def _not_utf8(error: UnicodeDecodeError) -> InvalidObservation:
    return InvalidObservation(f"It is not UTF-8: byte {error.start + 1} of the line cannot be read.")


def _in_words(error: ValidationError) -> InvalidObservation:
    problems = (
        f"{'.'.join(map(str, p['loc'])) or 'the line'}: {p['msg']}" for p in error.errors(include_url=False)
    )
    return InvalidObservation("; ".join(problems) + ".")
