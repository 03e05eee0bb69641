"""A history cut into blocks, in order of time: what a portrait that grows block by block is drawn from."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from limner.memory.lexical import tokenize
from limner.memory.records import Evidence, Observation
from limner.profiles.propositions.sentences import Sentence, sentences

__all__ = ["Block", "Piece", "blocks", "content_words", "evidence_for", "pieces"]

_PIECE = 600
"""Most characters of an observation that are read as one piece; a sentence is never cut."""
_PIECES = 40
"""Most pieces of one observation that are read; the rest stays stored and searchable."""
_SHORTEST = 3
"""Letters of a word that may show what a sentence rests on: shorter ones are in every text."""
_EMPTY = frozenset([
    "the",
    "user",
    "and",
    "that",
    "for",
    "with",
    "their",
    "they",
    "are",
    "has",
    "was",
    "not",
    "them",
    "but",
    "you",
    "have",
])


@dataclass(frozen=True)
class Piece:
    """A stretch of whole sentences of one observation: `observation.text[start:end]`."""

    observation: Observation
    start: int
    end: int

    @property
    def text(self) -> str:
        """Its words, in one line."""
        return " ".join(self.observation.text[self.start : self.end].split())

    @property
    def evidence(self) -> Evidence:
        """It, as evidence."""
        text = self.observation.text[self.start : self.end]
        return Evidence(observation_id=self.observation.id, start=self.start, end=self.end, quote=text)


@dataclass(frozen=True)
class Block:
    """Pieces that are read together."""

    pieces: tuple[Piece, ...]
    whole: bool
    """Whether it ends where an observation ends, so that a portrait may be kept here."""

    @property
    def text(self) -> str:
        """One piece a line."""
        return "\n".join(f"- {piece.text}" for piece in self.pieces)


def pieces(observation: Observation, left_out: Collection[str] = ()) -> list[Piece]:
    """Cut an observation into pieces.

    Args:
        observation: What is read.
        left_out: Sentences that are passed over.
    """
    found: list[Piece] = []
    run: list[Sentence] = []
    for sentence in sentences(observation.text):
        gap = sentence.text in left_out
        if run and (gap or sentence.end - run[0].start > _PIECE):
            found.append(Piece(observation, run[0].start, run[-1].end))
            run = []
        if not gap:
            run.append(sentence)
    if run:
        found.append(Piece(observation, run[0].start, run[-1].end))
    return found[:_PIECES]


def blocks(
    observations: Iterable[Observation],
    *,
    most: int,
    budget: int,
    count_tokens: Callable[[str], int],
    left_out: Collection[str] = (),
) -> list[Block]:
    """Cut observations, in the order given, into blocks.

    Args:
        observations: What is read.
        most: Pieces in a block.
        budget: Tokens in a block; a longer piece is a block of its own.
        count_tokens: Counts the tokens of a text.
        left_out: Sentences that are passed over.
    """
    found: list[Block] = []
    run: list[Piece] = []
    tokens = 0
    for observation in observations:
        for piece in pieces(observation, left_out):
            cost = count_tokens(piece.text)
            if run and (len(run) >= most or tokens + cost > budget):
                found.append(Block(tuple(run), whole=run[-1].observation.id != observation.id))
                run, tokens = [], 0
            run.append(piece)
            tokens += cost
    return [*found, Block(tuple(run), whole=True)] if run else found


def evidence_for(text: str, read: Sequence[Piece]) -> tuple[Evidence, ...]:
    """Return the spans that a sentence rests on: those pieces that share words with it, or all where none does.

    A sentence in another language than its sources shares none; then it rests on everything that its writer had in view.
    """
    said = content_words(text)
    shared = [(piece, len(said & content_words(piece.text))) for piece in read]
    most = max((count for _, count in shared), default=0)
    # Half of the best: what shares one common word with a sentence is not what it rests on.
    return tuple(piece.evidence for piece, count in shared if 2 * count >= most)


def content_words(text: str) -> set[str]:
    """Return the stems of the words that say something."""
    return {word for word in tokenize(text) if len(word) >= _SHORTEST and word not in _EMPTY}
