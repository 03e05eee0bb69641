"""How long a statement is likely to stay true."""

import math

from limner.inference import LanguageModel, Prompt
from limner.inference.choose import choose

__all__ = ["durability"]


async def durability(text: str, model: LanguageModel, prompt: Prompt) -> int:
    """Return 1 (a moment, a plan) to 10 (a lasting trait), from the odds the model gives to "yes, it lasts".

    Args:
        text: The statement.
        model: Whom to ask.
        prompt: `profiles/propositions/lasting`.
    """
    choice = await choose(model, prompt.messages(note=text), ["yes", "no"], stage="propose", method="loglik")
    if choice.scores is None:
        return 8 if choice.option == "yes" else 3
    return round(1 + 9 / (1 + math.exp(-choice.log_odds)))
