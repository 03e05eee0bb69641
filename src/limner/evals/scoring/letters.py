"""Questions with options: their letters, their order, what their length gives away, and the letter of a free answer."""

import random
import re
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["LETTERS", "length_credit", "letter_of", "lettered", "rotated", "shuffled"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"

Item = TypeVar("Item")

_THOUGHTS = re.compile(r"\A.*</think>", re.DOTALL)
_TAG = re.compile(r"<final_answer>|\bfinal answer(?: is)?\s*:|\bfinal answer is\b")
_IN_PARENTHESES = re.compile(r"(?<!\w)\(\s*([a-z])\s*\)")
_ALONE = re.compile(r"[\W_]*([a-z])[\W_]*")
_LEADING = re.compile(r"[\W_]*([a-z])[).:](?=\s|$)")


def lettered(options: Sequence[str]) -> str:
    """Return the options one a line, each behind its letter: `(a) Tea`."""
    return "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))


def rotated(items: Sequence[Item], by: int) -> tuple[Item, ...]:
    """Return the items with each moved `by` places on, the last ones coming round to the front.

    Over as many rotations as there are items each stands in each place once, so a liking for one letter cancels out (Zheng
    et al. 2024, "Large Language Models Are Not Robust Multiple Choice Selectors").
    """
    start = -by % len(items) if items else 0
    return (*items[start:], *items[:start])


def shuffled(items: Sequence[Item], key: str) -> tuple[Item, ...]:
    """Return the items in an order that depends on the key alone, the same in every process."""
    order = list(items)
    random.Random(key).shuffle(order)
    return tuple(order)


def length_credit(options: Sequence[str], correct: int, *, longest: bool = True) -> float:
    """Return how often picking by length alone is right: 1, 0, or a share where several are as long.

    Args:
        options: The texts, without letters; length counts characters.
        correct: Which is right.
        longest: Whether the longest is picked, or the shortest.
    """
    lengths = [len(option) for option in options]
    wanted = max(lengths) if longest else min(lengths)
    return 1 / lengths.count(wanted) if lengths[correct] == wanted else 0.0


def letter_of(answer: str, count: int) -> int | None:
    """Return which option a free answer names, or none where that is not beyond doubt.

    A letter counts after a final-answer mark (`<final_answer>`, `Final answer:`), in parentheses, or as the whole answer; a
    word such as "a" never does. What comes after the last mark decides alone: an answer that has a mark and no letter behind
    it names none. Two different letters name none either. What a model thought (up to `</think>`) is not its answer.

    Args:
        answer: The model's words.
        count: How many options there are; letters beyond them are ordinary text.
    """
    text = _THOUGHTS.sub("", answer.lower())
    tags = list(_TAG.finditer(text))
    if tags:
        text = text[tags[-1].end() :].split("</final_answer>")[0]
    found = set(_IN_PARENTHESES.findall(text))
    first = text.strip().split("\n")[0]
    alone = _ALONE.fullmatch(first if tags else text)
    leading = _LEADING.match(first)
    if alone is not None:
        found.add(alone.group(1))
    elif leading is not None and (
        tags or found
    ):  # without a mark "b) …" is no answer, but it casts doubt on another
        found.add(leading.group(1))
    named = [LETTERS.index(letter) for letter in found if LETTERS.index(letter) < count]
    return named[0] if len(named) == 1 else None
