"""Conditions over the attributes of a catalogue, with a text form that people and models can write.

`genre in {Comedy, Drama} and genre not in {Horror} and year between 1980 1990 and title contains alien`
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from limner.errors import InvalidFilter
from limner.memory.records import Record

__all__ = ["Condition", "Filter", "Operator", "plain"]

Operator = Literal["in", "not in", "between", ">", ">=", "<", "<=", "contains"]
_COMPARISONS = frozenset({">", ">=", "<", "<="})


class Condition(Record):
    """One condition on one attribute.

    `in` holds where any of the item's values is among `values` and `not in` where none is; for all of several
    values write several conditions. `between` includes both ends. `contains` looks for a piece of text, in either case.
    An item that lacks the attribute satisfies `not in` and nothing else.
    """

    attribute: str = Field(min_length=1)
    op: Operator
    values: Annotated[tuple[str | float, ...], Field(min_length=1)]

    @field_validator("values")
    @classmethod
    def _fit_operator(cls, values: tuple[str | float, ...], info: ValidationInfo) -> tuple[str | float, ...]:
        attribute, op = info.data.get("attribute", "?"), info.data.get("op", "in")
        wanted = {"in": None, "not in": None, "between": 2}.get(op, 1)
        if wanted is not None and len(values) != wanted:
            raise InvalidFilter(f"{attribute} {op}: {wanted} value(s) expected, not {len(values)}.")
        if op == "contains":
            return (plain(values[0]),)
        if op in {"in", "not in"}:
            return values
        numbers = tuple(_number(attribute, value) for value in values)
        if op == "between" and numbers[0] > numbers[1]:
            raise InvalidFilter(f"{attribute} between: {numbers[0]:g} is above {numbers[1]:g}.")
        return numbers

    def __str__(self) -> str:
        if self.op in {"in", "not in"}:
            return f"{_named(self.attribute)} {self.op} {{{', '.join(_written(v) for v in self.values)}}}"
        return f"{_named(self.attribute)} {self.op} {' '.join(_written(v) for v in self.values)}"


class Filter(Record):
    """Conditions that must all hold; a filter without conditions lets everything through."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read the text form; `str()` is its inverse.

        Values with a comma, brace, quote or the word *and* go in double quotes. `=` is short for `in` with one value.

        Raises:
            InvalidFilter: The text does not have the form; the message says where.
        """
        return cls(conditions=tuple(_Parser(text).conditions()))

    def __str__(self) -> str:
        return " and ".join(str(condition) for condition in self.conditions)

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __and__(self, other: "Filter") -> "Filter":
        """Return the filter that holds where both hold; a condition in both occurs once."""
        return Filter(conditions=tuple(dict.fromkeys(self.conditions + other.conditions)))


def _number(attribute: str, value: str | float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise InvalidFilter(f"{attribute}: {value!r} is not a number.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise InvalidFilter(f"{attribute}: {value!r} is not a finite number.")
    return number


_RESERVED = frozenset({"and", "between", "contains", "in", "is", "not"})
_BARE = re.compile(r"[^\s,{}\"<>=≥≤]+(?: [^\s,{}\"<>=≥≤]+)*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def plain(value: str | float) -> str:
    """Return a value as text, whole numbers without a decimal point."""
    if isinstance(value, str):
        return value
    return repr(int(value)) if value.is_integer() else repr(value)


def _written(value: str | float) -> str:
    if not isinstance(value, str):
        return plain(value)
    return _quoted(value) if _NUMBER.fullmatch(value) else _named(value)


def _named(text: str) -> str:
    if _BARE.fullmatch(text) and _RESERVED.isdisjoint(text.lower().split()):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<punctuation>[{},])
    | (?P<comparison>>=|<=|==|!=|=|>|<|≥|≤)
    | (?P<word>[^\s{},"<>=≥≤]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDED = {"≥": ">=", "≤": "<=", "==": "=", "is": "=", "!=": "not"}


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self.shown = repr(text if len(text) <= 80 else f"{text[:77]}...")
        self.tokens: list[tuple[str, str]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None or match.lastgroup is None:
                raise InvalidFilter(f"Cannot read the filter at {stripped[position : position + 20]!r}.")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self.at = 0

    def conditions(self) -> Iterator[Condition]:
        if not self.tokens:
            return
        yield self.condition()
        while self.at < len(self.tokens):
            if not self.take_word("and"):
                raise InvalidFilter(f"Expected 'and' before {self.tokens[self.at][1]!r}.")
            yield self.condition()

    def condition(self) -> Condition:
        attribute = self.phrase_until_operator()
        operator = self.operator()
        if operator in {"in", "not in"}:
            return _condition(attribute, operator, *self.set_of_values())
        if operator == "between":
            low = self.value()
            self.take_word("and")
            return _condition(attribute, "between", low, self.value())
        if operator == "contains":
            return _condition(attribute, "contains", self.phrase())
        return _condition(attribute, operator, self.value())

    def phrase_until_operator(self) -> str:
        words: list[str] = []
        while self.at < len(self.tokens):
            kind, token = self.tokens[self.at]
            if kind == "quoted" and not words:
                self.at += 1
                return _unquoted(token)
            if kind != "word" or token.lower() in _RESERVED:
                break
            words.append(token)
            self.at += 1
        if not words:
            raise InvalidFilter(f"Expected the name of an attribute in {self.shown}.")
        return " ".join(words)

    def operator(self) -> Operator:
        kind, token = self.next("an operator such as 'in', 'between', '>' or 'contains'")
        token = _WORDED.get(token.lower(), token.lower())
        if token == "not":
            if kind == "word" and not self.take_word("in"):
                raise InvalidFilter("Expected 'in' after 'not'.")
            return "not in"
        if token == "=":
            return "in"
        if token in {"in", "between", "contains"} or token in _COMPARISONS:
            return token  # type: ignore[return-value]
        raise InvalidFilter(
            f"{token!r} is no operator; there are: in, not in, between, >, >=, <, <=, contains."
        )

    def set_of_values(self) -> Iterator[str | float]:
        if not self.take("{"):
            yield self.phrase()
            return
        while True:
            yield self.phrase()
            if self.take("}"):
                return
            if not self.take(","):
                raise InvalidFilter(f"Expected ',' or '}}' in the values of {self.shown}.")

    def phrase(self) -> str | float:
        """Return one value, which may be several bare words."""
        kind, token = self.next("a value")
        if kind == "quoted":
            return _unquoted(token)
        if kind != "word":
            raise InvalidFilter(f"Expected a value, not {token!r}.")
        words = [token]
        while self.at < len(self.tokens):
            kind, token = self.tokens[self.at]
            if kind != "word" or token.lower() == "and":
                break
            words.append(token)
            self.at += 1
        text = " ".join(words)
        return float(text) if len(words) == 1 and _NUMBER.fullmatch(text) else text

    def value(self) -> str | float:
        kind, token = self.next("a number")
        if kind not in {"word", "quoted"}:
            raise InvalidFilter(f"Expected a number, not {token!r}.")
        return token if kind == "word" else _unquoted(token)

    def next(self, expected: str) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise InvalidFilter(f"The filter {self.shown} ends where {expected} was expected.")
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, punctuation: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("punctuation", punctuation):
            self.at += 1
            return True
        return False

    def take_word(self, word: str) -> bool:
        if self.at < len(self.tokens):
            kind, token = self.tokens[self.at]
            if kind == "word" and token.lower() == word:
                self.at += 1
                return True
        return False


def _condition(attribute: str, op: Operator, *values: str | float) -> Condition:
    try:
        return Condition(attribute=attribute, op=op, values=values)
    except ValidationError as error:
        raise InvalidFilter(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])
