"""Who asks, and what for: what they say of themselves is a claim, and orders in it are left out."""

import re
from dataclasses import dataclass

from limner.errors import InputError
from limner.profiles.sharing.kinds import gives_orders

__all__ = ["Request", "read_request"]

_CLAIM = re.compile(
    r"\b(?:i am|i['’]m|we are|we['’]re|this is|my name|trust me|honest(?:ly)?|believe me|really|truly|says?|said|claims? (?:to|that|he|she|they)|claiming|alleged\w*|supposed\w*|"
    r"pretend\w*|poses?|posing|apparently|so-called|calls (?:him|her|it|them)self|who calls|by (?:his|her|its|their) own|introduc\w+ (?:him|her|it|them)self|verified|authori[sz]ed|authori[sz]ation|permission|permitted|"
    r"consent\w*|agreed|agrees|allowed|approved|on behalf|acting for|official|certified|urgent\w*|emergency override|"
    r"soy|dice ser|je suis|se dit|ich bin|angeblich|sagt|sono|dice di essere)\b",
    re.IGNORECASE,
)
_PART = re.compile(r"(?<=[.!?;\n])\s+|;\s*|\n+")
_LONGEST = 300
"""Characters of recipient or purpose; a role and a purpose are shorter, and orders are longer."""


@dataclass(frozen=True)
class Request:
    """A request for statements, as it is judged."""

    recipient: str
    purpose: str
    claimed: bool
    """Whether it claims a role, a consent or urgency; such a request gets nothing of a sensitive kind."""
    ordered: bool
    """Whether it held orders; they are left out, and it gets nothing of a sensitive kind either."""

    @property
    def suspect(self) -> bool:
        """Whether what it says of itself must open nothing."""
        return self.claimed or self.ordered


def read_request(recipient: str, purpose: str) -> Request:
    """Read a request as data.

    Raises:
        InputError: Recipient or purpose is empty, or is nothing but orders.
    """
    if not recipient.strip() or not purpose.strip():
        raise InputError("To share something, name the recipient and the purpose.")
    told = [_without_orders(text) for text in (recipient, purpose)]
    if not all(kept for kept, _ in told):
        raise InputError(
            "Recipient or purpose gives orders instead of naming somebody and what they need it for; nothing is shared."
        )
    return Request(
        told[0][0],
        told[1][0],
        claimed=any(_CLAIM.search(text) for text in (recipient, purpose)),
        ordered=any(cut for _, cut in told),
    )


def _without_orders(text: str) -> tuple[str, bool]:
    parts = [part.strip() for part in _PART.split(text.strip()) if part.strip()]
    kept = [part for part in parts if not gives_orders(part)]
    joined = " ".join(kept)
    return joined[:_LONGEST], len(kept) < len(parts) or len(joined) > _LONGEST
