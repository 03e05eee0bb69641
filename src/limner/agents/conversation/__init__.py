"""Conversational recommendation sessions: what the user means by a turn, what is done about it, and what is said.

`Talker` holds conversations over a catalogue, `Session` is one of them; `limner.api` opens them with `User.converse`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.agents.conversation.dialogue import Dialogue
    from limner.agents.conversation.options import ConversationOptions
    from limner.agents.conversation.question import Question
    from limner.agents.conversation.reply import Piece, Reply, Suggested
    from limner.agents.conversation.session import Session
    from limner.agents.conversation.talker import Talker

__all__ = [
    "ConversationOptions",
    "Dialogue",
    "Piece",
    "Question",
    "Reply",
    "Session",
    "Suggested",
    "Talker",
]

_HOMES = {
    "ConversationOptions": "options",
    "Dialogue": "dialogue",
    "Piece": "reply",
    "Question": "question",
    "Reply": "reply",
    "Session": "session",
    "Suggested": "reply",
    "Talker": "talker",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
