"""Reading an export back.

The file is foreign: first every line is read and nothing stored; then each user's section is stored in one transaction,
so that a user is taken in whole or not at all. What is derived (words, documents, the vector index) is made anew.

Conversations are left out or refused unless the caller trusts the file: LangGraph's serializer rebuilds objects of any
class that a checkpoint names.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ValidationError
from pydantic_core import from_json
from sqlalchemy import insert, select
from sqlalchemy.exc import DataError, IntegrityError

from limner.errors import ConfigurationError, InputError
from limner.memory.arriving import Arrival, Numbered
from limner.memory.counters import new_epoch
from limner.memory.database import Database
from limner.memory.intake import check_user_id
from limner.memory.lines import FORMAT, EndLine, Line, any_line
from limner.memory.records import utc_now
from limner.memory.rows import chunked, lock_user
from limner.memory.schema import SCHEMA_VERSION, outbox, users

__all__ = ("Conversations", "Imported", "import_file")

Conversations: TypeAlias = Literal["refuse", "take", "leave"]
"""What becomes of a file's conversations: refuse the file, trust and take them, or leave them out."""

_AT_ONCE = 500
_CONVERSATIONS = ("checkpoint", "checkpoint_write")
_NEVER = "nothing of the file was stored"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one user's section."""

    user_id: str
    added: int
    """Lines whose rows were not there."""
    known: int
    """Lines that hold what was there already."""


def import_file(
    database: Database, path: Path, *, merge: bool = False, conversations: Conversations = "refuse"
) -> list[Imported]:
    """Take in an export, user by user.

    Args:
        database: Where to.
        path: The file.
        merge: Whether users may be there already; what the file has more is added to them.
        conversations: Whether the file may have checkpoints. Reading one later rebuilds the objects in it, which can run
            code: take them only from a file that nobody else could have changed.

    Returns:
        What became of each user, in the order of the file.

    Raises:
        InputError: A line cannot be used, or a user is there and `merge` is not set. The message names file, line and
            field, and says what was stored.
        ConfigurationError: A newer limner wrote the file.
    """
    try:
        _check(path, conversations)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    done: list[Imported] = []
    reading = _Reading(path, "nothing of this user was stored")
    with closing(reading.lines()) as lines:
        for user_id, section in _sections(lines):
            try:
                done.append(_import_section(database, reading, user_id, section, merge, conversations))
            except InputError as error:
                if done:
                    error.add_note(
                        f"stored before that: {', '.join(one.user_id for one in done)}; mend the file and import it "
                        f"again with --merge, which passes over what is there"
                    )
                raise
    return done


def _import_section(
    database: Database,
    reading: "_Reading",
    user_id: str,
    section: Iterator[tuple[int, Line]],
    merge: bool,
    conversations: Conversations,
) -> Imported:
    with database.write() as connection:
        lock_user(connection, user_id)
        own = select(users.c.index_key).where(users.c.id == user_id)
        there = connection.execute(own).first()
        if there is not None and not merge:
            raise InputError(
                f"There is something stored about the user {user_id!r} already; --merge adds to it what the file has more."
            )
        arrival = Arrival(connection, user_id, reading.error, merges=there is not None)
        for lines in _alike(section, conversations):
            try:
                arrival.take(lines)
            except (IntegrityError, DataError) as error:
                between = f"{reading.path}, lines {lines[0][0]} to {lines[-1][0]}"
                raise InputError(
                    f"{between}: they contradict each other or what is stored; nothing of this user was stored."
                ) from error
        arrival.finish()
        new_epoch(connection, user_id)
        if there is not None and there.index_key is not None:
            note = {"user_id": user_id, "action": "rewrite", "created_at": utc_now()}
            connection.execute(insert(outbox).values(note))
    return Imported(user_id, arrival.added, arrival.known)


def _alike(section: Iterator[tuple[int, Line]], conversations: Conversations) -> Iterator[Numbered]:
    """Yield lines of one kind together, a few hundred at a time."""
    for record, alike in groupby(section, key=lambda numbered: _record(numbered[1])):
        for lines in chunked(alike, _AT_ONCE):
            if record not in _CONVERSATIONS or conversations == "take":
                yield lines


def _sections(lines: Iterator[tuple[int, Line]]) -> Iterator[tuple[str, Iterator[tuple[int, Line]]]]:
    """Yield each user's id and lines, which have to be taken before the next."""
    next(lines)  # the header
    first: tuple[int, Line] | None = next(lines, None)
    while first is not None and _record(first[1]) == "user":
        section = _Section(lines)
        yield first[1].id, chain([first], section)  # type: ignore[attr-defined]
        first = section.after


class _Section(Iterator[tuple[int, Line]]):
    """The lines up to the next user, which is kept in `after`."""

    def __init__(self, lines: Iterator[tuple[int, Line]]) -> None:
        self._lines = lines
        self.after: tuple[int, Line] | None = None

    def __next__(self) -> tuple[int, Line]:
        if self.after is not None:
            raise StopIteration
        number, line = next(self._lines)
        if _record(line) in ("user", "end"):
            self.after = (number, line)
            raise StopIteration
        return number, line


def _check(path: Path, conversations: Conversations) -> None:
    """Read every line, and store nothing.

    Raises:
        InputError: One cannot be used by itself, or the file is not whole.
        ConfigurationError: A newer limner wrote the file.
    """
    reading = _Reading(path, _NEVER)
    seen: set[str] = set()
    number, last, within = 0, None, False
    for number, last in reading.lines():
        record = _record(last)
        if number == 1:
            continue
        if record == "user":
            user_id: str = last.id  # type: ignore[attr-defined]
            _check_name(reading, number, user_id)
            if user_id in seen:
                raise reading.error(number, "id", "is the same user's again")
            seen.add(user_id)
            within = True
        elif record in ("limner", "end"):
            if record == "limner" or last.lines != number - 1:  # type: ignore[attr-defined]
                raise reading.error(
                    number, "record", "stands where it does not belong, so lines are missing or doubled"
                )
        elif not within:
            raise reading.error(number, "record", "stands before any user")
        elif record in _CONVERSATIONS and conversations == "refuse":
            raise reading.error(
                number,
                "",
                "is a part of a conversation, whose reading can run code that the file names: import the file with "
                "--trust-checkpoints if nobody else could have changed it, else with --skip-checkpoints",
            )
    if not isinstance(last, EndLine):
        raise InputError(
            f"{path} is cut off after line {number}: its last line is not there; {_NEVER}. Export again."
        )


def _check_name(reading: "_Reading", number: int, user_id: str) -> None:
    try:
        check_user_id(user_id)
    except InputError as error:
        raise reading.error(number, "id", str(error)) from None


class _Reading:
    """Reads the lines of a file.

    Args:
        path: The file.
        kept: What an error says about what was stored.
    """

    def __init__(self, path: Path, kept: str) -> None:
        self.path = path
        self._kept = kept

    def error(self, number: int, field: str, reason: str) -> InputError:
        """Return the error for a line."""
        where = f"{self.path}, line {number}" + (f", {field}" if field else "")
        return InputError(f"{where}: {reason.rstrip('.')}; {self._kept}. Mend the line, or export again.")

    def lines(self) -> Generator[tuple[int, Line], None, None]:
        """Yield every line with its number, the header first.

        Raises:
            InputError: One is no line of an export, or stands after the last one.
            ConfigurationError: A newer limner wrote the file.
        """
        ended = False
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                    self._check_header(raw)
                if ended:
                    raise self.error(number, "", "stands after the end")
                line = self._read(number, raw)
                ended = isinstance(line, EndLine)
                yield number, line
        if not ended and not self.path.stat().st_size:
            raise InputError(f"{self.path} is empty.")

    def _read(self, number: int, raw: bytes) -> Line:
        try:
            return any_line().validate_json(raw)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in wrong["loc"][1:])
            raise self.error(number, field, wrong["msg"]) from None

    def _check_header(self, raw: bytes) -> None:
        """Look at format and version before anything else: of a newer format nothing can be known."""
        try:
            header = from_json(raw)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("record") != "limner":
            raise InputError(f"{self.path} is no export of limner: its first line is no header.")
        written, schema = header.get("format"), header.get("schema_version")
        newer = isinstance(written, int) and written > FORMAT
        if newer or (isinstance(schema, str) and schema > SCHEMA_VERSION):
            raise ConfigurationError(
                f"{self.path} was written by limner {header.get('limner')} (format {written}, schema {schema}); this one "
                f"reads up to format {FORMAT} and schema {SCHEMA_VERSION}. Upgrade limner."
            )


def _record(line: Line) -> str:
    record: str = line.record  # type: ignore[attr-defined]
    return record
