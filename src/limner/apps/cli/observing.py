"""`limner observe`: what a user said or did goes in, from an argument, standard input or a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from limner.apps.cli.options import AsJson, Home, UserId, moment
from limner.errors import InputError, InvalidObservation, LimnerError, RecordingRefused

if TYPE_CHECKING:
    from limner.apps.cli.rows import Row
    from limner.memory import NewObservation, Observation, UserMemory

__all__ = ["register"]

_ROWS_AT_ONCE = 200
"""Rows of a file in one transaction."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(observe)


def observe(
    user: UserId,
    text: Annotated[
        str | None,
        typer.Argument(help="What was said or done; `-` reads standard input, one observation a line."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="JSON Lines, one observation a line."),
    ] = None,
    source: Annotated[str, typer.Option(help="Where it comes from, such as chat or ratings.")] = "user",
    author: Annotated[
        Literal["user", "assistant", "application"], typer.Option(help="Who produced the text.")
    ] = "user",
    occurred_at: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="When it happened, such as 2026-05-01T18:00+02:00; else now."),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="The conversation that it is part of, by any name.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The same key twice is one observation.")] = None,
    image: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A picture that came with it; it is kept with it."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Store what a user said or did; it is on the disk when this returns, and no model is asked.

    A file has one JSON object a line: `text`, and `source`, `author`, `occurred_at`, `session`, `key`, `event` and `media` where known. Lines
    that cannot be used are reported at the end (exit code 2); the others are stored. The same file twice is stored once.
    """
    from limner.apps.cli.opening import opened_memory
    from limner.memory import NewObservation
    from limner.memory.pictures import picture

    if (text is None) == (file is None):
        raise InputError("Say what to observe: a TEXT, `-` for standard input, or --file; one of them.")
    at = moment(occurred_at)
    new = NewObservation(text or "", source=source, author=author, occurred_at=at, key=key, session=session)
    if key is not None and (file is not None or text == "-"):
        raise InputError("--key is for one observation; in a file each line may have a `key` of its own.")
    if image is not None:
        if file is not None or text == "-":
            raise InputError(
                "--image is for one observation; in a file each line may have a `media` of its own."
            )
        new = replace(new, media=picture(image))
    with opened_memory(home) as memory:
        person = memory.user(user)
        if file is None and text != "-":
            _observe_one(person, new, as_json)
        else:
            _observe_lines(person, file, new, as_json)


def _observe_one(user: "UserMemory", new: "NewObservation", as_json: bool) -> None:
    from limner.apps.cli.printing import print_json

    stored = _store(user, [new])[0]
    if as_json:
        print_json(stored)
    else:
        typer.echo(stored.id)


def _observe_lines(user: "UserMemory", file: Path | None, defaults: "NewObservation", as_json: bool) -> None:
    from limner.apps.cli.printing import print_json
    from limner.apps.cli.rows import json_rows, text_rows

    intake = _Intake(user)
    try:
        if file is None:
            # One by one: who types, or pipes a running log in, has each line on the disk before the next.
            for row in text_rows(typer.get_binary_stream("stdin"), defaults):
                intake.take([row])
        else:
            with file.open("rb") as lines:
                for rows in _in_groups(json_rows(lines, defaults), _ROWS_AT_ONCE):
                    intake.take(rows)
    except KeyboardInterrupt as interrupt:
        # "At least": it may have come between the storing and the counting.
        raise KeyboardInterrupt(f"Stored and kept: at least {intake.stored}.") from interrupt
    except LimnerError as error:
        error.add_note(f"stored before that: {intake.stored}")
        raise
    if as_json:
        print_json({
            "stored": intake.stored,
            "problems": [{"line": n, "reason": why} for n, why in intake.all_problems()],
        })
    else:
        typer.echo(f"stored: {intake.stored}")
    if intake.unusable:
        for line, why in intake.all_problems():
            typer.echo(f"limner: line {line}: {why}", err=True)
        raise InputError(f"stored: {intake.stored}; not usable: {intake.unusable}")


def _store(user: "UserMemory", new: "Sequence[NewObservation]") -> "list[Observation]":
    """Store all or nothing; a rating that is written out becomes an event, as in the Python interface."""
    from limner.tools.resolve import with_event

    return user.observe_many(with_event(one) for one in new)


@dataclass
class _Refused:
    """A source that is not recorded."""

    first: int
    """Number of the first line of it."""
    reason: str
    lines: int = 1


class _Intake:
    """Stores rows and remembers those that cannot be stored."""

    def __init__(self, user: "UserMemory") -> None:
        self._user = user
        self.stored = 0
        self.problems: list[tuple[int, str]] = []
        """Line numbers, and what is wrong there."""
        self._refused: dict[str, _Refused] = {}

    @property
    def unusable(self) -> int:
        """How many lines cannot be stored."""
        return len(self.problems) + sum(one.lines for one in self._refused.values())

    def all_problems(self) -> list[tuple[int, str]]:
        """Return line numbers and what is wrong there; of a source that is not recorded the first line alone."""
        refused = [
            (
                one.first,
                one.reason + (f" So it is with {one.lines - 1} lines after it." if one.lines > 1 else ""),
            )
            for one in self._refused.values()
        ]
        return sorted([*self.problems, *refused])

    def take(self, rows: "Sequence[Row]") -> None:
        """Store the rows that can be, in one transaction if all of them can.

        Raises:
            RecordingRefused: Nothing of the user is recorded, so that no other row could be stored either.
        """
        good: list[tuple[int, NewObservation]] = []
        for row in rows:
            if isinstance(row.observation, InvalidObservation):
                self.problems.append((row.line, str(row.observation)))
            elif row.observation.source in self._refused:
                self._refused[row.observation.source].lines += 1
            else:
                good.append((row.line, row.observation))
        try:
            self.stored += len(_store(self._user, [new for _, new in good]))
        except InputError:
            for line, new in good:
                self._take_one(line, new)

    def _take_one(self, line: int, new: "NewObservation") -> None:
        if new.source in self._refused:
            self._refused[new.source].lines += 1
            return
        try:
            self.stored += len(_store(self._user, [new]))
        except RecordingRefused as error:
            if error.source is None:
                raise
            self._refused[new.source] = _Refused(line, str(error))
        except InputError as error:
            self.problems.append((line, str(error)))


def _in_groups(rows: "Iterable[Row]", size: int) -> "Iterator[list[Row]]":
    remaining = iter(rows)
    while group := list(islice(remaining, size)):
        yield group
