"""What a session remembers: its turns, as plain data that a checkpoint can hold and that erasure can find.

Nothing is kept beside the turns. What the user wants by now is worked out from their acts (`limner.agents.conversation.preferences`), so a
turn that is forgotten is simply not there any more, whatever came after it.
"""

from collections.abc import Collection
from typing import Literal

from limner.agents.conversation.acts import Act
from limner.agents.conversation.question import Question
from limner.memory.records import Record

__all__ = ["Dialogue", "ReplyAct", "Told", "Turn", "Why"]

ReplyAct = Literal["ask", "recommend", "explain", "answer", "control"]
"""What is done with a turn: a question to the user, items, why an item, an answer, or something about the conversation itself."""


class Why(Record):
    """Why an item was recommended."""

    item_id: str
    reason: str
    """In one sentence."""
    sentences: tuple[str, ...]
    """Every reason, one each."""
    evidence: tuple[str, ...] = ()
    """Ids of the observations that they rest on."""


class Told(Record):
    """What was said to a turn."""

    act: ReplyAct
    text: str
    shown: tuple[str, ...] = ()
    """Ids of the items recommended, best first."""
    why: tuple[Why, ...] = ()
    question: Question | None = None
    listed: tuple[str, ...] = ()
    """Ids of the propositions that the text lists by number."""
    evidence: tuple[str, ...] = ()
    """Ids of the observations that the text rests on."""


class Turn(Record):
    """A turn of the user, and what was said to it."""

    number: int
    """From 1."""
    text: str
    observation: str
    """Id of the observation that it is; in a conversation that is not recorded, a name of the turn."""
    read: bool = False
    """Whether it was found out what it means, as far as that goes."""
    acts: tuple[Act, ...] = ()
    unread: str = ""
    """The part of it that nobody understood."""
    language: str | None = None
    """The language that it is in, where that is not English."""
    told: Told | None = None
    """None until it is replied to."""


class Dialogue(Record):
    """One session."""

    session: str
    turns: tuple[Turn, ...] = ()

    @property
    def last(self) -> Turn | None:
        """The newest turn."""
        return self.turns[-1] if self.turns else None

    @property
    def told(self) -> Told | None:
        """What was said last; none where nothing was yet."""
        return next((turn.told for turn in reversed(self.turns) if turn.told is not None), None)

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of everything that was recommended in this session, in order, each once."""
        return tuple(
            dict.fromkeys(i for turn in self.turns if turn.told is not None for i in turn.told.shown)
        )

    @property
    def last_shown(self) -> tuple[str, ...]:
        """Ids of what was recommended last."""
        return next((t.told.shown for t in reversed(self.turns) if t.told is not None and t.told.shown), ())

    def with_last(self, turn: Turn) -> "Dialogue":
        """Return the dialogue with its newest turn replaced by this one."""
        return self.model_copy(update={"turns": (*self.turns[:-1], turn)})

    def plus(self, turn: Turn) -> "Dialogue":
        """Return the dialogue with a turn more."""
        return self.model_copy(update={"turns": (*self.turns, turn)})

    def without(self, observations: Collection[str]) -> "Dialogue":
        """Return the dialogue as it is without what rests on these observations.

        The turns that they are go. Of a reply that quotes one of them only the items shown stay, so that they are not shown again.
        """
        kept = tuple(
            _cleaned(turn, observations) for turn in self.turns if turn.observation not in observations
        )
        return self.model_copy(update={"turns": kept})


def _cleaned(turn: Turn, gone: Collection[str]) -> Turn:
    told = turn.told
    if told is None:
        return turn
    why = tuple(one for one in told.why if not set(one.evidence) & set(gone))
    if len(why) == len(told.why) and not set(told.evidence) & set(gone):
        return turn
    left = Told(act=told.act, text="", shown=told.shown, why=why)
    return turn.model_copy(update={"told": left})
