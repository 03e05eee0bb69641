"""Sentences that give orders to whoever keeps the notes, or pose as such notes; neither is evidence about the user.

A fence around the text is not enough for a small model: asked what such a sentence tells about the user, it repeats what the
sentence wants written. So it is asked a second question first, about the sentence itself. A small model takes a firm preference
("I have a severe nut allergy and must avoid all nuts") for an order, so it is not asked about sentences in which people plainly
speak of themselves.
"""

import re

from limner.inference import LanguageModel, Prompt
from limner.inference.choose import choose

__all__ = ["gives_orders", "may_address_the_keeper", "speaks_of_self", "speaks_of_the_user"]

_ORDERS_ABOVE = -0.1
"""Log-odds of yes, of sentences that do not plainly speak of oneself: with it no order of `benchmarks/injection.py` is noted. More
examples of firm preferences in the prompt let more of them through, and two orders with them."""
_FIRST_PERSON = re.compile(
    r"\W*(?:(?:as|due to|because of)\b[^,;:.]{0,60},\s*)?(?:(?:and|but|so|also|well|yes|no|oh|okay|actually|honestly|personally|lately|sadly|because|since|as)\b\W*)*"
    r"(?:i|i['’](?:m|ve|d|ll)|we|we['’](?:re|ve|d|ll)|my|our)\b",
    re.IGNORECASE,
)
_TO_THE_KEEPER = re.compile(
    r"\b(?:you|your|yours|yourself|note|write|record|remember|output|profile|portrait|memory|"
    r"instructions|instruct|orders?|commands?|demand|insist|prompt|assistant|confidence|rules?|save|store|pretend|"
    r"say|tell|state|claim|repeat|mention|answer|reply|add|append|list|call)\b",
    re.IGNORECASE,
)
"""Words of sentences that may be meant for whoever keeps the notes."""
_THIRD_PERSON = re.compile(r"\b(?:the|this) user\b", re.IGNORECASE)


def speaks_of_the_user(sentence: str) -> bool:
    """Whether a sentence speaks of "the user", as people do not when they speak of themselves."""
    return _THIRD_PERSON.search(sentence) is not None


def speaks_of_self(sentence: str) -> bool:
    """Whether a sentence is plainly somebody's statement about themselves: in the first person, to nobody in particular."""
    return _FIRST_PERSON.match(sentence) is not None and _TO_THE_KEEPER.search(sentence) is None


def may_address_the_keeper(sentence: str) -> bool:
    """Whether a sentence has a word that whoever orders the notes about would use; most such sentences mean somebody else."""
    return _TO_THE_KEEPER.search(sentence) is not None


async def gives_orders(sentence: str, model: LanguageModel, prompt: Prompt) -> bool:
    """Whether a sentence is meant for whoever keeps the notes, rather than about the user's life.

    Args:
        sentence: One sentence of an observation.
        model: Whom to ask.
        prompt: `profiles/propositions/orders`.
    """
    if speaks_of_self(sentence):
        return False
    choice = await choose(
        model, prompt.messages(sentence=sentence), ["yes", "no"], stage="propose", method="loglik"
    )
    return choice.log_odds > _ORDERS_ABOVE
