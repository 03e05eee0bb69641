"""One of several options by the method asked for, on limner's own language model."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from limner.errors import InputError
from limner.evals.records import Asked, Role
from limner.inference import LanguageModel
from limner.inference.choose import choose
from limner.inference.likelihood import likelihoods

__all__ = ["STAGE", "chosen", "langchain_messages"]

STAGE = "eval"
_MESSAGE = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


def langchain_messages(messages: Sequence[tuple[Role, str]]) -> list[BaseMessage]:
    """Return role and text as langchain's messages."""
    return [_MESSAGE[role](text) for role, text in messages]


async def chosen(model: LanguageModel, asked: Asked) -> tuple[str, tuple[float, ...]]:
    """Return the option chosen, and each one's log-likelihood where the method gives one.

    Args:
        model: Whom to ask.
        asked: With options.

    Raises:
        InputError: `text_less_prior` without a neutral prompt.
        ConfigurationError: The endpoint does not tell the likelihoods that the method needs.
        ModelError: The model failed.
    """
    prompt = langchain_messages(asked.messages)
    if asked.method in ("constrained", "letter"):
        choice = await choose(
            model,
            prompt,
            asked.options,
            stage=STAGE,
            method="loglik" if asked.method == "letter" else "constrained",
        )
        return choice.option, choice.scores or ()
    found = await likelihoods(model, prompt, asked.options, stage=STAGE)
    if asked.method == "text_per_token":
        scores = [one.per_token for one in found]
    elif asked.method == "text":
        scores = [one.total for one in found]
    else:
        if not asked.neutral:
            raise InputError("text_less_prior needs the prompt without the question.")
        prior = await likelihoods(model, langchain_messages(asked.neutral), asked.options, stage=STAGE)
        scores = [one.total - base.total for one, base in zip(found, prior, strict=True)]
    best = max(range(len(scores)), key=scores.__getitem__)
    return asked.options[best], tuple(scores)
