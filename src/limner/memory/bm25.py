"""BM25 over texts held in memory.

Reference: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), §3.2. Terms, constants
and inverse document frequency are those of `limner.memory.lexical`; here the index is in memory and holds each
posting's whole contribution, so that a query only adds up.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from limner.memory.lexical import K1, B, tokenize

__all__ = ("BM25",)


class BM25:
    """An inverted index over some texts.

    Args:
        texts: What is searched; statistics are taken over these alone.
        language: A Snowball algorithm's name.
    """

    def __init__(self, texts: Sequence[str], language: str = "english") -> None:
        self._language = language
        self._size = len(texts)
        counts = [Counter(tokenize(text, language)) for text in texts]
        self._number: dict[str, int] = {}
        for word in chain.from_iterable(counts):
            self._number.setdefault(word, len(self._number))
        term = np.fromiter((self._number[word] for count in counts for word in count), np.int32)
        document = np.repeat(np.arange(self._size, dtype=np.int32), [len(count) for count in counts])
        frequency = np.fromiter((n for count in counts for n in count.values()), np.float64)
        by_term = np.argsort(term, kind="stable")
        holders = np.bincount(term, minlength=len(self._number))
        self._start = np.concatenate(([0], np.cumsum(holders)))
        self._document = document[by_term]
        lengths = np.array([count.total() for count in counts], dtype=np.float64)
        idf = np.log(1 + (self._size - holders + 0.5) / (holders + 0.5))
        norm = K1 * (1 - B + B * lengths / ((lengths.mean() if self._size else 0.0) or 1.0))
        weight = idf[term] * frequency * (K1 + 1) / (frequency + norm[document])
        self._weight = weight[by_term]

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the score of every text, 0 where it has no term of the query."""
        scores = np.zeros(self._size)
        # In the order of terms, as floating-point sums depend on it.
        for term, repeats in sorted(Counter(tokenize(query, self._language)).items()):
            number = self._number.get(term)
            if number is not None:
                postings = slice(self._start[number], self._start[number + 1])
                scores[self._document[postings]] += repeats * self._weight[postings]
        return scores
