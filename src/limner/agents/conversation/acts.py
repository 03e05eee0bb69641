"""What a user does with a turn of a conversation, as far as code or a model can tell: dialogue acts.

Each act keeps the words of the turn that it rests on, so that what follows from it can be told in the user's own words. Acts
are what a conversation remembers of a turn: the state of a session is what its acts add up to.
"""

from typing import Annotated, Literal

from pydantic import Field

from limner.memory.records import Record

__all__ = [
    "About",
    "Accepted",
    "Act",
    "Asked",
    "Critique",
    "Farewell",
    "Forget",
    "Indifferent",
    "Liking",
    "More",
    "Profile",
    "Rejected",
    "Restart",
    "Seen",
    "Small",
    "Wanted",
    "Why",
    "Words",
]


class _Act(Record):
    quote: str
    """The words of the turn that say it, as they stand there; never empty."""


class Wanted(_Act):
    """The user names a condition that the catalogue can check: "no horror", "before 1990", "a comedy", "Spielberg"."""

    kind: Literal["wanted"] = "wanted"
    where: str
    """A filter of one condition, in its text form, validated against the catalogue."""


class Critique(_Act):
    """The user wants more or less of something than an item has: "older", "less violent", "shorter than that"."""

    kind: Literal["critique"] = "critique"
    direction: Literal["more", "less"]
    attribute: str | None = None
    """A number of the catalogue that shall be higher or lower, such as `year` for "older"; none where it is about values or words."""
    values: tuple[tuple[str, str], ...] = ()
    """Pairs of attribute and value of the catalogue that the word stands for: "violent" for genre Action, War, Horror, …"""
    word: str = ""
    """What there shall be more or less of, such as `violent`, in the user's word."""
    than: tuple[str, ...] = ()
    """Ids of the items that it is measured by: those named or else shown last; empty where there is none."""


class Liking(_Act):
    """The user names items as examples of what they like, or wants something like them; or what they don't like."""

    kind: Literal["liking"] = "liking"
    item_ids: tuple[str, ...]
    liked: bool = True
    wished: bool = False
    """Whether it says what is wanted now ("something like Alien"), and not only what is liked ("I loved Alien")."""


class Rejected(_Act):
    """The user turns down items that were shown."""

    kind: Literal["rejected"] = "rejected"
    item_ids: tuple[str, ...]
    reason: str = ""
    """Why, in the user's words; empty where they don't say."""


class Seen(_Act):
    """The user knows items already."""

    kind: Literal["seen"] = "seen"
    item_ids: tuple[str, ...]


class Accepted(_Act):
    """The user takes an item that was shown."""

    kind: Literal["accepted"] = "accepted"
    item_ids: tuple[str, ...]


class Indifferent(_Act):
    """The user does not mind, or does not know, what they were asked; or has no wish at all ("surprise me")."""

    kind: Literal["indifferent"] = "indifferent"
    attribute: str | None = None
    """The attribute that was asked about; none where nothing was asked."""


class Words(_Act):
    """Words of a wish that no attribute of the catalogue covers: "with a good soundtrack"."""

    kind: Literal["words"] = "words"


class More(_Act):
    """The user wants recommendations now, or other ones: "what do you suggest?", "something else", "next"."""

    kind: Literal["more"] = "more"


class Why(_Act):
    """The user asks why something was recommended."""

    kind: Literal["why"] = "why"
    item_ids: tuple[str, ...] = ()
    """Of which items; empty for those shown last."""


class About(_Act):
    """The user asks what the catalogue knows of an item: "who directed it?", "what is Alien about?"."""

    kind: Literal["about"] = "about"
    item_ids: tuple[str, ...]
    attribute: str | None = None
    """The attribute asked for; none for everything."""


class Profile(_Act):
    """The user asks what is known about them."""

    kind: Literal["profile"] = "profile"


class Forget(_Act):
    """The user wants something forgotten."""

    kind: Literal["forget"] = "forget"
    what: Literal["last", "session", "listed", "words"] = "last"
    """What was said last; everything said in this conversation; lines of the profile just listed; or what matches words."""
    numbers: tuple[int, ...] = ()
    """With `listed`: which lines, from 1."""
    words: str = ""
    """With `words`: what it is about."""


class Restart(_Act):
    """The user wants to begin anew: nothing that was wished for before counts."""

    kind: Literal["restart"] = "restart"


class Asked(_Act):
    """The user asks something else, which the companion answers."""

    kind: Literal["asked"] = "asked"


class Small(_Act):
    """A greeting, thanks, or assent without anything in it."""

    kind: Literal["small"] = "small"
    sort: Literal["greeting", "thanks", "yes", "no"]


class Farewell(_Act):
    """The user ends the conversation."""

    kind: Literal["farewell"] = "farewell"


Act = Annotated[
    Wanted
    | Critique
    | Liking
    | Rejected
    | Seen
    | Accepted
    | Indifferent
    | Words
    | More
    | Why
    | About
    | Profile
    | Forget
    | Restart
    | Asked
    | Small
    | Farewell,
    Field(discriminator="kind"),
]
