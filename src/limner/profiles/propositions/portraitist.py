"""The portrait as a list of propositions, the surest first."""

from typing import TYPE_CHECKING, Self

from anyio import to_thread

from limner.memory.records import Portrait, PortraitLine, Proposition
from limner.memory.user import UserMemory

if TYPE_CHECKING:
    from limner.profiles.registry import Means

__all__ = ["PropositionPortraitist", "lines_of"]


class PropositionPortraitist:
    """Draws the propositions that are held, each a line with its confidence and evidence; asks no model."""

    kind = "propositions"

    @classmethod
    def of(cls, means: "Means") -> Self:
        """Return one; the entry point names this."""
        return cls()

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Draw the portrait from what is held now.

        Args:
            user: Whose.
            task: Recorded with the portrait; every proposition is drawn, whatever the task.
        """
        lines = lines_of(await to_thread.run_sync(user.propositions))
        return Portrait(user_id=user.user_id, kind=self.kind, task=task, lines=lines)


def lines_of(propositions: list[Proposition]) -> tuple[PortraitLine, ...]:
    """Return propositions as portrait lines: pinned ones first, then what the user said, then by confidence and evidence."""
    ordered = sorted(
        propositions, key=lambda p: (p.pinned_at is None, -p.standing, -p.confidence, -p.supporting, p.id)
    )
    return tuple(
        PortraitLine(text=p.text, confidence=p.confidence, propositions=(p.id,), evidence=p.evidence)
        for p in ordered
    )
