"""How a conversation is held."""

from typing import Literal

from pydantic import Field

from limner.memory.records import Record

__all__ = ["ConversationOptions"]


class ConversationOptions(Record):
    """What can be chosen about a conversation; the numbers were chosen on development dialogues, see `docs/benchmarks/conversation.md`."""

    ask: Literal["best", "random", "never"] = "best"
    """Which attribute is asked about: the one that splits the remaining candidates best, or any, to compare with; or none ever."""
    show: int = Field(default=3, ge=1, le=50)
    """Items recommended at a time."""
    questions: int = Field(default=3, ge=0)
    """Questions in one conversation, unless the user starts over."""
    in_a_row: int = Field(default=2, ge=0)
    """Questions before something is recommended."""
    sure: float = Field(default=0.3, ge=0, le=1)
    """Estimated probability that what is wanted is among the items shown, from which they are shown without a question first."""
    least_gain: float = Field(default=1.6, ge=0)
    """Bits that an answer must be expected to give, for a question to be asked."""
    record: bool = True
    """Whether turns become observations and the session can be resumed; without, nothing of it is stored."""
    model: bool = True
    """Whether a language model reads what code cannot, and answers questions that are not about items."""
    seed: int = 0
    """Of `ask="random"`."""
