"""A language model as the recommender that reads a profile (Wang et al. 2025, §3.2).

It is asked of one later item after the other whether the user liked it; the answer is the log-odds of "yes", so that a profile
is scored by how much probability it moves and not by one word. Profile and recent items stand in front of the item: a server
that keeps prefixes computes them once for all items of a user.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from limner.errors import MalformedOutput
from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.profiles.lettingo.split import Case, Rated

__all__ = ["VIEWS", "LanguageModelJudge", "View", "about", "rated_lines"]

View = Literal["profile", "history", "recent", "nothing"]
"""What a judge sees: profile and `h`; `H` itself and `h`; `h` alone; the item alone."""
VIEWS: tuple[View, ...] = ("profile", "history", "recent", "nothing")

_YES_NO = ("yes", "no")


def rated_lines(rated: Sequence[Rated]) -> str:
    """Return ratings as a list, one a line."""
    return "\n".join(f"- {one.line}: {one.value:g}" for one in rated)


def about(case: Case, view: View, profile: str = "") -> str:
    """Return what a judge is shown of a user, without the item.

    Args:
        case: The user.
        view: What is shown.
        profile: The profile, for the view of this name.
    """
    parts = []
    if view == "profile":
        parts.append(profile.strip())
    if view == "history":
        parts.append(f"Earlier picks, with ratings from 1 to 5:\n{rated_lines(case.history)}")
    if view != "nothing" and case.recent:
        parts.append(f"Latest picks, with ratings from 1 to 5:\n{rated_lines(case.recent)}")
    return "\n\n".join(parts) or "Nothing is known about this person."


class LanguageModelJudge:
    """Tells for each target of a case the log-odds that the user liked it.

    Args:
        model: One that gives log-probabilities.
        kind: What one of the items is called, such as `film`.
        prompts: Folder of overriding prompt files.
    """

    def __init__(self, model: LanguageModel, kind: str, prompts: Path | None = None) -> None:
        self.model = model
        self.kind = kind
        self.prompt = load_prompt("profiles/lettingo/judge", prompts)

    @property
    def name(self) -> str:
        """Model and prompt: what either says is filed apart."""
        return f"{self.model.name} {self.prompt.hash}"

    async def judge(self, case: Case, view: View, profile: str = "") -> tuple[float, ...]:
        """Return log-odds, one for each of `case.targets`.

        Raises:
            MalformedOutput: The model gives no log-probabilities, so there is nothing to score a profile by.
            ModelError: The model failed.
        """
        shown = about(case, view, profile)
        found = []
        for target in case.targets:
            messages = self.prompt.messages(kind=self.kind, about=shown, item=target.line)
            choice = await choose(self.model, messages, _YES_NO, stage="lettingo judge", method="loglik")
            if not math.isfinite(choice.log_odds):
                raise MalformedOutput(
                    f"{self.model.where} gives no log-probabilities of an answer, so it cannot judge profiles; take "
                    f"the embedded engine, llama.cpp or vLLM.",
                    choice.option,
                )
            found.append(choice.log_odds)
        return tuple(found)
