"""A question to the user about one attribute of what they are looking for."""

from limner.memory.records import Record

__all__ = ["Question"]


class Question(Record):
    """Which value of an attribute the user has in mind."""

    attribute: str
    options: tuple[str, ...]
    """What there is to choose from, as it is put to the user: values as the catalogue spells them; for a number, ranges such as `1980s`
    or `90 to 120`."""
    conditions: tuple[str, ...]
    """The filter that each option stands for, in its text form."""
    text: str
    """As it is put to the user."""
