"""A limner whose observations are numbered marks, so that whoever finds one knows where it must have come from.

An observation of mark `q17zx` is plain (what is concluded from it stands alone) or moving (it updates the last one
that moved). Marks are no words, so their bytes can be looked for in files.
"""

import re
from collections.abc import Callable
from pathlib import Path

from answering import CHOICE, Answers
from limner.api import Limner
from limner.settings import Settings
from limner.testing import HashEncoder, scripted_model

__all__ = ("MARK", "concluded", "open_limner", "said")

MARK = re.compile(r"q\d+zx")
_SAID = re.compile(r"(?:Bought a q\d+zx|Put the key into drawer q\d+zx) today\.")
_MOVED = "The user keeps the key in drawer"


def said(mark: str, *, moving: bool) -> str:
    """Return the text of an observation."""
    return f"Put the key into drawer {mark} today." if moving else f"Bought a {mark} today."


def concluded(text: str) -> str:
    """Return what the model concludes from an observation."""
    mark = MARK.search(text)
    assert mark is not None
    return f"{_MOVED} {mark[0]}." if "drawer" in text else f"The user owns a {mark[0]}."


def _gist(last: str) -> str:
    if CHOICE in last:
        return "The user"
    found = _SAID.search(last.rpartition("Sentence: ")[2])
    return concluded(found[0]) if found else "-"


def _replaces(last: str) -> str:
    return "yes" if last.count(_MOVED) == 2 else "no"


def open_limner(
    home: Path,
    *,
    encoder: HashEncoder | None = None,
    before_answer: Callable[[], None] = lambda: None,
    **settings: object,
) -> Limner:
    """Open a limner with a scripted model.

    Args:
        home: Its folder.
        encoder: None is one of 32 dimensions.
        before_answer: Called when the model is asked.
        settings: Settings other than the default.
    """
    answers = Answers(replies={"gist": _gist, "replaces": _replaces})

    def answer(messages: object) -> object:
        before_answer()
        return answers(messages)

    return Limner.open(
        home,
        settings=Settings(exact_limit=5, batch_tokens=64, **settings),
        model=scripted_model(answer),
        encoder=encoder or HashEncoder(dimension=32),
    )
