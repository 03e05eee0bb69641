"""ROUGE: how many words, and how long an ordered run of them, a text shares with the wanted one."""

import importlib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

__all__ = ["Words", "rouge"]

Words = Literal["ascii", "unicode"]
"""What a word is: a run of `a-z0-9`, as in the published scorer, which tears `não` apart; or of any script's letters
and digits. On plain English both are the same."""


def rouge(prediction: str, golds: Sequence[str], *, words: Words = "ascii") -> dict[str, float]:
    """Return ROUGE-1 and ROUGE-L (Lin 2004, "ROUGE", §2 and §3.1) as F1, without stemming, by the package `rouge-score`.

    These are the numbers that LaMP reports. Of several golds the best one counts, for each measure by itself.

    Args:
        prediction: What was written.
        golds: The accepted texts; at least one.
        words: What a word is; `unicode` for languages that need more than `a-z`.

    Returns:
        `rouge_1` and `rouge_l`, from 0 to 1.

    Raises:
        ImportError: The extra `evals` is not installed.
    """
    scores = _scorer(words).score_multi(list(golds), prediction)
    return {"rouge_1": float(scores["rouge1"].fmeasure), "rouge_l": float(scores["rougeL"].fmeasure)}


class _AnyScript:
    """Splits into words of any script, where the package's own splitter knows `a-z0-9` only."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"[^\W_]+", text.lower())


@cache
def _scorer(words: Words) -> Any:  # noqa: ANN401  (the package has no types)
    try:
        scorer = importlib.import_module("rouge_score.rouge_scorer")
    except ImportError as error:
        raise ImportError(
            "ROUGE needs rouge-score: install limner with `pip install 'limner[evals]'`."
        ) from error
    tokenizer = _AnyScript() if words == "unicode" else None
    return scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=False, tokenizer=tokenizer)
