"""The signals from which the fitted fusion ranks: each says in one way how likely a document answers a question.

Words count where they stand, in the window of five around it, and in the whole sitting (Robertson and Zaragoza 2009, BM25); meaning
counts in the document and in windows of three, five and nine, as mean cosine. A document that answers rests on what was
asked just before it; who is named, which month, and what kind of answer is wanted are matched with what a text shows at a glance.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.memory.arrangement import Arrangement, sums_before
from limner.memory.lexical import K1, B, idf
from limner.memory.questions import Question, named_in
from limner.memory.ranking import Scores, min_max
from limner.memory.sayings import Trait
from limner.memory.snapshot import Snapshot
from limner.settings import FusionPart

__all__ = ("SIGNALS", "WIDEST", "signals")

SIGNALS: Mapping[str, FusionPart] = {
    "words": "lexical",
    "words of the window": "lexical",
    "words of the sitting": "lexical",
    "words covered": "lexical",
    "words just after": "lexical",
    "meaning": "dense",
    "closeness": "dense",
    "meaning of three": "dense",
    "meaning of five": "dense",
    "meaning of nine": "dense",
    "telling": "dense",
    "answers": "context",
    "asks": "context",
    "length": "context",
    "tells": "context",
    "speaker": "speaker",
    "first named": "speaker",
    "month": "time",
    "day": "time",
    "dates": "answer",
    "counts": "answer",
    "names": "answer",
    "quotes": "answer",
}
"""Every signal, with the part of `Recall.why` that it goes into."""

WIDEST = 4
"""How many neighbours on each side the cosines are asked of."""
_WINDOW = 2
_NOBODY = -2
"""No author's code, and not that of what has none."""
_LENGTH = 20.0
"""Index terms of a document that is neither short nor long."""


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """What the terms of a question give each chosen document, (c,)."""

    own: Scores
    window: Scores
    sitting: Scores
    covered: Scores


def signals(
    connection: Connection,
    snapshot: Snapshot,
    arrangement: Arrangement,
    question: Question,
    cosines: NDArray[np.float64],
    telling: NDArray[np.float64],
    chosen: NDArray[np.intp],
) -> dict[str, Scores]:
    """Return every signal for some documents; each array has shape (c,), and most values are from 0 to 1.

    Args:
        connection: Sees the state that the snapshot is of.
        snapshot: The user's documents.
        arrangement: Of those that may be seen.
        question: What is asked.
        cosines: With the question, by place, (m,); only those of the chosen and around them are looked at.
        telling: How much each of the chosen looks like a text that holds facts, (c,).
        chosen: The places to be ranked, (c,).
    """
    positions = arrangement.order[chosen]
    sayings = snapshot.sayings
    sayings.read(connection, snapshot.user_id, snapshot.columns, positions)
    traits, speakers = sayings.traits[positions], sayings.speakers[positions]
    # Of the chosen alone: who else was ever looked at must not make a difference.
    named = named_in(question.text, [sayings.names[code] for code in np.unique(speakers[speakers >= 0])])
    words = _words(connection, snapshot, arrangement, question.without(named), chosen)
    asks = (traits & Trait.ASKS > 0).astype(np.float64)
    scored = {
        "words": min_max(words.own),
        "words of the window": min_max(words.window),
        "words of the sitting": min_max(words.sitting),
        "words covered": words.covered,
        "meaning": min_max(cosines[chosen]),
        "closeness": cosines[chosen],
        "telling": telling,
    }
    running = sums_before(cosines)
    for name, radius in (("meaning of three", 1), ("meaning of five", 2), ("meaning of nine", WIDEST)):
        windows = arrangement.windows(radius)
        means: Scores = windows.summed(running, chosen) / (windows.ends[chosen] - windows.starts[chosen])
        scored[name] = min_max(np.round(means, 9))  # sums of the same numbers differ in the last digits
    beside = np.zeros((2, len(arrangement)))
    beside[:, chosen] = scored["words"], asks * scored["words"]
    scored["words just after"] = arrangement.after(beside[0])[chosen]
    scored["answers"] = arrangement.before(beside[1])[chosen]
    scored["asks"] = asks
    scored["tells"] = (traits & Trait.TELLS > 0).astype(np.float64)
    scored["length"] = np.log1p(arrangement.lengths[chosen]) - math.log1p(_LENGTH)
    scored["speaker"] = _speaker(snapshot, question, named, positions, speakers)
    scored["first named"] = _first_named(snapshot, named, speakers)
    scored["month"], scored["day"] = _moments(snapshot, question, positions)
    for trait, name in _WANTED.items():
        there = (traits & trait > 0) if trait in question.wants else np.zeros(len(chosen))
        scored[name] = np.asarray(there, dtype=np.float64)
    return scored


_WANTED = {Trait.DATES: "dates", Trait.COUNTS: "counts", Trait.NAMES: "names", Trait.QUOTES: "quotes"}


def _words(
    connection: Connection,
    snapshot: Snapshot,
    arrangement: Arrangement,
    terms: Mapping[str, int],
    chosen: NDArray[np.intp],
) -> _Words:
    own, window, sitting, covered = (np.zeros(len(chosen)) for _ in range(4))
    near, beside = arrangement.windows(_WINDOW), arrangement.windows(1)
    sittings = arrangement.sittings[chosen]
    units = (
        _Units(arrangement.lengths, chosen),
        _Units(near.lengths, chosen),
        _Units(arrangement.sitting_lengths, sittings),
    )
    spans = (
        (chosen, chosen + 1),
        (near.starts[chosen], near.ends[chosen]),
        (beside.starts[chosen], beside.ends[chosen]),
    )
    postings = snapshot.postings(connection, terms)
    weight = 0.0
    for term in sorted(terms):  # a fixed order, because floating-point sums depend on it
        hits, counts = arrangement.sorted(postings[term].positions, postings[term].frequencies)
        rarity = idf(len(arrangement), len(hits))
        weight += terms[term] * rarity
        if not len(hits):
            continue
        here, around, close = arrangement.counted(hits, counts, spans)
        own += terms[term] * units[0].bm25(here, len(hits))
        window += terms[term] * units[1].bm25(around, near.reached(hits))
        of_sitting = _by_sitting(arrangement, hits, counts)
        sitting += terms[term] * units[2].bm25(of_sitting[sittings], int(np.count_nonzero(of_sitting)))
        covered += terms[term] * rarity * (close > 0)
    return _Words(own, window, sitting, covered / weight if weight else covered)


def _by_sitting(arrangement: Arrangement, hits: NDArray[np.intp], counts: Scores) -> Scores:
    size = len(arrangement.sitting_lengths)
    return np.bincount(arrangement.sittings[hits], counts, size).astype(np.float64)


class _Units:
    """Some of the units that BM25 looks at: documents, windows or sittings.

    Args:
        lengths: Of all of them, in index terms, (u,).
        chosen: Which to score, (c,).
    """

    def __init__(self, lengths: Scores, chosen: NDArray[np.intp]) -> None:
        self._size = len(lengths)
        self._norms = K1 * (1 - B + B * lengths[chosen] / (float(lengths.mean()) or 1.0))

    def bm25(self, frequencies: Scores, having: int) -> Scores:
        """Return what one term gives the chosen units, by how often it stands in each, (c,)."""
        scores: Scores = idf(self._size, having) * (K1 + 1) * frequencies / (frequencies + self._norms)
        return scores


def _speaker(
    snapshot: Snapshot,
    question: Question,
    named: list[str],
    positions: NDArray[np.intp],
    speakers: NDArray[np.int32],
) -> Scores:
    """Return 1 where the one whom the question is about speaks; half where it is about several of them."""
    codes = [code for code, name in enumerate(snapshot.sayings.names) if name in named]
    hit = np.isin(speakers, codes)
    if question.about_me:
        mine = snapshot.columns.authors[positions] == _code(snapshot.names.authors, "user")
        hit |= mine & (speakers < 0)
    total = len(codes) + question.about_me
    scores: Scores = np.where(hit, 1 / max(1, total), 0.0)
    return scores


def _first_named(snapshot: Snapshot, named: list[str], speakers: NDArray[np.int32]) -> Scores:
    """Return 1 where the one speaks whom the question names before another: whom it is about, more often than not."""
    if len(named) < 2:
        return np.zeros(len(speakers))
    hit: Scores = np.where(speakers == snapshot.sayings.names.index(named[0]), 1.0, 0.0)
    return hit


def _moments(snapshot: Snapshot, question: Question, positions: NDArray[np.intp]) -> tuple[Scores, Scores]:
    """Return 1 for what was said in a month or year that the question names, and on a day that it names; 0 else."""
    nothing = np.zeros(len(positions))
    if not question.months and not question.years:
        return nothing, nothing
    days = snapshot.columns.moments[positions].astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    of_month = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    month, year = months.astype(np.int64) % 12 + 1, months.astype(np.int64) // 12 + 1970
    hit = np.ones(len(positions), dtype=np.bool_)
    if question.years:
        hit &= np.isin(year, list(question.years))
    on_day = hit & np.isin(100 * month + of_month, [100 * m + d for m, d in question.days])
    if question.months:
        hit &= np.isin(month, list(question.months))
    return hit.astype(np.float64), on_day.astype(np.float64)


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else _NOBODY
