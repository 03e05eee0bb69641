"""What a turn of a conversation means, as far as code can tell: dialogue acts, and the words that are left to a model."""

import re
from dataclasses import dataclass

from limner.agents.conversation.acts import Act, Asked, Critique, Liking, More, Wanted, Words
from limner.agents.conversation.answers import answered
from limner.agents.conversation.hearing import Hearing, Scene, apply
from limner.agents.conversation.lexicon import FUNCTION
from limner.agents.conversation.mentions import NamedItems, place_shown, recognise
from limner.agents.conversation.opinions import OPINIONS, REPLIES
from limner.agents.conversation.quantities import QUANTITIES
from limner.agents.conversation.sayings import CONTROL, COURTESY, MORE
from limner.agents.conversation.tokens import Line, Unit, units
from limner.agents.conversation.vocabulary import Vocabulary
from limner.agents.conversation.wishes import CRITIQUES, DESCRIBED, NEGATED, VALUES
from limner.tools import Catalogue

__all__ = ["Reader", "Reading", "Scene"]

_LONGEST = 70
"""Units that are read together; a longer sentence is cut, so that the time stays in proportion to the text."""
_STOPS = frozenset({".", "!", "?", "\n", ";"})


@dataclass(frozen=True)
class Reading:
    """What a turn means."""

    acts: tuple[Act, ...]
    """In the order of the words."""
    unread: str
    """The words that code could not account for, without function words; empty if all was read."""


class Reader:
    """Reads the turns of a conversation about a catalogue, without a model.

    Args:
        catalogue: Whose titles, values and numbers count; indexed once.
        item_type: What an item is called.
    """

    def __init__(self, catalogue: Catalogue, item_type: str = "item") -> None:
        self._vocabulary = Vocabulary(catalogue)
        self._item_type = item_type

    def read(self, text: str, scene: Scene | None = None) -> Reading:
        """Return what a turn means; any text will do.

        Args:
            text: What the user said.
            scene: What it is heard in; without one, the beginning of a conversation.
        """
        scene = scene or Scene()
        hearing = Hearing(text, scene, self._vocabulary)
        found = recognise(units(text), text, self._vocabulary, self._item_type, scene.shown + scene.discussed)
        hearing.titles = [(u.start, u.meaning.ids) for u in found if isinstance(u.meaning, NamedItems)]
        lines = [Line(sentence) for sentence in _sentences(found)]
        for line in lines:
            self._hear(hearing, line)
        acts = hearing.acts or hearing.faint
        left = [unit for line in lines for unit in line.units if not unit.taken and unit.is_word]
        unread = " ".join(
            text[u.start : u.end] for u in left if u.meaning is not None or u.word not in FUNCTION
        )
        return Reading(tuple(act for _, act in sorted(acts, key=lambda pair: pair[0])), unread)

    def _hear(self, hearing: Hearing, line: Line) -> None:
        scene = hearing.scene
        places = len(scene.shown) or (len(scene.question.options) if scene.question else 0)
        if not scene.listed:
            place_shown(line, scene.shown, places)
        apply(CONTROL, hearing, line)
        answered(hearing, line)
        apply(OPINIONS, hearing, line)
        apply(QUANTITIES, hearing, line)
        apply(NEGATED, hearing, line)
        apply(CRITIQUES, hearing, line)
        if hearing.scene.shown and hearing.scene.question is None:
            apply(REPLIES, hearing, line)
        apply(MORE, hearing, line)
        apply(DESCRIBED, hearing, line)
        apply(VALUES, hearing, line)
        apply(COURTESY, hearing, line)
        _left(hearing, line)


def _sentences(found: list[Unit]) -> list[list[Unit]]:
    sentences: list[list[Unit]] = [[]]
    for unit in found:
        sentences[-1].append(unit)
        if unit.word in _STOPS or len(sentences[-1]) >= _LONGEST:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


_WITH = re.compile(r"^(?:with|about|where|set|featuring|involving|based|without|that|which|who|in which)$")
_OFFERED = frozenset({"anything", "something", "any", "some", "got", "have", "know", "find"})
_OFFER = re.compile(
    r"^(?:hi |hello |hey |so |and |ok |please |, )*(?:(?:have|do|can|could|would|will) you|is there|are there|got|any)"
    r"(?: (?:got|have|know|of|find|think|recommend|suggest|me|give|show|by any chance|perhaps|maybe))* (?:anything|something|any|some|a|an|I|one|ones|good)(?!\S)"
)
_AGAINST = re.compile(
    r"(?<!\S)(?:(?:didnt|did not|dont|do not|couldnt|never|cant) (?:really |even )*(?:like|liked|enjoy|enjoyed|love|stand|get into)|hate|hated|disliked|worst|boring|awful|terrible)(?!\S)"
)
_WISHES = re.compile(
    r"(?<!\S)(?:want|wants|looking|something|anything|need|mood|prefer|recommend|suggest|feel like|id like|would like|any|some|movies?|I)(?!\S)"
)
_QUESTION = re.compile(
    r"^(?:what|who|whom|whose|when|where|why|how|which|is|are|was|were|do|does|did|have|has|can|could|would|will|should)$"
)


def _left(hearing: Hearing, line: Line) -> None:
    """Read what is left of a sentence: a question, titles that stand alone, words of a wish."""
    free = [unit for unit in line.units if not unit.taken and unit.is_word]
    content = [unit for unit in free if unit.meaning is None and unit.word not in FUNCTION]
    here = [act for start, act in hearing.acts if line.units[0].start <= start < line.units[-1].end]
    wishes = any(isinstance(act, Wanted | Critique | Liking | More) for act in here)
    if (
        line.units[-1].word == "?"
        and free
        and not wishes
        and _OFFER.match(" ".join(u.word for u in line.units))
    ):
        found = [unit for unit in free if unit.word in _OFFERED or unit.word in FUNCTION][:2] or free[:1]
        hearing.add(More, found)
        line.take(found)
    elif line.units[-1].word == "?" and free and not wishes and (content or _QUESTION.match(free[0].word)):
        hearing.add(Asked, [free[0], line.units[-1]])
        line.take([*free, line.units[-1]])
        return
    titles = [unit for unit in free if isinstance(unit.meaning, NamedItems) and unit.word == "T"]
    if titles and any(isinstance(act, Critique) for act in here):
        _measured_by(hearing, line, tuple(dict.fromkeys(i for u in titles for i in u.meaning.ids)))  # type: ignore[attr-defined]
        line.take(titles)
    elif titles and len(content) <= 2:
        if ids := tuple(dict.fromkeys(i for unit in titles for i in unit.meaning.ids)):  # type: ignore[attr-defined]
            hearing.add(Liking, [titles[0], titles[-1]], item_ids=ids, liked=not _AGAINST.search(line.text))
        line.take(titles)
    _words(hearing, line)


def _measured_by(hearing: Hearing, line: Line, ids: tuple[str, ...]) -> None:
    """Let the critiques of a sentence be about the items that it names: "Alien is too old"."""
    first, last = line.units[0].start, line.units[-1].end
    hearing.acts = [
        (
            start,
            act.model_copy(update={"than": ids})
            if isinstance(act, Critique) and first <= start < last
            else act,
        )
        for start, act in hearing.acts
    ]


def _words(hearing: Hearing, line: Line) -> None:
    """Keep words of a wish that no attribute covers."""
    run: list[Unit] = []
    here = [act for start, act in hearing.acts if line.units[0].start <= start < line.units[-1].end]
    said = " ".join(unit.word for unit in line.units)
    told = re.search(r"(?<!\S)(?:he|she|they|it|was|were|is|its)(?!\S)", said)
    wishing = any(isinstance(act, Wanted | Critique) for act in here) or (_WISHES.search(said) and not told)
    for unit in [*line.units, None]:
        if (
            unit is not None
            and not unit.taken
            and (unit.is_word or unit.word in {"-", "'", "/"})
            and unit.meaning is None
        ):
            run.append(unit)
            continue
        start = next((place for place, u in enumerate(run) if _begins(u, line)), None)
        if start is not None and wishing:
            phrase = run[start:]
            if any(u.word not in FUNCTION for u in phrase):
                hearing.add(Words, phrase)
                line.take(phrase)
        run = []


def _begins(unit: Unit, line: Line) -> bool:
    """Whether a word begins what an item shall be like: "that makes me laugh" does behind "films", and elsewhere not."""
    if unit.word not in _RELATIVE:
        return _WITH.match(unit.word) is not None
    place = next(number for number, other in enumerate(line.units) if other is unit)
    return place > 0 and line.units[place - 1].word in _RELATED


_RELATIVE = frozenset({"that", "which", "who"})
_RELATED = frozenset({"I", "V", "something", "anything", "one", "ones"})
