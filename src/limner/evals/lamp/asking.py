"""The prompt of a LaMP question: the published templates, filled from what a memory found, within a budget."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from limner.evals.asking import prompted
from limner.evals.lamp.files import ProfileItem
from limner.evals.lamp.tasks import Task
from limner.evals.records import Asked, Method, Passage, Question, Role

__all__ = ["Asker", "split_passages"]

Kept = TypeVar("Kept")

CHARACTERS = 4
"""Of a token; what an English text comes to with the tokenizers in use. The budget needs no tokenizer this way."""
INPUT_SHARE = 0.6
"""Of the budget that an input may take before profile items give way no further, as in the published code."""
LEAST = 64
"""Characters of an item below which it says nothing, and rather one item less is shown."""
FRAME = 32
"""Characters of a template around one item, at most."""


def split_passages(
    passages: Sequence[Passage], items: Mapping[str, Kept]
) -> tuple[tuple[str, ...], tuple[Kept, ...]]:
    """Tell items of a history from what a memory wrote itself.

    A passage is an item when it is one turn word for word: it has a role, and the id of that one item.

    Args:
        passages: What the memory gave back.
        items: The history, by id.

    Returns:
        What the memory says in its own words, and the items, each in the order of the memory.
    """
    lines: list[str] = []
    found: list[Kept] = []
    for passage in passages:
        item = items.get(passage.ids[0]) if passage.role is not None and len(passage.ids) == 1 else None
        if item is not None:
            found.append(item)
        elif passage.text.strip():
            lines.append(passage.text.strip())
    return tuple(lines), tuple(found)


@dataclass(frozen=True)
class Asker:
    """Makes the prompts of one task."""

    task: Task
    profiles: Mapping[str, Mapping[str, ProfileItem]]
    """The profile of each history, by item id."""
    method: Method | None
    """How a class is chosen; none for free text."""
    budget: int
    """Tokens of the whole prompt; 0 for no limit."""

    @property
    def prompt(self) -> str:
        """Name of the prompt file."""
        return f"evals/lamp/{self.task.prompt}"

    def __call__(self, question: Question, passages: Sequence[Passage]) -> Asked:
        """Return what is put to the model."""
        text = str(question.details["input"])
        found = split_passages(passages, self.profiles.get(question.history or "", {}))
        ranked = any(passage.score is not None for passage in passages)
        lines, items = self._fitted(*found, taken=len(text), ranked=ranked)
        method = self.method if self.task.kind != "text" else None
        return Asked(
            self._messages(text, lines, items),
            options=self.task.labels if method else (),
            method=method or "constrained",
            neutral=self._messages(self.task.instruction(text), (), ()) if method else (),
            max_tokens=128 if self.task.kind == "text" else 16,
        )

    def _messages(
        self, text: str, lines: Sequence[str], items: Sequence[Mapping[str, str]]
    ) -> tuple[tuple[Role, str], ...]:
        before, title, after = text.partition("title") if self.task.name == "LaMP_1" else (text, "", "")
        parts = {"before": before + title, "after": after} if self.task.name == "LaMP_1" else {"input": text}
        return prompted(self.prompt, known=" ".join(lines), items=items, **parts)

    def _fitted(
        self, lines: Sequence[str], items: Sequence[ProfileItem], taken: int, ranked: bool
    ) -> tuple[list[str], list[dict[str, str]]]:
        """Shorten what was found to the room that the input leaves, each piece getting the same share of it."""
        cut, own = self.task.cut, len(lines)
        pieces = [(line, FRAME) for line in lines]
        for item in items:
            around = sum(len(value) for name, value in item.fields.items() if name != cut)
            pieces.append((item.fields[cut], around + FRAME))
        whole = self.budget * CHARACTERS
        room = whole - min(taken, int(INPUT_SHARE * whole)) if self.budget else sys.maxsize
        kept, texts = _shared(pieces, room, ranked)
        shown = list(zip(kept, texts, strict=True))
        return (
            [text for position, text in shown if position < own],
            [{**items[position - own].fields, cut: text} for position, text in shown if position >= own],
        )


def _shared(pieces: Sequence[tuple[str, int]], room: int, ranked: bool) -> tuple[range, list[str]]:
    """Return which pieces fit, and their texts, shortened.

    As in the published code, every piece has the same share, and what one leaves goes to those after it. Where not
    even `LEAST` characters of each fit, the last pieces go if the memory ranked them, else the first, as a memory
    that does not rank gives the oldest first.

    Args:
        pieces: Text and the length of what stands around it.
        room: In characters.
        ranked: Whether the best come first.
    """
    costs = [min(len(text), LEAST) + around for text, around in pieces]
    first, last, total = 0, len(pieces), sum(costs)
    while first < last and total > room:
        if ranked:
            last -= 1
            total -= costs[last]
        else:
            total -= costs[first]
            first += 1
    if first == last:
        return range(0), []
    share, spare = divmod(room - total, last - first)
    texts = []
    for text, _ in pieces[first:last]:
        allowed = min(len(text), LEAST) + share + spare
        shortened = _cut(text, allowed)
        spare = allowed - max(len(shortened), min(len(text), LEAST))
        texts.append(shortened)
    return range(first, last), texts


def _cut(text: str, length: int) -> str:
    """Shorten to at most so many characters, at a space where there is one."""
    if len(text) <= length:
        return text
    head = text[: length + 1]
    return (head.rsplit(None, 1)[0] if len(head.split()) > 1 else head[:length])[:length].rstrip()
