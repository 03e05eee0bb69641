"""Finding the nearest of several names: what a person or a model meant when they wrote something else."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["display_title", "nearest", "normalised", "same"]

_LONGEST_TITLE = 300
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_ARTICLE = re.compile(r"^(?:the|a|an) ")


_ARTICLES = "The|A|An|La|Le|Les|L'|Il|Lo|I|Gli|Das|Der|Die|El|Los|Las|Un|Une|Det|Den|De"
_INVERTED = re.compile(rf"(?P<rest>[^()]+), (?P<article>{_ARTICLES})(?= *(?:\(|\)|$))")


def display_title(stored: str) -> str:
    """Return a title with its article in front: `Godfather, The` becomes `The Godfather`, also inside parentheses."""

    def turned(match: re.Match[str]) -> str:
        article = match["article"]
        return f"{article}{match['rest']}" if article.endswith("'") else f"{article} {match['rest']}"

    return _INVERTED.sub(turned, stored.strip())


@lru_cache(maxsize=200_000)
def normalised(text: str) -> str:
    """Return the text in lower case without accents, punctuation and doubled spaces, an article behind a comma in front."""
    # No title is that long, and looking for an article takes quadratic time.
    turned = display_title(text) if len(text) <= _LONGEST_TITLE else text
    letters = unicodedata.normalize("NFKD", turned.casefold())
    bare = "".join(c for c in letters if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    return " ".join(re.findall(r"[^\W_]+", bare)) or text.strip()


@lru_cache(maxsize=200_000)
def _core(text: str) -> str:
    """Return the normalised text without a year in parentheses and a leading article."""
    return _ARTICLE.sub("", normalised(_YEAR.sub("", text) or text))


def same(query: str, names: Iterable[str]) -> list[str]:
    """Return the names that are the query but for case, accents and punctuation.

    Where there is none, those that are so but for a leading English article and a year in parentheses as well, unless
    the query gives another year.
    """
    wanted = normalised(query)
    names = list(names)
    exact = [name for name in names if normalised(name) == wanted]
    if exact or (_YEAR.search(query) and any(_YEAR.search(name) for name in names)):
        return exact
    return [name for name in names if _core(name) == _core(query)]


def nearest(query: str, names: Iterable[str], n: int = 3, *, cutoff: float = 0.5) -> list[str]:
    """Return at most `n` names, most similar first.

    Similarity is the larger of `difflib`'s ratio and, where the query's words all occur in the name, .75 and more
    (the shorter the name, the more); below `cutoff` a name is left out. Equal similarity keeps the order given.
    """
    wanted = _core(query)
    words = set(wanted.split())
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored: list[tuple[float, str]] = []
    for name in names:
        core = _core(name)
        score = _containment(words, core)
        matcher.set_seq1(core)
        if matcher.real_quick_ratio() > max(score, cutoff) and matcher.quick_ratio() > max(score, cutoff):
            score = max(score, matcher.ratio())
        if score >= cutoff:
            scored.append((score, name))
    scored.sort(key=lambda pair: -pair[0])
    return [name for _, name in scored[:n]]


def _containment(words: set[str], name: str) -> float:
    if not words:
        return 0.0
    present = name.split()
    return 0.75 + 0.25 * len(words) / len(present) if words <= set(present) else 0.0
