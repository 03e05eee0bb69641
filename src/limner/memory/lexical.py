"""The terms of BM25 and their index in SQL, keyed by user and term; `limner.memory.snapshot` and `signals` score with them.

The statistics (number of documents, their mean length, how many hold a term) are the user's own, so another
user's rows change neither a score nor its cost; FTS5 and `ts_rank` cannot do that, and differ from each other.

Reference: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), §3.2, with
the inverse document frequency that cannot become negative (`ln(1 + (N − n + ½) / (n + ½))`).
"""

import math
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping

import Stemmer
from sqlalchemy import Connection

from limner.memory.schema import terms

__all__ = ("K1", "B", "idf", "index_terms", "tokenize")

K1 = 1.2
"""How soon more of the same term stops to count."""
B = 0.75
"""How much a long document is discounted: 0 not at all, 1 in full proportion."""

_MAX_TERM = 64
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Scripts written without spaces: Han, Hiragana, Katakana, Hangul syllables are indexed as pairs of characters.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003134f]+")
_stemmers = threading.local()


def tokenize(text: str, language: str = "english") -> list[str]:
    """Return the index terms of `text`: case-folded (NFKC), stemmed, in order, repetitions included.

    Args:
        text: Any text.
        language: A Snowball algorithm's name.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    words = [word for match in _WORD.finditer(folded) for word in _split(match.group())]
    return [stem[:_MAX_TERM] for stem in _stemmer(language).stemWords(words)]


def index_terms(connection: Connection, user_id: str, counts: Mapping[int, Mapping[str, int]]) -> None:
    """Store how often each term occurs in each document, given by its number."""
    found = [(term, number, n) for number, of_one in counts.items() for term, n in of_one.items()]
    found.sort()  # as the table is: a page that many of them go to is written once
    rows = [
        {"user_id": user_id, "term": term, "document_id": number, "frequency": n} for term, number, n in found
    ]
    if rows:
        connection.execute(terms.insert(), rows)


def idf(size: int, having: int) -> float:
    """Return the inverse document frequency of a term; see this module.

    Args:
        size: How many documents there are.
        having: How many of them have the term.
    """
    return math.log(1 + (size - having + 0.5) / (having + 0.5))


def _split(word: str) -> Iterator[str]:
    """Yield `word`, or the character pairs of those of its parts that are written without spaces."""
    end = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > end:
            yield word[end : run.start()]
        characters = run.group()
        yield from (characters[i : i + 2] for i in range(max(1, len(characters) - 1)))
        end = run.end()
    if end < len(word):
        yield word[end:]


def _stemmer(language: str) -> Stemmer.Stemmer:
    # A Stemmer keeps state while it works, so every thread has its own.
    by_language: dict[str, Stemmer.Stemmer] = vars(_stemmers).setdefault("by_language", {})
    if language not in by_language:
        by_language[language] = Stemmer.Stemmer(language)
    return by_language[language]
