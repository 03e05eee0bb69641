"""Pairs of profiles of the same history, of which one serves a recommender better (Wang et al. 2025, §3.3)."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from limner.memory.records import Record
from limner.profiles.lettingo.evaluate import Score
from limner.profiles.lettingo.runs import WrittenProfile

__all__ = ["Pair", "margin_pairs"]

_MOST_USES = 2


class Pair(Record):
    """Two profiles of one user, written from the same history."""

    user: str
    history: str
    """Hash of the history."""
    chosen: str
    """Id of the profile with the lower log-loss."""
    rejected: str
    chosen_text: str
    rejected_text: str
    margin: float
    """How much lower, in nats."""


def margin_pairs(
    scores: Sequence[Score],
    profiles: Sequence[WrittenProfile],
    *,
    margin: float,
    per_user: int,
) -> list[Pair]:
    """Pair profiles whose log-losses lie far enough apart.

    The paper pairs right with wrong by one item. A difference below the margin is noise, and profiles of two histories are
    never paired.

    Args:
        scores: Of one judge.
        profiles: Those that were scored; others, and those that failed, are in no pair.
        margin: Least difference, in nats.
        per_user: Most pairs of one user; the widest are taken first, and no profile is in more than two.

    Returns:
        Pairs in order of users, and the widest first.
    """
    loss = {score.profile: score.loss for score in scores if score.view == "profile" and not score.failed}
    of_user: dict[tuple[str, str], list[WrittenProfile]] = {}
    for one in profiles:
        if one.text is not None and one.id in loss:
            of_user.setdefault((one.user, one.history), []).append(one)
    pairs: list[Pair] = []
    for key in sorted(of_user):
        pairs += _of_one(of_user[key], loss, margin, per_user)
    return pairs


def _of_one(
    own: Sequence[WrittenProfile], loss: dict[str, float], margin: float, per_user: int
) -> list[Pair]:
    candidates = [
        _pair(one, other, loss) if loss[one.id] <= loss[other.id] else _pair(other, one, loss)
        for one, other in combinations(sorted(own, key=lambda profile: profile.id), 2)
        if one.text != other.text
    ]
    uses: Counter[str] = Counter()
    taken: list[Pair] = []
    for pair in sorted(candidates, key=lambda pair: (-pair.margin, pair.chosen, pair.rejected)):
        if pair.margin < margin or len(taken) == per_user:
            break
        if max(uses[pair.chosen], uses[pair.rejected]) < _MOST_USES:
            uses.update((pair.chosen, pair.rejected))
            taken.append(pair)
    return taken


def _pair(better: WrittenProfile, worse: WrittenProfile, loss: dict[str, float]) -> Pair:
    return Pair(
        user=better.user,
        history=better.history,
        chosen=better.id,
        rejected=worse.id,
        chosen_text=better.text or "",
        rejected_text=worse.text or "",
        margin=loss[worse.id] - loss[better.id],
    )
