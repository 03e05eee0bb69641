"""Whether a stored summary still stands: how much of what it rests on has changed since it was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from limner.errors import NotFound
from limner.memory.records import Changes, Portrait, PortraitLine, Proposition, Standing
from limner.memory.user import UserMemory
from limner.profiles.propositions.portraitist import lines_of

__all__ = ["Since", "mended", "since"]


@dataclass(frozen=True)
class Since:
    """What has changed since a summary was drawn."""

    new: tuple[Proposition, ...]
    """Notes that bear on it and came later; one in the same words as the version it took the place of is not new."""
    gone: tuple[str, ...]
    """Ids of propositions that it cites and that are held no longer: revised, ended, or no longer so."""
    share: float
    """The greater of two shares: of what it cites, that is gone; and of the notes it would be drawn from now, that are new."""
    must: bool
    """Whether it has to be drawn anew whatever the share: something was forgotten from it, or the user has said otherwise."""

    def stands(self, redraw: float) -> bool:
        """Whether the summary is kept, with this setting."""
        return not self.must and self.share <= redraw


def since(user: UserMemory, last: Portrait, notes: Sequence[Proposition]) -> Since:
    """Compare a stored summary with the notes that it would be drawn from now.

    Args:
        user: Whose.
        last: The summary.
        notes: What one would be drawn from now.
    """
    cited = set(last.based_on)
    if (
        not cited or not notes
    ):  # nothing to compare: it stands only where there was nothing and there still is
        return Since(tuple(notes), tuple(sorted(cited)), 0.0, bool(cited or notes))
    held = {p.id: p for p in user.propositions()}
    same = {id for p in held.values() for id in p.supersedes if id in cited and _words(user, id) == p.text}
    successors = {p.id for p in held.values() if same & set(p.supersedes)}
    gone = sorted(cited - held.keys() - same)
    new = tuple(p for p in notes if p.id not in cited | successors and p.recorded_at >= last.drawn_at)
    share = max(len(gone) / len(cited), len(new) / len(notes))
    return Since(new, tuple(gone), share, must=_must(user, last, gone, new))


def _must(user: UserMemory, last: Portrait, gone: Sequence[str], new: Sequence[Proposition]) -> bool:
    erased = any(r.portraits and r.erased_at >= last.drawn_at for r in user.receipts())
    overruled = any(_denied(user, id) for id in gone)
    told = any(p.standing is Standing.CONFIRMED for p in new)
    return erased or overruled or told


def mended(last: Portrait, changed: Since, user: UserMemory) -> Portrait:
    """Return a summary that stands, saying nothing that is held no longer, with what has changed since.

    A sentence of which a part is gone gives way to the notes behind it that are left, word for word; no model is asked.
    """
    held = {p.id: p for p in user.propositions()}
    by_old = {id: p for p in held.values() for id in p.supersedes}
    lines: list[PortraitLine] = []
    for line in last.lines:
        if set(line.propositions).isdisjoint(changed.gone):
            lines.append(line)
        else:
            left = [held.get(id) or by_old.get(id) for id in line.propositions if id not in changed.gone]
            lines += lines_of([p for p in left if p is not None])
    told = Changes(
        new=tuple(p.text for p in changed.new), gone=tuple(_words(user, id) for id in changed.gone)
    )
    return last.model_copy(update={"lines": tuple(lines), "changes": told})


def _words(user: UserMemory, id: str) -> str:
    try:
        return user.proposition(id).text
    except NotFound:
        return ""


def _denied(user: UserMemory, id: str) -> bool:
    """Whether the user has denied it, or it is erased; either way the summary must not go on saying it."""
    try:
        return user.proposition(id).denied_at is not None
    except NotFound:
        return True
