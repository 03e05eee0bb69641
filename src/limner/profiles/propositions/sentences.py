"""Cutting an observation into sentences, each with its place in the text."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from limner.memory.records import Observation

__all__ = ["Sentence", "said_and_seen", "sentences"]

_BOUNDARY = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+|\n+|(?<=[。！？])")
_LONGEST = 400


@dataclass(frozen=True)
class Sentence:
    """A span of a text: `text[start:end]`."""

    text: str
    start: int
    end: int
    part: Literal["text", "image"] = "text"
    """Of what it is a span: the text of an observation, or what a model saw in its picture."""


def said_and_seen(observation: Observation) -> list[Sentence]:
    """Cut an observation into the sentences of its text, and those of its picture's description."""
    return [
        *sentences(observation.text),
        *(replace(sentence, part="image") for sentence in sentences(observation.seen)),
    ]


def sentences(text: str) -> list[Sentence]:
    """Cut a text at sentence ends and line breaks; what is longer than 400 characters is cut at a blank."""
    spans: list[Sentence] = []
    start = 0
    for boundary in [*_BOUNDARY.finditer(text), None]:
        end = boundary.start() if boundary else len(text)
        spans += _pieces(text, start, end)
        start = boundary.end() if boundary else end
    return spans


def _pieces(text: str, start: int, end: int) -> list[Sentence]:
    found = []
    while start < end:
        cut = end
        if end - start > _LONGEST:
            blank = text.rfind(" ", start + 1, start + _LONGEST)
            cut = blank if blank > start else start + _LONGEST
        piece = text[start:cut]
        stripped = piece.strip()
        if stripped:
            offset = start + piece.index(stripped)
            found.append(Sentence(stripped, offset, offset + len(stripped)))
        start = cut
    return found
