r"""What may become an observation, and how its text is made storable.

The rules, each with a test:

- Text is words: bytes must be UTF-8, lone surrogates and NUL are refused, and so is text of white space only.
- Line breaks become `\n`; every other control character but the tab becomes a space. Nothing is trimmed, so
  that spans count in the text as stored.
- A moment has a time zone, and is not more than five minutes ahead of this machine's clock.
- A user id is 1 to 256 printable characters, compared as it is: no case folding, no normalisation.
"""

import re
from datetime import datetime, timedelta
from typing import get_args

from limner.errors import InputError, InvalidObservation
from limner.memory.records import Author, NewObservation, Observation, new_id, utc_now

__all__ = ("CLOCK_SKEW", "check_source", "check_user_id", "check_zone", "clean_text", "observation_of")

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of this machine's clock a moment may lie."""

_MAX_USER_ID = 256
_MAX_SOURCE = 256
_MAX_KEY = 512
_MAX_SESSION = 256
_LINE_BREAK = re.compile(r"\r\n?")
_CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")


def check_user_id(user_id: str) -> str:
    """Return `user_id` if it is one.

    Raises:
        InputError: It is empty, too long, or has characters that cannot be seen.
    """
    if not isinstance(user_id, str) or not user_id.strip():
        raise InputError("A user id is a text that is not empty.")
    if len(user_id) > _MAX_USER_ID:
        raise InputError(f"A user id has at most {_MAX_USER_ID} characters; this one has {len(user_id)}.")
    if not user_id.isprintable():
        raise InputError("A user id has printable characters only.")
    return user_id


def clean_text(text: str | bytes, *, max_chars: int, what: str = "An observation") -> str:
    """Return `text` as it may be stored.

    Raises:
        InvalidObservation: It is empty, too long, or not text.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidObservation(f"{what} is not UTF-8: byte {error.start} cannot be read.") from error
    if not isinstance(text, str):
        raise InvalidObservation(f"{what} is a text, not {type(text).__name__}.")
    if len(text) > max_chars:
        raise InvalidObservation(f"{what} has at most {max_chars} characters; this one has {len(text)}.")
    if not text.strip():
        raise InvalidObservation(f"{what} is not empty.")
    if (nul := text.find("\0")) >= 0:
        raise InvalidObservation(f"{what} has a NUL character (at {nul}): this is not text.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidObservation(
            f"{what} has half a character (a lone surrogate, at {error.start}); was it cut in the middle?"
        ) from error
    cleaned = _CONTROL.sub(" ", _LINE_BREAK.sub("\n", text))
    if not cleaned.strip():
        raise InvalidObservation(f"{what} has control characters only.")
    return cleaned


def check_source(source: str) -> str:
    """Return the name of a source as it is stored.

    Raises:
        InvalidObservation: It is empty, too long, or no text.
    """
    return clean_text(source, max_chars=_MAX_SOURCE, what="A source")


def check_zone(moment: datetime | None, what: str) -> datetime | None:
    """Return a moment to search by, if it has a time zone.

    Raises:
        InputError: It has none.
    """
    if moment is not None and moment.utcoffset() is None:
        raise InputError(f"{what} ({moment.isoformat()}) has no time zone.")
    return moment


def observation_of(user_id: str, new: NewObservation, *, max_chars: int) -> Observation:
    """Return the observation that `new` becomes, dated and with an id.

    Raises:
        InvalidObservation: See the rules of this module; the message says which.
    """
    now = utc_now()
    if new.author not in get_args(Author):
        raise InvalidObservation(f"An author is one of {', '.join(get_args(Author))}; not {new.author!r}.")
    return Observation(
        id=new_id(),
        user_id=user_id,
        text=clean_text(new.text, max_chars=max_chars),
        source=check_source(new.source),
        author=new.author,
        event=new.event,
        media=new.media,
        occurred_at=_moment(new.occurred_at, now),
        recorded_at=now,
        key=None if new.key is None else clean_text(new.key, max_chars=_MAX_KEY, what="A key"),
        session=_name(new.session, "A session"),
    )


def _name(text: str | None, what: str) -> str | None:
    return None if text is None else clean_text(text, max_chars=_MAX_SESSION, what=what)


def _moment(occurred_at: datetime | None, now: datetime) -> datetime:
    if occurred_at is None:
        return now
    if not isinstance(occurred_at, datetime):
        raise InvalidObservation(f"occurred_at is a datetime, not {type(occurred_at).__name__}.")
    if occurred_at.utcoffset() is None:
        raise InvalidObservation(
            f"occurred_at ({occurred_at.isoformat()}) has no time zone; add one, as in "
            f"occurred_at.replace(tzinfo=datetime.UTC) or .astimezone()."
        )
    if occurred_at > now + CLOCK_SKEW:
        raise InvalidObservation(
            f"occurred_at ({occurred_at.isoformat()}) is in the future; it is {now.isoformat()} now."
        )
    return occurred_at
