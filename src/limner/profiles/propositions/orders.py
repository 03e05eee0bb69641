"""Sentences that give orders to whoever keeps the notes, or pose as such notes; neither is evidence about the user.

A fence around the text is not enough for a small model: asked what such a sentence tells about the user, it repeats what the
sentence wants written. So it is asked a second question first, about the sentence itself.
"""

import re

from limner.inference import LanguageModel, Prompt
from limner.inference.choose import choose

__all__ = ["gives_orders", "speaks_of_the_user"]

_ORDERS_ABOVE = -0.1
"""Log-odds of yes. On 12 texts that give orders and 29 honest sentences it stopped every order that would have been noted,
and one honest sentence ("Please note that I work night shifts")."""
_THIRD_PERSON = re.compile(r"\b(?:the|this) user\b", re.IGNORECASE)


def speaks_of_the_user(sentence: str) -> bool:
    """Whether a sentence speaks of "the user", as people do not when they speak of themselves."""
    return _THIRD_PERSON.search(sentence) is not None


async def gives_orders(sentence: str, model: LanguageModel, prompt: Prompt) -> bool:
    """Whether a sentence is meant for whoever keeps the notes, rather than about the user's life.

    Args:
        sentence: One sentence of an observation.
        model: Whom to ask.
        prompt: `profiles/propositions/orders`.
    """
    choice = await choose(
        model, prompt.messages(sentence=sentence), ["yes", "no"], stage="propose", method="loglik"
    )
    return choice.log_odds > _ORDERS_ABOVE
