"""F1 over the stemmed words that two short answers share.

The measure of SQuAD (Rajpurkar et al. 2016, §6.1) as LoCoMo uses it (Maharana et al. 2024, §4.1): commas, punctuation,
case, articles and "and" do not count, and words are compared by their Porter stem.
"""

import re
import string
import threading
from collections import Counter

import Stemmer

__all__ = ["normalised", "partial_f1", "token_f1"]

_DROPPED = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the|and)\b")
_stemmers = threading.local()


def normalised(text: str) -> str:
    """Return a text in lower case without ASCII punctuation, articles, "and" and superfluous blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_DROPPED)).split())


def token_f1(answer: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over stemmed words, each counted as often as it stands there.

    Args:
        answer: What was answered.
        gold: What is right.

    Returns:
        From 0 to 1; 0 where one of them has no word.
    """
    given, wanted = Counter(_stems(answer)), Counter(_stems(gold))
    shared = (given & wanted).total()
    if not shared:
        return 0.0
    precision, recall = shared / given.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def partial_f1(answer: str, gold: str) -> float:
    """Return the mean, over the parts of a gold answer, of the F1 with the part of the answer that is closest.

    Parts are what stands between commas, as LoCoMo marks its multi-hop questions, whose answers are lists. An answer
    that lists more than was asked loses nothing by it: that is the published rule.
    """
    given, wanted = answer.split(","), gold.split(",")
    return sum(max(token_f1(part, one) for part in given) for one in wanted) / len(wanted)


def _stems(text: str) -> list[str]:
    # A stemmer keeps state while it works, so every thread has its own.
    if not hasattr(_stemmers, "porter"):
        _stemmers.porter = Stemmer.Stemmer("porter")
    stem = _stemmers.porter.stemWord
    # Porter's rules are for words of three letters and more (Porter 1980, §2): "as" must not become an article.
    return [word if len(word) < 3 else str(stem(word)) for word in normalised(text).split()]
