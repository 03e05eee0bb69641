"""Ids of evidence turns, as annotators wrote them."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

__all__ = ["evidence_ids"]

_ID = re.compile(r"D:?([0-9]{1,6}):([0-9]{1,6})")


def evidence_ids(entries: Sequence[str], known: Collection[str], counted: Counter[str]) -> tuple[str, ...]:
    """Return the turns that a question's evidence names, each once, in their order.

    The published file also writes `D:11:26` and `D30:05`, several ids in one entry (`D8:6; D9:17`), a mere `D`, and
    ids of turns that do not exist. What can be read is taken; the rest is counted and left out.

    Args:
        entries: The field `evidence` of a question.
        known: Ids of the turns of its conversation.
        counted: Where oddities are added up.
    """
    found: dict[str, None] = {}
    for entry in entries:
        for name in _read(entry, known, counted):
            if name not in known:
                counted["evidence id that does not exist"] += 1
            elif name in found:
                counted["evidence id given twice"] += 1
            else:
                found[name] = None
    return tuple(found)


def _read(entry: str, known: Collection[str], counted: Counter[str]) -> list[str]:
    if entry in known:
        return [entry]
    names = [f"D{int(session)}:{int(turn)}" for session, turn in _ID.findall(entry)]
    if not names:
        counted["evidence entry that is no id"] += 1
    elif len(names) > 1:
        counted["evidence entry that holds several ids"] += 1
    elif names != [entry]:
        counted["evidence id in another spelling"] += 1
    return names
