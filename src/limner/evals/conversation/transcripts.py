"""Whole conversations, to be read."""

from collections.abc import Iterable

from limner.evals.conversation.playing import Played
from limner.profiles.propositions.findings import attribute_keys
from limner.tools import Catalogue, Item

__all__ = ["in_words"]


def in_words(one: Played, catalogue: Catalogue) -> str:
    """Return a conversation line by line, with what was looked for above and how it ended below."""
    lines = [f"=== {one.case} with {one.system}"]
    lines += [f"    looks for: {_told(catalogue.get(target))}" for target in one.targets]
    for number, exchange in enumerate(one.exchanges, start=1):
        lines.append(f"{number}  seeker: {exchange.said}")
        lines += [f"           [read: {act}]" for act in exchange.understood]
        lines += _marked("   system: ", exchange.reply.splitlines())
        marks = [
            f"{'*' if i in one.targets else ''}{catalogue.get(i).title if i in catalogue else i}"
            for i in exchange.shown
        ]
        if marks:
            lines.append(f"           [{len(marks)} shown: {'; '.join(marks)}]")
        if exchange.asked is not None:
            lines.append(f"           [asks for {exchange.asked}]")
    if one.last:
        lines.append(f"   seeker: {one.last}")
    return "\n".join([*lines, f"    {_end(one)}"])


def _marked(mark: str, lines: Iterable[str]) -> list[str]:
    return [f"{mark if place == 0 else ' ' * len(mark)}{line}" for place, line in enumerate(lines)]


def _told(item: Item) -> str:
    values = ", ".join(value for _, value in attribute_keys(item.attributes))
    return f"{item.title} ({values})" if values else item.title


def _end(one: Played) -> str:
    if one.leak is not None:
        return f"void: the seeker gave it away with {one.leak!r}"
    if one.turn is not None:
        return f"found in turn {one.turn}, in place {one.rank}"
    if one.failed is not None:
        return f"failed: {one.failed}"
    if one.taken is not None:
        return f"not found: the seeker took {one.taken}"
    return "not found: the seeker gave up" if one.gave_up else "not found"
