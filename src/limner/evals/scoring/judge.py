"""A model that says whether an answer is right: asked once, at temperature 0, for yes or no."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.evals.asking import prompted
from limner.evals.records import Marked, Role

__all__ = ["Verdict", "judge", "judged", "verdict"]

_MAX_TOKENS = 16
"""Enough for one word; a judge that explains itself is cut off and still read by its first word."""

_FIRST = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
_OTHER = {"yes": re.compile(r"\bno\b", re.IGNORECASE), "no": re.compile(r"\byes\b", re.IGNORECASE)}


@dataclass(frozen=True)
class Verdict:
    """What a judge said of one answer."""

    right: bool
    """False also where the reply could not be read."""
    readable: bool
    reply: str


def verdict(reply: str) -> Verdict:
    """Read a reply: its first word must be yes or no, and the other word must not follow.

    A reply that merely holds a "yes" somewhere is not taken for one; `No, "yes" would be wrong` is no verdict either.
    """
    first = _FIRST.match(reply)
    word = first.group(1).lower() if first else ""
    readable = bool(word) and not _OTHER[word].search(reply)
    return Verdict(readable and word == "yes", readable, reply)


async def judge(model: str, messages: Sequence[tuple[Role, str]]) -> Verdict:
    """Ask a model for a verdict; must run inside an inspect_ai evaluation, whose log then holds the call.

    Args:
        model: Name of the judge as inspect_ai knows it, such as `openai/gpt-4o-2024-08-06`.
        messages: The prompt.
    """
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        GenerateConfig,
        get_model,
    )

    made: dict[Role, type[ChatMessageSystem | ChatMessageUser | ChatMessageAssistant]] = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }
    prompt: list[ChatMessage] = [made[role](content=text) for role, text in messages]
    config = GenerateConfig(temperature=0.0, max_tokens=_MAX_TOKENS)
    output = await get_model(model).generate(prompt, config=config)
    return verdict(output.completion)


async def judged(model: str, prompt: str, *, question: str, gold: str, answer: str) -> Marked:
    """Mark an answer by a judge.

    Args:
        model: Name of the judge as inspect_ai knows it.
        prompt: Name of a prompt with the variables `question`, `gold` and `answer`.
        question: What was asked.
        gold: The right answer, or what a right one must do.
        answer: What was answered.

    Returns:
        `judged`, 1 or 0; 0 with a line in `why` where the judge's reply is neither yes nor no.
    """
    said = await judge(model, prompted(prompt, question=question, gold=gold, answer=answer))
    why = f"The judge {model} said {said.reply!r:.80}"
    return Marked(
        {"judged": float(said.right)},
        answer=answer,
        why=f"{why}." if said.readable else f"{why}, which is neither yes nor no: counted as wrong.",
    )
