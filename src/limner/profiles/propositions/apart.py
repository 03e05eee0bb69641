"""Taking a compound statement apart: "likes hiking and jazz" says two things, and news may be about one of them.

Grammar alone does it, for English: what is joined by "and" or commas after one verb, or two clauses with verbs of their own. A
statement that does not come apart for certain stays whole. Each part gets the evidence whose words it shares.
"""

import re
from collections.abc import Sequence

from limner.memory.records import Evidence

__all__ = ["allotted", "members", "says_more", "shares_half", "shares_words", "together"]

_SUBJECT = re.compile(r"^The user(?=\s)")
_JOINT = re.compile(r"\s*,\s*(?:and|but)\s+|\s*,\s*|\s+and\s+|\s+as well as\s+|\s+but\s+")
_SHARED = re.compile(
    r"^(?:(?:also|still|really|often|usually|sometimes|regularly)\s+)*"
    r"(?:is\s+(?:interested\s+in|fond\s+of|afraid\s+of|allergic\s+to|learning|studying)|(?:likes|loves|enjoys|prefers|dislikes|hates|wants|"
    r"plans|hopes|tries)(?:\s+(?:to|both))?|plays|speaks|drinks|eats|owns|has|collects|watches|reads|practises|practices|studies|learns|teaches|"
    r"listens\s+to|lives\s+with|works\s+with)\s+",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"^(?:(?:also|now|often|still|recently|usually|no longer)\s+)?(?:is|are|was|has|had|does|did|will|would|can|cannot|could|"
    r"likes|loves|enjoys|prefers|dislikes|hates|wants|plans|hopes|tries|needs|feels|thinks|believes|finds|knows|misses|fears|suffers|"
    r"lives|works|plays|sings|dances|swims|runs|walks|cycles|drives|speaks|drinks|eats|cooks|bakes|owns|collects|watches|reads|writes|"
    r"practi[sc]es|studies|learns|teaches|listens|takes|goes|makes|gets|keeps|uses|spends|shares|helps|paints|travels|"
    r"moved|went|got|came|took|made|left|quit|began|felt|met|bought|sold|gave|broke|lost|found|started|stopped|finished|visited|"
    r"joined|married|graduated|switched|learned|decided|tried|watched|studied|worked|lived|played)\s+\w"
)
_NEGATIVE = re.compile(r"^(?:not|no|never|only|without|except|rather|also|then)\b")
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_EMPTY = frozenset([
    "about",
    "also",
    "and",
    "been",
    "but",
    "each",
    "every",
    "feel",
    "for",
    "from",
    "has",
    "have",
    "into",
    "just",
    "likes",
    "lot",
    "loves",
    "more",
    "some",
    "that",
    "the",
    "their",
    "them",
    "they",
    "this",
    "user",
    "very",
    "was",
    "were",
    "with",
    "enjoy",
    "reall",
    "recen",
])
_LONGEST = 6
"""Words that a member of a list may have: what is longer is a clause that hangs on something."""
_PAIRED = re.compile(r"\b(?:between|both|mix|combination|salt|either|neither)\b", re.IGNORECASE)


def members(text: str) -> tuple[str, ...]:
    """Return the sentences that a compound statement is made of; of one that is not, none."""
    if not _SUBJECT.match(text) or _PAIRED.search(text):
        return ()
    said = _SUBJECT.sub("", text).strip().rstrip(".")
    pieces = [piece.strip() for piece in _JOINT.split(said)]
    if len(pieces) < 2 or not all(pieces):
        return ()
    if all(_VERB.match(piece) for piece in pieces):
        return tuple(f"The user {piece}." for piece in pieces)
    shared = _SHARED.match(pieces[0])
    if shared is None:
        return ()
    rest = [pieces[0][shared.end() :], *(re.sub(r"^to\s+", "", piece) for piece in pieces[1:])]
    if any(not p or _VERB.match(p) or _NEGATIVE.match(p) or len(p.split()) > _LONGEST for p in rest):
        return ()
    return tuple(f"The user {shared[0]}{piece}." for piece in rest)


def together(parts: Sequence[str]) -> str:
    """Return several members of one statement as one sentence."""
    bare = [_SUBJECT.sub("", part).strip().rstrip(".") for part in parts]
    shared = [_SHARED.match(part) for part in bare]
    first = shared[0]
    if first is not None and all(s is not None and s[0] == first[0] for s in shared):
        bare = [bare[0], *(part[first.end() :] for part in bare[1:])]
    return f"The user {_listed(bare)}."


def allotted(
    evidence: Sequence[Evidence], one: str, other: str
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Return what of the evidence of a statement goes with each of its parts.

    A quote goes with the part whose words it has; with the words of both, or of neither, it goes with both. So does all
    of it where a part would be left with none.
    """
    ones, others = _stems(one), _stems(other)
    only_one, only_other = ones - others, others - ones
    first = tuple(e for e in evidence if _about(e, only_one, only_other))
    second = tuple(e for e in evidence if _about(e, only_other, only_one))
    supported = [any(e.polarity == "supports" for e in part) for part in (first, second)]
    return (first, second) if all(supported) else (tuple(evidence), tuple(evidence))


def shares_words(quote: str, text: str) -> bool:
    """Whether two texts have a word in common that means something."""
    return bool(_stems(quote) & _stems(text))


def says_more(shorter: str, longer: str) -> bool:
    """Whether a text has all the words of another that mean something, and more."""
    less = _stems(shorter)
    return bool(less) and less < _stems(longer)


def shares_half(text: str, other: str) -> bool:
    """Whether half of the words of a text that mean something stand in another."""
    words = _stems(text)
    return 2 * len(words & _stems(other)) >= len(words)


def _about(evidence: Evidence, mine: set[str], others: set[str]) -> bool:
    said = _stems(evidence.quote)
    return bool(said & mine) or not said & others


def _stems(text: str) -> set[str]:
    return {w.casefold()[:5] for w in _WORD.findall(text)} - _EMPTY


def _listed(pieces: Sequence[str]) -> str:
    return pieces[0] if len(pieces) == 1 else f"{', '.join(pieces[:-1])} and {pieces[-1]}"
