"""What is gathered while one turn is read: the acts found so far, and which items its words refer to."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from limner.agents.conversation.acts import Act
from limner.agents.conversation.mentions import NamedItems
from limner.agents.conversation.question import Question
from limner.agents.conversation.tokens import Line, Unit
from limner.agents.conversation.vocabulary import Vocabulary

__all__ = ["Hearing", "Rule", "Scene", "apply", "rule"]


@dataclass(frozen=True)
class Scene:
    """What a turn is heard in."""

    shown: tuple[str, ...] = ()
    """Ids of the items in the last recommending reply, in order: "the second one", "that", "it"."""
    discussed: tuple[str, ...] = ()
    """Ids of the items shown or named before that."""
    question: Question | None = None
    """What the last reply asked, if it asked."""
    listed: int = 0
    """How many numbered lines of the profile the last reply listed."""


@dataclass
class Hearing:
    """One turn while it is read."""

    text: str
    scene: Scene
    vocabulary: Vocabulary
    acts: list[tuple[int, Act]] = field(default_factory=list)
    """With where each begins."""
    faint: list[tuple[int, Act]] = field(default_factory=list)
    """Assent and the like: they count where there is nothing else in the turn."""
    titles: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """Items named by their title, with where."""
    examples: tuple[str, ...] = ()
    """Items that something like them was wished for, which a critique is measured by."""

    def quote(self, found: list[Unit]) -> str:
        """Return the words of the turn that some units stand for."""
        while len(found) > 1 and not found[0].is_word:
            found = found[1:]
        while len(found) > 1 and found[-1].word in _LOOSE:
            found = found[:-1]
        return self.text[found[0].start : found[-1].end]

    def add(self, act: type[Act], found: list[Unit], **fields: object) -> None:
        """Keep an act that rests on some units."""
        self.acts.append((found[0].start, act(quote=self.quote(found), **fields)))

    def hint(self, act: type[Act], found: list[Unit], **fields: object) -> None:
        """Keep an act that counts only if the turn holds no other."""
        self.faint.append((found[0].start, act(quote=self.quote(found), **fields)))

    def items(self, line: Line, match: re.Match[str], group: str = "items") -> tuple[str, ...]:
        """Return the ids of the items that a group of a match names or refers to."""
        if match.group(group) is None:
            return ()
        found: dict[str, None] = {}
        for unit in line.within(match.start(group), match.end(group)):
            if isinstance(unit.meaning, NamedItems):
                found |= dict.fromkeys(unit.meaning.ids)
            elif unit.word in _PLURAL:
                found |= dict.fromkeys(self._all(unit))
            elif unit.word in _SINGULAR:
                found |= dict.fromkeys(self._latest(unit))
        return tuple(found)

    def _latest(self, unit: Unit) -> tuple[str, ...]:
        before = [ids for start, ids in self.titles if start < unit.start and ids]
        return before[-1] if before else self.scene.shown[:1]

    def _all(self, unit: Unit) -> tuple[str, ...]:
        before = [item_id for start, ids in self.titles if start < unit.start for item_id in ids]
        return tuple(dict.fromkeys(before)) or self.scene.shown


_LOOSE = frozenset({",", "-", "and", "or", "but", "."})
_PLURAL = frozenset([
    "them",
    "those",
    "these",
    "they",
    "both",
    "all",
    "any",
    "either",
    "none",
    "neither",
    "theyre",
])
_SINGULAR = frozenset(["it", "that", "this", "thats", "its", "the"])

Rule = tuple[re.Pattern[str], Callable[[Hearing, Line, re.Match[str], list[Unit]], bool | None]]
"""A pattern of the written line, and what is done about a match; the units are taken unless it returns False."""


def rule(pattern: str, act: Callable[[Hearing, Line, re.Match[str], list[Unit]], bool | None]) -> Rule:
    """Return a rule for whole units."""
    return re.compile(rf"(?<!\S)(?:{pattern})(?!\S)"), act


def apply(rules: list[Rule], hearing: Hearing, line: Line) -> None:
    """Read what some rules can read of a line."""
    for pattern, act in rules:
        place = 0
        while (match := pattern.search(line.text, place)) is not None:
            found = line.within(match.start(), match.end())
            place = match.end() if match.end() > match.start() else match.end() + 1
            if found and act(hearing, line, match, found) is not False:
                line.take(found)
                place = line.offset(found[-1])
